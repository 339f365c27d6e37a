use crate::health::Recent;
use core::time::Duration;
use std::collections::VecDeque;
use tidegate_units::{Bitrate, Instant};

const TEN_SECONDS: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

/// One sample a second for a minute, and one to compare with.
const SAMPLES: usize = 61;

/// How much a counter grew lately. A counter that falls has begun again.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    samples: VecDeque<(Instant, u64)>,
    total: u64,
}

impl Growth {
    /// The counter stands at `total`. Costs one sample a second.
    pub(crate) fn note(&mut self, now: Instant, total: u64) {
        if total < self.total {
            self.samples.clear();
        }
        self.total = total;
        let last = self.samples.back().map(|(at, _)| *at);
        if last.is_some_and(|at| now.saturating_since(at) < Duration::from_secs(1)) {
            return;
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, total));
    }

    pub(crate) fn recent(&self, now: Instant) -> Recent {
        Recent {
            ten_seconds: self.since(now - TEN_SECONDS),
            minute: self.since(now - MINUTE),
        }
    }

    fn since(&self, then: Instant) -> u64 {
        let before = self.samples.iter().rev().find(|(at, _)| *at <= then);
        let base = before
            .or_else(|| self.samples.front())
            .map_or(self.total, |(_, total)| *total);
        self.total - base
    }
}

/// The median bitrate of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Usual {
    points: VecDeque<u64>,
}

impl Usual {
    pub(crate) fn note(&mut self, bitrate: Bitrate) {
        if self.points.len() == SAMPLES - 1 {
            self.points.pop_front();
        }
        self.points.push_back(bitrate.as_bps());
    }

    pub(crate) fn clear(&mut self) {
        self.points.clear();
    }

    /// The median, once there is enough to call anything usual.
    pub(crate) fn bitrate(&self) -> Option<Bitrate> {
        if self.points.len() < crate::limits::USUAL_BITRATE_POINTS {
            return None;
        }
        let mut sorted: Vec<_> = self.points.iter().copied().collect();
        sorted.sort_unstable();
        Some(Bitrate::from_bps(sorted[sorted.len() / 2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_the_last_ten_seconds_and_the_last_minute() {
        let mut growth = Growth::default();
        for second in 0..=120 {
            growth.note(Instant::from_millis(second * 1000), second);
        }
        let recent = growth.recent(Instant::from_millis(120_000));
        assert_eq!(
            recent,
            Recent {
                ten_seconds: 10,
                minute: 60
            }
        );
    }

    #[test]
    fn what_was_counted_before_the_first_look_is_not_recent() {
        let mut growth = Growth::default();
        growth.note(Instant::from_millis(1000), 5000);
        assert_eq!(growth.recent(Instant::from_millis(1500)), Recent::default());
    }

    #[test]
    fn a_counter_that_begins_again_does_not_underflow() {
        let mut growth = Growth::default();
        growth.note(Instant::from_millis(0), 100);
        growth.note(Instant::from_millis(1000), 3);
        assert_eq!(growth.recent(Instant::from_millis(1000)), Recent::default());
    }

    #[test]
    fn the_usual_bitrate_ignores_a_single_burst() {
        let mut usual = Usual::default();
        assert_eq!(usual.bitrate(), None);
        for second in 0..30 {
            let bps = if second == 12 { 90_000_000 } else { 6_000_000 };
            usual.note(Bitrate::from_bps(bps));
        }
        assert_eq!(usual.bitrate(), Some(Bitrate::from_bps(6_000_000)));
    }
}
