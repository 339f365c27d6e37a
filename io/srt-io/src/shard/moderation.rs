use std::time::Duration;

use tidegate_udp::Clock;
use tidegate_units::Instant;

/// Datagrams a second from which waking for each of them costs more than it gives.
const BUSY_PER_SECOND: u64 = 4000;
/// Datagrams a busy shard gathers for a turn: what a turn costs by itself, about that of three
/// datagrams, is little beside them then, on however many shards the load is spread.
const GATHERED_PER_TURN: u32 = 64;
/// It waits no longer for them than this: ten packets of a stream of 50 Mbit/s.
const INTERVAL_MAX: Duration = Duration::from_millis(2);
/// How long the load is measured before it is judged.
const WINDOW: Duration = Duration::from_millis(20);
/// How long something urgent keeps a shard from waiting.
const URGENT_FOR: Duration = Duration::from_secs(1);

/// Keeps a busy shard from waking for every packet.
///
/// Under light load a packet is answered at once. Under heavy load turns start so far apart
/// that enough arrives meanwhile to be read, relayed and sent in batches.
/// A shard that has passed on something urgent lately does not wait, however busy it is.
#[derive(Debug)]
pub(super) struct Moderation {
    /// The least time between two turns of a busy shard; zero: never wait.
    least: Duration,
    /// What it is at the present load; none while the shard is not busy.
    interval: Option<Duration>,
    urgent_until: Instant,
    last_turn: Instant,
    window_start: Instant,
    window_datagrams: u64,
    datagrams_per_second: u32,
}

impl Moderation {
    pub(super) fn new(least: Duration, now: Instant) -> Self {
        Self {
            least,
            interval: None,
            urgent_until: Instant::ZERO,
            last_turn: now,
            window_start: now,
            window_datagrams: 0,
            datagrams_per_second: 0,
        }
    }

    /// How many were moved lately.
    pub(super) const fn datagrams_per_second(&self) -> u32 {
        self.datagrams_per_second
    }

    /// Notes a turn that moved this many datagrams, in either direction.
    pub(super) fn note(&mut self, now: Instant, datagrams: u64) {
        self.last_turn = now;
        self.window_datagrams += datagrams;
        let window = now.saturating_since(self.window_start);
        if window >= WINDOW {
            self.interval = self.interval_at(window);
            let per_second = self.window_datagrams * 1_000_000 / window.as_micros() as u64;
            self.datagrams_per_second = u32::try_from(per_second).unwrap_or(u32::MAX);
            self.window_start = now;
            self.window_datagrams = 0;
        }
    }

    /// How far apart turns are to start, after so many datagrams in `window`.
    fn interval_at(&self, window: Duration) -> Option<Duration> {
        let datagrams = u32::try_from(self.window_datagrams).unwrap_or(u32::MAX);
        let busy = BUSY_PER_SECOND * window.as_micros() as u64 / 1_000_000;
        if self.least.is_zero() || self.window_datagrams < busy.max(1) {
            return None;
        }
        let gathering = window * GATHERED_PER_TURN / datagrams;
        Some(gathering.min(INTERVAL_MAX).max(self.least))
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
        let interval = self.interval.filter(|_| now >= self.urgent_until)?;
        let passed = now.saturating_since(self.last_turn);
        let rest = interval.checked_sub(passed)?;
        (!rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_micros(500);
    const LAST_TURN: Instant = Instant::from_millis(40);

    fn after(datagrams_per_ms: u64) -> Moderation {
        moderated(LEAST, datagrams_per_ms)
    }

    fn moderated(least: Duration, datagrams_per_ms: u64) -> Moderation {
        let mut moderation = Moderation::new(least, Instant::ZERO);
        for millis in 1..=40 {
            moderation.note(Instant::from_millis(millis), datagrams_per_ms);
        }
        moderation
    }

    #[test]
    fn a_single_stream_is_answered_at_once_and_many_in_batches_of_about_the_same_size() {
        assert_eq!(after(1).rest(LAST_TURN), None);
        assert_eq!(after(64).rest(LAST_TURN), Some(Duration::from_millis(1)));
        assert_eq!(after(40).rest(LAST_TURN), Some(Duration::from_micros(1600)));
    }

    #[test]
    fn turns_are_neither_too_far_apart_nor_too_close() {
        assert_eq!(after(5).rest(LAST_TURN), Some(INTERVAL_MAX));
        assert_eq!(after(1000).rest(LAST_TURN), Some(LEAST));
        assert_eq!(moderated(Duration::ZERO, 1000).rest(LAST_TURN), None);
    }

    #[test]
    fn a_busy_shard_does_not_wait_while_it_passes_on_something_urgent() {
        let mut moderation = after(1000);
        moderation.note_urgent(LAST_TURN);
        assert_eq!(moderation.rest(LAST_TURN), None);
        let later = LAST_TURN + URGENT_FOR;
        moderation.note(later, 1_000_000);
        assert_eq!(moderation.rest(later), Some(LEAST));
    }
}
