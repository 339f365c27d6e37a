//! Bonding groups that we call as.

mod legs;
mod work;

use super::calls::check_stream_id;
use super::table::Occupant;
use super::{ConnectError, Endpoint};
use crate::connection::SendError;
use crate::event::{CloseReason, ConnectionId, Event};
use crate::group::{GroupCall, Held, LegStatus, MAX_LEGS, Outgoing, Place, Stage};
use crate::handshake::StreamId;
use crate::statistics::Statistics;
use crate::wire::{GroupExtension, SequenceNumber, SocketId};
use bytes::Bytes;
use tidegate_units::Instant;

/// Sequence indices start one turn up, as those of every connection do.
const INDEX_TURN: u64 = 1 << SequenceNumber::BITS;

impl Endpoint {
    /// Calls a listener over several connections, the legs of a bonding group, which is a
    /// connection like any other from then on. [`Event::Connected`] follows when the first leg
    /// is made, [`Event::Refused`] when none could be. A leg that fails later is called again
    /// for as long as another is up.
    ///
    /// # Errors
    /// If the call cannot even be started.
    pub fn connect_group(
        &mut self,
        now: Instant,
        call: GroupCall,
    ) -> Result<ConnectionId, ConnectError> {
        self.advance(now);
        check_stream_id(&call.caller.stream_id)?;
        let (legs, limit) = (call.legs.len(), MAX_LEGS);
        if !(1..=limit).contains(&legs) {
            return Err(ConnectError::LegCount { legs, limit });
        }
        if call.caller.rendezvous || call.caller.connection.packet_filter.is_some() {
            return Err(ConnectError::NotInGroup);
        }
        let limit = self.limits.connections;
        let full = ConnectError::TooManyConnections { limit };
        if self.connections + legs > limit {
            return Err(full);
        }
        let socket = self
            .table
            .draw_socket(self.socket_ids, None, &mut self.random)
            .ok_or(full)?;
        // No datagram can name it: sockets' own names leave the bit alone.
        let number = socket.value() | GroupExtension::ID_BIT;
        let first = call.caller.first_sequence;
        let first = first.unwrap_or_else(|| self.draw_sequence());
        let peer = call.legs[0].remote;
        let stream_id = StreamId::new(&call.caller.stream_id);
        let first = INDEX_TURN + u64::from(first.value());
        let group = Box::new(Outgoing::new(now, call, number, first, stream_id));
        let occupant = Occupant::Outgoing(group);
        let id = self
            .table
            .insert(SocketId::new(number), peer, None, occupant);
        if let Some(entry) = self.table.at(id.slot) {
            // Its legs count.
            entry.counted = false;
        }
        let called = self.with_outgoing(now, id.slot, |endpoint, group| {
            for place in 0..group.legs.len() {
                endpoint.call_leg(now, id.slot, group, place);
            }
            !group.is_deserted()
        });
        if called != Some(true) {
            self.forget(id.slot);
            return Err(full);
        }
        Ok(id)
    }

    /// Takes a payload for the legs that carry the stream.
    pub(super) fn send_over_group(
        &mut self,
        now: Instant,
        id: ConnectionId,
        payload: Bytes,
        origin: Instant,
    ) -> Result<(), SendError> {
        let held = Held {
            payload,
            origin,
            submitted: now,
        };
        let sent = self.with_outgoing(now, id.slot, |endpoint, group| {
            endpoint.share_out(now, group, held)
        });
        sent.unwrap_or(Err(SendError::NotConnected))
    }

    pub(super) fn outgoing_legs(&mut self, now: Instant, id: ConnectionId) -> Vec<LegStatus> {
        let Some(group) = self.table.outgoing(id) else {
            return Vec::new();
        };
        let open: Vec<ConnectionId> = group.open_legs().collect();
        let figures: Vec<_> = open
            .into_iter()
            .filter_map(|leg| Some((leg, self.table.connection_mut(leg)?.statistics(now))))
            .collect();
        let of = |leg| {
            let found = figures.iter().find(|(id, _)| *id == leg);
            found.map(|(_, figures)| figures.clone())
        };
        let group = self.table.outgoing(id);
        group.map_or_else(Vec::new, |group| group.status(now, of))
    }

    pub(super) fn outgoing_statistics(
        &mut self,
        now: Instant,
        id: ConnectionId,
    ) -> Option<Statistics> {
        let legs = self.outgoing_legs(now, id);
        let entry = self.table.at(id.slot).filter(|entry| entry.id == id)?;
        match &mut entry.occupant {
            Occupant::Outgoing(group) => Some(group.statistics(now, &legs)),
            _ => None,
        }
    }

    /// Ends a group: calls are withdrawn, legs that are up closed as any connection, or cut off.
    pub(super) fn close_outgoing(&mut self, now: Instant, id: ConnectionId, at_once: bool) {
        if self.table.outgoing(id).is_none() {
            return;
        }
        self.with_outgoing(now, id.slot, |endpoint, group| {
            if matches!(group.stage, Stage::Over { .. }) {
                return;
            }
            group.stage = Stage::Closing;
            for leg in &mut group.legs {
                match leg.place {
                    Place::Waiting(_) => {}
                    Place::Calling(call) => {
                        endpoint.withdraw_call(call);
                        leg.place = Place::Waiting(Instant::FAR_FUTURE);
                    }
                    Place::Open(leg) => endpoint.end_leg(now, leg, at_once),
                }
            }
            if group.is_deserted() {
                group.end(now);
                let reason = CloseReason::Local;
                endpoint.events.push_back(Event::Closed { id, reason });
            }
        });
    }

    pub(super) fn is_outgoing(&mut self, slot: u32) -> bool {
        let entry = self.table.at(slot);
        entry.is_some_and(|entry| matches!(entry.occupant, Occupant::Outgoing(_)))
    }

    /// Does something with a group that is out of the table meanwhile, then what follows of it.
    fn with_outgoing<T>(
        &mut self,
        now: Instant,
        slot: u32,
        act: impl FnOnce(&mut Self, &mut Outgoing) -> T,
    ) -> Option<T> {
        let mut entry = self.table.take(slot)?;
        let result = match &mut entry.occupant {
            Occupant::Outgoing(group) => {
                let result = act(self, group);
                group.drop_late(now);
                self.drop_orphans(group);
                Some(result)
            }
            _ => None,
        };
        self.table.put_back(entry);
        self.mark(slot);
        result
    }
}
