use tidegate_units::Duration;

/// The pause before a leg that failed is called again, at first and at the longest: those of an
/// output that calls without a group.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A leg that was up for so long begins with the first pause again.
const GOOD: Duration = Duration::from_secs(30);
/// The pause does not double further than this.
const MOST_DOUBLINGS: u32 = 5;

/// When a leg is called again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Redial {
    failures: u32,
}

impl Redial {
    /// The pause after a leg that was up for so long; `random` spreads it by a fifth, so that
    /// a thousand groups do not come back as one.
    pub(crate) fn pause(&mut self, up_for: Duration, random: u32) -> Duration {
        if up_for >= GOOD {
            self.failures = 0;
        }
        let doubled = FIRST * (1 << self.failures.min(MOST_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        let pause = doubled.min(LONGEST);
        let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        let spread = u64::from(random) * (micros / 1000 * 400) / u64::from(u32::MAX);
        Duration::from_micros(micros / 1000 * 800 + spread).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_thirty_seconds_until_a_leg_was_up_for_long() {
        let mut redial = Redial::default();
        let mut pause = |up_for: u64| {
            let pause = redial.pause(Duration::from_secs(up_for), u32::MAX / 2);
            (pause.as_secs_f64() * 10.0).round() / 10.0
        };
        let pauses: Vec<f64> = [0, 3, 29, 0, 0, 0, 0].map(&mut pause).to_vec();
        assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert!((pause(30) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn no_two_come_back_together() {
        let pause = |random| Redial::default().pause(Duration::ZERO, random);
        assert_eq!(pause(0), Duration::from_millis(800));
        assert_eq!(pause(u32::MAX), Duration::from_millis(1200));
    }
}
