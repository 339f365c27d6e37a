//! The media part of a port's turn: deliver, ask fountains, transmit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_srt::{ConnectionId, Endpoint, SendError, TransmitBatch};
use tidegate_udp::{Poller, Run};
use tidegate_units::Instant;

use super::door::Door;
use super::fountain::Appointment;
use super::port::{Connection, Port};
use super::way::{Way, are_blocked};
use crate::role::Role;

/// Packets one fountain may give per turn, so that one reader never starves the others.
const PACKETS_PER_LOOK: usize = 256;
/// Transmit batches a port may send per turn.
const BATCHES_PER_TURN: usize = 16;
/// When a fountain is looked at again whose connection has no room: an acknowledgement's time.
const FULL_RETRY: Duration = Duration::from_millis(5);

/// How often timers are looked at while the kernel has no room.
const BLOCKED_RETRY: Duration = Duration::from_millis(1);

impl Port {
    /// After the datagrams are in: what follows from them and from the time.
    pub(super) fn digest(&mut self, now: Instant, door: &Arc<Door>) {
        self.last_turn = now;
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
        self.note_links(door);
        self.handle_events(now, door);
        self.deliver(now);
    }

    /// Sends what readers are to get, and everything else that is due; returns the number of
    /// datagrams sent.
    pub(super) fn pass_on(
        &mut self,
        now: Instant,
        poller: &Poller,
        batch: &mut TransmitBatch,
    ) -> u64 {
        self.ask_fountains(now);
        self.cut_off_the_last(now);
        self.transmit(now, poller, batch)
    }

    /// When something is due by itself.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.is_blocked() {
            // Room in the kernel wakes us; until then what is due cannot leave anyway.
            return Some(self.last_turn + BLOCKED_RETRY);
        }
        if self.has_more {
            return Some(self.last_turn);
        }
        let appointment = self.appointments.peek().map(|appointment| appointment.at);
        self.endpoint
            .poll_timeout()
            .into_iter()
            .chain(appointment)
            .chain(self.goodbyes_end_at())
            .min()
    }

    /// Gives sinks what is in order, and lets those that got something seal their batch.
    pub(super) fn deliver(&mut self, now: Instant) {
        while let Some(id) = self.endpoint.next_readable() {
            let mut sink = match self.connections.get_mut(&id).map(|found| &mut found.role) {
                Some(Role::Publisher(sink)) => Some(sink),
                // A reader that sends, or a connection that has just ended: nobody listens.
                Some(Role::Reader(_)) | None => None,
            };
            while let Some(packet) = self.endpoint.poll_received(id) {
                if let Some(sink) = &mut sink {
                    sink.receive(packet);
                }
            }
            self.touched.push(id);
        }
        for id in self.touched.drain(..) {
            if let Some(Connection {
                role: Role::Publisher(sink),
                ..
            }) = self.connections.get_mut(&id)
            {
                sink.end_of_turn(now);
            }
        }
    }

    pub(super) fn note_woken(&mut self, id: ConnectionId) {
        self.woken.push(id);
    }

    pub(super) fn note_all_woken(&mut self) {
        self.woken.extend(self.connections.keys());
    }

    /// Looks at the fountains that were woken, those whose time has come, and those whose
    /// connection is about to send something anyway: one call carries both.
    fn ask_fountains(&mut self, now: Instant) {
        self.woken.extend(self.endpoint.active());
        while let Some(next) = self.appointments.peek().filter(|next| next.at <= now) {
            let Appointment { at, id } = *next;
            self.appointments.pop();
            if let Some(connection) = self.connections.get_mut(&id)
                && connection.appointment == Some(at)
            {
                connection.appointment = None;
                self.woken.push(id);
            }
        }
        // Its memory is kept for the next turn.
        let mut woken = std::mem::take(&mut self.woken);
        for id in woken.drain(..) {
            let Some(connection) = self.connections.get_mut(&id) else {
                continue;
            };
            let poured = connection.pour(now, id, &mut self.endpoint);
            self.was_urgent |= poured.packets > 0 && connection.is_urgent();
            let Some(at) = poured.look_again else {
                continue;
            };
            if connection.appointment.is_none_or(|earlier| at < earlier) {
                connection.appointment = Some(at);
                self.appointments.push(Appointment { at, id });
            }
        }
        self.woken = woken;
    }

    /// Sends what is due, as far as the kernel takes it; the rest waits in the outbox.
    fn transmit(&mut self, now: Instant, poller: &Poller, batch: &mut TransmitBatch) -> u64 {
        let mut datagrams = 0;
        for way in &mut self.ways {
            way.flush();
        }
        if !self.is_blocked() {
            for _ in 0..BATCHES_PER_TURN {
                batch.clear();
                self.has_more = self.endpoint.poll_transmit(now, batch);
                for (number, way) in self.ways.iter_mut().enumerate() {
                    let leaves_here = |run: &tidegate_srt::Run<'_>| usize::from(run.way) == number;
                    let runs = batch.runs().filter(leaves_here);
                    let runs: Vec<Run<'_>> = runs.map(to_run).collect();
                    let segments =
                        |run: &Run<'_>| run.bytes.len().div_ceil(run.segment_bytes.max(1));
                    datagrams += runs.iter().map(segments).sum::<usize>() as u64;
                    way.send(&runs);
                }
                if !self.has_more || self.is_blocked() {
                    break;
                }
            }
        }
        for way in &mut self.ways {
            way.renew(poller);
            way.watch_for_room(poller);
        }
        datagrams
    }

    /// A leg whose socket is full does not hold up the others.
    fn is_blocked(&self) -> bool {
        are_blocked(self.ways.iter().map(Way::has_room))
    }
}

/// What a look at a fountain came to.
#[derive(Default)]
struct Poured {
    packets: usize,
    /// When to look at it without being woken.
    look_again: Option<Instant>,
}

impl Connection {
    fn is_urgent(&self) -> bool {
        matches!(&self.role, Role::Reader(fountain) if fountain.is_urgent())
    }

    /// Moves what the fountain has into the endpoint.
    fn pour(&mut self, now: Instant, id: ConnectionId, endpoint: &mut Endpoint) -> Poured {
        let mut poured = Poured::default();
        let (Some(waker), Role::Reader(fountain)) = (&self.waker, &mut self.role) else {
            return poured;
        };
        // Before looking: what comes from now on wakes again.
        waker.pending.store(false, Ordering::Release);
        if endpoint.negotiated(id).is_none() {
            return poured;
        }
        while poured.packets < PACKETS_PER_LOOK {
            let Some((payload, origin)) = self.held.take().or_else(|| fountain.next(now)) else {
                poured.look_again = fountain.next_due();
                return poured;
            };
            match endpoint.send(now, id, payload.clone(), origin) {
                Ok(()) => {}
                Err(SendError::BufferFull) => {
                    self.held = Some((payload, origin));
                    poured.look_again = Some(now + FULL_RETRY);
                    return poured;
                }
                Err(SendError::NotConnected) => return poured,
                Err(error @ SendError::TwoWayEncrypted) => {
                    // Nothing of ours can ever leave: better no connection than a mute one.
                    tracing::info!(%error, "a reader that sends by itself is sent away");
                    endpoint.cut_off(now, id);
                    return poured;
                }
                // A payload that fits into no packet: this one is lost, the next may fit.
                Err(error) => tracing::debug!(%error, "a payload was not sent"),
            }
            poured.packets += 1;
        }
        poured.look_again = Some(now);
        poured
    }
}

fn to_run(run: tidegate_srt::Run<'_>) -> Run<'_> {
    Run {
        to: run.to,
        from: run.from,
        bytes: run.bytes,
        segment_bytes: run.segment_bytes,
    }
}
