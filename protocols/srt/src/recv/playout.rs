use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// Packets tracked at most; beyond this the level is a lower bound.
const MAX_TRACKED: usize = 65_536;

/// What has been handed on but is not yet due: the level a receive buffer would have that
/// held every packet until its play-out time.
#[derive(Debug, Default)]
pub(crate) struct PlayoutLevel {
    waiting: VecDeque<(Instant, u32)>,
    bytes: u64,
}

impl PlayoutLevel {
    pub(crate) fn add(&mut self, now: Instant, due: Instant, bytes: usize) {
        self.expire(now);
        if due <= now || self.waiting.len() >= MAX_TRACKED {
            return;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes += u64::from(bytes);
        self.waiting.push_back((due, bytes));
    }

    /// Packets, payload bytes and time until the newest of them is due.
    pub(crate) fn level(&mut self, now: Instant) -> (u64, u64, Duration) {
        self.expire(now);
        let span = self
            .waiting
            .back()
            .map_or(Duration::ZERO, |(due, _)| due.saturating_since(now));
        (self.waiting.len() as u64, self.bytes, span)
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, bytes)) = self.waiting.pop_front_if(|(due, _)| *due <= now) {
            self.bytes -= u64::from(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_what_is_not_yet_due() {
        let mut level = PlayoutLevel::default();
        for millis in 0..10 {
            let now = Instant::from_millis(millis);
            level.add(now, now + Duration::from_millis(5), 100);
        }
        let now = Instant::from_millis(9);
        assert_eq!(level.level(now), (5, 500, Duration::from_millis(5)));
        assert_eq!(
            level.level(Instant::from_millis(99)),
            (0, 0, Duration::ZERO)
        );
    }
}
