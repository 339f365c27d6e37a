use super::Endpoint;
use super::listen::our_side;
use super::table::{Entry, Occupant};
use crate::config::{CallerConfig, ConnectionConfig};
use crate::connection::{Connection, Established, Progress, Route, SocketClock};
use crate::crypto::{ConnectionCrypto, KeyRefresh};
use crate::event::{CloseReason, ConnectionId, Event};
use crate::handshake::{
    Call as Handshaking, CallStep, CallerHandshake, Negotiated, RendezvousHandshake, StreamId,
};
use crate::reject::RejectReason;
use crate::transmit::TransmitBatch;
use crate::wire::{Control, Packet, SequenceNumber, SocketId, Timestamp};
use core::net::SocketAddr;
use rand_core::RngCore;
use tidegate_units::Instant;

/// Why a call could not even be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The stream ID does not fit into a handshake.
    #[error("our stream ID of {bytes} bytes is too long: SRT carries at most {limit}")]
    StreamIdTooLong {
        /// What was given.
        bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// Two rendezvous with one address could not be told apart.
    #[error("we already wait for {peer} on this port: use another local port")]
    AlreadyMeeting {
        /// The other side.
        peer: SocketAddr,
    },
    /// A group of so many connections cannot be made.
    #[error("our group has {legs} legs: a bonding group has 1 to {limit}")]
    LegCount {
        /// What was asked for.
        legs: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The legs of a group call a listener, and lose packets apart from each other.
    #[error("a bonding group makes no rendezvous and has no packet filter: leave them out")]
    NotInGroup,
    /// The limit on connections is reached.
    #[error("our limit of {limit} connections is reached: close some or raise it")]
    TooManyConnections {
        /// The limit.
        limit: usize,
    },
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) handshake: Dialling,
    pub(super) config: ConnectionConfig,
    pub(super) clock: SocketClock,
    pub(super) capacity_packets: u32,
}

/// Calling somebody who listens, or somebody who calls as well.
#[derive(Debug)]
pub(crate) enum Dialling {
    Caller(CallerHandshake),
    Rendezvous(RendezvousHandshake),
}

impl Dialling {
    fn remote(&self) -> SocketAddr {
        match self {
            Self::Caller(handshake) => handshake.call().remote,
            Self::Rendezvous(handshake) => handshake.call().remote,
        }
    }

    fn poll_transmit(&mut self, now: Instant, timestamp: Timestamp) -> Option<Vec<u8>> {
        match self {
            Self::Caller(handshake) => handshake.poll_transmit(now, timestamp),
            Self::Rendezvous(handshake) => handshake.poll_transmit(now, timestamp),
        }
    }

    fn handle_timeout(&self, now: Instant) -> Option<RejectReason> {
        match self {
            Self::Caller(handshake) => handshake.handle_timeout(now),
            Self::Rendezvous(handshake) => handshake.handle_timeout(now),
        }
    }

    fn next_timeout(&self) -> Instant {
        match self {
            Self::Caller(handshake) => handshake.next_timeout(),
            Self::Rendezvous(handshake) => handshake.next_timeout(),
        }
    }
}

/// What a finished call becomes a connection with.
pub(super) struct Finished {
    pub(super) negotiated: Negotiated,
    pub(super) crypto: Option<ConnectionCrypto>,
    pub(super) arrived: (Instant, Timestamp),
    /// What the peer gets when it repeats its conclusion.
    pub(super) response: Option<Vec<u8>>,
}

/// A rendezvous waits so many times longer than a call, as libsrt's does.
const RENDEZVOUS_PATIENCE: u32 = 10;

impl Call {
    pub(crate) fn poll_transmit(&mut self, now: Instant, batch: &mut TransmitBatch) -> Progress {
        // A handshake with all extensions is far below the size of a packet.
        if !batch.has_room(self.config.segment_bytes as usize) {
            return Progress::BatchFull;
        }
        if let Some(bytes) = self.handshake.poll_transmit(now, self.clock.stamp(now)) {
            let to = self.handshake.remote();
            batch.push(to, None, bytes.len(), |out| out.copy_from_slice(&bytes));
        }
        Progress::Done
    }

    pub(super) const fn key_refresh(&self) -> KeyRefresh {
        self.config.key_refresh
    }

    pub(crate) fn wake_at(&self) -> Instant {
        self.handshake.next_timeout()
    }
}

impl Endpoint {
    /// Calls a listener, or a peer that calls as well. [`Event::Connected`] or [`Event::Refused`] follows.
    ///
    /// # Errors
    /// If the call cannot even be started.
    pub fn connect(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        config: CallerConfig,
    ) -> Result<ConnectionId, ConnectError> {
        self.advance(now);
        check_stream_id(&config.stream_id)?;
        let limit = self.limits.connections;
        let full = ConnectError::TooManyConnections { limit };
        if self.connections >= limit {
            return Err(full);
        }
        let socket = self
            .table
            .draw_socket(self.socket_ids, config.connection.socket, &mut self.random)
            .ok_or(full)?;
        if self.meetings.contains_key(&remote) {
            return Err(ConnectError::AlreadyMeeting { peer: remote });
        }
        let patience = if config.rendezvous {
            RENDEZVOUS_PATIENCE
        } else {
            1
        };
        let connection = config.connection;
        let capacity_packets = connection.receive_capacity_packets(connection.latency);
        let handshake = Handshaking {
            remote,
            ours: our_side(socket, &connection, capacity_packets),
            initial_sequence: config
                .first_sequence
                .unwrap_or_else(|| self.draw_sequence()),
            stream_id: StreamId::new(&config.stream_id),
            keys: config.keys,
            group: None,
            timeout: config.connect_timeout * patience,
        };
        let handshake = if config.rendezvous {
            let cookie = self.cookies.bake_for_rendezvous(remote, socket.value());
            Dialling::Rendezvous(RendezvousHandshake::new(now, handshake, cookie))
        } else {
            Dialling::Caller(CallerHandshake::new(now, handshake))
        };
        let call = Call {
            handshake,
            clock: SocketClock::new(now, connection.first_timestamp_micros),
            config: connection,
            capacity_packets,
        };
        let id = self.place_call(socket, remote, call);
        if config.rendezvous {
            self.meetings.insert(remote, id.slot);
        }
        Ok(id)
    }

    /// Takes a call into the table.
    pub(super) fn place_call(
        &mut self,
        socket: SocketId,
        remote: SocketAddr,
        call: Call,
    ) -> ConnectionId {
        let occupant = Occupant::Call(Box::new(call));
        let id = self.table.insert(socket, remote, None, occupant);
        self.connections += 1;
        self.counters.calls += 1;
        self.policy.on_connected(remote.ip());
        self.mark(id.slot);
        id
    }

    /// Any initial sequence number but the last, which libsrt refuses.
    pub(super) fn draw_sequence(&mut self) -> SequenceNumber {
        SequenceNumber::new(self.random.next_u32() % SequenceNumber::MAX.value())
    }

    pub(super) fn handle_for_call(&mut self, now: Instant, slot: u32, packet: &Packet<'_>) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let Occupant::Call(call) = &mut entry.occupant else {
            return;
        };
        let Dialling::Caller(calling) = &mut call.handshake else {
            return self.handle_for_rendezvous(now, slot, packet);
        };
        let Packet::Control(control) = packet else {
            return;
        };
        let Control::Handshake(handshake) = &control.control else {
            return;
        };
        match calling.handle(now, handshake) {
            CallStep::Waiting => {}
            CallStep::Failed(reason) => return self.fail_call(slot, reason),
            CallStep::Connected(negotiated) => {
                let (keys, refresh) = (calling.call().keys.clone(), call.config.key_refresh);
                let finished = Finished {
                    negotiated: *negotiated,
                    crypto: keys.map(|keys| ConnectionCrypto::new(keys, refresh)),
                    arrived: (now, control.timestamp),
                    response: None,
                };
                self.finish_call(now, slot, finished);
            }
        }
        self.mark(slot);
    }

    pub(super) fn finish_call(&mut self, now: Instant, slot: u32, finished: Finished) {
        let group = match self.group_of_call(slot, &finished.negotiated) {
            Ok(group) => group,
            Err(reason) => return self.fail_call(slot, reason),
        };
        let Some(entry) = self.table.take(slot) else {
            return;
        };
        let Occupant::Call(call) = entry.occupant else {
            return;
        };
        let Call {
            config,
            clock,
            capacity_packets,
            ..
        } = *call;
        let Finished {
            negotiated,
            crypto,
            arrived,
            response,
        } = finished;
        let connection = Connection::new(
            now,
            Established {
                route: Route {
                    peer: entry.peer,
                    local: None,
                },
                crypto,
                config,
                negotiated: negotiated.clone(),
                clock,
                receive_capacity_packets: capacity_packets,
                handshake: arrived,
                response,
                index_near: group.map(|(_, next)| next),
            },
        );
        let id = entry.id;
        self.end_meeting(entry.peer, slot);
        self.table.put_back(Entry {
            occupant: Occupant::Connection(Box::new(connection)),
            ..entry
        });
        self.counters.connected += 1;
        match group {
            Some((group, _)) => self.leg_opened(now, id, group, negotiated),
            None => self.events.push_back(Event::Connected {
                id,
                request: None,
                negotiated,
            }),
        }
    }

    pub(super) fn check_call(&mut self, now: Instant, slot: u32) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let Occupant::Call(call) = &entry.occupant else {
            return;
        };
        match call.handshake.handle_timeout(now) {
            Some(reason) => self.fail_call(slot, reason),
            None => self.mark(slot),
        }
    }

    pub(super) fn fail_call(&mut self, slot: u32, reason: RejectReason) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let (id, peer, group) = (entry.id, entry.peer, entry.group);
        self.end_meeting(peer, slot);
        let address = peer.ip();
        self.counters.calls_failed += 1;
        self.policy.on_ended(address);
        self.forget(slot);
        match group {
            Some(group) => self.leg_refused(id, group, reason),
            None => self.events.push_back(Event::Refused { id, reason }),
        }
    }

    /// Nobody is awaited there any more; a plain call to the same address never was.
    fn end_meeting(&mut self, peer: SocketAddr, slot: u32) {
        if self.meetings.get(&peer) == Some(&slot) {
            self.meetings.remove(&peer);
        }
    }

    pub(super) fn cancel_call(&mut self, id: ConnectionId) {
        self.withdraw_call(id);
        self.events.push_back(Event::Closed {
            id,
            reason: CloseReason::Local,
        });
    }

    /// Forgets a call as if it had never been placed.
    pub(super) fn withdraw_call(&mut self, id: ConnectionId) {
        let Some(entry) = self.table.at(id.slot) else {
            return;
        };
        let peer = entry.peer;
        self.end_meeting(peer, id.slot);
        self.policy.on_ended(peer.ip());
        self.forget(id.slot);
    }
}

pub(super) const fn check_stream_id(stream_id: &[u8]) -> Result<(), ConnectError> {
    let (bytes, limit) = (stream_id.len(), StreamId::MAX_BYTES);
    if bytes > limit {
        return Err(ConnectError::StreamIdTooLong { bytes, limit });
    }
    Ok(())
}
