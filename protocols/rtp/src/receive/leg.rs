use super::LegCounters;
use tidegate_units::{Duration, Instant};

/// Packets in a row that differ from the other leg's before a leg is taken for another stream.
const MISMATCHES: u8 = 4;

/// The weight of an older figure against a new one.
const SMOOTHING: u32 = 16;

/// One of the ways packets come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Leg {
    pub(super) ssrc: Option<u32>,
    /// What it was before the last restart.
    pub(super) ssrc_before: Option<u32>,
    pub(super) counters: LegCounters,
    mismatches_in_a_row: u8,
}

impl Leg {
    pub(super) fn heard(&mut self, now: Instant) {
        self.counters.received += 1;
        self.counters.last = Some(now);
    }

    /// It brought what another leg had brought `behind` ago, or something else by that number.
    pub(super) fn compared(&mut self, is_same: bool, behind: Duration) {
        if is_same {
            self.mismatches_in_a_row = 0;
            self.counters.is_foreign = false;
            let old = self.counters.behind * (SMOOTHING - 1);
            self.counters.behind = (old + behind) / SMOOTHING;
            return;
        }
        self.counters.mismatched += 1;
        self.mismatches_in_a_row = self.mismatches_in_a_row.saturating_add(1);
        self.counters.is_foreign |= self.mismatches_in_a_row >= MISMATCHES;
    }

    /// It was the first to bring something that another has brought now.
    pub(super) fn led(&mut self) {
        self.counters.behind = self.counters.behind * (SMOOTHING - 1) / SMOOTHING;
    }
}
