//! How often it was switched by itself.

use std::collections::VecDeque;

use tidegate_units::Instant;

use super::rules::{LATCH_SWITCHES, LATCH_WINDOW};

/// Counts automatic switches; too many in a window and none more is wanted until somebody looked.
#[derive(Clone, Debug, Default)]
pub(super) struct Latch {
    recent: VecDeque<Instant>,
    latched: bool,
}

impl Latch {
    /// One more automatic switch; whether that was one too many.
    pub(super) fn count(&mut self, now: Instant) -> bool {
        let in_window = |at: &Instant| now.saturating_since(*at) < LATCH_WINDOW;
        self.recent.retain(in_window);
        self.recent.push_back(now);
        let is_new = self.recent.len() >= LATCH_SWITCHES && !self.latched;
        self.latched |= is_new;
        if self.latched {
            self.recent.clear();
        }
        is_new
    }

    pub(super) const fn is_latched(&self) -> bool {
        self.latched
    }

    /// Somebody looked: counting begins anew. Whether it was latched.
    pub(super) fn release(&mut self) -> bool {
        self.recent.clear();
        core::mem::take(&mut self.latched)
    }
}
