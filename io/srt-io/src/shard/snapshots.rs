//! What is known outside the shard about its connections and ports, refreshed now and then.
//!
//! ```text
//!              a packet was sent or received
//!            ┌────────────────────────────────┐
//!            ▼                                │
//!  lively (every 250 ms) ──────────────▶ quiet (every second)
//!                       none for 10 s
//! ```
//!
//! What is due is looked at in turns that come anyway; only when none does, the shard wakes for
//! it. So figures are half a second old at the most, and of what was quiet 1.25 s.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_srt::ConnectionId;
use tidegate_udp::Socket;
use tidegate_units::Instant;

use super::port::Port;
use super::way::Way;
use crate::admission::Gate;
use crate::port_status::PortStatus;

/// Time between two snapshots of a connection, and of a port.
const INTERVAL: Duration = Duration::from_millis(250);
/// The same for a connection without packets.
const QUIET_INTERVAL: Duration = Duration::from_secs(1);
/// A connection without packets for so long is quiet.
const QUIET_AFTER: Duration = Duration::from_secs(10);
/// How long what is due waits for a turn that comes anyway.
const PATIENCE: Duration = Duration::from_millis(250);
/// Connections whose snapshots are refreshed in one sweep, so that media never waits for
/// thousands of them; the others are next.
const PER_SWEEP: usize = 128;

/// Which snapshots of a port are due, and when.
#[derive(Debug)]
pub(super) struct Snapshots {
    round: Round<ConnectionId>,
    /// When the port's own is due.
    status_at: Instant,
    /// Something arrived since the last one.
    pub(super) is_status_stale: bool,
    /// Datagrams the socket has dropped, as of the last one.
    drops: u64,
}

impl Snapshots {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            round: Round::default(),
            status_at: now,
            is_status_stale: true,
            drops: 0,
        }
    }

    /// A connection has come; it leaves by not being found.
    pub(super) fn begin(&mut self, now: Instant, id: ConnectionId) {
        self.round.again(now, id, false);
    }

    /// When the shard has to wake for one, if ever.
    fn wake_at(&self) -> Option<Instant> {
        let status = self.is_status_stale.then_some(self.status_at);
        let due = self.round.due_at().into_iter().chain(status).min();
        due.map(|at| at + PATIENCE)
    }
}

/// Whose turn is next, and when.
#[derive(Debug)]
struct Round<T> {
    lively: VecDeque<(Instant, T)>,
    quiet: VecDeque<(Instant, T)>,
}

impl<T> Default for Round<T> {
    fn default() -> Self {
        Self {
            lively: VecDeque::new(),
            quiet: VecDeque::new(),
        }
    }
}

impl<T> Round<T> {
    fn again(&mut self, now: Instant, one: T, is_quiet: bool) {
        if is_quiet {
            self.quiet.push_back((now + QUIET_INTERVAL, one));
        } else {
            self.lively.push_back((now + INTERVAL, one));
        }
    }

    fn next_due(&mut self, now: Instant) -> Option<T> {
        // Whoever has waited longest, so that many lively ones do not keep quiet ones from theirs.
        let first = match (self.lively.front(), self.quiet.front()) {
            (Some((lively, _)), Some((quiet, _))) if quiet < lively => &mut self.quiet,
            (None, _) => &mut self.quiet,
            _ => &mut self.lively,
        };
        let (_, one) = first.pop_front_if(|(at, _)| *at <= now)?;
        Some(one)
    }

    fn due_at(&self) -> Option<Instant> {
        let fronts = [self.lively.front(), self.quiet.front()];
        fronts.into_iter().flatten().map(|(at, _)| *at).min()
    }
}

/// When a connection last carried packets, as far as its snapshots show.
#[derive(Debug)]
pub(super) struct Activity {
    packets: u64,
    since: Instant,
}

impl Activity {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            packets: 0,
            since: now,
        }
    }

    fn note(&mut self, now: Instant, packets: u64) {
        if packets != self.packets {
            *self = Self {
                packets,
                since: now,
            };
        }
    }

    fn is_quiet(&self, now: Instant) -> bool {
        now.saturating_since(self.since) >= QUIET_AFTER
    }
}

impl Port {
    /// When the shard has to wake for a snapshot, if ever.
    pub(super) fn sweep_at(&self) -> Option<Instant> {
        self.snapshots.wake_at()
    }

    /// Refreshes the snapshots that are old enough, and the port's own.
    pub(super) fn sweep(&mut self, now: Instant) {
        let is_status_due = now >= self.snapshots.status_at;
        if is_status_due {
            self.snapshots.drops = self.socket_drops();
        }
        for _ in 0..PER_SWEEP {
            let Some(id) = self.snapshots.round.next_due(now) else {
                break;
            };
            self.refresh(now, id);
        }
        if is_status_due {
            self.snapshots.status_at = now + INTERVAL;
            self.snapshots.is_status_stale = false;
            self.shared.status.store(Arc::new(self.status()));
        }
    }

    fn refresh(&mut self, now: Instant, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if connection.shared.closing.load(Ordering::Acquire) {
            self.endpoint.close(now, id);
        }
        if let Some(statistics) = self.endpoint.statistics(now, id) {
            let drops = self.snapshots.drops;
            let drops = drops.saturating_sub(connection.drops_before);
            let total = &statistics.total;
            let packets = total.packets_sent + total.packets_received;
            connection.activity.note(now, packets);
            connection.shared.set_statistics(now, statistics, drops);
        }
        let links = self.endpoint.links(now, id);
        if !links.is_empty() {
            connection.shared.set_links(links);
        }
        let legs = self.endpoint.legs(now, id);
        if !legs.is_empty() {
            connection.shared.set_legs(legs);
        }
        let is_quiet = connection.activity.is_quiet(now);
        self.snapshots.round.again(now, id, is_quiet);
    }

    /// Datagrams that its sockets have dropped.
    pub(super) fn socket_drops(&self) -> u64 {
        self.ways.iter().map(Way::drops).sum()
    }

    fn status(&self) -> PortStatus {
        let socket = self.ways.iter().find_map(Way::socket);
        PortStatus {
            endpoint: self.endpoint.counters(),
            socket: socket.map(Socket::counters).unwrap_or_default(),
            outbox: self.ways[0].outbox().counters(),
            connections: self.endpoint.connection_count(),
            handed_over: self.handed_over,
            hand_over_lost: self.hand_over_lost,
            admission_overflow: self.gate.as_ref().map_or(0, Gate::overflow),
            recv_buffer_bytes: socket.map_or(0, Socket::recv_buffer_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_quiet_connection_is_due_every_second_and_holds_up_no_lively_one() {
        let mut round = Round::default();
        round.again(at(0), "quiet", true);
        round.again(at(100), "lively", false);
        assert_eq!(round.due_at(), Some(at(350)));
        assert_eq!(round.next_due(at(349)), None);
        assert_eq!(round.next_due(at(350)), Some("lively"));
        assert_eq!(round.next_due(at(999)), None);
        assert_eq!(round.next_due(at(1000)), Some("quiet"));
        assert_eq!(round.due_at(), None);
    }

    #[test]
    fn more_lively_connections_than_a_sweep_takes_leave_their_turn_to_a_quiet_one() {
        let mut round = Round::default();
        round.again(at(0), usize::MAX, true);
        (0..10).for_each(|number| round.again(at(0), number, false));
        let mut sweeps = (40..).map(|sweep| {
            let now = at(sweep * 25);
            let taken: Vec<_> = (0..4).filter_map(|_| round.next_due(now)).collect();
            taken
                .iter()
                .for_each(|one| round.again(now, *one, *one == usize::MAX));
            taken.contains(&usize::MAX)
        });
        assert!(sweeps.by_ref().take(12).any(|had_its_turn| had_its_turn));
    }

    #[test]
    fn a_connection_is_quiet_when_its_packets_have_not_grown_for_ten_seconds() {
        let mut activity = Activity::new(at(0));
        assert!(!activity.is_quiet(at(9_999)));
        assert!(activity.is_quiet(at(10_000)));
        activity.note(at(20_000), 7);
        assert!(!activity.is_quiet(at(20_000)));
        activity.note(at(30_000), 7);
        assert!(activity.is_quiet(at(30_000)));
    }

    #[test]
    fn a_shard_wakes_for_a_ports_figures_only_when_something_came_and_no_turn_did() {
        let mut snapshots = Snapshots::new(at(40));
        assert_eq!(snapshots.wake_at(), Some(at(40) + PATIENCE));
        snapshots.is_status_stale = false;
        assert_eq!(snapshots.wake_at(), None);
    }
}
