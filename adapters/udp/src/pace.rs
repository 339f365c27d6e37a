//! When each datagram leaves.

use core::time::Duration;
use tidegate_units::Instant;

/// Datagrams that may leave back to back when the sender has fallen behind.
pub(crate) const BURST_DATAGRAMS: u32 = 7;

/// The pause after such a burst. Catching up is thus bounded by 500 Mbit/s.
pub(crate) const BURST_PAUSE: Duration = Duration::from_micros(150);

/// A due time further away than this is a broken clock; the packet leaves at once.
pub(crate) const MAX_AHEAD: Duration = Duration::from_secs(10);

/// Decides for one datagram after another.
///
/// A datagram leaves when it is due. One that is late leaves at once, but after
/// [`BURST_DATAGRAMS`] in a row there is a pause, so that a hiccup of this machine does not
/// overrun a decoder's buffer. What arrived together and is due together leaves together.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    last: Option<(Instant, Instant)>,
    in_a_row: u32,
    not_before: Instant,
}

impl Pacer {
    /// How long to wait for this one; zero: now.
    pub(crate) fn wait(&self, now: Instant, arrived: Instant, due: Instant) -> Duration {
        let ahead = due.saturating_since(now);
        let due = if ahead > MAX_AHEAD { now } else { due };
        if self.last == Some((arrived, due)) {
            return Duration::ZERO;
        }
        due.max(self.not_before).saturating_since(now)
    }

    /// It left.
    pub(crate) fn sent(&mut self, now: Instant, arrived: Instant, due: Instant) {
        let together = self.last == Some((arrived, due));
        self.last = Some((arrived, due));
        let late = now.saturating_since(due) > BURST_PAUSE;
        if !late || together {
            self.in_a_row = 0;
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row >= BURST_DATAGRAMS {
            self.in_a_row = 0;
            self.not_before = now + BURST_PAUSE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends datagrams on a virtual clock from `start` on; when each leaves.
    fn run(start: Instant, datagrams: &[(u64, u64)]) -> Vec<u64> {
        let mut pacer = Pacer::default();
        let mut now = start;
        let mut left = Vec::new();
        for (arrived, due) in datagrams {
            let (arrived, due) = (Instant::from_micros(*arrived), Instant::from_micros(*due));
            now += pacer.wait(now, arrived, due);
            pacer.sent(now, arrived, due);
            left.push(now.as_micros());
        }
        left
    }

    #[test]
    fn each_leaves_when_it_is_due() {
        let datagrams: Vec<_> = (0..50).map(|n| (n * 1750, 200_000 + n * 1750)).collect();
        let due: Vec<_> = datagrams.iter().map(|(_, due)| *due).collect();
        assert_eq!(run(Instant::ZERO, &datagrams), due);
    }

    #[test]
    fn what_arrived_together_and_is_due_together_leaves_together() {
        let datagrams = [(1000, 5000); 20];
        assert_eq!(run(Instant::ZERO, &datagrams), [5000; 20]);
    }

    #[test]
    fn late_ones_leave_in_small_bursts() {
        let datagrams: Vec<_> = (0..70).map(|n| (n * 1750, n * 1750)).collect();
        let left = run(Instant::from_millis(500), &datagrams);
        for window in left.windows(8) {
            assert!(
                window[7] - window[0] >= 100,
                "more than seven at once: {window:?}"
            );
        }
        assert!(left[69] < 502_000, "ten bursts take less than 2 ms");
    }

    #[test]
    fn an_absurd_due_time_does_not_hold_anything_up() {
        let left = run(Instant::from_micros(7), &[(0, 3_600_000_000), (0, 10)]);
        assert_eq!(left, [7, 10]);
    }
}
