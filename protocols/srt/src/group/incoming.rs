use super::clock::GroupClock;
use super::figures;
use super::merge::{Merge, Merged};
use super::news::News;
use super::status::{GroupRequest, LegEnd, LegState, LegStatus};
use crate::connection::Intervals;
use crate::event::{CloseReason, ConnectionId};
use crate::handshake::{Negotiated, StreamId};
use crate::recv::{ReceiveBuffer, Received};
use crate::room::Room;
use crate::send::HEADER_BYTES;
use crate::statistics::{Counters, Statistics};
use core::net::SocketAddr;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant, NetworkSet};

/// Legs of one group at the most.
pub const MAX_LEGS: usize = 8;
/// Groups of one endpoint at the most.
pub const MAX_GROUPS: usize = 4096;
/// A leg over which no media came for so long is idle.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// A leg over which not even keepalives came for so long, which are due every second.
pub(crate) const SILENT_AFTER: Duration = Duration::from_millis(2500);
/// How long a group that has ended can still be asked about.
const LINGER: Duration = Duration::from_secs(3);

/// What a group is made from.
pub(crate) struct Founding {
    pub(crate) request: GroupRequest,
    pub(crate) negotiated: Negotiated,
    pub(crate) room: Room,
    pub(crate) too_late_drop: bool,
    /// The index of the first packet.
    pub(crate) first: u64,
}

/// A group that a peer sends to us over.
///
/// ```text
///  first leg ──▶ Open ── last leg gone ──▶ Over ── lingered ──▶ forgotten
///                │  ▲
///                └──┘ legs come and go
/// ```
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) negotiated: Negotiated,
    /// We are closing it: how the legs end says nothing more.
    pub(crate) closing: bool,
    pub(crate) request: GroupRequest,
    merge: Merge,
    clock: GroupClock,
    /// The oldest first.
    legs: Vec<Leg>,
    lost: VecDeque<LegStatus>,
    created: Instant,
    own: Counters,
    /// What legs that are gone have counted.
    gone: Counters,
    intervals: Intervals,
    forget_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Leg {
    id: ConnectionId,
    peer: SocketAddr,
    weight: u16,
    joined: Instant,
    last_media: Option<Instant>,
    /// Its latest packet had a number that was not believed.
    strays: bool,
}

impl Leg {
    fn is_active(&self, now: Instant) -> bool {
        let is_fresh = |at: Instant| now.saturating_since(at) < IDLE_AFTER;
        self.last_media.is_some_and(is_fresh)
    }
}

impl Group {
    /// A group whose first leg sees the peer's clock at `offset_micros`.
    pub(crate) fn found(
        now: Instant,
        made: Founding,
        leader: ConnectionId,
        offset_micros: i64,
    ) -> Self {
        let latency = made.negotiated.receive_latency;
        Self {
            merge: Merge::new(made.first, made.room, latency, made.too_late_drop),
            negotiated: made.negotiated,
            closing: false,
            request: made.request,
            clock: GroupClock::new(leader, offset_micros),
            legs: Vec::with_capacity(MAX_LEGS),
            lost: VecDeque::new(),
            created: now,
            own: Counters::default(),
            gone: Counters::default(),
            intervals: Intervals::new(now, Counters::default()),
            forget_at: None,
        }
    }

    /// Whether a request is for this group. Stream ID and number are the caller's word; the
    /// passphrase has been proved by whoever let the request in.
    pub(crate) fn is_for(&self, request: &GroupRequest, stream_id: &StreamId) -> bool {
        !self.closing
            && self.forget_at.is_none()
            && self.request.id == request.id
            && self.request.kind == request.kind
            && self.negotiated.stream_id == *stream_id
    }

    pub(crate) fn has_room(&self) -> bool {
        self.legs.len() < MAX_LEGS
    }

    pub(crate) fn add(&mut self, now: Instant, id: ConnectionId, peer: SocketAddr, weight: u16) {
        self.legs.push(Leg {
            id,
            peer,
            weight,
            joined: now,
            last_media: None,
            strays: false,
        });
        // It stands in for the lost one that it looks most like.
        let likeness = |lost: &LegStatus| {
            let (address, weight) = (lost.peer.ip() == peer.ip(), lost.weight == weight);
            (address && weight, address, weight)
        };
        let most_like = (0..self.lost.len()).max_by_key(|at| likeness(&self.lost[*at]));
        most_like.map(|at| self.lost.remove(at));
    }

    /// A leg has ended, with these figures; true if it was the last.
    pub(crate) fn remove(
        &mut self,
        now: Instant,
        id: ConnectionId,
        reason: CloseReason,
        figures: Statistics,
    ) -> bool {
        if let Some(at) = self.legs.iter().position(|leg| leg.id == id) {
            let leg = self.legs.remove(at);
            self.gone = self.gone.plus(&figures.total);
            if self.lost.len() + self.legs.len() >= MAX_LEGS {
                self.lost.pop_front();
            }
            self.lost.push_back(LegStatus {
                peer: leg.peer,
                state: LegState::Down,
                weight: leg.weight,
                since: now,
                ended: Some(LegEnd::Closed(reason)),
                statistics: figures,
            });
        }
        if !self.legs.is_empty() || self.forget_at.is_some() {
            return false;
        }
        let lost = self.merge.flush(now);
        self.on_dropped(lost);
        self.forget_at = Some(now + LINGER);
        true
    }

    pub(crate) fn legs(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.legs.iter().map(|leg| leg.id)
    }

    /// The leg that is to lead the clock from now on, if another is better at it than the one
    /// that does: an idle leg measures nothing.
    pub(crate) fn next_leader(&self, now: Instant) -> Option<ConnectionId> {
        let leader = self.clock.leader();
        let leads = self.legs.iter().find(|leg| leg.id == leader);
        if leads.is_some_and(|leg| leg.is_active(now)) {
            return None;
        }
        let active = self.legs.iter().find(|leg| leg.is_active(now));
        let first = || self.legs.first().filter(|_| leads.is_none());
        active.or_else(first).map(|leg| leg.id)
    }

    /// Those of the legs that come from `networks`.
    pub(crate) fn legs_from<'a>(
        &'a self,
        networks: &'a NetworkSet,
    ) -> impl Iterator<Item = ConnectionId> + 'a {
        let is_meant = |leg: &&Leg| networks.contains(leg.peer.ip());
        self.legs.iter().filter(is_meant).map(|leg| leg.id)
    }

    pub(crate) const fn clock(&mut self) -> &mut GroupClock {
        &mut self.clock
    }

    /// Where the stream is, and what of it waits behind a gap.
    pub(crate) const fn buffer(&self) -> &ReceiveBuffer {
        self.merge.buffer()
    }

    /// What changed since this was last asked for, in lists to be given back.
    pub(crate) fn take_news(&mut self) -> News {
        self.merge.take_news()
    }

    /// Gives the lists back, so that they need not be allocated again.
    pub(crate) fn give_back(&mut self, lists: News) {
        self.merge.give_back(lists);
    }

    /// Takes what a leg received.
    pub(crate) fn take(&mut self, now: Instant, leg: ConnectionId, packet: Received) {
        let bytes = packet.payload.len() as u64 + HEADER_BYTES;
        let merged = if self.merge.is_beyond(packet.sequence) && self.is_contradicted(now, leg) {
            Merged::OutOfRange
        } else {
            self.merge.take(now, packet)
        };
        if let Some(leg) = self.legs.iter_mut().find(|known| known.id == leg) {
            leg.strays = merged == Merged::OutOfRange;
            if !leg.strays {
                leg.last_media = Some(now);
            }
        }
        match merged {
            Merged::Fresh { missing, dropped } => {
                self.own.packets_received_unique += 1;
                self.own.bytes_received_unique += bytes;
                self.own.packets_lost += missing;
                self.own.bytes_lost += missing * bytes;
                self.on_dropped(dropped);
            }
            Merged::Duplicate => self.own.packets_duplicate += 1,
            Merged::Belated => self.own.packets_belated += 1,
            Merged::NoRoom => self.own.packets_no_room += 1,
            Merged::OutOfRange => self.own.control_ignored += 1,
        }
    }

    /// Whether another leg carries the stream, which is not where this leg would have it.
    fn is_contradicted(&self, now: Instant, leg: ConnectionId) -> bool {
        let mut others = self.legs.iter().filter(|other| other.id != leg);
        others.any(|other| other.is_active(now) && !other.strays)
    }

    pub(crate) fn drop_late(&mut self, now: Instant) {
        let lost = self.merge.drop_late(now);
        self.on_dropped(lost);
    }

    const fn on_dropped(&mut self, packets: u64) {
        let average = match self.own.packets_received_unique {
            0 => 0,
            received => self.own.bytes_received_unique / received,
        };
        self.own.packets_dropped += packets;
        self.own.bytes_dropped += packets * average;
    }

    pub(crate) fn pop(&mut self) -> Option<Received> {
        self.merge.pop()
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.merge.has_ready()
    }

    pub(crate) fn wake_at(&self) -> Instant {
        let end = self.forget_at.into_iter().chain(self.merge.skip_due_at());
        end.min().unwrap_or(Instant::FAR_FUTURE)
    }

    pub(crate) fn is_forgettable(&self, now: Instant) -> bool {
        self.forget_at.is_some_and(|at| at <= now)
    }

    /// The legs with their own figures, lost ones last; `figures` gives those of a leg.
    pub(crate) fn status(
        &self,
        now: Instant,
        mut figures: impl FnMut(ConnectionId) -> Option<Statistics>,
    ) -> Vec<LegStatus> {
        let present = self.legs.iter().filter_map(|leg| {
            let statistics = figures(leg.id)?;
            let state = if statistics.silent_for > SILENT_AFTER {
                LegState::Silent
            } else if leg.is_active(now) {
                LegState::Active
            } else {
                LegState::Idle
            };
            Some(LegStatus {
                peer: leg.peer,
                state,
                weight: leg.weight,
                since: leg.joined,
                ended: None,
                statistics,
            })
        });
        present.chain(self.lost.iter().cloned()).collect()
    }

    /// The figures of the stream: what the legs did together, with loss, duplicates and
    /// play-out as they are after merging.
    pub(crate) fn statistics(&mut self, now: Instant, legs: &[LegStatus]) -> Statistics {
        let summed = figures::summed(self.gone, legs);
        let own = self.own;
        let total = Counters {
            packets_received_unique: own.packets_received_unique,
            bytes_received_unique: own.bytes_received_unique,
            packets_lost: own.packets_lost,
            bytes_lost: own.bytes_lost,
            packets_dropped: own.packets_dropped,
            bytes_dropped: own.bytes_dropped,
            packets_belated: summed.packets_belated + own.packets_belated,
            packets_duplicate: summed.packets_duplicate + own.packets_duplicate,
            packets_no_room: summed.packets_no_room + own.packets_no_room,
            control_ignored: summed.control_ignored + own.control_ignored,
            ..summed
        };
        let interval = self.intervals.last(now, &total);
        let (packets, bytes, span, room) = self.merge.level(now);
        let mut instant = figures::instant(legs);
        instant.receive_buffer_packets = packets;
        instant.receive_buffer_bytes = bytes;
        instant.receive_buffer_time = span;
        instant.receive_buffer_available_bytes = room * instant.segment_bytes;
        instant.receive_latency = self.merge.latency();
        figures::of_stream(now, self.created, total, interval, instant, legs)
    }
}
