//! Takes at times told in advance.

use std::time::SystemTime;

use super::rules::{SCHEDULE_LATE_MAX, SCHEDULE_MAX, ScheduledTake};
use crate::order::OnAir;

/// The entries that are not done yet, the earliest first.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    rest: Vec<ScheduledTake>,
    /// Entries whose time had long passed when the program began are none of its business.
    began: bool,
}

/// What an entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Its time has come.
    Take(OnAir),
    /// Its time passed without a chance to follow it.
    Missed(OnAir),
}

impl Schedule {
    pub(super) fn new(entries: &[ScheduledTake]) -> Self {
        let mut rest: Vec<_> = entries.iter().copied().take(SCHEDULE_MAX).collect();
        rest.sort_by_key(|entry| entry.at);
        Self { rest, began: false }
    }

    /// Other entries; of those that were there before, none is done twice.
    pub(super) fn change(&mut self, before: &[ScheduledTake], entries: &[ScheduledTake]) {
        let is_done = |entry: &ScheduledTake| {
            let is_same = |other: &ScheduledTake| other.at == entry.at;
            before.iter().any(is_same) && !self.rest.iter().any(is_same)
        };
        let rest: Vec<_> = entries
            .iter()
            .copied()
            .filter(|entry| !is_done(entry))
            .collect();
        *self = Self::new(&rest);
    }

    /// The entry whose time has come. It stays due until [`Self::done`], or until it is too late.
    /// Of several that are due the last one counts: it is what should be on air now.
    pub(super) fn due(&mut self, wall: SystemTime) -> Option<Due> {
        let lateness = |entry: &ScheduledTake| wall.duration_since(entry.at).ok();
        if !self.began {
            self.began = true;
            let is_past = |late| late > SCHEDULE_LATE_MAX;
            self.rest
                .retain(|entry| !lateness(entry).is_some_and(is_past));
        }
        let due = self.rest.partition_point(|entry| entry.at <= wall);
        self.rest.drain(..due.saturating_sub(1));
        let first = *self.rest.first()?;
        let late = lateness(&first)?;
        if late > SCHEDULE_LATE_MAX {
            self.rest.remove(0);
            return Some(Due::Missed(first.take));
        }
        Some(Due::Take(first.take))
    }

    /// The entry that is due was followed, or refused for good.
    pub(super) fn done(&mut self) {
        if !self.rest.is_empty() {
            self.rest.remove(0);
        }
    }

    /// The next entry.
    pub(super) fn next(&self) -> Option<ScheduledTake> {
        self.rest.first().copied()
    }
}
