//! Drills on air: the input is cut as a failure would, and the rules are seen at work.

use tidegate_units::{Duration, Instant};

use super::record::{Refusal, Step, Why};
use super::rules::{DRILL_ON_AIR, Rules};
use super::standing::{Rank, Standing};
use super::view::{Fault, Figure, Fired, InputView, Severity};
use super::{By, Decide};
use crate::order::OnAir;

const CODE: &str = "drill";

/// A drill on air that is under way.
#[derive(Clone, Debug)]
pub(super) struct Drill {
    pub(super) input: usize,
    /// How it would stand if it were not cut.
    pub(super) uncut: Standing,
    since: Instant,
    by: By,
    /// What took over, and how long after the cut that was decided.
    took_over: Option<(OnAir, Duration)>,
}

/// What is told of a drill on air while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillUnderWay {
    /// The input that is cut.
    pub input: usize,
    /// When it was cut.
    pub since: Instant,
    /// When it is let in again, if nothing ends it before.
    pub ends: Instant,
    /// Who asked for it.
    pub by: By,
}

/// Why a switch follows from a trigger.
pub(super) fn why(fired: &Fired) -> Why {
    if &*fired.code == CODE {
        Why::Drill
    } else {
        Why::Trigger(fired.code.clone())
    }
}

impl Drill {
    /// The input as it would be seen if it had stopped: nothing arrives, and that is noticed
    /// after the time that a silence takes to be noticed.
    pub(super) fn instead_of(&self, view: InputView, now: Instant, rules: &Rules) -> InputView {
        let silent = now.saturating_since(self.since);
        if silent < rules.silent_after {
            return view;
        }
        let text = format!("cut by a drill, no packets for {} ms", silent.as_millis());
        let threshold = rules.silent_after.as_secs_f64() * 1000.0;
        InputView {
            delivers: false,
            fired: vec![Fired {
                code: CODE.into(),
                severity: Severity::Switch,
                fault: Fault::Silent,
                present: true,
                since: self.since,
                text: text.into(),
                figure: Some(Figure {
                    value: silent.as_secs_f64() * 1000.0,
                    threshold,
                    unit: "ms",
                }),
            }],
            ..view
        }
    }

    /// The same among inputs in another order; none if its input is not there any more.
    pub(super) fn moved(
        self,
        place: impl Fn(usize) -> Option<usize>,
        moved: impl Fn(OnAir) -> OnAir,
    ) -> Option<Self> {
        Some(Self {
            input: place(self.input)?,
            took_over: self.took_over.map(|(to, after)| (moved(to), after)),
            ..self
        })
    }

    pub(super) const fn aired(&mut self, to: OnAir, decided_after: Duration) {
        self.took_over = Some((to, decided_after));
    }
}

impl Decide {
    /// Cuts the input on air for [`DRILL_ON_AIR`], as if it had stopped. The program stays where
    /// it went; the caller keeps the packets of [`Decide::muted`] from it.
    pub fn drill_on_air(&mut self, now: Instant, by: By) -> Result<usize, Refusal> {
        let input = self.may_drill(now)?;
        let name = self.rules.name(self.on_air);
        let text = format!("a drill cuts {name} for {} s", DRILL_ON_AIR.as_secs());
        self.set(now, Why::Drill, &text, by.clone());
        self.drill = Some(Drill {
            input,
            uncut: self.standings.get(input).cloned().unwrap_or_default(),
            since: now,
            by,
            took_over: None,
        });
        Ok(input)
    }

    /// The drill on air that runs now.
    #[must_use]
    pub fn drill_under_way(&self) -> Option<DrillUnderWay> {
        self.drill.as_ref().map(|drill| DrillUnderWay {
            input: drill.input,
            since: drill.since,
            ends: drill.since + DRILL_ON_AIR,
            by: drill.by.clone(),
        })
    }

    /// The input that a drill on air would cut; what it would lead to is [`Decide::standby`].
    pub fn may_drill(&self, now: Instant) -> Result<usize, Refusal> {
        if self.locked {
            return Err(Refusal::Locked);
        }
        if self.is_bound() {
            return Err(Refusal::AutomaticOff);
        }
        if self.drill.is_some() {
            return Err(Refusal::DrillUnderWay);
        }
        let input = self.on_air.input().ok_or(Refusal::NothingToCut)?;
        let other = self.best_other(now, Some(input));
        if other.and_then(|other| self.rank(now, other)) != Some(Rank::Candidate) {
            let others = (0..self.standings.len()).filter(|index| *index != input);
            return Err(Refusal::NoneToTakeOver(self.reasons_of(now, others)));
        }
        Ok(input)
    }

    /// Ends the drill when its time is over, and before that as soon as it could leave the program
    /// in the dark: nothing else has media any more, or nothing may take over.
    pub(super) fn end_drill(&mut self, now: Instant) {
        let Some(drill) = &self.drill else { return };
        if now.saturating_since(drill.since) >= DRILL_ON_AIR {
            if let Some(drill) = self.drill.take() {
                let has_passed = drill.took_over.is_some_and(|(to, _)| to.input().is_some());
                let step = if has_passed {
                    Step::DrillPassed
                } else {
                    Step::DrillFailed
                };
                self.tell_drill_ended(now, step, drill, None);
            }
        } else if self.locked {
            self.break_drill_off(now, "the program was locked");
        } else if self.held {
            self.break_drill_off(now, "the automatic was held");
        } else if self.best_other(now, Some(drill.input)).is_none() {
            // That is what a drill is there to find.
            self.cut_short(
                now,
                Step::DrillFailed,
                "no other input has anything to show",
            );
        }
    }

    /// What a drill cuts is wanted on air.
    pub(super) fn uncut(&mut self, now: Instant, wanted: OnAir, because: &str) {
        if !self.locked && self.muted().map(OnAir::Input) == Some(wanted) {
            self.break_drill_off(now, because);
        }
    }

    fn break_drill_off(&mut self, now: Instant, because: &str) {
        self.cut_short(now, Step::DrillBrokenOff, because);
    }

    /// The input was well all the time, so it stands as if it had never been cut.
    fn cut_short(&mut self, now: Instant, step: Step, because: &str) {
        let Some(drill) = self.drill.take() else {
            return;
        };
        if let Some(standing) = self.standings.get_mut(drill.input) {
            *standing = drill.uncut.clone();
        }
        self.tell_drill_ended(now, step, drill, Some(because));
    }

    fn tell_drill_ended(&mut self, now: Instant, step: Step, drill: Drill, because: Option<&str>) {
        let name = self.rules.name(OnAir::Input(drill.input));
        let cut_for = now.saturating_since(drill.since);
        let cut = match because {
            Some(because) => format!(
                "{name} was cut for {} ms only, as {because}",
                cut_for.as_millis()
            ),
            None => format!("{name} was cut for {} s", DRILL_ON_AIR.as_secs()),
        };
        let text = match drill.took_over {
            Some((to, after)) => format!(
                "{cut}: {} took over, decided {} ms after the last packet",
                self.rules.name(to),
                after.as_millis()
            ),
            None => format!("{cut}, and nothing took over"),
        };
        let to = drill.took_over.map_or(self.on_air, |(to, _)| to);
        let mut decision = self.decision(now, step, to, Why::Drill, text);
        decision.from = OnAir::Input(drill.input);
        decision.decided_after = drill.took_over.map_or(Duration::ZERO, |(_, after)| after);
        (decision.automatic, decision.by) = (false, drill.by);
        self.tell(decision);
    }
}
