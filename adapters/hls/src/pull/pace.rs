use core::time::Duration;
use tidegate_units::Instant;

/// Later than this is not made up for: everything after it is as late, and nothing bursts. A
/// busy machine is late by less, an origin by more.
const LATE_MAX: Duration = Duration::from_millis(300);

/// Ties a stream's clock to ours.
///
/// ```text
///  stream  0 s ─── 1 s ─── 2 s ── · · late · · ── 3 s ─── 4 s
///  ours       10 s ── 11 s ── 12 s ─ · · · · ─ 15.5 s ─ 16.5 s
/// ```
#[derive(Debug, Default)]
pub(super) struct Pace {
    tie: Option<(Instant, i64)>,
    late: u64,
    /// How much faster the stream is played than it says, in millionths.
    faster_ppm: i64,
}

impl Pace {
    /// When something belongs that is ready now.
    pub(super) fn due(&mut self, now: Instant, at_micros: i64) -> Instant {
        let due = self.place(now, at_micros);
        self.tie.get_or_insert((due, at_micros));
        if now.saturating_since(due) <= LATE_MAX {
            return due;
        }
        self.late += 1;
        self.tie = Some((now, at_micros));
        now
    }

    /// How often something came too late.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }

    /// How long until that time of the stream's clock.
    pub(super) fn until(&self, now: Instant, at_micros: i64) -> Duration {
        self.place(now, at_micros).saturating_since(now)
    }

    /// Plays faster by so many millionths, from that time of the stream's clock on.
    pub(super) fn steer(&mut self, at_micros: i64, faster_ppm: i64) {
        if let Some((begin, _)) = self.tie {
            self.tie = Some((self.place(begin, at_micros), at_micros));
        }
        self.faster_ppm = faster_ppm;
    }

    fn place(&self, now: Instant, at_micros: i64) -> Instant {
        let (begin, first) = self.tie.unwrap_or((now, at_micros));
        let ahead = at_micros.saturating_sub(first).max(0);
        let saved = i128::from(ahead) * i128::from(self.faster_ppm) / 1_000_000;
        let wait = u64::try_from(i128::from(ahead) - saved).unwrap_or(0);
        begin + Duration::from_micros(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_little_late_is_made_up_for_and_more_is_not() {
        let at = Instant::from_millis;
        let mut pace = Pace::default();
        assert_eq!(pace.due(at(500), 10_000_000), at(500));
        assert_eq!(pace.due(at(500), 11_000_000), at(1500));
        assert_eq!(pace.until(at(900), 11_000_000), Duration::from_millis(600));
        assert_eq!(pace.due(at(1799), 11_000_000), at(1500));
        assert_eq!((pace.due(at(3000), 12_000_000), pace.late()), (at(3000), 1));
        assert_eq!(pace.due(at(3000), 13_000_000), at(4000));
    }
}
