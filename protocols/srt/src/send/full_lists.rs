use super::buffer::SendBuffer;
use super::last_chance::LastChance;
use tidegate_units::{Duration, Instant};

/// Shorter loss lists say nothing: they may name one gap just found.
const MIN_RANGES: usize = 3;
/// Longer ones may have been cut off.
const MAX_RANGES: usize = 150;
/// Lists in a row that have to be full before they are relied upon …
const TRUSTED_SCORE: u32 = 4;
/// … and how many of them one that is not takes away.
const DOUBT: u32 = 2;
const MAX_SCORE: u32 = 8;

/// Learns whether the peer's loss lists name everything it misses, as libsrt's periodic
/// ones do. From such a list that does not name a packet it is known that the packet arrived.
#[derive(Debug, Default)]
pub(crate) struct FullLists {
    score: u32,
    last_at: Option<Instant>,
}

impl FullLists {
    /// A list of `ranges` was read, and what it names is marked in `buffer` as named `now`.
    /// What was repeated less than `quiet` ago and is not too late yet was missing when it was
    /// written: does it name all of that?
    pub(crate) fn on_list(
        &mut self,
        now: Instant,
        ranges: usize,
        quiet: Duration,
        buffer: &SendBuffer,
        last_chance: &LastChance,
    ) {
        if !(MIN_RANGES..=MAX_RANGES).contains(&ranges) {
            return;
        }
        let mut missing = buffer
            .sent()
            .filter(|slot| slot.transmissions == 2 && slot.last_sent + quiet > now)
            .filter(|slot| !last_chance.is_over(now, slot.origin))
            .peekable();
        if missing.peek().is_none() {
            return;
        }
        if missing.all(|slot| slot.named_at == now) {
            self.score = (self.score + 1).min(MAX_SCORE);
            self.last_at = Some(now);
        } else {
            self.score = self.score.saturating_sub(DOUBT);
        }
    }

    /// Whether the peer's lists are known to be full.
    pub(crate) const fn are_trusted(&self) -> bool {
        self.score >= TRUSTED_SCORE
    }

    /// Whether a full list that knew of a packet's last transmission did not name it.
    pub(crate) fn confirm(&self, last_sent: Instant, named_at: Instant, quiet: Duration) -> bool {
        self.last_at
            .is_some_and(|at| at >= last_sent + quiet && named_at < at)
    }
}
