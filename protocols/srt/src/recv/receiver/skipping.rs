use super::super::arrived::Arrived;
use super::Receiver;
use tidegate_units::Instant;

/// What is given up: because its time is over, because the sender will not send it again, or
/// because the sender has moved on.
impl Receiver {
    /// A packet further ahead than there is room, and nothing waits for what is missing in
    /// between: the sender has moved on.
    pub(super) fn pass_over_a_gap(&mut self, index: u64, arrived: &mut Arrived) {
        if index - self.buffer.next() >= self.room.packets() as u64 {
            arrived.missing += index - self.buffer.end();
            arrived.dropped = self.skip_to(index);
        }
    }

    /// Gives up everything before `index`; how many packets that lost.
    fn skip_to(&mut self, index: u64) -> u64 {
        let first = self.buffer.next();
        let unseen = index.saturating_sub(self.buffer.end());
        let lost = self.holes.forget_before(index) + unseen;
        self.skipped.add(first, index - 1);
        self.buffer.skip_to(index);
        let count = u32::try_from(lost).unwrap_or(u32::MAX);
        self.dropped_before = self.dropped_before.saturating_add(count);
        lost
    }

    /// Skips gaps whose first packet behind them has reached its play-out time; how many
    /// packets that lost.
    pub(crate) fn drop_late(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while self.skip_due_at().is_some_and(|due| due <= now) {
            lost += self.skip_to(self.end_of_first_gap());
            self.hand_over_waiting(now);
            self.acks.on_packet(now, self.buffer.next());
        }
        lost
    }

    /// When the first gap is skipped unless it is repaired.
    pub(crate) fn skip_due_at(&self) -> Option<Instant> {
        // On a leg it is the group that waits no longer.
        if !self.too_late_drop || self.holes.is_empty() || self.group_next.is_some() {
            return None;
        }
        self.buffer
            .get(self.end_of_first_gap())
            .map(|arrival| arrival.due)
    }

    fn end_of_first_gap(&self) -> u64 {
        self.holes.end_of_first_gap().unwrap_or(self.buffer.next())
    }

    /// The sender will not send `first..=last` again: how many packets that loses at once.
    /// `None` if it is out of range.
    pub(crate) fn on_drop_request(&mut self, now: Instant, first: u64, last: u64) -> Option<u64> {
        let next = self.buffer.next();
        if last < next {
            return Some(0);
        }
        let limit = (self.room.packets() as u64).max(self.buffer.places() as u64);
        if last < first || last - next >= limit {
            return None;
        }
        let end = self.buffer.end();
        if last >= end {
            let unseen = end.max(first);
            if unseen > end {
                self.push_gap(now, (end, unseen - 1), now, Instant::FAR_FUTURE);
            }
            self.holes.push(now, unseen, last, None);
            self.buffer.extend_to(last + 1);
        }
        self.holes.give_up(first.max(next), last);
        Some(self.skip_given_up(now))
    }

    /// Skips a gap that will not be repaired if nothing waits behind it, or if gaps are not
    /// skipped at their play-out time.
    fn skip_given_up(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while !self.holes.is_empty() && self.holes.first_gap_is_given_up() {
            let end = self.end_of_first_gap();
            if self.too_late_drop && end < self.buffer.end() {
                break;
            }
            lost += self.skip_to(end);
            self.hand_over_waiting(now);
            self.acks.on_packet(now, self.buffer.next());
        }
        lost
    }
}
