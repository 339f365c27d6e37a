use std::time::Duration;

use tidegate_udp::Clock;
use tidegate_units::Instant;

/// Datagrams a second from which waking for each of them costs more than it gives.
const BUSY_PER_SECOND: u64 = 4000;
/// How long the load is measured before it is judged.
const WINDOW: Duration = Duration::from_millis(20);

/// Keeps a busy shard from waking for every packet.
///
/// Under light load a packet is answered at once. Under heavy load turns start at least
/// `interval` apart, so that what arrives meanwhile is read, relayed and sent in batches.
#[derive(Debug)]
pub(super) struct Moderation {
    interval: Duration,
    busy: bool,
    last_turn: Instant,
    window_start: Instant,
    window_datagrams: u64,
}

impl Moderation {
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            busy: false,
            last_turn: now,
            window_start: now,
            window_datagrams: 0,
        }
    }

    /// Notes a turn that moved this many datagrams, in either direction.
    pub(super) fn note(&mut self, now: Instant, datagrams: u64) {
        self.last_turn = now;
        self.window_datagrams += datagrams;
        let window = now.saturating_since(self.window_start);
        if window >= WINDOW {
            let expected = BUSY_PER_SECOND * window.as_micros() as u64 / 1_000_000;
            self.busy = self.window_datagrams >= expected;
            self.window_start = now;
            self.window_datagrams = 0;
        }
    }

    /// Sleeps what is missing to the next turn's start, if the shard is busy.
    pub(super) fn hold_back(&self, clock: &Clock) {
        if !self.busy {
            return;
        }
        let passed = clock.now().saturating_since(self.last_turn);
        if let Some(rest) = self
            .interval
            .checked_sub(passed)
            .filter(|rest| !rest.is_zero())
        {
            std::thread::sleep(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(datagrams_per_ms: u64) -> bool {
        let mut moderation = Moderation::new(Duration::from_micros(500), Instant::ZERO);
        for millis in 1..=40 {
            moderation.note(Instant::from_millis(millis), datagrams_per_ms);
        }
        moderation.busy
    }

    #[test]
    fn a_single_stream_is_answered_at_once_and_many_in_batches() {
        assert!(!after(1));
        assert!(after(50));
    }
}
