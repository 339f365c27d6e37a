//! The legs of a group that we call as: called, answered, lost, called again.

use super::super::Endpoint;
use super::super::calls::{Call, Dialling};
use crate::event::{CloseReason, ConnectionId, Event};
use crate::group::{GroupKind, LegEnd, Outgoing, Place, Stage};
use crate::handshake::{Call as Handshaking, CallerHandshake, Negotiated};
use crate::reject::RejectReason;
use crate::wire::SequenceNumber;
use rand_core::RngCore;
use tidegate_units::{Duration, Instant};

use super::super::listen::our_side;

/// When a leg is called again for which there was no room here.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(1);

impl Endpoint {
    /// Calls one leg: it begins where the stream is.
    pub(super) fn call_leg(
        &mut self,
        now: Instant,
        group_slot: u32,
        group: &mut Outgoing,
        place: usize,
    ) {
        group.legs[place].place = Place::Waiting(now + NO_ROOM_PAUSE);
        if self.connections >= self.limits.connections {
            return;
        }
        let Some(socket) = self
            .table
            .draw_socket(self.socket_ids, None, &mut self.random)
        else {
            return;
        };
        let random = &mut self.random;
        let keys = group.template.keys.as_ref();
        // Every leg has a key of its own: one that comes back must not use an old one again
        // for sequence numbers that have come round.
        let Ok(keys) = keys.map(|keys| keys.renewed(random)).transpose() else {
            return;
        };
        let leg = group.legs[place].call;
        let config = group.template.connection.clone();
        let capacity_packets = config.receive_capacity_packets(config.latency);
        let handshake = Handshaking {
            remote: leg.remote,
            ours: our_side(socket, &config, capacity_packets),
            initial_sequence: SequenceNumber::from_index(group.replay.next()),
            stream_id: group.template.stream_id.clone(),
            keys,
            group: Some(group.extension(leg.weight)),
            timeout: group.template.timeout,
        };
        let call = Call {
            handshake: Dialling::Caller(CallerHandshake::new(now, handshake)),
            clock: group.clock,
            config,
            capacity_packets,
        };
        let id = self.place_call(socket, leg.remote, call);
        if let Some(entry) = self.table.at(id.slot) {
            entry.group = Some(group_slot);
            entry.way = leg.way;
        }
        group.legs[place].place = Place::Calling(id);
    }

    /// For a call that is a leg's: the slot of its group and the index of the group's next
    /// packet; or why its answer cannot be taken.
    pub(in crate::endpoint) fn group_of_call(
        &mut self,
        slot: u32,
        negotiated: &Negotiated,
    ) -> Result<Option<(u32, u64)>, RejectReason> {
        let Some(group_slot) = self.table.at(slot).and_then(|entry| entry.group) else {
            return Ok(None);
        };
        let group = self
            .table
            .at(group_slot)
            .and_then(|entry| match &entry.occupant {
                super::Occupant::Outgoing(group) => Some(group),
                _ => None,
            });
        match group {
            Some(group) if group.is_mirrored_by(negotiated.group) => {
                Ok(Some((group_slot, group.replay.next())))
            }
            _ => Err(RejectReason::Group),
        }
    }

    /// A leg was answered.
    pub(in crate::endpoint) fn leg_opened(
        &mut self,
        now: Instant,
        leg: ConnectionId,
        group_slot: u32,
        negotiated: Negotiated,
    ) {
        let Some(id) = self.table.at(group_slot).map(|entry| entry.id) else {
            return;
        };
        self.with_outgoing(now, group_slot, |endpoint, group| {
            let is_first = group.open(now, leg, &negotiated);
            let next = group.replay.next();
            if let Some(connection) = endpoint.table.connection_mut(leg) {
                connection.count_from(next, group.message_index(next));
            }
            if group.kind == GroupKind::Broadcast && group.replay.keeps_all() {
                // Another leg may take with it what it has not brought, and nothing may be lost.
                endpoint.hand_over(now, group, leg);
            }
            let peer = negotiated.peer;
            if is_first {
                endpoint.events.push_back(Event::Connected {
                    id,
                    request: None,
                    negotiated,
                });
            }
            endpoint.events.push_back(Event::LegJoined {
                group: id,
                leg,
                request: None,
                peer,
            });
            endpoint.choose(now, group);
        });
    }

    /// A leg could not be made.
    pub(in crate::endpoint) fn leg_refused(
        &mut self,
        leg: ConnectionId,
        group_slot: u32,
        reason: RejectReason,
    ) {
        let now = self.now;
        let Some(id) = self.table.at(group_slot).map(|entry| entry.id) else {
            return;
        };
        let no_leg_left = self.with_outgoing(now, group_slot, |endpoint, group| {
            let random = endpoint.random.next_u32();
            let call = group.leg_mut(leg).map(|leg| leg.call);
            group.fail(now, leg, LegEnd::Refused(reason), None, random);
            if let Some(call) = call {
                endpoint.events.push_back(Event::LegRefused {
                    group: id,
                    peer: call.remote,
                    way: call.way,
                    reason,
                });
            }
            (group.stage == Stage::Calling && group.is_deserted()).then(|| group.refusal())
        });
        if let Some(reason) = no_leg_left.flatten() {
            self.forget(group_slot);
            self.events.push_back(Event::Refused { id, reason });
        }
    }

    /// A leg did something: takes what it says about the stream.
    pub(in crate::endpoint) fn after_outgoing_leg(
        &mut self,
        now: Instant,
        leg_slot: u32,
        group_slot: u32,
    ) {
        self.with_outgoing(now, group_slot, |endpoint, group| {
            let leg = endpoint.table.at(leg_slot).map(|entry| entry.id);
            let connection = leg.and_then(|leg| endpoint.table.connection_mut(leg));
            let Some(connection) = connection else {
                return;
            };
            // Who is sent to has nothing to say here.
            while connection.receive(now).is_some() {}
            let (from, to) = connection.brought();
            if group.open_legs().any(|open| Some(open) == leg) {
                group.on_acknowledged(from, to);
            }
            endpoint.choose(now, group);
        });
    }

    /// A leg has ended, and with the last one its group.
    pub(in crate::endpoint) fn outgoing_leg_left(
        &mut self,
        now: Instant,
        leg: ConnectionId,
        group_slot: u32,
        reason: CloseReason,
    ) {
        let Some(id) = self.table.at(group_slot).map(|entry| entry.id) else {
            return;
        };
        self.with_outgoing(now, group_slot, |endpoint, group| {
            let random = endpoint.random.next_u32();
            let connection = endpoint.table.connection_mut(leg);
            let figures = connection.map(|connection| connection.statistics(now));
            let Some(peer) = group.leg_mut(leg).map(|leg| leg.call.remote) else {
                return;
            };
            group.fail(now, leg, LegEnd::Closed(reason), figures, random);
            endpoint.events.push_back(Event::LegLeft {
                group: id,
                leg,
                peer,
                reason,
            });
            if group.open_legs().next().is_some() {
                return endpoint.choose(now, group);
            }
            let closing = group.stage == Stage::Closing;
            for leg in &mut group.legs {
                if let Place::Calling(call) = leg.place {
                    endpoint.withdraw_call(call);
                    leg.place = Place::Waiting(Instant::FAR_FUTURE);
                }
            }
            group.end(now);
            let reason = if closing { CloseReason::Local } else { reason };
            endpoint.events.push_back(Event::Closed { id, reason });
        });
    }

    /// Legs may have to be called again or judged.
    pub(in crate::endpoint) fn check_outgoing(&mut self, now: Instant, group_slot: u32) {
        self.with_outgoing(now, group_slot, |endpoint, group| {
            if group.stage != Stage::Open {
                return;
            }
            for place in 0..group.legs.len() {
                if matches!(group.legs[place].place, Place::Waiting(until) if until <= now) {
                    endpoint.call_leg(now, group_slot, group, place);
                }
            }
            endpoint.choose(now, group);
        });
    }
}
