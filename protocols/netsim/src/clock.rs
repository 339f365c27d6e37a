use tidegate_units::Instant;

/// A node's own clock: it started at its own moment and its crystal runs a little fast or slow.
///
/// The simulator lives in one true time. What a node is told as `now` goes through
/// [`SkewedClock::local`]; what it asks to be woken at comes back through
/// [`SkewedClock::global`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkewedClock {
    start: Instant,
    parts_per_million: i32,
}

const MILLION: i128 = 1_000_000;

impl SkewedClock {
    /// A clock that shows `start` at true time zero and gains `parts_per_million`
    /// microseconds each second (a negative number loses).
    #[must_use]
    pub const fn new(start: Instant, parts_per_million: i32) -> Self {
        Self {
            start,
            parts_per_million,
        }
    }

    /// What this clock shows at the true time `now`.
    #[must_use]
    pub fn local(&self, now: Instant) -> Instant {
        let shown = i128::from(now.as_micros()) * (MILLION + i128::from(self.parts_per_million));
        let micros = i128::from(self.start.as_micros()) + shown.div_euclid(MILLION);
        Instant::from_micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }

    /// The first true time at which this clock shows at least `local`.
    #[must_use]
    pub fn global(&self, local: Instant) -> Instant {
        if local == Instant::FAR_FUTURE {
            return local;
        }
        let ran = local.saturating_since(self.start).as_micros().cast_signed();
        let pace = MILLION + i128::from(self.parts_per_million);
        let micros = (ran * MILLION + pace - 1).div_euclid(pace);
        Instant::from_micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_gains_its_parts_per_million() {
        let clock = SkewedClock::new(Instant::from_millis(5), 200);
        let after_a_minute = clock.local(Instant::from_millis(60_000));
        assert_eq!(after_a_minute, Instant::from_micros(5_000 + 60_012_000));
    }

    #[test]
    fn a_wake_up_is_never_early_and_at_most_a_tick_late() {
        for ppm in [-200, -1, 0, 1, 200] {
            let clock = SkewedClock::new(Instant::from_micros(77), ppm);
            for micros in [77, 78, 1_000, 123_456_789, 600_000_000_000] {
                let wanted = Instant::from_micros(micros);
                let woken = clock.local(clock.global(wanted));
                assert!(
                    woken >= wanted && woken.micros_from(wanted) <= 1,
                    "{ppm} {micros}"
                );
            }
        }
    }

    #[test]
    fn never_stays_never() {
        let clock = SkewedClock::new(Instant::ZERO, -200);
        assert_eq!(clock.global(Instant::FAR_FUTURE), Instant::FAR_FUTURE);
    }
}
