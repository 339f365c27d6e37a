//! The one place a source has for a publisher, the one beside it, and when they change hands.
//!
//! ```text
//!             nobody lives here                         reject: refused
//!  entrant ──┬──────────────────▶ live ◀──────────┐   ┌────────────────
//!            │ somebody does                      │   │
//!            └─▶ by the policy ──┬────────────────│───┘
//!                                └─▶ beside ──────┘ take over: its first packet came
//!                                    (not fed)      stand by: live is silent, or gone
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate_engine::{Paths, Ticket};
use tidegate_srt::{GROUP_LEGS_MAX, GroupRequest};
use tidegate_srt_io::{Clock, ConnectionHandle, ConnectionState, ConnectionStatus};
use tidegate_units::{Instant, NetworkSet};

use crate::figures::Watch;
use crate::flapping::{Latch, Takeover};
use crate::legs::{self, LegPlace};
use crate::links::Shares;
use crate::listening::{Caller, Candidate};
use crate::lock::Asked;
use crate::passphrases::Passphrase;
use crate::settings::SecondPublisher;
use crate::sink::{Gate, LastPacket};

/// A session silent for so long may be replaced: its encoder was probably killed.
const TAKEOVER_SILENCE: Duration = Duration::from_millis(700);
/// Media that still arrives this long after a second publisher came proves the first alive.
const PROOF_OF_LIFE: Duration = Duration::from_millis(100);
/// How long a second publisher is kept waiting for the verdict; it repeats itself meanwhile.
const TAKEOVER_WAIT_MAX: Duration = Duration::from_millis(1500);
/// Whose last packet is no older than this was certainly sending when it was replaced.
const LIVELY: Duration = Duration::from_millis(200);

/// A publisher's connection.
pub(crate) struct Session {
    pub(crate) handle: ConnectionHandle,
    pub(crate) peer: SocketAddr,
    pub(crate) caller: Arc<Caller>,
    /// Its place among the listener's connections. Every leg of a group has its own instead.
    pub(crate) _ticket: Option<Ticket>,
    pub(crate) legs: Vec<LegPlace>,
    /// What it came in with.
    pub(crate) passphrase: Option<Passphrase>,
    pub(crate) since: SystemTime,
    /// Where it is handed the feed.
    pub(crate) gate: Gate,
    pub(crate) last_packet: LastPacket,
    /// Packets at the last look: what is held back by a gap counts as life, too.
    pub(crate) packets_seen: u64,
    pub(crate) announced: bool,
    pub(crate) watch: Watch,
    pub(crate) shares: Shares,
}

impl Session {
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.handle.status().state, ConnectionState::Ended(_))
    }

    /// Takes note of packets that cannot be delivered yet.
    pub(crate) fn note_life(&mut self, status: &ConnectionStatus) {
        if let Some(statistics) = &status.statistics {
            let received = statistics.total.packets_received;
            if std::mem::replace(&mut self.packets_seen, received) != received {
                self.last_packet.note(statistics.at - statistics.silent_for);
            }
        }
    }

    /// Where it comes from: each leg of a bonding group from somewhere else.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        match self.caller.group {
            Some(_) => legs::addresses(&self.handle.status()),
            None => vec![self.peer.ip()],
        }
    }

    /// Ends what of it comes from banned addresses: legs of a bonding group, and the group
    /// with the last of them, or the connection.
    pub(crate) fn send_away(&self, banned: &Arc<NetworkSet>) {
        if self.caller.group.is_some() {
            return self.handle.close_legs(banned);
        }
        let links = &self.handle.status().links;
        let over_one = links.iter().any(|link| banned.contains(link.address.ip()));
        if over_one || banned.contains(self.peer.ip()) {
            self.handle.close();
        }
    }

    /// Whether its bonding group can have no further leg.
    pub(crate) fn has_all_legs(&self) -> bool {
        let living = self.legs.iter().filter(|place| !place.leg.is_over());
        living.count() >= GROUP_LEGS_MAX
    }

    /// Lets the places go of legs that are over.
    pub(crate) fn note_legs(&mut self) {
        self.legs.retain(|place| !place.leg.is_over());
    }

    /// How many legs of a bonding group work.
    pub(crate) fn leg_paths(&self, status: &ConnectionStatus) -> Option<Paths> {
        legs::paths(status, self.caller.group?.kind)
    }

    /// Whether a caller wants to be a leg of this session's bonding group. It has shown the
    /// same passphrase, which may have got another label since, and says the group's random number and the same stream ID.
    fn has_leg(&self, candidate: &Candidate) -> bool {
        let caller = &candidate.caller;
        let same = |asked: GroupRequest| {
            self.caller
                .group
                .is_some_and(|ours| ours.id == asked.id && ours.kind == asked.kind)
        };
        let has_shown_ours = match (&self.passphrase, &candidate.passphrase) {
            (Some(ours), Some(shown)) => ours.is_same_but_for_label(shown),
            (ours, shown) => ours.is_none() && shown.is_none(),
        };
        caller.group.is_some_and(same)
            && self.caller.stream_id == caller.stream_id
            && has_shown_ours
            && !self.has_ended()
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.last_packet.silent_for(now) >= TAKEOVER_SILENCE
    }

    fn sends(&self, now: Instant) -> bool {
        self.last_packet.came() && !self.is_silent(now)
    }
}

/// Where the publishers of a source are.
#[derive(Default)]
pub(crate) struct Place {
    pub(crate) policy: SecondPublisher,
    /// What was asked of callers when it was looked at last.
    asked: Option<Arc<Asked>>,
    /// The publisher of the moment.
    pub(crate) live: Option<Session>,
    /// The one that would take over, or stands by.
    pub(crate) beside: Option<Session>,
    pub(crate) latch: Latch,
    /// Takeovers of a living publisher's place since the source was started.
    pub(crate) takeovers: u64,
    /// The source is going: nobody comes in any more.
    pub(crate) closed: bool,
}

/// What somebody meets who wants to publish.
pub(crate) enum Verdict {
    Free,
    /// Somebody is live, and there is room beside.
    Beside,
    Taken(Holder),
    Unclear,
    Closed,
}

/// Who has what an entrant wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    Publisher(SocketAddr),
    Standby(SocketAddr),
}

/// The one beside has become the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) takeover: Takeover,
    pub(crate) why: Why,
    /// It was one takeover too many.
    pub(crate) latched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The second publisher's media came, and the policy is to take over.
    TookOver,
    /// The first one fell silent.
    Silent,
    /// The first one left.
    Left,
}

impl Place {
    pub(crate) fn new(asked: Arc<Asked>) -> Self {
        Self {
            policy: asked.rules.second_publisher,
            asked: Some(asked),
            ..Self::default()
        }
    }

    /// Goes by what is asked of callers now; whether that is something else. Who changes it
    /// has looked at what went on, so takeovers are counted anew. Who was let in beside the
    /// publisher under another policy goes, unless it can stand by.
    pub(crate) fn adopt(&mut self, asked: Arc<Asked>) -> bool {
        if self
            .asked
            .as_ref()
            .is_some_and(|old| Arc::ptr_eq(old, &asked))
        {
            return false;
        }
        let policy = asked.rules.second_publisher;
        let before = std::mem::replace(&mut self.policy, policy);
        if before != policy && policy != SecondPublisher::StandBy {
            let beside = self.beside.take();
            beside.iter().for_each(|beside| beside.handle.close());
        }
        self.asked = Some(asked);
        self.latch = Latch::default();
        true
    }

    /// The publisher here already of whom a caller wants to be one more leg.
    pub(crate) fn group_of(&mut self, candidate: &Candidate) -> Option<&mut Session> {
        let closed = self.closed;
        let mut sessions = self.sessions_mut();
        sessions.find(|session| !closed && session.has_leg(candidate))
    }

    /// The publisher, and the one beside it.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.live.iter().chain(&self.beside)
    }

    pub(crate) fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.live.iter_mut().chain(&mut self.beside)
    }

    /// What somebody meets who came at `asked` and wants to publish. Only who has proved
    /// something may have the place of somebody who lives.
    pub(crate) fn judge(&mut self, asked: Instant, has_proved: bool) -> Verdict {
        let now = Clock::start().now();
        if self.closed {
            return Verdict::Closed;
        }
        let Some(live) = self.live.as_ref().filter(|live| !live.has_ended()) else {
            // Whoever is beside steps in first.
            let beside = self.beside.as_ref().is_some_and(|s| !s.has_ended());
            return if beside {
                Verdict::Unclear
            } else {
                Verdict::Free
            };
        };
        if live.is_silent(now) && !self.beside.as_ref().is_some_and(|s| s.sends(now)) {
            return Verdict::Free;
        }
        let peer = live.peer;
        match self.policy {
            SecondPublisher::StandBy => self.judge_beside(now),
            SecondPublisher::TakeOver if has_proved && !self.latch.is_latched() => {
                self.judge_beside(now)
            }
            _ => {
                let lively = live.last_packet.at() > asked + PROOF_OF_LIFE;
                let waited = now.saturating_since(asked) >= TAKEOVER_WAIT_MAX;
                if !lively && !waited {
                    return Verdict::Unclear;
                }
                if self.policy == SecondPublisher::TakeOver && has_proved {
                    self.latch.attempt(now);
                }
                Verdict::Taken(Holder::Publisher(peer))
            }
        }
    }

    fn judge_beside(&self, now: Instant) -> Verdict {
        let holder = self.beside.as_ref().filter(|beside| !beside.has_ended());
        match holder {
            // One that has just come has not had the time to send.
            Some(beside) if !beside.is_silent(now) => Verdict::Taken(Holder::Standby(beside.peer)),
            _ => Verdict::Beside,
        }
    }

    /// Lets the one beside step in if it is its turn; whoever it replaced is handed out, to be
    /// sent away.
    pub(crate) fn settle(&mut self, now: Instant) -> Option<(Change, Option<Session>)> {
        if self.beside.as_ref().is_some_and(Session::has_ended) {
            self.beside = None;
        }
        let beside = self.beside.as_ref()?;
        let why = match &self.live {
            None => Why::Left,
            Some(live) if live.has_ended() => Why::Left,
            Some(_) if self.policy == SecondPublisher::TakeOver && beside.last_packet.came() => {
                Why::TookOver
            }
            Some(live) if live.is_silent(now) && beside.sends(now) => {
                let silent_since = live.last_packet.at();
                if !self.latch.may_step_in(now, silent_since) {
                    return None;
                }
                Why::Silent
            }
            Some(_) => return None,
        };
        Some(self.step_in(now, why))
    }

    fn step_in(&mut self, now: Instant, why: Why) -> (Change, Option<Session>) {
        let to = self.beside.take();
        let from = std::mem::replace(&mut self.live, to);
        let peer = |session: &Option<Session>| session.as_ref().map(|session| session.peer);
        let nobody = || SocketAddr::from(([0, 0, 0, 0], 0));
        let takeover = Takeover {
            at: now,
            from: peer(&from).unwrap_or_else(nobody),
            to: peer(&self.live).unwrap_or_else(nobody),
        };
        // An encoder that was killed and is back takes its own place.
        let was_lively = |session: &Session| session.last_packet.silent_for(now) < LIVELY;
        let counts = why != Why::TookOver || from.as_ref().is_some_and(was_lively);
        self.takeovers += u64::from(counts);
        let latched = counts && self.latch.note(takeover);
        let change = Change {
            takeover,
            why,
            latched,
        };
        // Who fell silent may come back to life: then it is the one that stands by.
        if why == Why::Silent {
            self.beside = from;
            return (change, None);
        }
        (change, from)
    }
}
