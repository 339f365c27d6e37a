use tidegate_units::{Duration, Instant};

/// A longer interval is no habit of the sender's.
const LONGEST_USUAL: Duration = Duration::from_secs(10);

/// Something that has to come again and again, by the stream's own time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recurrence {
    last: Option<Instant>,
    /// The last two intervals in microseconds.
    intervals: [u32; 2],
}

impl Recurrence {
    /// It came. Says whether the interval before it was longer than `limit`.
    pub(crate) fn came(&mut self, at: Instant, limit: Duration) -> bool {
        let Some(last) = self.last.replace(at) else {
            return false;
        };
        let interval = at.saturating_since(last);
        let micros = interval.min(LONGEST_USUAL).as_micros();
        self.intervals = [self.intervals[1], u32::try_from(micros).unwrap_or(u32::MAX)];
        interval > limit
    }

    /// When it came last.
    pub(crate) const fn last(&self) -> Option<Instant> {
        self.last
    }

    /// How often it usually comes: one long interval does not make a habit.
    pub(crate) fn usual(&self) -> Duration {
        let shorter = self.intervals[0].min(self.intervals[1]);
        Duration::from_micros(u64::from(shorter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_interval_is_late_and_two_of_them_are_a_habit() {
        let limit = Duration::from_millis(500);
        let mut recurrence = Recurrence::default();
        let came = |recurrence: &mut Recurrence, millis| {
            recurrence.came(Instant::from_millis(millis), limit)
        };
        assert!(!came(&mut recurrence, 1000));
        assert!(!came(&mut recurrence, 1400));
        assert!(!came(&mut recurrence, 1800));
        assert!(came(&mut recurrence, 3800));
        assert_eq!(recurrence.usual(), Duration::from_millis(400));
        assert!(came(&mut recurrence, 5800));
        assert_eq!(recurrence.usual(), Duration::from_secs(2));
        assert_eq!(recurrence.last(), Some(Instant::from_millis(5800)));
    }
}
