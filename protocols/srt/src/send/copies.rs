use core::cmp::Reverse;
use std::collections::BinaryHeap;
use tidegate_units::Instant;

/// Copies that wait at the same time; further ones are not sent.
const MAX_WAITING: usize = 8192;

/// Why a packet may be sent once more without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Occasion {
    /// It was repeated, for the last time that can be in time.
    LastRepeat,
    /// It was repeated, and this is the last moment for another try, should nothing have
    /// been heard of it.
    LastMoment,
    /// This is the last moment for a second try, and the reports that would have told of it
    /// were lost.
    Unheard,
}

/// Second copies of packets, each with the moment it may leave.
///
/// Like the list of losses it forgets lazily: a copy whose packet was acknowledged or
/// dropped meanwhile is skipped when it comes up.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    heap: BinaryHeap<Reverse<(Instant, u64, Occasion)>>,
}

impl Copies {
    /// False when too many wait already.
    pub(crate) fn push(&mut self, at: Instant, index: u64, why: Occasion) -> bool {
        let has_room = self.heap.len() < MAX_WAITING;
        if has_room {
            self.heap.push(Reverse((at, index, why)));
        }
        has_room
    }

    /// The next copy of a packet that is `first` or newer, and when it may leave.
    pub(crate) fn peek(&mut self, first: u64) -> Option<(Instant, u64, Occasion)> {
        while let Some(&Reverse((at, index, why))) = self.heap.peek() {
            if index >= first {
                return Some((at, index, why));
            }
            self.heap.pop();
        }
        None
    }

    pub(crate) fn pop(&mut self) -> Option<Occasion> {
        self.heap.pop().map(|Reverse((.., why))| why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHY: Occasion = Occasion::LastRepeat;

    #[test]
    fn copies_come_up_by_time_and_stale_ones_never() {
        let at = Instant::from_millis;
        let mut copies = Copies::default();
        for (millis, index) in [(30, 7), (10, 3), (20, 9)] {
            assert!(copies.push(at(millis), index, WHY));
        }
        assert_eq!(copies.peek(5), Some((at(20), 9, WHY)));
        copies.pop();
        assert_eq!(copies.peek(5), Some((at(30), 7, WHY)));
    }

    #[test]
    fn no_more_than_a_fixed_number_wait() {
        let mut copies = Copies::default();
        let taken = (0..10_000).filter(|index| copies.push(Instant::ZERO, *index, WHY));
        assert_eq!(taken.count(), MAX_WAITING);
    }
}
