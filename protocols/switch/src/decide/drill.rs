//! Drills on air: the input is cut as a failure would, and the rules are seen at work.

use tidegate_units::{Duration, Instant};

use super::record::{Refusal, Step, Why};
use super::rules::{DRILL_ON_AIR, Rules};
use super::standing::Rank;
use super::view::{Fault, Figure, Fired, InputView, Severity};
use super::{By, Decide};
use crate::order::OnAir;

const CODE: &str = "drill";

/// A drill on air that is under way.
#[derive(Clone, Debug)]
pub(super) struct Drill {
    pub(super) input: usize,
    since: Instant,
    by: By,
    /// What took over, and how long after the cut that was decided.
    took_over: Option<(OnAir, Duration)>,
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
            since: now,
            by,
            took_over: None,
        });
        Ok(input)
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

    pub(super) fn end_drill(&mut self, now: Instant) {
        let is_over = |drill: &mut Drill| now.saturating_since(drill.since) >= DRILL_ON_AIR;
        let Some(drill) = self.drill.take_if(is_over) else {
            return;
        };
        let name = self.rules.name(OnAir::Input(drill.input));
        let seconds = DRILL_ON_AIR.as_secs();
        let text = match drill.took_over {
            Some((to, after)) => format!(
                "{name} was cut for {seconds} s: {} took over, decided {} ms after the last packet",
                self.rules.name(to),
                after.as_millis()
            ),
            None => format!("{name} was cut for {seconds} s, and nothing took over"),
        };
        let to = drill.took_over.map_or(self.on_air, |(to, _)| to);
        let mut decision = self.decision(now, Step::DrillEnded, to, Why::Drill, text);
        decision.from = OnAir::Input(drill.input);
        decision.decided_after = drill.took_over.map_or(Duration::ZERO, |(_, after)| after);
        (decision.automatic, decision.by) = (false, drill.by);
        self.tell(decision);
    }
}
