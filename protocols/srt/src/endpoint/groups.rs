//! Bonding groups: where what their legs receive comes together.

use super::table::{Entry, Occupant};
use super::{Endpoint, GroupCounters};
use crate::connection::Connection;
use crate::event::{CloseReason, ConnectionId, Event, RequestId};
use crate::group::{Founding, Group, GroupRequest, LegStatus, MAX_GROUPS};
use crate::handshake::StreamId;
use crate::statistics::Statistics;
use crate::wire::{GroupExtension, SocketId};
use core::net::SocketAddr;
use tidegate_units::{Instant, NetworkSet};

/// Which group a new connection becomes a leg of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Membership {
    /// It founds one, whose number at us is this.
    Founder(SocketId),
    /// It joins this one.
    Joiner(ConnectionId),
}

impl Endpoint {
    /// The legs of a bonding group, each with its own figures; lost ones are named until
    /// others stand in for them. None for any other connection.
    pub fn legs(&mut self, now: Instant, id: ConnectionId) -> Vec<LegStatus> {
        self.advance(now);
        if self.table.outgoing(id).is_some() {
            return self.outgoing_legs(now, id);
        }
        let Some(group) = self.table.group(id) else {
            return Vec::new();
        };
        let legs: Vec<ConnectionId> = group.legs().collect();
        let mut figures: Vec<Option<Statistics>> = legs
            .into_iter()
            .map(|leg| Some(self.table.connection_mut(leg)?.statistics(now)))
            .collect();
        let mut next = figures.iter_mut();
        let take = |_| next.next().and_then(Option::take);
        self.table
            .group(id)
            .map_or_else(Vec::new, |group| group.status(now, take))
    }

    /// The figures of a group as one connection.
    pub(super) fn group_statistics(
        &mut self,
        now: Instant,
        id: ConnectionId,
    ) -> Option<Statistics> {
        let legs = self.legs(now, id);
        Some(self.table.group_mut(id)?.statistics(now, &legs))
    }

    pub(super) fn group_counters(&self) -> GroupCounters {
        let groups = self.groups.iter().filter_map(|id| self.table.group(*id));
        GroupCounters {
            groups: self.groups.len() as u64,
            legs: groups.map(|group| group.legs().count() as u64).sum(),
            ..self.counters.groups
        }
    }

    /// The open group that a request is for.
    pub(super) fn group_for(
        &mut self,
        request: &GroupRequest,
        stream_id: &StreamId,
    ) -> Option<ConnectionId> {
        self.groups.iter().rev().copied().find(|id| {
            let group = self.table.group(*id);
            group.is_some_and(|group| group.is_for(request, stream_id))
        })
    }

    /// A number for a new group, unless there are too many.
    pub(super) fn draw_group(&mut self) -> Option<SocketId> {
        if self.groups.len() >= MAX_GROUPS {
            self.counters.groups.groups_refused += 1;
            return None;
        }
        let socket = self
            .table
            .draw_socket(self.socket_ids, None, &mut self.random)?;
        // No datagram can name it: sockets' own names leave the bit alone.
        Some(SocketId::new(socket.value() | GroupExtension::ID_BIT))
    }

    /// The number that all legs of a group are told.
    pub(super) fn group_number(&self, membership: Membership) -> Option<u32> {
        match membership {
            Membership::Founder(number) => Some(number.value()),
            Membership::Joiner(group) => Some(self.table.get(group)?.socket.value()),
        }
    }

    /// Where a group's stream is, for a leg that joins it.
    pub(super) fn index_near(&self, membership: Membership) -> Option<u64> {
        match membership {
            Membership::Founder(_) => None,
            Membership::Joiner(group) => Some(self.table.group(group)?.buffer().next()),
        }
    }

    /// Makes a new connection a leg.
    pub(super) fn enter_group(
        &mut self,
        now: Instant,
        (leg, peer): (ConnectionId, SocketAddr),
        (request, asked): (RequestId, GroupRequest),
        membership: Membership,
        made: Founding,
    ) {
        let group = match membership {
            Membership::Founder(socket) => {
                let negotiated = made.negotiated.clone();
                let Some(group) = self.found_group(now, leg, socket, made) else {
                    return;
                };
                self.events.push_back(Event::Connected {
                    id: group,
                    request: Some(request),
                    negotiated,
                });
                group
            }
            Membership::Joiner(group) => group,
        };
        if let Some(entry) = self.table.at(leg.slot) {
            entry.group = Some(group.slot);
        }
        if let Some(group) = self.table.group_mut(group) {
            group.add(now, leg, peer, asked.weight);
            let (next, offset) = (group.buffer().next(), group.clock().offset_micros());
            let kind = group.request.kind;
            if let Membership::Joiner(_) = membership
                && let Some(connection) = self.table.connection_mut(leg)
            {
                connection.join_group(next, offset, kind);
            }
        }
        self.events.push_back(Event::LegJoined {
            group,
            leg,
            request: Some(request),
            peer,
        });
    }

    fn found_group(
        &mut self,
        now: Instant,
        leg: ConnectionId,
        socket: SocketId,
        made: Founding,
    ) -> Option<ConnectionId> {
        let connection = self.table.connection_mut(leg)?;
        let offset = connection.found_group(made.request.kind);
        let peer = made.negotiated.peer;
        let group = Box::new(Group::found(now, made, leg, offset));
        let id = self
            .table
            .insert(socket, peer, None, Occupant::Group(group));
        if let Some(entry) = self.table.at(id.slot) {
            // Its legs count.
            entry.counted = false;
        }
        self.groups.push(id);
        Some(id)
    }

    /// A leg has done something: takes what it received, and tells all legs.
    pub(super) fn after_leg(&mut self, now: Instant, leg_slot: u32, group_slot: u32) {
        if self.is_outgoing(group_slot) {
            return self.after_outgoing_leg(now, leg_slot, group_slot);
        }
        self.with_group(now, group_slot, |endpoint, group| {
            let Some(entry) = endpoint.table.at(leg_slot) else {
                return;
            };
            let leg = entry.id;
            let Occupant::Connection(connection) = &mut entry.occupant else {
                return;
            };
            while let Some(packet) = connection.receive(now) {
                group.take(now, leg, packet);
            }
            let offset = connection.clock_offset_micros();
            if let Some(leader) = group.next_leader(now) {
                endpoint.lead_by(leader, group);
            }
            if group.clock().on_measured(leg, offset) {
                let shared = group.clock().offset_micros();
                for leg in group.legs() {
                    if let Some(connection) = endpoint.table.connection_mut(leg) {
                        connection.share_clock(shared);
                    }
                }
            }
        });
    }

    /// A gap may be due.
    pub(super) fn check_group(&mut self, now: Instant, group_slot: u32) {
        self.with_group(now, group_slot, |_, _| {});
    }

    /// Does something to a group, then skips what is late and tells all legs what came.
    fn with_group(
        &mut self,
        now: Instant,
        group_slot: u32,
        act: impl FnOnce(&mut Self, &mut Group),
    ) {
        let Some(mut entry) = self.table.take(group_slot) else {
            return;
        };
        if let Occupant::Group(group) = &mut entry.occupant {
            act(self, group);
            group.drop_late(now);
            self.tell_legs(now, group);
        }
        self.table.put_back(entry);
        self.mark(group_slot);
    }

    fn tell_legs(&mut self, now: Instant, group: &mut Group) {
        let news = group.take_news();
        for leg in group.legs() {
            let connection = self.table.connection_mut(leg);
            if connection.is_some_and(|leg| leg.follow_group(now, group.buffer(), &news)) {
                self.mark(leg.slot);
            }
        }
        group.give_back(news);
    }

    /// A leg has ended, and with the last one its group.
    pub(super) fn leg_left(
        &mut self,
        now: Instant,
        (leg, peer): (ConnectionId, SocketAddr),
        group_slot: u32,
        reason: CloseReason,
    ) {
        if self.is_outgoing(group_slot) {
            return self.outgoing_leg_left(now, leg, group_slot, reason);
        }
        let peer = self.locate(peer, None).0;
        let figures = self
            .table
            .connection_mut(leg)
            .map(|connection| connection.statistics(now));
        let Some(Entry { id: group, .. }) = self.table.at(group_slot) else {
            return;
        };
        let group = *group;
        let Some((members, figures)) = self.table.group_mut(group).zip(figures) else {
            return;
        };
        let is_last = members.remove(now, leg, reason, figures);
        let closing = members.closing;
        self.events.push_back(Event::LegLeft {
            group,
            leg,
            peer,
            reason,
        });
        if is_last {
            self.groups.retain(|known| *known != group);
            let reason = if closing { CloseReason::Local } else { reason };
            self.events.push_back(Event::Closed { id: group, reason });
        }
        self.mark(group_slot);
    }

    fn lead_by(&self, leg: ConnectionId, group: &mut Group) {
        let connection = self.table.connection(leg);
        let offset = connection.and_then(Connection::clock_offset_micros);
        group.clock().lead(leg, offset);
    }

    /// Closes those legs of a bonding group that come from `networks`. The group goes on with
    /// the others, and ends with its last leg.
    pub fn close_legs(&mut self, now: Instant, id: ConnectionId, networks: &NetworkSet) {
        self.advance(now);
        let Some(group) = self.table.group(id) else {
            return;
        };
        let legs: Vec<ConnectionId> = group.legs_from(networks).collect();
        for leg in legs {
            if let Some(connection) = self.table.connection_mut(leg) {
                connection.close(now);
                self.mark(leg.slot);
            }
        }
    }

    /// Ends a group: each leg is closed as any connection, or cut off.
    pub(super) fn close_group(&mut self, now: Instant, id: ConnectionId, at_once: bool) {
        let Some(group) = self.table.group_mut(id) else {
            return;
        };
        group.closing = true;
        let legs: Vec<ConnectionId> = group.legs().collect();
        for leg in legs {
            if let Some(connection) = self.table.connection_mut(leg) {
                if at_once {
                    connection.cut_off();
                } else {
                    connection.close(now);
                }
                self.mark(leg.slot);
            }
        }
    }
}
