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
///
/// On a link that reorders, a packet just repeated may have arrived all the same. There
/// another proof is asked for: what is named again was missing all the time, so the list in
/// between has to have named it too.
#[derive(Debug, Default)]
pub(crate) struct FullLists {
    score: u32,
    last_at: Option<Instant>,
    reorders: bool,
    steady_score: u32,
    /// The newest packet ever named, and whether the list being read names an older one.
    newest_named: u64,
    names_older: bool,
    /// The last list long enough to say something.
    last_long_at: Option<Instant>,
    named_again: bool,
    left_out: bool,
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
        let is_periodic = core::mem::take(&mut self.names_older) || ranges > 1;
        let is_long = (MIN_RANGES..=MAX_RANGES).contains(&ranges);
        if is_long {
            self.judge_steadiness(now);
        }
        if !is_periodic || ranges > MAX_RANGES || self.reorders && !is_long {
            return;
        }
        if self.reorders {
            self.last_at = self.are_trusted().then_some(now).or(self.last_at);
            return;
        }
        let mut missing = buffer
            .sent()
            .filter(|slot| slot.transmissions == 2 && slot.named_at > Instant::ZERO)
            .filter(|slot| slot.last_sent + quiet > now)
            .filter(|slot| !last_chance.is_over(now, slot.origin))
            .peekable();
        let proves = is_long && missing.peek().is_some();
        if !missing.all(|slot| slot.named_at == now) {
            self.score = self.score.saturating_sub(if is_long { DOUBT } else { 0 });
            return;
        }
        if proves {
            self.score = (self.score + 1).min(MAX_SCORE);
        }
        self.last_at = (proves || self.are_trusted())
            .then_some(now)
            .or(self.last_at);
    }

    /// `first..=last` are named. A gap just found is newer than everything named before it;
    /// a list that names anything else repeats what is missing.
    pub(crate) fn on_range(&mut self, first: u64, last: u64) {
        self.names_older |= first <= self.newest_named;
        self.newest_named = self.newest_named.max(last);
    }

    /// A packet is named that was named before, at `last_named`. Reports do not overtake each
    /// other by more than `overtaking`.
    pub(crate) fn on_named_again(&mut self, last_named: Instant, overtaking: Duration) {
        if let Some(at) = self.last_long_at.filter(|_| last_named > Instant::ZERO) {
            self.named_again |= last_named == at;
            self.left_out |= last_named + overtaking < at;
        }
    }

    fn judge_steadiness(&mut self, now: Instant) {
        self.last_long_at = Some(now);
        let named_again = core::mem::take(&mut self.named_again);
        if core::mem::take(&mut self.left_out) {
            self.steady_score = self.steady_score.saturating_sub(DOUBT);
        } else if named_again {
            self.steady_score = (self.steady_score + 1).min(MAX_SCORE);
        }
    }

    /// Whether the list that came `now` is known to name everything.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.last_long_at == Some(now) && self.steady_score >= TRUSTED_SCORE
    }

    /// Whether the link is known to reorder.
    pub(crate) const fn set_reorders(&mut self, reorders: bool) {
        self.reorders = reorders;
    }

    /// Whether the peer's lists are known to be full.
    pub(crate) const fn are_trusted(&self) -> bool {
        let score = if self.reorders {
            self.steady_score
        } else {
            self.score
        };
        score >= TRUSTED_SCORE
    }

    /// When the last full list came.
    pub(crate) const fn last_at(&self) -> Option<Instant> {
        self.last_at
    }

    /// Whether a full list that knew of a packet's last transmission did not name it.
    pub(crate) fn confirm(&self, last_sent: Instant, named_at: Instant, quiet: Duration) -> bool {
        self.last_at
            .is_some_and(|at| at >= last_sent + quiet && named_at < at)
    }
}
