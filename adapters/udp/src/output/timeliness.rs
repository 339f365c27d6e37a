use core::time::Duration;
use serde_json::{Value, json};
use tidegate_units::Instant;

/// Bounds of what is counted, in microseconds.
const BOUNDS_MICROS: [u64; 6] = [50, 100, 250, 500, 1000, 5000];

/// How punctually datagrams leave.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeliness {
    /// Datagrams later than the bound before, up to this one; the last without a bound.
    counts: [u64; BOUNDS_MICROS.len() + 1],
    worst: Duration,
    by_clock: bool,
}

impl Timeliness {
    /// A datagram that was to leave `at` has left.
    pub(super) fn left(&mut self, now: Instant, at: Instant, by_clock: bool) {
        let late = now.saturating_since(at);
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let bound = BOUNDS_MICROS.iter().position(|bound| micros <= *bound);
        self.counts[bound.unwrap_or(BOUNDS_MICROS.len())] += 1;
        self.worst = self.worst.max(late);
        self.by_clock = by_clock;
    }

    /// The bound that 99 of 100 datagrams stay below; the worst where there is none.
    fn p99_micros(&self) -> u128 {
        let total: u64 = self.counts.iter().sum();
        let mut seen = 0;
        for (count, bound) in self.counts.iter().zip(BOUNDS_MICROS) {
            seen += count;
            if seen * 100 >= total * 99 {
                return u128::from(bound).min(self.worst.as_micros());
            }
        }
        self.worst.as_micros()
    }

    /// As the status shows it, of the time since the last look.
    pub(super) fn take(&mut self) -> Option<Value> {
        let datagrams: u64 = self.counts.iter().sum();
        if datagrams == 0 {
            return None;
        }
        let shown = json!({
            "paced_by": if self.by_clock { "pcr" } else { "due time" },
            "late_p99_us": self.p99_micros(),
            "late_max_us": self.worst.as_micros(),
        });
        *self = Self::default();
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_two_hundred_that_is_late_shows_as_the_worst_only() {
        let mut timeliness = Timeliness::default();
        let at = Instant::from_millis(5);
        for number in 0..200 {
            let late = if number == 77 { 3000 } else { 20 };
            timeliness.left(at + Duration::from_micros(late), at, true);
        }
        let shown = timeliness.take().unwrap();
        assert_eq!(shown["late_p99_us"], 50);
        assert_eq!(shown["late_max_us"], 3000);
        assert_eq!(timeliness.take(), None);
    }
}
