//! What reached one reader.

use super::bursts::Bursts;
use crate::histogram::Histogram;
use crate::payload;
use std::ops::Range;
use tidegate_units::Instant;

/// Counts the packets whose numbers are in the window that is measured.
pub(crate) struct Arrivals {
    window: Range<u64>,
    /// Delivered a second time, or after a later one.
    repeated: u64,
    next_number: u64,
    /// From the publisher's send call to here, in microseconds.
    delays: Histogram,
    bursts: Bursts,
}

impl Arrivals {
    /// Counts nothing before [`Self::begin`].
    pub(crate) fn new() -> Self {
        Self {
            window: 0..0,
            repeated: 0,
            next_number: 0,
            delays: Histogram::new(),
            bursts: Bursts::new(),
        }
    }

    /// What is numbered `first` and later counts.
    pub(crate) fn begin(&mut self, first: u64) {
        self.window = first..u64::MAX;
    }

    /// What is numbered `end` and later does not count.
    pub(crate) fn end(&mut self, end: u64) {
        self.window.end = end;
    }

    /// A payload came at `now`.
    pub(crate) fn count(&mut self, now: Instant, bytes: &[u8]) {
        let Some(mark) = payload::mark(bytes) else {
            return;
        };
        if mark.number < self.next_number {
            self.repeated += 1;
            return;
        }
        self.next_number = mark.number + 1;
        if self.window.contains(&mark.number) {
            let delay = now.saturating_since(mark.sent);
            self.delays
                .record(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX));
            self.bursts.count(now);
        }
    }

    pub(crate) const fn packets(&self) -> u64 {
        self.delays.count()
    }

    pub(crate) const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Packets of the window that did not come.
    pub(crate) const fn missing(&self) -> u64 {
        (self.window.end - self.window.start).saturating_sub(self.packets())
    }

    pub(crate) const fn delays(&self) -> &Histogram {
        &self.delays
    }

    pub(crate) fn burst_sizes(&self) -> Histogram {
        self.bursts.sizes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals_of(numbers: impl IntoIterator<Item = u64>) -> Arrivals {
        let mut arrivals = Arrivals::new();
        arrivals.begin(10);
        for number in numbers {
            let sent = Instant::from_micros(number * 1000);
            let now = Instant::from_micros(number * 1000 + 250);
            arrivals.count(now, &payload::packet(number, sent));
        }
        arrivals.end(20);
        arrivals
    }

    #[test]
    fn only_the_window_counts_and_nothing_of_it_is_missing() {
        let arrivals = arrivals_of(5..20);
        assert_eq!((arrivals.packets(), arrivals.missing()), (10, 0));
        assert_eq!(arrivals.delays().count(), 10);
        assert_eq!(arrivals.delays().max(), 250);
    }

    #[test]
    fn what_never_came_is_missing_at_the_end_of_the_window_too() {
        let arrivals = arrivals_of((5..14).chain(15..18));
        assert_eq!((arrivals.packets(), arrivals.missing()), (7, 3));
    }

    #[test]
    fn what_came_twice_counts_once() {
        let arrivals = arrivals_of([10, 11, 11, 12, 10]);
        assert_eq!((arrivals.packets(), arrivals.repeated()), (3, 2));
    }
}
