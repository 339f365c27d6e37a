//! A bonding group that we call as, and send over.
//!
//! ```text
//!  one stream ──▶ Replay ──┬──▶ leg 1 ── losses, ACKs, pacing ──▶ one listener's group
//!                (counts)  ├──▶ leg 2 ── losses, ACKs, pacing ──▶
//!                          └──▶ leg 3 (standby: keepalives) ────▶
//! ```
//!
//! All legs count with the same sequence and message numbers. In a broadcast group every leg
//! that is up carries every packet, from the moment on at which it came up; where nothing is
//! given up as too late, also what no leg has brought by then. In a backup group [`choice`]
//! says which carry the stream, by what [`Activity`] they show.

mod activity;
mod call;
mod choice;
mod figures;
mod leg;
mod redial;
mod replay;

pub(crate) use activity::{Activity, Patience};
pub use call::{GroupCall, LegCall};
pub(crate) use choice::{Candidate, is_redundant, keeper, to_activate};
pub(crate) use leg::{OutgoingLeg, Place};
use replay::Gone;
pub(crate) use replay::{Held, Replay};

use crate::config::ConnectionConfig;
use crate::connection::{Intervals, SocketClock, give_up_after};
use crate::crypto::SessionKeys;
use crate::event::ConnectionId;
use crate::group::{GroupKind, LegEnd};
use crate::handshake::{Negotiated, StreamId};
use crate::reject::RejectReason;
use crate::room::Room;
use crate::send::HEADER_BYTES;
use crate::statistics::{Counters, Statistics};
use crate::wire::{GroupExtension, MessageNumber};
use tidegate_units::{Duration, Instant};

/// How long a group that has ended can still be asked about.
const LINGER: Duration = Duration::from_secs(3);

/// What every leg is called with.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) stream_id: StreamId,
    pub(crate) keys: Option<SessionKeys>,
    pub(crate) connection: ConnectionConfig,
    pub(crate) timeout: Duration,
}

/// How far a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No leg has been answered yet.
    Calling,
    /// At least one leg is up.
    Open,
    /// We are closing it: what the legs have is still delivered.
    Closing,
    /// Its last leg is gone.
    Over { until: Instant },
}

/// A bonding group that we call as.
///
/// ```text
///  Calling ── a leg answered ──▶ Open ── last leg gone ─────────▶ Over ── lingered ──▶ forgotten
///   │   └──── close() ────────────┴──▶ Closing ── last leg gone ──▲
///   └── every leg refused ──▶ forgotten
/// ```
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) kind: GroupKind,
    pub(crate) stage: Stage,
    pub(crate) template: Template,
    /// All legs' timestamps are read from this one.
    pub(crate) clock: SocketClock,
    pub(crate) legs: Vec<OutgoingLeg>,
    pub(crate) replay: Replay,
    /// What the first leg agreed on.
    negotiated: Option<Negotiated>,
    number: u32,
    /// The group's number at the peer.
    peers_number: Option<u32>,
    min_stability: Duration,
    first: u64,
    last_media: Option<Instant>,
    created: Instant,
    own: Counters,
    /// What legs that are gone have counted.
    gone: Counters,
    intervals: Intervals,
}

impl Outgoing {
    /// A group whose legs are to be called; `first` is the index of the first packet.
    pub(crate) fn new(
        now: Instant,
        call: GroupCall,
        number: u32,
        first: u64,
        stream_id: StreamId,
    ) -> Self {
        let caller = call.caller;
        let connection = caller.connection;
        Self {
            kind: call.kind,
            stage: Stage::Calling,
            clock: SocketClock::new(now, connection.first_timestamp_micros),
            legs: call
                .legs
                .into_iter()
                .map(|leg| OutgoingLeg::new(now, leg))
                .collect(),
            replay: Replay::new(first, Room::fixed(0), None),
            template: Template {
                stream_id,
                keys: caller.keys,
                connection,
                timeout: caller.connect_timeout,
            },
            negotiated: None,
            number,
            peers_number: None,
            min_stability: call.min_stability,
            first,
            last_media: None,
            created: now,
            own: Counters::default(),
            gone: Counters::default(),
            intervals: Intervals::new(now, Counters::default()),
        }
    }

    /// What a leg asks for.
    pub(crate) const fn extension(&self, weight: u16) -> GroupExtension {
        GroupExtension {
            group: self.number,
            kind: self.kind.code(),
            // libsrt knows one flag, and refuses it.
            flags: 0,
            weight,
        }
    }

    /// What was agreed on with the first leg, once there is one.
    pub(crate) const fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// Whether an answer belongs to the peer's same group as those of the other legs.
    pub(crate) fn is_mirrored_by(&self, theirs: Option<u32>) -> bool {
        theirs.is_some() && self.peers_number.is_none_or(|known| Some(known) == theirs)
    }

    /// A leg was answered; true if it is the first.
    pub(crate) fn open(&mut self, now: Instant, id: ConnectionId, negotiated: &Negotiated) -> bool {
        let activity = match self.kind {
            GroupKind::Broadcast => Activity::Stable,
            GroupKind::Backup => Activity::Standby { rests: true },
        };
        if let Some(leg) = self.leg_mut(id) {
            leg.open(now, id, activity);
        }
        if self.stage != Stage::Calling {
            return false;
        }
        self.stage = Stage::Open;
        self.peers_number = negotiated.group;
        let config = &self.template.connection;
        let capacity = config.send_capacity_packets(negotiated.send_latency) as usize;
        let keep_for = give_up_after(config, negotiated);
        let room = match config.send_buffer_packets {
            Some(_) => Room::fixed(capacity),
            None => Room::growing(now, capacity, keep_for.unwrap_or(negotiated.send_latency)),
        };
        self.replay = Replay::new(self.first, room, keep_for);
        self.negotiated = Some(negotiated.clone());
        true
    }

    pub(crate) fn leg_mut(&mut self, id: ConnectionId) -> Option<&mut OutgoingLeg> {
        self.legs.iter_mut().find(|leg| leg.is(id))
    }

    /// Nobody is up or being called.
    pub(crate) fn is_deserted(&self) -> bool {
        let waits = |leg: &OutgoingLeg| matches!(leg.place, Place::Waiting(_));
        self.legs.iter().all(waits)
    }

    pub(crate) fn open_legs(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.legs.iter().filter_map(OutgoingLeg::open_as)
    }

    /// Why no leg could be made: the reason that says most.
    pub(crate) fn refusal(&self) -> RejectReason {
        let reasons = self.legs.iter().filter_map(|leg| match leg.ended {
            Some(LegEnd::Refused(reason)) => Some(reason),
            _ => None,
        });
        let silence = RejectReason::Timeout;
        // A listener for one caller has no room for a second leg, whatever it says to the first.
        let full = RejectReason::Backlog.code();
        let vague = |reason: &RejectReason| (*reason == silence, reason.code() == full);
        reasons.min_by_key(vague).unwrap_or(silence)
    }

    /// The message number of the packet with this index: the same on every leg.
    pub(crate) fn message_index(&self, index: u64) -> u64 {
        let first = self.template.connection.first_message;
        let first = first.map_or(0, |first: MessageNumber| u64::from(first.value() - 1));
        first + (index - self.first)
    }

    /// Takes a payload, whoever carries it.
    pub(crate) fn take(&mut self, now: Instant, held: Held) -> u64 {
        self.own.packets_sent_unique += 1;
        self.own.bytes_sent_unique += held.payload.len() as u64 + HEADER_BYTES;
        self.last_media = Some(now);
        let index = self.replay.next();
        self.replay.push(held);
        index
    }

    /// A leg carried everything from the one index on, and the peer has what is before the other.
    pub(crate) fn on_acknowledged(&mut self, from: u64, to: u64) {
        let gone = self.replay.on_acknowledged(from, to);
        self.own.bytes_acknowledged += gone.payload_bytes;
    }

    pub(crate) fn drop_late(&mut self, now: Instant) {
        let gone = self.replay.drop_late(now);
        self.on_dropped(gone);
    }

    /// No leg carries anything before this packet.
    pub(crate) fn drop_before(&mut self, index: u64) {
        let gone = self.replay.release_before(index);
        self.on_dropped(gone);
    }

    const fn on_dropped(&mut self, gone: Gone) {
        self.own.packets_send_dropped += gone.packets;
        self.own.bytes_send_dropped += gone.payload_bytes + gone.packets * HEADER_BYTES;
    }

    /// A leg is gone, with these figures.
    pub(crate) fn fail(
        &mut self,
        now: Instant,
        id: ConnectionId,
        ended: LegEnd,
        figures: Option<Statistics>,
        random: u32,
    ) {
        if let Some(figures) = &figures {
            self.gone = self.gone.plus(&figures.total);
        }
        if let Some(leg) = self.leg_mut(id) {
            leg.fail(now, ended, random);
            leg.last = figures.or(leg.last.take());
        }
    }

    pub(crate) fn end(&mut self, now: Instant) {
        self.stage = Stage::Over {
            until: now + LINGER,
        };
    }

    pub(crate) fn is_forgettable(&self, now: Instant) -> bool {
        matches!(self.stage, Stage::Over { until } if until <= now)
    }

    /// How legs are judged.
    pub(crate) fn patience(&self) -> Patience {
        let negotiated = self.negotiated.as_ref();
        Patience {
            min_stability: self.min_stability,
            latency: negotiated.map_or(Duration::ZERO, |it| it.send_latency),
        }
    }

    /// The legs to choose from in a backup group.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Candidate> + '_ {
        let legs = self.legs.iter().enumerate();
        legs.filter(|(_, leg)| leg.open_as().is_some())
            .map(|(place, leg)| Candidate {
                place,
                weight: leg.call.weight,
                activity: leg.activity,
            })
    }

    /// When something has to be done by itself, but for judging legs.
    pub(crate) fn wake_at(&self) -> Instant {
        if let Stage::Over { until } = self.stage {
            return until;
        }
        let pauses = self.legs.iter().filter_map(|leg| match leg.place {
            Place::Waiting(until) if self.stage == Stage::Open => Some(until),
            _ => None,
        });
        let late = self.replay.late_at();
        pauses.chain(late).min().unwrap_or(Instant::FAR_FUTURE)
    }
}

#[cfg(test)]
mod tests {
    use super::{LegEnd, Outgoing};
    use crate::config::CallerConfig;
    use crate::group::{GroupCall, GroupKind, LegCall};
    use crate::handshake::StreamId;
    use crate::reject::RejectReason;
    use tidegate_units::Instant;

    #[test]
    fn the_refusal_that_says_most_stands_for_all() {
        let remote = ([192, 0, 2, 1], 9000).into();
        let (weight, way) = (0, 0);
        let leg = LegCall {
            remote,
            weight,
            way,
        };
        let call = GroupCall::new(GroupKind::Backup, vec![leg; 3], CallerConfig::default());
        let mut group = Outgoing::new(Instant::ZERO, call, 1, 0, StreamId::new(b""));
        let full = RejectReason::Peer(RejectReason::Backlog.code());
        let mut refusal = |reasons: [RejectReason; 3]| {
            for (leg, reason) in group.legs.iter_mut().zip(reasons) {
                leg.ended = Some(LegEnd::Refused(reason));
            }
            group.refusal()
        };
        let (silent, no_group) = (RejectReason::Timeout, RejectReason::Group);
        assert_eq!(refusal([silent, full, no_group]), no_group);
        assert_eq!(refusal([no_group, full, silent]), no_group);
        assert_eq!(refusal([silent, full, silent]), full);
        assert_eq!(refusal([silent; 3]), silent);
    }
}
