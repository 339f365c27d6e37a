use std::sync::atomic::Ordering;

use tidegate_units::Instant;

use super::placement::Owner;
use super::port::Port;
use super::{FAREWELL, SWEEP, Shard, Stopping, WAKER_TOKEN};
use crate::command::{Command, Handed, OpenPort, PlaceCall, PortId};

/// Reads per socket and turn; what is left keeps the socket ready for the next turn.
const READS_PER_TURN: usize = 8;
/// Commands taken per turn, so that a storm of them never delays media for long.
const COMMANDS_PER_TURN: usize = 128;
/// Handed-over datagrams taken per turn.
const HANDED_PER_TURN: usize = 1024;

impl Shard {
    pub(super) fn turn(&mut self) {
        let now = self.clock.now();
        let mut datagrams = 0;
        let ready: Vec<u64> = self.poller.ready().collect();
        self.take_commands(now);
        datagrams += self.take_handed(now);
        for token in ready.into_iter().filter(|token| *token != WAKER_TOKEN) {
            datagrams += self.read(now, PortId(token));
        }
        for port in self.ports.values_mut() {
            port.digest(now, &self.door);
        }
        // After that: what has just been delivered here may wake some of them.
        self.wake_fountains();
        let sweep = now >= self.next_sweep;
        if sweep {
            self.next_sweep = now + SWEEP;
        }
        for port in self.ports.values_mut() {
            datagrams += port.pass_on(now, &self.poller, &mut self.transmit);
            if std::mem::take(&mut port.was_urgent) {
                self.moderation.note_urgent(now);
            }
            if sweep {
                port.sweep(now);
            }
        }
        self.drop_finished_ports(now);
        let connections = self.ports.values().map(Port::load).sum();
        self.door.set_load(connections, self.taken);
        self.moderation.note(now, datagrams);
        self.door.set_rate(self.moderation.datagrams_per_second());
    }

    fn take_commands(&mut self, now: Instant) {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(command) = self.door.commands.pop() else {
                return;
            };
            match command {
                Command::Open(open) => self.open(now, *open),
                Command::Configure { port, listener } => {
                    self.with_port(port, |port| port.configure(listener));
                }
                Command::Retire { port: id, done } => {
                    let deadline = now + FAREWELL;
                    self.with_port(id, |port| port.retire(now, deadline, Some(done)));
                }
                Command::Call(call) => self.call(now, *call),
                Command::Decide(answer) => {
                    let port = answer.port;
                    self.with_port(port, |port| port.decide(now, *answer));
                }
                Command::Keys(opened) => {
                    let port = opened.port;
                    self.with_port(port, |port| port.give_keys(now, *opened));
                }
                Command::Close { port, id } => self.with_port(port, |port| port.close(now, id)),
                Command::CloseLegs { port, id, from } => {
                    self.with_port(port, |port| port.endpoint.close_legs(now, id, &from));
                }
                Command::Stop { done } => self.stop(now, done),
            }
        }
    }

    fn with_port(&mut self, id: PortId, act: impl FnOnce(&mut Port)) {
        if let Some(port) = self.ports.get_mut(&id) {
            act(port);
        }
    }

    fn open(&mut self, now: Instant, open: OpenPort) {
        let port = Port::new(now, open);
        for way in &port.ways {
            if let Err(error) = way.watch(&self.poller) {
                tracing::error!(%error, "a media thread cannot watch its socket");
                return;
            }
        }
        for (number, way) in port.ways.iter().enumerate().skip(1) {
            self.ways.insert(way.token, (port.id, number));
        }
        self.ports.insert(port.id, port);
    }

    fn call(&mut self, now: Instant, call: PlaceCall) {
        self.taken = self.taken.wrapping_add(1);
        match self.ports.get_mut(&call.port) {
            Some(port) => port.call(now, call, &self.door),
            // Whoever placed it learns it by the call being dropped.
            None => drop(call),
        }
    }

    fn stop(&mut self, now: Instant, done: tokio::sync::oneshot::Sender<()>) {
        let deadline = now + FAREWELL;
        for port in self.ports.values_mut() {
            port.retire(now, deadline, None);
        }
        let fresh = Stopping {
            // Their deadlines come first, so that every port says its last word.
            deadline: deadline + 2 * SWEEP,
            done: Vec::new(),
        };
        self.stopping.get_or_insert(fresh).done.push(done);
    }

    /// Reads a socket and feeds its endpoint.
    fn read(&mut self, now: Instant, token: PortId) -> u64 {
        let (id, way) = self.ways.get(&token).copied().unwrap_or((token, 0));
        let Some(port) = self.ports.get_mut(&id) else {
            return 0;
        };
        let mut count = 0;
        for _ in 0..READS_PER_TURN {
            match port.ways[way].receive(&mut self.received) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "reading a socket failed");
                    break;
                }
            }
            for datagram in self.received.datagrams() {
                count += 1;
                let owner = port.owner(now, &datagram, &self.door, &self.doors);
                let owner = owner.unwrap_or(Owner::settled(usize::from(self.door.index())));
                match self.doors.get(owner.shard) {
                    Some(door) if door.index() != self.door.index() => {
                        port.note_handed_over(door.hand(Handed {
                            port: id,
                            from: datagram.from,
                            to: datagram.to,
                            bytes: datagram.bytes.into(),
                            is_expected: owner.is_expected,
                        }));
                    }
                    _ => {
                        self.taken = self.taken.wrapping_add(owner.is_expected.into());
                        port.receive(now, datagram.from, datagram.to, datagram.bytes);
                    }
                }
            }
            if !self.received.is_full() {
                break;
            }
        }
        count
    }

    fn take_handed(&mut self, now: Instant) -> u64 {
        for count in 0..HANDED_PER_TURN {
            let Some(handed) = self.door.handed.pop() else {
                return count as u64;
            };
            self.taken = self.taken.wrapping_add(handed.is_expected.into());
            self.with_port(handed.port, |port| {
                port.receive(now, handed.from, handed.to, &handed.bytes);
            });
        }
        HANDED_PER_TURN as u64
    }

    fn wake_fountains(&mut self) {
        while let Some((port, id)) = self.door.woken.pop() {
            self.with_port(port, |port| port.note_woken(id));
        }
        if self.door.all_woken.swap(false, Ordering::AcqRel) {
            for port in self.ports.values_mut() {
                port.note_all_woken();
            }
        }
    }

    fn drop_finished_ports(&mut self, now: Instant) {
        for (_, port) in self.ports.extract_if(|_, port| port.has_finished(now)) {
            for way in &port.ways {
                way.unwatch(&self.poller);
                self.ways.remove(&way.token);
            }
            port.finish();
        }
    }
}
