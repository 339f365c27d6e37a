use super::Endpoint;
use super::listen::our_side;
use super::table::{Entry, Occupant};
use crate::config::{CallerConfig, ConnectionConfig};
use crate::connection::{Connection, Established, Progress, Route, SocketClock};
use crate::crypto::ConnectionCrypto;
use crate::event::{CloseReason, ConnectionId, Event};
use crate::handshake::{Call as Handshaking, CallStep, CallerHandshake, Negotiated, StreamId};
use crate::reject::RejectReason;
use crate::transmit::TransmitBatch;
use crate::wire::{Control, Packet, SequenceNumber, Timestamp};
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
    handshake: CallerHandshake,
    config: ConnectionConfig,
    clock: SocketClock,
    capacity_packets: u32,
}

impl Call {
    pub(crate) fn poll_transmit(&mut self, now: Instant, batch: &mut TransmitBatch) -> Progress {
        // A handshake with all extensions is far below the size of a packet.
        if !batch.has_room(self.config.segment_bytes as usize) {
            return Progress::BatchFull;
        }
        if let Some(bytes) = self.handshake.poll_transmit(now, self.clock.stamp(now)) {
            let to = self.handshake.call().remote;
            batch.push(to, None, bytes.len(), |out| out.copy_from_slice(&bytes));
        }
        Progress::Done
    }

    pub(crate) fn wake_at(&self) -> Instant {
        self.handshake.next_timeout()
    }
}

impl Endpoint {
    /// Calls a listener. [`Event::Connected`] or [`Event::Refused`] follows.
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
        let (bytes, limit) = (config.stream_id.len(), StreamId::MAX_BYTES);
        if bytes > limit {
            return Err(ConnectError::StreamIdTooLong { bytes, limit });
        }
        let limit = self.limits.connections;
        let full = ConnectError::TooManyConnections { limit };
        if self.connections >= limit {
            return Err(full);
        }
        let socket = self
            .table
            .draw_socket(self.socket_ids, config.connection.socket, &mut self.random)
            .ok_or(full)?;
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
            timeout: config.connect_timeout,
        };
        let call = Call {
            handshake: CallerHandshake::new(now, handshake),
            clock: SocketClock::new(now, connection.first_timestamp_micros),
            config: connection,
            capacity_packets,
        };
        let id = self
            .table
            .insert(socket, remote, None, Occupant::Call(Box::new(call)));
        self.connections += 1;
        self.counters.calls += 1;
        self.policy.on_connected(remote.ip());
        self.mark(id.slot);
        Ok(id)
    }

    /// Any initial sequence number but the last, which libsrt refuses.
    fn draw_sequence(&mut self) -> SequenceNumber {
        SequenceNumber::new(self.random.next_u32() % SequenceNumber::MAX.value())
    }

    pub(super) fn handle_for_call(&mut self, now: Instant, slot: u32, packet: &Packet<'_>) {
        let Packet::Control(control) = packet else {
            return;
        };
        let Control::Handshake(handshake) = &control.control else {
            return;
        };
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let Occupant::Call(call) = &mut entry.occupant else {
            return;
        };
        match call.handshake.handle(now, handshake) {
            CallStep::Waiting => {}
            CallStep::Failed(reason) => return self.fail_call(slot, reason),
            CallStep::Connected(negotiated) => {
                self.finish_call(now, slot, *negotiated, control.timestamp);
            }
        }
        self.mark(slot);
    }

    fn finish_call(
        &mut self,
        now: Instant,
        slot: u32,
        negotiated: Negotiated,
        timestamp: Timestamp,
    ) {
        let Some(entry) = self.table.take(slot) else {
            return;
        };
        let Occupant::Call(call) = entry.occupant else {
            return;
        };
        let Call {
            handshake,
            config,
            clock,
            capacity_packets,
        } = *call;
        let keys = handshake.into_call().keys;
        let connection = Connection::new(
            now,
            Established {
                route: Route {
                    peer: entry.peer,
                    local: None,
                },
                crypto: keys.map(|keys| ConnectionCrypto::new(keys, config.key_refresh)),
                config,
                negotiated: negotiated.clone(),
                clock,
                receive_capacity_packets: capacity_packets,
                handshake: (now, timestamp),
                response: None,
            },
        );
        let id = entry.id;
        self.table.put_back(Entry {
            occupant: Occupant::Connection(Box::new(connection)),
            ..entry
        });
        self.counters.connected += 1;
        self.events.push_back(Event::Connected {
            id,
            request: None,
            negotiated,
        });
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

    fn fail_call(&mut self, slot: u32, reason: RejectReason) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let (id, address) = (entry.id, entry.peer.ip());
        self.counters.calls_failed += 1;
        self.policy.on_ended(address);
        self.forget(slot);
        self.events.push_back(Event::Refused { id, reason });
    }

    pub(super) fn cancel_call(&mut self, id: ConnectionId) {
        let Some(entry) = self.table.at(id.slot) else {
            return;
        };
        let address = entry.peer.ip();
        self.policy.on_ended(address);
        self.forget(id.slot);
        self.events.push_back(Event::Closed {
            id,
            reason: CloseReason::Local,
        });
    }
}
