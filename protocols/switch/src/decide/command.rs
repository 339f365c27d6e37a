//! What an operator, a script or the schedule asks for.

use std::time::SystemTime;

use tidegate_units::Instant;

use super::record::{Accepted, ReasonText, Refusal, Step, Why};
use super::schedule::Schedule;
use super::standing::Rank;
use super::{By, Decide, Freed};
use crate::order::OnAir;

/// What is to be on air again after a restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) input: usize,
    /// The program was locked there: not even the schedule shows anything else.
    pub(super) locked: bool,
}

impl Decide {
    /// Shows this input first, as before a restart, and until it delivers the slate or nothing;
    /// unless somebody takes another one, or lets the program go. To be told before anything is on
    /// air.
    pub fn expect(&mut self, input: usize, locked: bool) {
        self.expected = Some(Expected { input, locked });
        self.last_input = Some(input);
    }

    /// Goes on with the schedule where it was when the program ended: nothing is done twice, and
    /// what passed meanwhile is told as missed. To be told before the first step.
    pub fn resume_schedule(&mut self, seen: SystemTime) {
        self.schedule = Schedule::new(&self.rules.schedule, Some(seen));
    }

    /// Shows an input or the slate, at its next key frame. With `force` also an input that there
    /// are reasons against; but not one that has nothing to show.
    pub fn take(
        &mut self,
        now: Instant,
        to: OnAir,
        force: bool,
        by: By,
    ) -> Result<Accepted, Refusal> {
        self.uncut(now, to, "it was taken");
        self.may_show(now, to, force)?;
        let text = format!("{} was taken", self.rules.name(to));
        Ok(self.ask(now, to, Why::Take, text, by))
    }

    /// Goes back to the best input that stands before the one on air.
    pub fn return_home(&mut self, now: Instant, by: By) -> Result<Accepted, Refusal> {
        if self.locked {
            return Err(Refusal::Locked);
        }
        let before = self.on_air.input().unwrap_or(self.standings.len());
        if before == 0 {
            self.release(now, by);
            return Err(Refusal::AlreadyFirst(self.rules.name(self.on_air)));
        }
        // With what a drill cuts, somebody wants it back.
        if let Some(cut) = self.muted().filter(|cut| *cut < before) {
            self.uncut(now, OnAir::Input(cut), "the program was returned");
        }
        let mut better = 0..before;
        let ready = better.find(|index| self.rank(now, *index) <= Some(Rank::Fresh));
        let Some(index) = ready else {
            return Err(Refusal::NoneToReturnTo(self.reasons_of(now, 0..before)));
        };
        let to = OnAir::Input(index);
        let text = format!("the program was returned to {}", self.rules.name(to));
        Ok(self.ask(now, to, Why::Return, text, by))
    }

    /// Nothing moves the program any more; only a slate covers darkness.
    pub fn lock(&mut self, now: Instant, by: By) {
        if !core::mem::replace(&mut self.locked, true) {
            self.set(now, Why::Lock, "the program was locked", by);
        }
    }

    /// Takes a lock away, and a latch.
    pub fn unlock(&mut self, now: Instant, by: By) {
        let was_latched = self.is_latched();
        self.release(now, by.clone());
        self.expected = None;
        let text = "the program was unlocked";
        if core::mem::take(&mut self.locked) {
            self.set(now, Why::Unlock, text, by.clone());
        } else if !was_latched {
            return;
        }
        self.free(now, Why::Unlock, text, by);
    }

    /// Holds the automatic, takes excepted, or lets it go, and with it a latch.
    pub fn hold(&mut self, now: Instant, on: bool, by: By) {
        if !on {
            if self.held || self.is_latched() {
                self.free(now, Why::Hold, "the automatic was let go", by.clone());
            }
            self.release(now, by.clone());
            self.expected = None;
        }
        if core::mem::replace(&mut self.held, on) != on {
            let text = if on {
                "the automatic was held"
            } else {
                "the automatic was let go"
            };
            self.set(now, Why::Hold, text, by);
        }
    }

    /// Whether `to` may be shown now.
    pub(super) fn may_show(&self, now: Instant, to: OnAir, force: bool) -> Result<(), Refusal> {
        if self.locked {
            return Err(Refusal::Locked);
        }
        if to == self.on_air && to != OnAir::Nothing {
            return Ok(());
        }
        let index = match to {
            OnAir::Nothing => return Err(Refusal::NoSuchInput),
            OnAir::Slate if self.slate_ready => return Ok(()),
            OnAir::Slate => return Err(Refusal::NoSlate),
            OnAir::Input(index) => index,
        };
        let rank = self.rank(now, index).ok_or(Refusal::NoSuchInput)?;
        let name = self.rules.name(to);
        let why = || self.reasons_of(now, index..index + 1);
        match rank {
            Rank::Candidate | Rank::Fresh => Ok(()),
            Rank::Damaged if force => Ok(()),
            Rank::Damaged => Err(Refusal::NotReady(name, why())),
            Rank::Nothing => Err(match self.standings[index].unfit() {
                Some(why) => Refusal::OtherFormat(name, why),
                None => Refusal::NothingToShow(name, why()),
            }),
        }
    }

    /// Whether the schedule may show it. What is still to come back after a restart goes first.
    pub(super) fn may_follow(&self, now: Instant, to: OnAir) -> Result<(), Refusal> {
        match self.expected {
            Some(Expected { locked: true, .. }) => Err(Refusal::Locked),
            Some(_) => Err(Refusal::AutomaticOff),
            None => self.may_show(now, to, false),
        }
    }

    /// The same for a take whose time has come: no drill may be in its way.
    pub(super) fn may_follow_uncut(&mut self, now: Instant, to: OnAir) -> Result<(), Refusal> {
        self.uncut(now, to, "the schedule takes it");
        self.may_follow(now, to)
    }

    /// Orders what was asked for. Whoever asks has looked: a latch is released.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        to: OnAir,
        why: Why,
        text: String,
        by: By,
    ) -> Accepted {
        self.release(now, by.clone());
        (self.asked, self.expected) = (None, None);
        if to == self.on_air {
            if self.plan.is_some() {
                self.give_up(now, Step::GivenUp, text);
            }
            self.taken = Some((to, now));
            return Accepted::AlreadyOnAir(to);
        }
        let mut decision = self.decision(now, Step::Ordered, to, why, text);
        (decision.automatic, decision.by) = (false, by);
        self.order(now, self.leaving(), decision);
        Accepted::Ordered(to)
    }

    fn release(&mut self, now: Instant, by: By) {
        if self.latch.release() {
            self.set(now, Why::TooMany, "the latch was released", by);
        }
    }

    /// What follows now is no news of the inputs.
    fn free(&mut self, at: Instant, why: Why, text: &'static str, by: By) {
        self.freed = Some(Freed { at, why, text, by });
    }

    pub(super) fn set(&mut self, now: Instant, why: Why, text: &str, by: By) {
        let mut decision = self.decision(now, Step::Set, self.on_air, why, text.into());
        (decision.automatic, decision.by) = (false, by);
        self.tell(decision);
    }

    /// What stands against these inputs, in one sentence.
    pub(super) fn reasons_of(&self, now: Instant, inputs: impl Iterator<Item = usize>) -> String {
        let each = inputs.map(|index| {
            let reasons = self.reasons(now, index);
            let texts: Vec<&str> = reasons.iter().map(ReasonText::text).collect();
            (self.rules.name(OnAir::Input(index)), texts.join(", "))
        });
        let each: Vec<_> = each.collect();
        match each.as_slice() {
            [(_, only)] => only.clone(),
            all => {
                let named = all.iter().map(|(name, texts)| format!("{name}: {texts}"));
                named.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl ReasonText {
    fn text(&self) -> &str {
        &self.text
    }
}
