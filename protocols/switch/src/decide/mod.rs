//! The rules that decide what a program shows, as an operator can trust them.
//!
//! Pure: the time is an argument, and what comes out are orders for the program and decisions
//! with their evidence. Nothing here knows a transport stream.
//!
//! ```text
//!                 first of the order at once,
//!                 any other once a candidate
//!   ┌─────────┐ ───────────────────────────────────────▶ ┌───────────────────────────┐
//!   │ Nothing │                                          │ Input(i)                  │
//!   └────┬────┘              it delivers nothing:        │                           │
//!        │ no input has        best other with media ◀── │ it is damaged:            │
//!        │ media, a slate      (no dwell)                │   best other candidate,   │
//!        │ is there                                      │   after the dwell         │
//!        ▼                   no other has media          │ it is fine:               │
//!   ┌─────────┐ ◀─────────────────────────────────────── │   back to a better one    │
//!   │ Slate   │                                          │   clean for return_after  │
//!   └─────────┘ ───────────────────────────────────────▶ │   (return: auto)          │
//!                an input has had media for a second    └───────────────────────────┘
//!
//!   an order:  Ordered ──▶ Aired                 the program shows it
//!                 ├──────▶ Averted               the cause went away before the cut
//!                 └──────▶ GivenUp               what was chosen has nothing to show any more
//!
//!                     takes  moves between inputs     out of darkness     slate
//!   (nothing set)      yes    yes                      yes                 in and out
//!   held               yes    no                       no                  in, out to the same input
//!   locked             no     no                       no                  in, out to the same input
//!   latched            yes    no                       to one clean for    in, out to the same input
//!                                                      return_after
//! ```
//!
//! *Candidate*: nothing has asked to leave it for `ready_after`, and it has a key frame. *Latched*:
//! three automatic switches in five minutes; a take, a return, an unlock or a hold let go releases
//! it. What an operator took is not returned from by itself, nor left for damage that it had when
//! it was taken.

mod automatic;
mod change;
mod command;
mod drill;
mod filling;
mod latch;
mod record;
mod rules;
mod schedule;
mod shown;
mod standing;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use tidegate_units::{Duration, Instant};

pub use drill::DrillUnderWay;
pub use record::{Accepted, Decision, Evidence, Output, ReasonText, Refusal, Step, Why};
pub use rules::{
    DRILL_ON_AIR, KEY_FRAME_WAIT_MAX, LATCH_SWITCHES, LATCH_WINDOW, MissedTake, Return, Rules,
    SCHEDULE_LATE_MAX, SCHEDULE_MAX, SLATE_AGAIN, SLATE_LEFT_AFTER, ScheduledTake,
};
pub use standing::Rank;
pub use view::{Fault, Figure, Fired, InputView, Scene, Severity};

use crate::order::{How, OnAir, Order};
use drill::Drill;
use latch::Latch;
use schedule::{Due, Missed, Schedule};
use standing::Standing;

/// Decides what a program shows.
#[derive(Clone, Debug)]
pub struct Decide {
    rules: Rules,
    standings: Vec<Standing>,
    slate_ready: bool,
    is_starved: bool,
    is_over: bool,
    on_air: OnAir,
    /// The input that was on air last: what a slate stands in for.
    last_input: Option<usize>,
    /// Since when a slate is on air that came without a trigger, so that nothing asked for another
    /// input than the last.
    stands_in: Option<Instant>,
    /// When a slate last gave way to an input that was back.
    slate_left: Option<Instant>,
    /// What is to be on air before anything else may, as it was before a restart.
    expected: Option<command::Expected>,
    /// What an operator or the schedule put on air, and when.
    taken: Option<(OnAir, Instant)>,
    plan: Option<Plan>,
    /// What was asked for, while the slate fills in until its key frame.
    asked: Option<Decision>,
    locked: bool,
    held: bool,
    latch: Latch,
    /// What keeps nothing off air any more, until all is where it is wanted.
    freed: Option<Freed>,
    /// The last automatic switch to another input.
    switched: Option<Instant>,
    schedule: Schedule,
    /// The entry of it that was missed last.
    missed: Option<MissedTake>,
    drill: Option<Drill>,
    /// What was told about staying, so that it is told once.
    stayed: Option<automatic::Stay>,
    counts: Counts,
    outputs: VecDeque<Output>,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Something else was on air than before, the first time not counted.
    pub switches: u64,
    /// Another input was put on air that nobody had asked for.
    pub automatic_switches: u64,
    /// The cause of a switch went away before its cut.
    pub averted: u64,
}

/// A lock, a hold or a latch that is gone since a moment.
#[derive(Clone, Debug)]
struct Freed {
    at: Instant,
    why: Why,
    text: &'static str,
    by: By,
}

/// An order that is not carried out yet.
#[derive(Clone, Debug)]
struct Plan {
    to: OnAir,
    how: How,
    since: Instant,
    decision: Decision,
    /// What it was for, whatever is told as its cause.
    wish: Why,
}

impl Decide {
    /// Nothing is on air yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            standings: vec![Standing::default(); rules.inputs.len()],
            schedule: Schedule::new(&rules.schedule, None),
            missed: None,
            rules,
            slate_ready: false,
            is_starved: false,
            is_over: false,
            on_air: OnAir::Nothing,
            last_input: None,
            stands_in: None,
            slate_left: None,
            expected: None,
            taken: None,
            plan: None,
            asked: None,
            locked: false,
            held: false,
            latch: Latch::default(),
            freed: None,
            switched: None,
            drill: None,
            stayed: None,
            counts: Counts::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Looks at everything; to be called whenever something changed, and every 10 ms or so.
    pub fn step(&mut self, now: Instant, wall: SystemTime, scene: Scene<'_>) {
        (self.slate_ready, self.is_starved) = (scene.slate_ready, scene.is_starved);
        self.is_over = scene.is_over;
        self.look(now, scene.inputs);
        self.air(now, scene.on_air);
        self.end_drill(now);
        self.follow_schedule(now, wall);
        self.after_filling_in(now);
        if self.asked.is_some() {
            return;
        }
        if self.plan.as_ref().is_some_and(Plan::is_asked_for) {
            self.keep_what_was_asked(now);
        } else {
            self.automatic(now);
        }
    }

    /// The next order or decision; to be asked for until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn look(&mut self, now: Instant, views: &[InputView]) {
        for (index, standing) in self.standings.iter_mut().enumerate() {
            let view = views.get(index).cloned().unwrap_or_default();
            let drill = self.drill.as_mut().filter(|drill| drill.input == index);
            let view = match drill {
                Some(drill) => {
                    drill.uncut.update(now, view.clone());
                    drill.instead_of(view, now, &self.rules)
                }
                None => view,
            };
            standing.update(now, view);
        }
    }

    /// What is on air now is another thing than before.
    fn air(&mut self, now: Instant, on_air: OnAir) {
        if on_air == self.on_air {
            return;
        }
        let from = core::mem::replace(&mut self.on_air, on_air);
        (self.stayed, self.freed) = (None, None);
        self.counts.switches += u64::from(from != OnAir::Nothing);
        let before = self.last_input;
        self.last_input = on_air.input().or(before);
        let is_other_input =
            on_air.input().is_some() && before.is_some() && before != self.last_input;
        if self
            .expected
            .take_if(|it| OnAir::Input(it.input) == on_air)
            .is_some()
        {
            self.taken = Some((on_air, now));
        }
        // A program may also move on its own, between twins that are the same.
        let Some(plan) = self.plan.take_if(|plan| plan.to == on_air) else {
            // What was taken is the same there: it is no other choice, and no switch of anybody's.
            if let Some((taken, _)) = self.taken.as_mut().filter(|(taken, _)| *taken == from) {
                *taken = on_air;
            }
            return;
        };
        let mut decision = plan.decision;
        (decision.step, decision.at, decision.from) = (Step::Aired, now, from);
        if !decision.automatic {
            self.taken = Some((on_air, now));
        } else if is_other_input {
            self.taken = None;
        }
        let is_stand_in = decision.why == Why::NoMedia && self.asked.is_none();
        self.stands_in = (is_stand_in && on_air == OnAir::Slate).then_some(now);
        if from == OnAir::Slate && plan.wish == Why::MediaBack {
            self.slate_left = Some(now);
        }
        let is_drill = decision.why == Why::Drill;
        if let Some(drill) = self.drill.as_mut().filter(|_| is_drill) {
            drill.aired(on_air, decision.decided_after);
        }
        let counts = decision.automatic && is_other_input;
        self.tell(decision);
        if counts {
            self.switched = Some(now);
            self.counts.automatic_switches += 1;
            if !is_drill && self.latch.count(now) {
                self.tell_latched(now);
            }
        }
    }

    fn follow_schedule(&mut self, now: Instant, wall: SystemTime) {
        let (entry, reason) = match self.schedule.due(wall) {
            None => return,
            Some(Due::Missed(entry, why)) => (Some(entry), self.missed_because(now, entry, why)),
            Some(Due::Take(to)) => match self.may_follow_uncut(now, to) {
                Ok(()) => {
                    self.schedule.done();
                    let text = format!("the schedule takes {}", self.rules.name(to));
                    self.ask(now, to, Why::Schedule, text, None);
                    return;
                }
                Err(refusal @ (Refusal::Locked | Refusal::NoSuchInput)) => {
                    (self.schedule.done(), refusal.to_string())
                }
                // There is a minute for it to become ready.
                Err(_) => return,
            },
        };
        let Some(ScheduledTake { at, take }) = entry else {
            return;
        };
        let name = self.rules.name(take);
        let text = format!("the scheduled take of {name} was not done: {reason}");
        self.missed = Some(MissedTake {
            at,
            take: name,
            reason,
        });
        let decision = self.decision(now, Step::Missed, take, Why::Schedule, text);
        self.tell(decision);
    }

    fn missed_because(&self, now: Instant, entry: ScheduledTake, why: Missed) -> String {
        match why {
            Missed::Late => {
                let refusal = self.may_show(now, entry.take, false).err();
                refusal.map_or_else(|| "too late".into(), |refusal| refusal.to_string())
            }
            Missed::Away => "the switch did not run at its time".into(),
            Missed::Over => "its time had passed when it was set".into(),
            Missed::Overtaken(by) => {
                let by = self.rules.name(by);
                format!("the one of {by} was due as well, and came after it")
            }
        }
    }

    /// An operator's order stands until it is on air, or cannot be.
    fn keep_what_was_asked(&mut self, now: Instant) {
        let how = self.leaving();
        let Some(plan) = &self.plan else { return };
        let filler = self.filler(now, plan.to);
        let Some(plan) = &mut self.plan else { return };
        let is_there = match plan.to {
            OnAir::Slate => self.slate_ready,
            OnAir::Nothing => false,
            OnAir::Input(index) => {
                let standing = self.standings.get(index);
                standing.is_some_and(|standing| standing.rank(now, &self.rules) != Rank::Nothing)
            }
        };
        // What is queued is played first when nothing arrives, however long that is.
        let is_waiting_for_key = matches!(how, How::Alive | How::Damaged);
        let waited = now.saturating_since(plan.since);
        if !is_there || (is_waiting_for_key && waited >= KEY_FRAME_WAIT_MAX) {
            let name = self.rules.name(plan.to);
            let text = if is_there {
                format!("{name} had no key frame for {} s", waited.as_secs())
            } else {
                format!("{name} has nothing to show any more")
            };
            self.give_up(now, Step::GivenUp, text);
        } else if let Some(filler) = filler {
            self.fill_in(now, filler);
        } else if plan.how != how {
            plan.how = how;
            let order = Order::SwitchTo { to: plan.to, how };
            self.outputs.push_back(Output::Order(order));
        }
    }

    /// How what is on air would be left now.
    fn leaving(&self) -> How {
        let standing = self
            .on_air
            .input()
            .and_then(|index| self.standings.get(index));
        let Some(standing) = standing else {
            return How::Alive;
        };
        match standing.worst() {
            Some(fired) => fired.fault.how(),
            None if standing.view.delivers => How::Alive,
            None => How::Starved,
        }
    }

    /// Orders it, in place of any order before.
    fn order(&mut self, now: Instant, how: How, decision: Decision) {
        self.stayed = None;
        self.tell(decision.clone());
        self.order_quietly(now, how, decision);
    }

    fn order_quietly(&mut self, now: Instant, how: How, decision: Decision) {
        let to = decision.to;
        let order = Order::SwitchTo { to, how };
        self.outputs.push_back(Output::Order(order));
        self.plan = Some(Plan {
            to,
            how,
            since: now,
            wish: decision.why.clone(),
            decision,
        });
    }

    /// Takes the order back that is not carried out yet.
    fn give_up(&mut self, now: Instant, step: Step, text: String) {
        let Some(plan) = self.plan.take() else { return };
        // Whoever asked for another input has said that the last one need not be waited for.
        if plan.is_asked_for() {
            self.stands_in = None;
        }
        self.outputs.push_back(Output::Order(Order::Drop));
        let mut decision = self.decision(now, step, plan.to, plan.decision.why, text);
        decision.automatic = plan.decision.automatic;
        decision.by = plan.decision.by;
        self.tell(decision);
    }

    fn tell_latched(&mut self, now: Instant) {
        let minutes = LATCH_WINDOW.as_secs() / 60;
        let name = self.rules.name(self.on_air);
        let text = format!(
            "{LATCH_SWITCHES} automatic switches in {minutes} minutes: {name} stays on air until somebody has looked"
        );
        let decision = self.decision(now, Step::Latched, self.on_air, Why::TooMany, text);
        self.tell(decision);
    }

    fn decision(&self, now: Instant, step: Step, to: OnAir, why: Why, text: String) -> Decision {
        let standings = self.standings.iter().zip(&self.rules.inputs);
        Decision {
            step,
            at: now,
            from: self.on_air,
            to,
            why,
            text,
            automatic: true,
            by: None,
            decided_after: Duration::ZERO,
            figure: None,
            evidence: standings
                .map(|(standing, name)| standing.evidence(now, &self.rules, name.clone()))
                .collect(),
        }
    }

    fn tell(&mut self, decision: Decision) {
        self.outputs.push_back(Output::Decision(Box::new(decision)));
    }
}

impl Plan {
    const fn is_asked_for(&self) -> bool {
        !self.decision.automatic
    }
}

/// Names of an operator, for the record.
type By = Option<Arc<str>>;
