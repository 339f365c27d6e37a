use super::super::buffer::{Arrival, ReceiveBuffer};
use super::super::received::Received;
use super::Receiver;
use crate::group::{GroupKind, News};
use crate::wire::Timestamp;
use bytes::Bytes;
use tidegate_units::Instant;

/// The receiving half of a connection that is a leg of a bonding group.
///
/// A leg finds gaps, reports and acknowledges them as any connection does, but what it
/// receives goes to the group at once, whatever is missing before it here. In turn the
/// group tells it what came over other legs: a gap that is filled elsewhere is passed over.
/// Nothing is ever acknowledged beyond what arrived on the leg itself, because its sender may
/// not have sent that yet.
impl Receiver {
    /// Becomes a leg of a group that needs the packet with index `next`.
    pub(crate) const fn join_group(&mut self, next: u64, kind: GroupKind) {
        self.group_next = Some(next);
        self.carries_all = matches!(kind, GroupKind::Broadcast);
    }

    /// Compares with what the group has: what it needs next, what waits in it behind a gap,
    /// and the news of just now. True if there is something new to acknowledge.
    pub(crate) fn follow(&mut self, now: Instant, group: &ReceiveBuffer, news: &News) -> bool {
        self.group_next = Some(group.next());
        for (first, last) in &news.given_up {
            self.skipped.add(*first, *last);
        }
        let before = self.buffer.next();
        self.pass_over(group.next().min(self.buffer.end()));
        let end = self.buffer.end();
        for index in self.compared.max(self.buffer.next())..end {
            self.fill_from(now, group, index);
        }
        self.compared = end;
        for index in &news.came {
            self.fill_from(now, group, *index);
        }
        let progress = self.buffer.next() > before;
        if progress {
            self.acks.plan(now);
        }
        progress
    }

    /// A packet that is missing here is in the group: it is not asked for any more.
    fn fill_from(&mut self, now: Instant, group: &ReceiveBuffer, index: u64) {
        let Some(there) = group.get(index) else {
            return;
        };
        let is_missing = index >= self.buffer.next()
            && index < self.buffer.end()
            && self.buffer.get(index).is_none();
        if !is_missing || self.holes.fill(now, index).is_none() {
            return;
        }
        let place = Arrival {
            payload: None,
            arrived: now,
            due: there.due,
        };
        self.buffer.insert(index, place);
        while self.buffer.pop().is_some() {}
    }

    /// What the group has up to an arriving packet is not waited for. How many packets that
    /// should have come over this leg did not: none of a leg that has only begun, or idled.
    pub(super) fn pass_over_what_the_group_has(&mut self, index: u64) -> u64 {
        let Some(next) = self.group_next else {
            return 0;
        };
        let to = next.min(index);
        let unseen = to.saturating_sub(self.buffer.end());
        self.pass_over(to);
        let has_begun = core::mem::replace(&mut self.has_carried, true);
        if self.carries_all && has_begun {
            unseen
        } else {
            0
        }
    }

    fn pass_over(&mut self, index: u64) {
        if index > self.buffer.next() {
            self.holes.forget_before(index);
            self.buffer.skip_to(index);
            while self.buffer.pop().is_some() {}
        }
    }

    /// A packet from before the leg's own beginning may still be what the group waits for.
    pub(super) fn is_news_for_the_group(&self, index: u64) -> bool {
        let before_us = index < self.buffer.next();
        before_us && self.group_next.is_some_and(|next| index >= next)
    }

    /// Hands a packet to the group, in whatever order.
    pub(super) fn contribute(
        &mut self,
        now: Instant,
        sequence: u64,
        timestamp: Timestamp,
        payload: Bytes,
    ) {
        let origin = self.tsbpd.origin(now, timestamp);
        let due = origin + self.tsbpd.latency();
        self.playout.add(now, due, payload.len());
        self.ready.push_back(Received {
            payload,
            arrived: now,
            due,
            origin,
            sequence,
            dropped_before: 0,
        });
    }
}
