use std::time::Duration;

use tidegate_udp::Clock;
use tidegate_units::Instant;

/// Datagrams a second from which waking for each of them costs more than it gives.
const BUSY_PER_SECOND: u64 = 4000;
/// How long the load is measured before it is judged.
const WINDOW: Duration = Duration::from_millis(20);
/// How long something urgent keeps a shard from waiting.
const URGENT_FOR: Duration = Duration::from_secs(1);

/// Keeps a busy shard from waking for every packet.
///
/// Under light load a packet is answered at once. Under heavy load turns start at least
/// `interval` apart, so that what arrives meanwhile is read, relayed and sent in batches.
/// A shard that has passed on something urgent lately does not wait, however busy it is.
#[derive(Debug)]
pub(super) struct Moderation {
    interval: Duration,
    busy: bool,
    urgent_until: Instant,
    last_turn: Instant,
    window_start: Instant,
    window_datagrams: u64,
}

impl Moderation {
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            busy: false,
            urgent_until: Instant::ZERO,
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

    /// Something urgent was passed on.
    pub(super) fn note_urgent(&mut self, now: Instant) {
        self.urgent_until = now + URGENT_FOR;
    }

    /// Sleeps what is missing to the next turn's start, if the shard is busy.
    pub(super) fn hold_back(&self, clock: &Clock) {
        if let Some(rest) = self.rest(clock.now()) {
            std::thread::sleep(rest);
        }
    }

    fn rest(&self, now: Instant) -> Option<Duration> {
        if !self.busy || now < self.urgent_until {
            return None;
        }
        let passed = now.saturating_since(self.last_turn);
        let rest = self.interval.checked_sub(passed)?;
        (!rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_micros(500);
    const LAST_TURN: Instant = Instant::from_millis(40);

    fn after(datagrams_per_ms: u64) -> Moderation {
        let mut moderation = Moderation::new(INTERVAL, Instant::ZERO);
        for millis in 1..=40 {
            moderation.note(Instant::from_millis(millis), datagrams_per_ms);
        }
        moderation
    }

    #[test]
    fn a_single_stream_is_answered_at_once_and_many_in_batches() {
        assert_eq!(after(1).rest(LAST_TURN), None);
        assert_eq!(after(50).rest(LAST_TURN), Some(INTERVAL));
    }

    #[test]
    fn a_busy_shard_does_not_wait_while_it_passes_on_something_urgent() {
        let mut moderation = after(50);
        moderation.note_urgent(LAST_TURN);
        assert_eq!(moderation.rest(LAST_TURN), None);
        let later = LAST_TURN + URGENT_FOR;
        moderation.note(later, 100_000);
        assert_eq!(moderation.rest(later), Some(INTERVAL));
    }
}
