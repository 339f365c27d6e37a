use crate::limits;
use core::time::Duration;

/// How long to wait before the next run: 1 s, doubling to 30 s, a little different for
/// everyone so that a thousand callers do not come back as one.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after a run of `ran_for`; `random` spreads it by ±20 %.
    pub(crate) fn next(&mut self, ran_for: Duration, random: u32) -> Duration {
        if ran_for >= limits::BACKOFF_GOOD {
            self.failures = 0;
        }
        let doubled = limits::BACKOFF_FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let spread = 0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX);
        doubled
            .min(limits::BACKOFF_LONGEST)
            .mul_f64(spread)
            .min(limits::BACKOFF_LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = u32::MAX / 2;

    fn seconds(backoff: &mut Backoff, ran_for: u64) -> u64 {
        backoff
            .next(Duration::from_secs(ran_for), MIDDLE)
            .as_secs_f64()
            .round() as u64
    }

    #[test]
    fn pauses_double_from_one_second_to_thirty() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..7).map(|_| seconds(&mut backoff, 0)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn half_a_good_minute_makes_the_next_pause_short_again() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            seconds(&mut backoff, 29);
        }
        assert_eq!(seconds(&mut backoff, 30), 1);
    }

    #[test]
    fn no_two_callers_come_back_together() {
        let pause = |random| Backoff::default().next(Duration::ZERO, random);
        assert_eq!(pause(0), Duration::from_millis(800));
        assert_eq!(pause(u32::MAX), Duration::from_millis(1200));
    }

    #[test]
    fn no_pause_is_ever_longer_than_thirty_seconds() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(backoff.next(Duration::ZERO, u32::MAX) <= limits::BACKOFF_LONGEST);
        }
    }
}
