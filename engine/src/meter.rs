use crate::limits;
use core::time::Duration;
use std::collections::VecDeque;
use tidegate_units::{Bitrate, Instant};

/// The window the rate of a steady stream is measured over.
const STEADY_WINDOW: Duration = Duration::from_secs(1);
/// The window for what leaves in bursts: a few segments, each fetched at once.
const BURST_WINDOW: Duration = Duration::from_secs(10);

/// Samples beyond those that cover the window at [`limits::HEALTH_INTERVAL`].
const SPARE_SAMPLES: usize = 4;

/// A bitrate over the last moments, from a counter that is looked at now and then.
#[derive(Debug)]
pub(crate) struct RateMeter {
    window: Duration,
    samples: VecDeque<(Instant, u64)>,
}

impl RateMeter {
    /// For media that flows: the rate of the last second.
    pub(crate) fn steady() -> Self {
        Self::over(STEADY_WINDOW)
    }

    /// For media that is fetched in pieces: the rate of the last ten seconds.
    pub(crate) fn bursts() -> Self {
        Self::over(BURST_WINDOW)
    }

    fn over(window: Duration) -> Self {
        let samples = VecDeque::new();
        Self { window, samples }
    }

    fn samples_max(&self) -> usize {
        let covering = self.window.as_millis() / limits::HEALTH_INTERVAL.as_millis();
        usize::try_from(covering).unwrap_or(0) + SPARE_SAMPLES
    }

    /// The counter stands at `total` now.
    pub(crate) fn sample(&mut self, now: Instant, total: u64) {
        if self.samples.len() == self.samples_max() {
            self.samples.pop_front();
        }
        self.samples.push_back((now, total));
    }

    /// What was counted over the window, give or take one sample.
    pub(crate) fn rate(&self, now: Instant) -> Bitrate {
        let Some(&(newest, total)) = self.samples.back() else {
            return Bitrate::ZERO;
        };
        if now.saturating_since(newest) > STEADY_WINDOW + limits::HEALTH_INTERVAL {
            return Bitrate::ZERO;
        }
        let within = |sample: &&(Instant, u64)| newest.saturating_since(sample.0) >= self.window;
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
        let mut meter = RateMeter::steady();
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
    fn the_rate_of_bursts_does_not_jump_between_them() {
        let mut meter = RateMeter::bursts();
        for step in 0..80_u64 {
            // A megabyte every two seconds.
            meter.sample(Instant::from_millis(step * 250), step / 8 * 1_000_000);
            if step >= 48 {
                let rate = meter.rate(Instant::from_millis(step * 250)).as_bps();
                assert!((3_000_000..=5_000_000).contains(&rate), "{rate} at {step}");
            }
        }
    }

    #[test]
    fn a_counter_that_stands_still_is_no_rate() {
        let mut meter = RateMeter::steady();
        for step in 0..9 {
            meter.sample(Instant::from_millis(step * 250), 5000);
        }
        assert_eq!(meter.rate(Instant::from_millis(2000)), Bitrate::ZERO);
    }
}
