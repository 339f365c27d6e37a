use super::Endpoint;
use super::table::Occupant;
use crate::connection::Progress;
use crate::event::{ConnectionId, Event};
use crate::transmit::TransmitBatch;
use tidegate_units::Instant;

/// What to do with a slot after it has been asked.
enum After {
    BatchFull,
    Keep,
    Forget,
}

impl Endpoint {
    /// Writes what is due now into `batch`; stops when that is full. True when there is
    /// more to write at once.
    pub fn poll_transmit(&mut self, now: Instant, batch: &mut TransmitBatch) -> bool {
        self.advance(now);
        batch.leave_by(0);
        while let Some(reply) = self.bundles.next_reply() {
            let bytes = reply.bytes();
            if !batch.push(reply.to, reply.from, bytes.len(), |out| {
                out.copy_from_slice(bytes);
            }) {
                return true;
            }
            self.bundles.pop_reply();
        }
        while let Some(reply) = self.replies.front() {
            let bytes = &reply.bytes;
            if !batch.push(reply.to, reply.from, bytes.len(), |out| {
                out.copy_from_slice(bytes)
            }) {
                return true;
            }
            self.replies.pop_front();
        }
        while let Some(&slot) = self.marked.front() {
            match self.transmit_slot(now, slot, batch) {
                After::BatchFull => return true,
                After::Keep => {}
                After::Forget => self.forget(slot),
            }
            self.marked.pop_front();
        }
        false
    }

    /// Connections that something has happened to since the last transmission, and that very
    /// likely have something to send: what else is to leave soon may leave together with it.
    pub fn active(&self) -> impl Iterator<Item = ConnectionId> {
        self.marked.iter().filter_map(|slot| {
            let entry = self.table.look(*slot)?;
            let owner = entry
                .group
                .map_or(Some(entry), |group| self.table.look(group));
            owner.map(|owner| owner.id)
        })
    }

    fn transmit_slot(&mut self, now: Instant, slot: u32, batch: &mut TransmitBatch) -> After {
        let Some(entry) = self.table.at(slot) else {
            return After::Keep;
        };
        batch.leave_by(entry.way);
        let connection = match &mut entry.occupant {
            Occupant::Connection(connection) => connection,
            Occupant::Call(call) => {
                if call.poll_transmit(now, batch) == Progress::BatchFull {
                    return After::BatchFull;
                }
                entry.marked = false;
                self.timers.set(slot, call.wake_at());
                return After::Keep;
            }
            Occupant::Group(group) => {
                entry.marked = false;
                if group.is_forgettable(now) {
                    return After::Forget;
                }
                self.timers.set(slot, group.wake_at());
                return After::Keep;
            }
            Occupant::Outgoing(group) => {
                entry.marked = false;
                if group.is_forgettable(now) {
                    return After::Forget;
                }
                self.set_timer_of_group(now, slot);
                return After::Keep;
            }
        };
        let progress = match entry.bundle {
            None => connection.poll_transmit(now, batch, &mut self.random),
            Some(key) => self.detour.transmit(
                now,
                (connection, key),
                &mut self.bundles,
                batch,
                &mut self.random,
            ),
        };
        if progress == Progress::BatchFull {
            return After::BatchFull;
        }
        entry.marked = false;
        if let Some(reason) = connection.take_end(now) {
            entry.counted = false;
            self.connections -= 1;
            self.counters.closed += 1;
            self.policy.on_ended(entry.account);
            if let Some(key) = entry.bundle {
                self.bundles.on_ended(now, key);
            }
            match entry.group {
                Some(group) => {
                    let leg = (entry.id, entry.peer);
                    self.timers.set(slot, connection.wake_at());
                    self.leg_left(now, leg, group, reason);
                    return After::Keep;
                }
                None => self.events.push_back(Event::Closed {
                    id: entry.id,
                    reason,
                }),
            }
        }
        if connection.is_forgettable(now) {
            return After::Forget;
        }
        self.timers.set(slot, connection.wake_at());
        After::Keep
    }

    pub(super) fn forget(&mut self, slot: u32) {
        self.timers.cancel(slot);
        let Some(entry) = self.table.remove(slot) else {
            return;
        };
        if let Some(key) = entry.key {
            self.admission.forget(key);
        }
        if entry.counted {
            self.connections -= 1;
        }
    }

    /// Does what time asks for. Call it at [`Self::poll_timeout`] or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        while let Some(slot) = self.timers.pop_due(now) {
            let Some(entry) = self.table.at(slot) else {
                continue;
            };
            match &mut entry.occupant {
                Occupant::Connection(connection) => connection.handle_timeout(now),
                Occupant::Call(_) => {
                    self.check_call(now, slot);
                    continue;
                }
                Occupant::Group(_) => {
                    self.check_group(now, slot);
                    continue;
                }
                Occupant::Outgoing(_) => {
                    self.check_outgoing(now, slot);
                    continue;
                }
            }
            if let Some(group) = entry.group {
                self.after_leg(now, slot, group);
            }
            self.mark(slot);
        }
        self.bundles.sweep(now);
        while let Some((id, pending)) = self.admission.pop_expired(now) {
            if pending.refusal.is_none() {
                self.counters.expired += 1;
                self.events.push_back(Event::RequestGone(id));
            }
        }
    }

    /// When [`Self::handle_timeout`] is to be called at the latest. Ask after
    /// [`Self::poll_transmit`] has returned false.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let replies = !self.replies.is_empty() || self.bundles.next_reply().is_some();
        if !self.marked.is_empty() || replies {
            return Some(self.now);
        }
        self.timers
            .next()
            .into_iter()
            .chain(self.admission.next_expiry())
            .chain(self.bundles.next_sweep())
            .min()
    }
}
