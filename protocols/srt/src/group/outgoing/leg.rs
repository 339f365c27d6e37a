use super::activity::{Activity, Patience, Pulse};
use super::call::LegCall;
use super::redial::Redial;
use crate::connection::Connection;
use crate::event::ConnectionId;
use crate::group::LegEnd;
use crate::statistics::Statistics;
use tidegate_units::Instant;

/// One leg of a group that we call as.
///
/// ```text
///             ┌── failed, ended ──┐
///             ▼                   │
///  Waiting ── pause over ──▶ Calling ── answered ──▶ Open
///     ▲                                               │
///     └──────────────── ended ────────────────────────┘
/// ```
#[derive(Debug)]
pub(crate) struct OutgoingLeg {
    pub(crate) call: LegCall,
    pub(crate) place: Place,
    /// What it does while it is open.
    pub(crate) activity: Activity,
    /// Since when it has been open, or not.
    pub(crate) since: Instant,
    pub(crate) redial: Redial,
    /// How it failed or ended last.
    pub(crate) ended: Option<LegEnd>,
    /// Its last figures, once it has ended.
    pub(crate) last: Option<Statistics>,
    /// Packets it had given up when it was last judged.
    given_up: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is called at that time.
    Waiting(Instant),
    Calling(ConnectionId),
    Open(ConnectionId),
}

impl OutgoingLeg {
    /// A leg that is to be called now.
    pub(crate) fn new(now: Instant, call: LegCall) -> Self {
        Self {
            call,
            place: Place::Waiting(now),
            activity: Activity::Standby { rests: true },
            since: now,
            redial: Redial::default(),
            ended: None,
            last: None,
            given_up: 0,
        }
    }

    pub(crate) fn open_as(&self) -> Option<ConnectionId> {
        match self.place {
            Place::Open(id) => Some(id),
            Place::Waiting(_) | Place::Calling(_) => None,
        }
    }

    /// Its connection, if the stream goes over it.
    pub(crate) fn carries(&self) -> Option<ConnectionId> {
        self.open_as().filter(|_| self.activity.carries())
    }

    pub(crate) fn is(&self, id: ConnectionId) -> bool {
        matches!(self.place, Place::Calling(own) | Place::Open(own) if own == id)
    }

    /// It was answered.
    pub(crate) fn open(&mut self, now: Instant, id: ConnectionId, activity: Activity) {
        self.place = Place::Open(id);
        self.activity = activity;
        self.since = now;
        self.ended = None;
        self.last = None;
        self.given_up = 0;
    }

    /// It ended, or was never answered.
    pub(crate) fn fail(&mut self, now: Instant, ended: LegEnd, random: u32) {
        let was_open = matches!(self.place, Place::Open(_));
        let up_for = now.saturating_since(self.since);
        let up_for = if was_open {
            self.since = now;
            up_for
        } else {
            tidegate_units::Duration::ZERO
        };
        self.place = Place::Waiting(now + self.redial.pause(up_for, random));
        self.activity = Activity::Standby { rests: true };
        self.ended = Some(ended);
    }

    /// The stream goes over it from now on.
    pub(crate) const fn activate(&mut self, now: Instant, connection: &Connection) {
        self.activity = Activity::Fresh { since: now };
        self.given_up = connection.packets_given_up();
    }

    /// Looks how its connection is doing.
    pub(crate) fn judge(&mut self, now: Instant, connection: &Connection, patience: &Patience) {
        if !self.activity.carries() {
            return;
        }
        let given_up = connection.packets_given_up();
        let pulse = Pulse {
            has_given_up: given_up > self.given_up,
            ..pulse_of(connection)
        };
        self.given_up = given_up;
        self.activity = self.activity.judged(now, &pulse, patience);
    }

    /// When to look again although nothing happens.
    pub(crate) fn judge_at(
        &self,
        now: Instant,
        connection: &Connection,
        patience: &Patience,
    ) -> Option<Instant> {
        self.activity.judge_at(now, &pulse_of(connection), patience)
    }
}

fn pulse_of(connection: &Connection) -> Pulse {
    let (rtt, rtt_variance) = connection.round_trip();
    Pulse {
        heard: connection.last_heard(),
        owes_since: connection.owes_since(),
        rtt,
        rtt_variance,
        has_given_up: false,
    }
}
