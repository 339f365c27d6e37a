use core::cmp::Reverse;
use std::collections::BinaryHeap;
use tidegate_units::Instant;

/// Stale entries tolerated before the heap is rebuilt, besides one per live timer.
const STALE_SLACK: usize = 64;

const NEVER: Instant = Instant::FAR_FUTURE;

/// One timer per connection, kept in a heap that forgets lazily.
///
/// Moving a timer to an earlier moment pushes a new entry; moving it to a later one does
/// nothing until the earlier entry fires and finds that it is not yet time. A timer that
/// is pushed back with every packet (idle, keepalive) therefore costs nothing per packet.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// By slot: the moment of the earliest entry that is in the heap for it, if any is.
    queued: Vec<Instant>,
    live: usize,
}

impl Timers {
    /// Makes sure that `slot` fires at `at` or earlier.
    pub(crate) fn set(&mut self, slot: u32, at: Instant) {
        let already = self.queued.get(slot as usize).copied();
        if already.unwrap_or(NEVER) > at {
            self.enqueue(slot, at);
        }
    }

    fn enqueue(&mut self, slot: u32, at: Instant) {
        let index = slot as usize;
        if index >= self.queued.len() {
            self.queued.resize(index + 1, NEVER);
        }
        self.live += usize::from(self.queued[index] == NEVER);
        self.queued[index] = at;
        self.heap.push(Reverse((at, slot)));
        if self.heap.len() > 2 * self.live + STALE_SLACK {
            self.rebuild();
        }
    }

    /// Forgets `slot`.
    pub(crate) fn cancel(&mut self, slot: u32) {
        if let Some(queued) = self.queued.get_mut(slot as usize)
            && core::mem::replace(queued, NEVER) != NEVER
        {
            self.live -= 1;
        }
    }

    /// The next slot whose time has come; it is disarmed.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        while let Some(&Reverse((at, slot))) = self.heap.peek() {
            let current = self.queued[slot as usize] == at;
            if current && at > now {
                return None;
            }
            self.heap.pop();
            if current {
                self.cancel(slot);
                return Some(slot);
            }
        }
        None
    }

    /// When the next timer fires: at the latest, for a stale entry may be earlier.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    fn rebuild(&mut self) {
        let queued = &self.queued;
        self.heap
            .retain(|Reverse((at, slot))| queued[*slot as usize] == *at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn timers_fire_in_order_and_once() {
        let mut timers = Timers::default();
        timers.set(2, at(20));
        timers.set(1, at(10));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(30)), Some(1));
        assert_eq!(timers.pop_due(at(30)), Some(2));
        assert_eq!(timers.pop_due(at(30)), None);
    }

    #[test]
    fn an_earlier_moment_replaces_a_later_one() {
        let mut timers = Timers::default();
        timers.set(1, at(20));
        timers.set(1, at(5));
        assert_eq!(timers.pop_due(at(5)), Some(1));
        assert_eq!(timers.pop_due(at(99)), None);
    }

    #[test]
    fn a_cancelled_timer_is_silent() {
        let mut timers = Timers::default();
        timers.set(1, at(5));
        timers.cancel(1);
        assert_eq!(timers.pop_due(at(99)), None);
    }

    #[test]
    fn stale_entries_do_not_pile_up() {
        let mut timers = Timers::default();
        for step in 0..10_000 {
            timers.set(1, at(20_000 - step));
        }
        assert!(timers.heap.len() <= 2 + STALE_SLACK + 1);
    }
}
