//! What a status shows of the rules' state.

use std::time::SystemTime;

use tidegate_units::{Duration, Instant};

use super::{Counts, Decide, MissedTake, Rank, ReasonText, Rules, ScheduledTake};
use crate::order::OnAir;

impl Decide {
    /// What is on air, as far as the last step knew.
    #[must_use]
    pub const fn on_air(&self) -> OnAir {
        self.on_air
    }

    /// What is ordered and not on air yet.
    #[must_use]
    pub fn next(&self) -> Option<OnAir> {
        let asked = self.asked.as_ref().map(|decision| decision.to);
        asked.or(self.plan.as_ref().map(|plan| plan.to))
    }

    /// What would take over if nobody chose: the best input that is not on air.
    #[must_use]
    pub fn standby(&self, now: Instant) -> Option<usize> {
        self.best_other(now, self.on_air.input())
    }

    /// The input that is waited for, as it was on air before a restart.
    #[must_use]
    pub fn awaited(&self) -> Option<usize> {
        self.expected.map(|expected| expected.input)
    }

    /// How an input stands.
    #[must_use]
    pub fn rank(&self, now: Instant, input: usize) -> Option<Rank> {
        let standing = self.standings.get(input)?;
        Some(standing.rank(now, &self.rules))
    }

    /// For how long nothing at all has been wrong with an input.
    #[must_use]
    pub fn clean_for(&self, now: Instant, input: usize) -> Option<Duration> {
        self.standings.get(input)?.clean_for(now)
    }

    /// Why an input is no candidate; alarms also.
    #[must_use]
    pub fn reasons(&self, now: Instant, input: usize) -> Vec<ReasonText> {
        let standing = self.standings.get(input);
        standing.map_or_else(Vec::new, |standing| standing.reasons(now, &self.rules))
    }

    /// Whether nothing moves the program.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.locked
    }

    /// Whether the automatic is held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// Whether automatic switches came too often: an alarm.
    #[must_use]
    pub const fn is_latched(&self) -> bool {
        self.latch.is_latched()
    }

    /// How often what happened.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Until when the entries of the schedule were seen to, done or missed: for
    /// [`Self::resume_schedule`] after a restart.
    #[must_use]
    pub fn schedule_seen(&self) -> Option<SystemTime> {
        let has_any = !self.rules.schedule.is_empty();
        self.schedule.seen().filter(|_| has_any)
    }

    /// The scheduled take that was missed last.
    #[must_use]
    pub const fn last_missed(&self) -> Option<&MissedTake> {
        self.missed.as_ref()
    }

    /// The next scheduled take.
    #[must_use]
    pub fn next_scheduled(&self) -> Option<ScheduledTake> {
        self.schedule.next()
    }

    /// The input that a drill cuts: its packets are to be kept from the program.
    #[must_use]
    pub fn muted(&self) -> Option<usize> {
        self.drill.as_ref().map(|drill| drill.input)
    }

    /// The names and values decided by.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }
}
