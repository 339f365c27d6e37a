use core::time::Duration;

use tidegate_units::Instant;

use crate::Rate;

/// The bottleneck's queue, kept as the moment at which it will be empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shaper {
    empty_at: Instant,
}

impl Shaper {
    /// When the last bit of a datagram leaves the bottleneck; none when the queue is full.
    pub(crate) fn pass(
        &mut self,
        now: Instant,
        rate: &Rate,
        datagram_bytes: u64,
    ) -> Option<Instant> {
        let waiting = self.empty_at.saturating_since(now);
        if bytes_in(waiting, rate) > rate.queue_bytes {
            return None;
        }
        self.empty_at = now + waiting + time_for(datagram_bytes + rate.overhead_bytes, rate);
        Some(self.empty_at)
    }
}

fn time_for(bytes: u64, rate: &Rate) -> Duration {
    let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(rate.bitrate.as_bps().max(1));
    // Rounded up to the clock's microsecond: a bottleneck is never faster than its rate.
    Duration::from_micros(u64::try_from(nanos.div_ceil(1000)).unwrap_or(u64::MAX))
}

fn bytes_in(time: Duration, rate: &Rate) -> u64 {
    let bytes = time.as_micros() * u128::from(rate.bitrate.as_bps()) / 8_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_units::Bitrate;

    fn one_megabit() -> Rate {
        Rate {
            bitrate: Bitrate::from_bps(1_000_000),
            queue_bytes: 2_000,
            overhead_bytes: 0,
        }
    }

    #[test]
    fn datagrams_leave_one_after_the_other_at_the_rate() {
        let mut shaper = Shaper::default();
        let first = shaper.pass(Instant::ZERO, &one_megabit(), 1000);
        let second = shaper.pass(Instant::ZERO, &one_megabit(), 1000);
        assert_eq!(first, Some(Instant::from_millis(8)));
        assert_eq!(second, Some(Instant::from_millis(16)));
    }

    #[test]
    fn a_full_queue_drops_and_an_idle_one_forgets() {
        let mut shaper = Shaper::default();
        let passed = (0..9).filter(|_| shaper.pass(Instant::ZERO, &one_megabit(), 1000).is_some());
        assert_eq!(passed.count(), 3);
        let later = Instant::from_millis(1_000);
        assert_eq!(
            shaper.pass(later, &one_megabit(), 1000),
            Some(Instant::from_millis(1_008))
        );
    }
}
