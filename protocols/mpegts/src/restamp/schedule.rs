//! When each packet of a stream belongs, by the stream's own clock.

use std::collections::VecDeque;

/// Packets between two times of the clock. At 100 Mbit/s and the longest interval in use
/// (100 ms) there are 7000.
const WITHOUT_CLOCK_MAX: usize = 1 << 16;

/// Spreads packets evenly between the times of the clock that come before and after them.
///
/// `T` is whatever stands for a packet. Packets before the first time belong to it.
#[derive(Debug)]
pub struct Schedule<T> {
    /// The time of the packet in front of the waiting ones.
    last: Option<i64>,
    waiting: VecDeque<T>,
    /// When the first of the ready ones belongs, and from one to the next (as a fraction).
    ready: VecDeque<Scheduled<T>>,
}

/// A packet and its time, in ticks of 27 MHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled<T> {
    /// The packet.
    pub packet: T,
    /// When it belongs.
    pub at: i64,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self {
            last: None,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }
}

impl<T> Schedule<T> {
    /// A schedule that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a packet, which may carry the clock. False: too many packets came without it.
    pub fn push(&mut self, packet: T, clock: Option<i64>) -> bool {
        self.waiting.push_back(packet);
        if let Some(clock) = clock {
            self.place(clock);
        }
        self.waiting.len() < WITHOUT_CLOCK_MAX
    }

    /// The packets whose time is known, in order.
    pub fn pop(&mut self) -> Option<Scheduled<T>> {
        self.ready.pop_front()
    }

    /// When the next of them belongs.
    #[must_use]
    pub fn next_at(&self) -> Option<i64> {
        self.ready.front().map(|next| next.at)
    }

    /// Nothing is left, neither with a time nor waiting for one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.waiting.is_empty()
    }

    /// Whether a packet has its time, and this is true of the next.
    pub fn next_is(&self, check: impl FnOnce(&Scheduled<T>) -> bool) -> bool {
        self.ready.front().is_some_and(check)
    }

    /// Packets without a clock took until `end`, and began at `begin` unless others came
    /// before them.
    pub fn spread(&mut self, begin: i64, end: i64) {
        self.last.get_or_insert(begin);
        if self.waiting.is_empty() {
            self.last = Some(end);
        } else {
            self.place(end);
        }
    }

    /// What still waits for the clock belongs to its last time: there is no more.
    pub fn finish(&mut self) {
        if let Some(last) = self.last {
            self.place(last);
        }
    }

    fn place(&mut self, clock: i64) {
        let begin = self.last.unwrap_or(clock);
        let count = self.waiting.len() as i64;
        let span = clock - begin;
        for (index, packet) in (1..).zip(self.waiting.drain(..)) {
            let at = begin + span * index / count;
            self.ready.push_back(Scheduled { packet, at });
        }
        self.last = Some(clock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(schedule: &mut Schedule<u32>) -> Vec<(u32, i64)> {
        core::iter::from_fn(|| schedule.pop())
            .map(|next| (next.packet, next.at))
            .collect()
    }

    #[test]
    fn packets_are_spread_between_the_times_around_them() {
        let mut schedule = Schedule::new();
        for (packet, clock) in [(0, None), (1, Some(100)), (2, None), (3, None)] {
            assert!(schedule.push(packet, clock));
        }
        assert_eq!(times(&mut schedule), [(0, 100), (1, 100)]);
        schedule.push(4, Some(400));
        assert_eq!(times(&mut schedule), [(2, 200), (3, 300), (4, 400)]);
        schedule.push(5, None);
        schedule.finish();
        assert_eq!(times(&mut schedule), [(5, 400)]);
    }

    #[test]
    fn packets_without_a_clock_are_spread_over_the_time_they_are_said_to_take() {
        let mut schedule = Schedule::new();
        for packet in 0..2 {
            schedule.push(packet, None);
        }
        schedule.spread(1000, 1200);
        assert_eq!(times(&mut schedule), [(0, 1100), (1, 1200)]);
        schedule.push(2, None);
        schedule.spread(0, 1300);
        assert!(schedule.next_is(|next| next.packet == 2));
        assert_eq!(times(&mut schedule), [(2, 1300)]);
    }

    #[test]
    fn a_stream_without_a_clock_is_noticed() {
        let mut schedule = Schedule::new();
        let all = (0..WITHOUT_CLOCK_MAX as u32).all(|packet| schedule.push(packet, None));
        assert!(!all);
    }
}
