//! Takes at times told in advance: each is done once, or told as missed once.
//!
//! ```text
//!  at <= seen: done, missed or overtaken       at > seen: still to come
//! ─────────────────────────────────────┬──────────────────────────────────► time
//!                                    seen: what is to be known after a restart
//! ```

use std::collections::VecDeque;
use std::time::SystemTime;

use super::rules::{SCHEDULE_LATE_MAX, SCHEDULE_MAX, ScheduledTake};
use crate::order::OnAir;

/// The entries that are not done yet, the earliest first.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    rest: Vec<ScheduledTake>,
    /// Entries that were over when they were set.
    over: VecDeque<ScheduledTake>,
    /// Of the entries until then every one was done, or told as missed, or is none of our
    /// business, because nobody knows what became of them.
    seen: Option<SystemTime>,
    /// The first and the last look at the clock.
    looked: Option<(SystemTime, SystemTime)>,
}

/// What an entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Its time has come.
    Take(OnAir),
    /// Its time passed.
    Missed(ScheduledTake, Missed),
}

/// Why an entry was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// It could not be done in time.
    Late,
    /// It was over when the program began.
    Away,
    /// It was over when it was set.
    Over,
    /// A later one was due as well: that is what should be on air now.
    Overtaken(OnAir),
}

impl Schedule {
    /// `seen`: as it was when the program ended, if it ran before.
    pub(super) fn new(entries: &[ScheduledTake], seen: Option<SystemTime>) -> Self {
        let mut schedule = Self {
            rest: Vec::new(),
            over: VecDeque::new(),
            seen,
            looked: None,
        };
        let entries = entries.iter().copied();
        schedule.set(entries.filter(|entry| seen.is_none_or(|seen| entry.at > seen)));
        schedule
    }

    /// Other entries; of those that were there before, none is done twice.
    pub(super) fn change(&mut self, before: &[ScheduledTake], entries: &[ScheduledTake]) {
        let known = |entry: &ScheduledTake| before.iter().any(|other| other.at == entry.at);
        let waits = |entry: &ScheduledTake| self.rest.iter().any(|other| other.at == entry.at);
        let last_done = self.seen.zip(self.looked);
        let last_done = last_done.map(|(seen, (_, looked))| seen.min(looked));
        let is_over = |entry: &&ScheduledTake| last_done.is_some_and(|last| entry.at <= last);
        let new = entries.iter().filter(|entry| !known(entry));
        let (over, new): (Vec<_>, Vec<_>) = new.partition(is_over);
        let kept = entries.iter().filter(|entry| known(entry) && waits(entry));
        let rest: Vec<_> = kept.chain(new).copied().collect();
        self.over.extend(over);
        self.over.truncate(SCHEDULE_MAX);
        self.set(rest.into_iter());
    }

    fn set(&mut self, entries: impl Iterator<Item = ScheduledTake>) {
        self.rest = entries.take(SCHEDULE_MAX).collect();
        self.rest.sort_by_key(|entry| entry.at);
        self.rest.dedup();
    }

    /// The entry whose time has come, or has passed. The first stays due until [`Self::done`], or
    /// until it is too late. Of several that are due the last one counts: it is what should be on
    /// air now.
    pub(super) fn due(&mut self, wall: SystemTime) -> Option<Due> {
        let (began, _) = *self.looked.get_or_insert((wall, wall));
        self.looked = Some((began, wall));
        if let Some(over) = self.over.pop_front() {
            return Some(Due::Missed(over, Missed::Over));
        }
        if self.seen.is_none() {
            let from = wall.checked_sub(SCHEDULE_LATE_MAX).unwrap_or(wall);
            self.rest.retain(|entry| entry.at >= from);
            self.seen = Some(from);
        }
        let first = *self.rest.first()?;
        let late = wall.duration_since(first.at).ok()?;
        let last_due = self.rest.iter().rfind(|entry| entry.at <= wall);
        let overtaken = last_due.filter(|last| **last != first);
        let missed = if late > SCHEDULE_LATE_MAX && first.at < began {
            Missed::Away
        } else if late > SCHEDULE_LATE_MAX {
            Missed::Late
        } else if let Some(last) = overtaken {
            Missed::Overtaken(last.take)
        } else {
            return Some(Due::Take(first.take));
        };
        self.done();
        Some(Due::Missed(first, missed))
    }

    /// The entry that is due was followed, or refused for good.
    pub(super) fn done(&mut self) -> Option<ScheduledTake> {
        if self.rest.is_empty() {
            return None;
        }
        let done = self.rest.remove(0);
        self.seen = self.seen.max(Some(done.at));
        Some(done)
    }

    /// Until when every entry was seen to.
    pub(super) const fn seen(&self) -> Option<SystemTime> {
        self.seen
    }

    /// The next entry.
    pub(super) fn next(&self) -> Option<ScheduledTake> {
        self.rest.first().copied()
    }
}
