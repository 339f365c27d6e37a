use core::time::Duration;

/// Spreads what an origin has accepted over the time until it accepts more.
///
/// Segments arrive whole, every few seconds. Counted as they arrive, an output that works would
/// seem to stop between any two, and its bitrate would be a row of peaks.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    bytes: u64,
    left: Duration,
}

impl Accepted {
    /// The next segment may be late by so much without a pause.
    const SLACK: Duration = Duration::from_millis(500);

    /// A segment was accepted.
    pub(super) fn add(&mut self, bytes: u64, duration: Duration) {
        self.bytes += bytes;
        self.left = duration * 5 / 4 + Self::SLACK;
    }

    /// What is counted for the time that has passed.
    pub(super) fn share(&mut self, passed: Duration) -> u64 {
        if passed >= self.left {
            self.left = Duration::ZERO;
            return core::mem::take(&mut self.bytes);
        }
        let part = passed.as_secs_f64() / self.left.as_secs_f64();
        // Something is due as long as there is anything.
        let share = ((self.bytes as f64 * part) as u64).max(1).min(self.bytes);
        self.left -= passed;
        self.bytes -= share;
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_segments_it_never_stops_and_in_the_end_every_byte_is_counted() {
        let (mut accepted, mut total) = (Accepted::default(), 0);
        let tick = Duration::from_millis(200);
        for _ in 0..10 {
            accepted.add(1_000_000, Duration::from_secs(2));
            for _ in 0..13 {
                let share = accepted.share(tick);
                assert!((20_000..200_000).contains(&share), "{share}");
                total += share;
            }
        }
        for _ in 0..20 {
            total += accepted.share(tick);
        }
        assert_eq!((total, accepted.share(tick)), (10_000_000, 0));
    }
}
