//! What the rules want when nobody asks for anything.

use std::sync::Arc;

use tidegate_units::{Duration, Instant};

use super::record::{Output, Step, Why};
use super::rules::{Return, SLATE_AGAIN, SLATE_LEFT_AFTER};
use super::standing::{Rank, Standing};
use super::view::{Fault, Fired, Severity};
use super::{Decide, drill};
use crate::order::{How, OnAir, Order};

/// What is wanted now.
#[derive(Debug)]
enum Wish {
    /// All is well where it is.
    Content,
    /// To show something else.
    Move(Move),
    /// There is a reason to leave, and one to stay.
    Stay(Stay),
}

#[derive(Debug)]
struct Move {
    to: OnAir,
    how: How,
    why: Why,
    fired: Option<Fired>,
}

/// A reason to leave that was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    code: Arc<str>,
    because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    Locked,
    Held,
    Latched,
    Dwell,
    NoneBetter,
}

/// The slate comes, as nothing is left of what is on air.
const fn covered() -> Wish {
    Wish::Move(Move {
        to: OnAir::Slate,
        how: How::Starved,
        why: Why::NoMedia,
        fired: None,
    })
}

impl Decide {
    /// Wants again, and orders, keeps or takes back accordingly.
    pub(super) fn automatic(&mut self, now: Instant) {
        match (self.wish(now), &mut self.plan) {
            (Wish::Move(wanted), Some(plan)) if plan.to == wanted.to => {
                if plan.how != wanted.how {
                    plan.how = wanted.how;
                    let (to, how) = (wanted.to, wanted.how);
                    let order = Order::SwitchTo { to, how };
                    self.outputs.push_back(Output::Order(order));
                }
            }
            (Wish::Move(wanted), _) => self.order_what_is_wanted(now, wanted),
            (Wish::Content, Some(_)) => self.avert(now),
            (Wish::Content, None) => (self.stayed, self.freed) = (None, None),
            (Wish::Stay(stay), plan) => {
                if plan.is_some() {
                    let text = "what was to take over has nothing to show any more";
                    self.give_up(now, Step::GivenUp, text.into());
                }
                self.stay(now, stay);
            }
        }
    }

    fn wish(&self, now: Instant) -> Wish {
        match self.on_air {
            OnAir::Nothing => self.begin(now),
            OnAir::Slate => self.out_of_slate(now),
            OnAir::Input(index) => match self.standings.get(index) {
                Some(standing) => self.leave(now, index, standing),
                None => Wish::Content,
            },
        }
    }

    /// Nothing is on air: the first of the order at once, any other once it has proved itself; or
    /// what was on air before a restart, and nothing else.
    fn begin(&self, now: Instant) -> Wish {
        let wanted = match self.expected {
            Some(_) => self.expected_is_back(now),
            None => Some(0)
                .filter(|first| self.rank(now, *first).is_some_and(|it| it <= Rank::Fresh))
                .or_else(|| self.proved(now, self.rules.ready_after)),
        };
        match wanted {
            Some(index) => self.shows(OnAir::Input(index), Why::Start),
            None if self.slate_ready => self.shows(OnAir::Slate, Why::NoMedia),
            None => Wish::Content,
        }
    }

    /// What was on air before a restart, as soon as it has anything to show.
    fn expected_is_back(&self, now: Instant) -> Option<usize> {
        let expected = self.expected?.input;
        let rank = self.rank(now, expected)?;
        (rank < Rank::Nothing).then_some(expected)
    }

    fn out_of_slate(&self, now: Instant) -> Wish {
        if self.is_taken(OnAir::Slate) {
            return Wish::Content;
        }
        let patience = self.slate_patience(now);
        let to = if self.expected.is_some() {
            self.expected_is_back(now)
        } else if self.is_bound() || self.waits_for_the_last(now) {
            let last = self.last_input;
            let same = last.filter(|index| self.has_proved(now, *index, patience));
            same.or_else(|| self.latched_way_out(now))
        } else {
            self.proved(now, patience)
        };
        to.map_or(Wish::Content, |index| {
            self.shows(OnAir::Input(index), Why::MediaBack)
        })
    }

    /// How long an input must have had media for the slate to go. An input that settles is better
    /// than a slate.
    fn slate_patience(&self, now: Instant) -> Duration {
        let ready_after = self.rules.ready_after;
        let left = self.slate_left.map(|at| now.saturating_since(at));
        if left.is_some_and(|left| left < SLATE_AGAIN) {
            ready_after
        } else {
            ready_after.min(SLATE_LEFT_AFTER)
        }
    }

    /// Nothing but silence asked to leave the last input, so it is waited for; but not when a
    /// trigger has come to ask for it, nor for much longer than another one must have been well:
    /// a slate is no reason to go without an input that has a picture.
    fn waits_for_the_last(&self, now: Instant) -> bool {
        let (Some(since), Some(last)) = (self.stands_in, self.last_input) else {
            return false;
        };
        let Some(standing) = self.standings.get(last) else {
            return false;
        };
        let ready_after = self.rules.ready_after;
        let patience = match standing.media_for(now) {
            // It is settling, which it may do from its first packet within the time on.
            Some(_) => ready_after.saturating_add(ready_after),
            None => ready_after,
        };
        standing.worst().is_none() && now.saturating_since(since) < patience
    }

    fn leave(&self, now: Instant, index: usize, standing: &Standing) -> Wish {
        let fired = standing.view.worst_of(|fired| !self.is_forgiven(fired));
        let Some(fired) = fired else {
            if (!standing.view.delivers || self.is_over) && self.slate_ready {
                return covered();
            }
            return self.go_back(now, index);
        };
        let to = if fired.fault == Fault::Damaged {
            self.bound_by()
                .or_else(|| self.dwells(now).then_some(Because::Dwell))
                .map_or_else(|| self.candidate(now, index), Err)
        } else {
            self.out_of_darkness(now, index)
        };
        match to {
            Ok(to) => Wish::Move(Move {
                to,
                how: fired.fault.how(),
                why: drill::why(fired),
                fired: Some(fired.clone()),
            }),
            Err(_) if self.is_over && self.slate_ready => covered(),
            Err(because) => Wish::Stay(Stay {
                code: fired.code.clone(),
                because,
            }),
        }
    }

    /// Another one that nothing asks to leave.
    fn candidate(&self, now: Instant, index: usize) -> Result<OnAir, Because> {
        let best = self.best_other(now, Some(index));
        let is_candidate = |best: &usize| self.rank(now, *best) == Some(Rank::Candidate);
        best.filter(is_candidate)
            .map(OnAir::Input)
            .ok_or(Because::NoneBetter)
    }

    /// Anything with media, else the slate.
    fn out_of_darkness(&self, now: Instant, index: usize) -> Result<OnAir, Because> {
        let bound = self.bound_by();
        let other = if bound.is_some() {
            self.latched_way_out(now).filter(|to| *to != index)
        } else {
            self.best_other(now, Some(index))
        };
        match other.map(OnAir::Input) {
            Some(other) if self.fills_in(other) => Ok(OnAir::Slate),
            Some(other) => Ok(other),
            None if self.slate_ready => Ok(OnAir::Slate),
            None => Err(bound.unwrap_or(Because::NoneBetter)),
        }
    }

    /// What is on air is well: back to a better one, where that is wanted.
    fn go_back(&self, now: Instant, index: usize) -> Wish {
        let is_wanted = self.rules.return_to == Return::Auto && !self.is_bound();
        if !is_wanted || self.is_taken(OnAir::Input(index)) || self.dwells(now) {
            return Wish::Content;
        }
        let better = (0..index).find(|better| self.is_clean_for_return(now, *better));
        better.map_or(Wish::Content, |better| {
            self.shows(OnAir::Input(better), Why::Return)
        })
    }

    /// The best input but this one: by rank, by what is wrong with it, by order.
    pub(super) fn best_other(&self, now: Instant, but: Option<usize>) -> Option<usize> {
        let others = self.standings.iter().enumerate();
        let others = others.filter(|(index, _)| Some(*index) != but);
        let ranked = others.map(|(index, standing)| {
            let asking = |fired: &&Fired| fired.severity == Severity::Switch;
            let faults = standing.view.fired.iter().filter(asking).count();
            (standing.rank(now, &self.rules), faults, index)
        });
        let best = ranked.min().filter(|(rank, ..)| *rank < Rank::Nothing);
        best.map(|(.., index)| index)
    }

    /// The best, or else the first, that has had media for so long, however bad.
    fn proved(&self, now: Instant, after: Duration) -> Option<usize> {
        let best = self.best_other(now, None);
        let mut all = 0..self.standings.len();
        best.filter(|best| self.has_proved(now, *best, after))
            .or_else(|| all.find(|index| self.has_proved(now, *index, after)))
    }

    fn has_proved(&self, now: Instant, index: usize, after: Duration) -> bool {
        let standing = self.standings.get(index);
        let media_for = standing.and_then(|standing| standing.media_for(now));
        media_for >= Some(after)
    }

    fn is_clean_for_return(&self, now: Instant, index: usize) -> bool {
        let is_candidate = self.rank(now, index) == Some(Rank::Candidate);
        is_candidate && self.clean_for(now, index) >= Some(self.rules.return_after)
    }

    /// A latch ends in no darkness that a sound input could end; but it has to be sound for long.
    fn latched_way_out(&self, now: Instant) -> Option<usize> {
        if self.bound_by() != Some(Because::Latched) {
            return None;
        }
        (0..self.standings.len()).find(|index| self.is_clean_for_return(now, *index))
    }

    /// What keeps the automatic from choosing another input.
    const fn bound_by(&self) -> Option<Because> {
        if self.locked {
            Some(Because::Locked)
        } else if self.held {
            Some(Because::Held)
        } else if self.latch.is_latched() {
            Some(Because::Latched)
        } else {
            None
        }
    }

    pub(super) const fn is_bound(&self) -> bool {
        self.bound_by().is_some()
    }

    fn dwells(&self, now: Instant) -> bool {
        let since = self.switched.map(|at| now.saturating_since(at));
        since.is_some_and(|since| since < self.rules.dwell)
    }

    fn is_taken(&self, what: OnAir) -> bool {
        self.taken.is_some_and(|(taken, _)| taken == what)
    }

    /// Whoever took an input that was damaged knew it.
    fn is_forgiven(&self, fired: &Fired) -> bool {
        let known = |(taken, at): &(OnAir, Instant)| *taken == self.on_air && fired.since <= *at;
        fired.fault == Fault::Damaged && self.taken.as_ref().is_some_and(known)
    }

    fn shows(&self, to: OnAir, why: Why) -> Wish {
        Wish::Move(Move {
            to,
            how: self.leaving(),
            why,
            fired: None,
        })
    }

    fn order_what_is_wanted(&mut self, now: Instant, wanted: Move) {
        let (from, to) = (self.rules.name(self.on_air), self.rules.name(wanted.to));
        let text = match (&wanted.fired, &wanted.why) {
            (Some(fired), _) => format!("{from}: {}", fired.text),
            (None, Why::Return) => {
                let seconds = self.rules.return_after.as_secs();
                format!("{to} has been clean for {seconds} s")
            }
            (None, Why::NoMedia) if self.delivers() => {
                format!("{from} began anew, and its key frame has not come yet")
            }
            (None, Why::NoMedia) => format!("{from} delivers nothing"),
            (None, Why::MediaBack) => format!("{to} delivers again"),
            (None, _) => format!("{to} has something to show"),
        };
        let mut decision = self.decision(now, Step::Ordered, wanted.to, wanted.why, text);
        if let Some(fired) = wanted.fired {
            decision.decided_after = now.saturating_since(fired.since);
            decision.figure = fired.figure;
        }
        let wish = decision.why.clone();
        if let Some(freed) = self.freed.take_if(|_| wanted.to.input().is_some()) {
            // It would have been done long ago.
            decision.text = match decision.why {
                Why::MediaBack | Why::Start => format!("{}, and {to} delivers", freed.text),
                _ => format!("{} ({})", freed.text, decision.text),
            };
            (decision.why, decision.by) = (freed.why, freed.by);
            decision.decided_after = now.saturating_since(freed.at);
        }
        self.order(now, wanted.how, decision);
        if let Some(plan) = &mut self.plan {
            plan.wish = wish;
        }
    }

    /// Whether something arrives of what is on air.
    fn delivers(&self) -> bool {
        let on_air = self.on_air.input();
        let standing = on_air.and_then(|index| self.standings.get(index));
        standing.is_some_and(|standing| standing.view.delivers)
    }

    /// There is no reason for the order any more.
    fn avert(&mut self, now: Instant) {
        let Some(plan) = &self.plan else { return };
        let is_return = matches!(plan.wish, Why::Return | Why::Start | Why::MediaBack);
        if is_return || self.on_air.input().is_none() {
            let text = format!("{} is not ready any more", self.rules.name(plan.to));
            self.give_up(now, Step::GivenUp, text);
        } else {
            let text = format!(
                "{} is well again before anything was cut ({})",
                self.rules.name(self.on_air),
                plan.decision.text
            );
            self.counts.averted += 1;
            self.give_up(now, Step::Averted, text);
        }
    }

    fn stay(&mut self, now: Instant, stay: Stay) {
        // What comes later has other causes; a dwell only puts off what an unlock lets happen.
        if stay.because != Because::Dwell {
            self.freed = None;
        }
        if self.stayed.as_ref() == Some(&stay) {
            return;
        }
        let standing = self
            .on_air
            .input()
            .and_then(|index| self.standings.get(index));
        let fired = standing.and_then(Standing::worst).cloned();
        let because = match stay.because {
            Because::Locked => "the program is locked".to_owned(),
            Because::Held => "the automatic is held".to_owned(),
            Because::Latched => "it was switched too often; somebody has to look".to_owned(),
            Because::Dwell => format!(
                "it was switched less than {} s ago",
                self.rules.dwell.as_secs_f32()
            ),
            Because::NoneBetter => "no other input is better".to_owned(),
        };
        let name = self.rules.name(self.on_air);
        let reason = fired.as_ref().map_or("", |fired| &*fired.text);
        let text = format!("{name} stays on air: {reason}, but {because}");
        let why = fired.as_ref().map_or(Why::NoMedia, drill::why);
        let mut decision = self.decision(now, Step::Stayed, self.on_air, why, text);
        if let Some(fired) = fired {
            decision.decided_after = now.saturating_since(fired.since);
            decision.figure = fired.figure;
        }
        self.tell(decision);
        self.stayed = Some(stay);
    }

    /// When a better input will be gone back to, if nothing happens until then.
    #[must_use]
    pub fn next_return_in(&self, now: Instant) -> Option<Duration> {
        let index = self.on_air.input()?;
        let is_wanted = self.rules.return_to == Return::Auto && !self.is_bound();
        if !is_wanted || self.is_taken(self.on_air) {
            return None;
        }
        let rest = (0..index).filter_map(|better| {
            let clean_for = self.clean_for(now, better)?;
            Some(self.rules.return_after.saturating_sub(clean_for))
        });
        let dwelt = self
            .switched
            .map_or(Duration::MAX, |at| now.saturating_since(at));
        let dwell = self.rules.dwell.saturating_sub(dwelt);
        rest.min().map(|rest| rest.max(dwell))
    }
}
