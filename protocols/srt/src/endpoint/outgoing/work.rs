//! What a group that we call as does: who carries what.

use super::super::Endpoint;
use crate::connection::SendError;
use crate::event::ConnectionId;
use crate::group::{
    Activity, Candidate, GroupKind, Held, MAX_LEGS, Outgoing, Stage, is_redundant, keeper,
    to_activate,
};
use tidegate_units::Instant;

impl Endpoint {
    /// Gives a packet to the legs that carry the stream.
    pub(super) fn share_out(
        &mut self,
        now: Instant,
        group: &mut Outgoing,
        held: Held,
    ) -> Result<(), SendError> {
        if group.stage != Stage::Open {
            return Err(SendError::NotConnected);
        }
        self.check_size(group, held.payload.len())?;
        group.drop_late(now);
        if !group.replay.has_room() {
            return Err(SendError::BufferFull);
        }
        let index = group.take(now, held);
        self.choose(now, group);
        let Some(held) = group.replay.get(index) else {
            return Ok(());
        };
        let number = (index, group.message_index(index));
        let mut sent = Err(SendError::NotConnected);
        for leg in &group.legs {
            let Some(id) = leg.carries() else { continue };
            if let Some(connection) = self.table.connection_mut(id) {
                sent = connection.send_for_group(now, number, held).or(sent);
                self.mark(id.slot);
            }
        }
        sent
    }

    /// A payload has to fit into a packet of some leg.
    fn check_size(&self, group: &Outgoing, bytes: usize) -> Result<(), SendError> {
        if bytes == 0 {
            return Err(SendError::Empty);
        }
        let limit = |leg| Some(self.table.connection(leg)?.payload_limit());
        let limit = group.open_legs().filter_map(limit).max().unwrap_or(0);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        Ok(())
    }

    /// In a backup group: judges the legs, activates one if that is needed, and silences those
    /// that are not needed any more.
    pub(super) fn choose(&mut self, now: Instant, group: &mut Outgoing) {
        if group.kind == GroupKind::Broadcast || group.stage != Stage::Open {
            return;
        }
        let patience = group.patience();
        for leg in &mut group.legs {
            let connection = leg.open_as().and_then(|id| self.table.connection(id));
            if let Some(connection) = connection {
                leg.judge(now, connection, &patience);
            }
        }
        let mut legs = [Candidate::NONE; MAX_LEGS];
        let has_media = group.replay.packets() > 0;
        if let Some(place) = to_activate(listed(group, &mut legs)).filter(|_| has_media) {
            self.activate(now, group, place);
        }
        let legs = listed(group, &mut legs);
        if let Some(keeper) = keeper(legs) {
            for redundant in legs.iter().filter(|leg| is_redundant(leg, &keeper)) {
                let leg = &mut group.legs[redundant.place];
                leg.activity = Activity::Standby { rests: false };
            }
            self.break_unstable(now, group);
        }
        self.rest(group);
    }

    /// A leg takes over: it sends everything that no leg has brought yet.
    fn activate(&mut self, now: Instant, group: &mut Outgoing, place: usize) {
        let Some(id) = group.legs[place].open_as() else {
            return;
        };
        let Some(connection) = self.table.connection(id) else {
            return;
        };
        group.legs[place].activate(now, connection);
        self.hand_over(now, group, id);
    }

    /// Gives a leg everything that no leg has brought yet.
    pub(super) fn hand_over(&mut self, now: Instant, group: &Outgoing, id: ConnectionId) {
        let Some(connection) = self.table.connection_mut(id) else {
            return;
        };
        let first = group.replay.first();
        connection.take_over_from(first, group.message_index(first));
        for index in group.replay.first()..group.replay.next() {
            let number = (index, group.message_index(index));
            if let Some(held) = group.replay.get(index) {
                // One that cannot be sent here is somebody else's.
                let _ = connection.send_for_group(now, number, held);
            }
        }
        self.mark(id.slot);
    }

    /// In a broadcast group nobody repeats what was given to legs that are gone: what none of
    /// those that are up began with is lost, and must not hold up what they bring.
    pub(super) fn drop_orphans(&self, group: &mut Outgoing) {
        if group.kind != GroupKind::Broadcast {
            return;
        }
        let began = |leg| Some(self.table.connection(leg)?.brought().0);
        if let Some(first) = group.open_legs().filter_map(began).min() {
            group.drop_before(first);
        }
    }

    /// A leg that does not become stable for as long as a silent peer is waited for is given up
    /// and called again, if another is stable.
    fn break_unstable(&mut self, now: Instant, group: &Outgoing) {
        let patience = group.template.connection.idle_timeout;
        for leg in &group.legs {
            let since = leg.activity.unstable_since();
            if since.is_some_and(|since| since + patience <= now)
                && let Some(id) = leg.open_as()
            {
                self.end_leg(now, id, true);
            }
        }
    }

    /// A leg that was silenced and has settled everything says that it idles from now on.
    fn rest(&mut self, group: &mut Outgoing) {
        for leg in &mut group.legs {
            if leg.activity != (Activity::Standby { rests: false }) {
                continue;
            }
            if let Some(id) = leg.open_as()
                && let Some(connection) = self.table.connection_mut(id)
                && connection.is_settled()
            {
                leg.activity = Activity::Standby { rests: true };
                connection.keep_alive_now();
                self.mark(id.slot);
            }
        }
    }

    /// Ends a leg that is up.
    pub(super) fn end_leg(&mut self, now: Instant, leg: ConnectionId, at_once: bool) {
        if let Some(connection) = self.table.connection_mut(leg) {
            if at_once {
                connection.cut_off();
            } else {
                connection.close(now);
            }
            self.mark(leg.slot);
        }
    }

    /// When the group is to be looked at again.
    pub(in crate::endpoint) fn set_timer_of_group(&mut self, now: Instant, slot: u32) {
        let Some(entry) = self.table.take(slot) else {
            return;
        };
        if let super::Occupant::Outgoing(group) = &entry.occupant {
            let mut at = group.wake_at();
            if group.kind == GroupKind::Backup && group.stage == Stage::Open {
                let patience = group.patience();
                for leg in &group.legs {
                    let connection = leg.open_as().and_then(|id| self.table.connection(id));
                    let due = connection.and_then(|it| leg.judge_at(now, it, &patience));
                    at = at.min(due.unwrap_or(at));
                }
            }
            self.timers.set(slot, at);
        }
        self.table.put_back(entry);
    }
}

/// The legs that are up, without allocating.
fn listed<'a>(group: &Outgoing, list: &'a mut [Candidate; MAX_LEGS]) -> &'a [Candidate] {
    let mut count = 0;
    for (place, leg) in list.iter_mut().zip(group.candidates()) {
        *place = leg;
        count += 1;
    }
    &list[..count]
}
