use crate::limits;
use core::time::Duration;
use std::collections::VecDeque;
use tidegate_units::{Bitrate, Instant};

/// The window a rate is measured over.
const WINDOW: Duration = Duration::from_secs(1);

/// Samples that cover the window at [`limits::HEALTH_INTERVAL`], and a few more.
const SAMPLES: usize = 8;

/// A bitrate over the last second, from a counter that is looked at now and then.
#[derive(Debug, Default)]
pub(crate) struct RateMeter {
    samples: VecDeque<(Instant, u64)>,
}

impl RateMeter {
    /// The counter stands at `total` now.
    pub(crate) fn sample(&mut self, now: Instant, total: u64) {
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, total));
    }

    /// What was counted over the last second, give or take one sample.
    pub(crate) fn rate(&self, now: Instant) -> Bitrate {
        let Some(&(newest, total)) = self.samples.back() else {
            return Bitrate::ZERO;
        };
        if now.saturating_since(newest) > WINDOW + limits::HEALTH_INTERVAL {
            return Bitrate::ZERO;
        }
        let within = |sample: &&(Instant, u64)| newest.saturating_since(sample.0) >= WINDOW;
        let base = self
            .samples
            .iter()
            .rev()
            .find(within)
            .or_else(|| self.samples.front());
        let Some(&(since, before)) = base else {
            return Bitrate::ZERO;
        };
        Bitrate::of(total.saturating_sub(before), newest.saturating_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut meter = RateMeter::default();
        for step in 0..20 {
            let bytes = if step < 10 { 0 } else { (step - 9) * 250_000 };
            meter.sample(Instant::from_millis(step * 250), bytes);
        }
        assert_eq!(
            meter.rate(Instant::from_millis(19 * 250)).as_bps(),
            8_000_000
        );
    }

    #[test]
    fn a_counter_that_stands_still_is_no_rate() {
        let mut meter = RateMeter::default();
        for step in 0..9 {
            meter.sample(Instant::from_millis(step * 250), 5000);
        }
        assert_eq!(meter.rate(Instant::from_millis(2000)), Bitrate::ZERO);
    }
}
