//! A test of the backup that nobody sees: on a copy of the program the input on air stops.

use super::commands::is_on_air;
use super::decisions::millis;
use super::{Machine, Running, lane_of};
use crate::status::{LastDrill, Outcome};
use crate::told::Answer;
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::{RefusalCode, SwitchDecision, SwitchRefusal};
use tidegate_switch::OnAir;
use tidegate_switch::decide::{Decide, Rank, Refusal};
use tidegate_switch::drill::{Report, Shadow};
use tidegate_units::Instant;
use tokio::sync::oneshot;

/// A test under way, and who waits for what it finds.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) shadow: Shadow,
    cut: Arc<str>,
    to: Arc<str>,
    by: Arc<str>,
    answer: oneshot::Sender<Answer>,
}

impl Running {
    /// Begins a test; it is answered when it is over, and at once if it cannot be.
    pub(super) fn rehearse(
        &self,
        machine: &mut Machine,
        now: Instant,
        input: Option<&str>,
        by: Arc<str>,
        answer: oneshot::Sender<Answer>,
    ) {
        match self.may_rehearse(machine, now, input) {
            Ok((cut, to)) => {
                let rules = machine.decide.rules();
                let names = [cut, to].map(|index| rules.name(OnAir::Input(index)));
                let lanes = [cut, to].map(|index| lane_of(&machine.inputs, OnAir::Input(index)));
                let ([cut, to], silent_after) = (lanes, self.silent_after());
                let shadow = Shadow::begin(&machine.program, cut, to, silent_after, now);
                let [cut, to] = names;
                machine.rehearsal = Some(Rehearsal {
                    shadow,
                    cut,
                    to,
                    by,
                    answer,
                });
            }
            Err(refusal) => self.reply(machine, now, answer, Err(refusal)),
        }
    }

    /// What would be cut, and what would take over.
    fn may_rehearse(
        &self,
        machine: &Machine,
        now: Instant,
        input: Option<&str>,
    ) -> Result<(usize, usize), SwitchRefusal> {
        let decide = &machine.decide;
        let refused = |refusal| Err(self.refused(refusal));
        if machine.rehearsal.is_some() || decide.muted().is_some() {
            return refused(Refusal::DrillUnderWay);
        }
        let Some(cut) = decide.on_air().input() else {
            return refused(Refusal::NothingToCut);
        };
        let standby = decide.standby(now).filter(|to| *to != cut);
        let to = match input {
            Some(name) => Some(
                self.settings
                    .input(name)
                    .ok_or_else(|| self.unknown(name))?,
            ),
            None => standby,
        };
        let reasons = |index| {
            let reasons = decide.reasons(now, index);
            let texts: Vec<&str> = reasons.iter().map(|reason| &*reason.text).collect();
            texts.join(", ")
        };
        match to {
            None => refused(Refusal::NoneToTakeOver("all the others are dark".into())),
            Some(to) if to == cut => Err(is_on_air(&decide.rules().name(OnAir::Input(cut)))),
            Some(to) if decide.rank(now, to) == Some(Rank::Nothing) => {
                let name = decide.rules().name(OnAir::Input(to));
                refused(Refusal::NothingToShow(name, reasons(to)))
            }
            Some(to) => Ok((cut, to)),
        }
    }

    /// Goes on with the test, and tells what it found when it is over.
    pub(super) fn follow_rehearsal(&mut self, machine: &mut Machine, now: Instant) {
        let Some(rehearsal) = &mut machine.rehearsal else {
            return;
        };
        rehearsal.shadow.poll(now);
        if !rehearsal.shadow.is_over(now) {
            return;
        }
        let Some(done) = machine.rehearsal.take() else {
            return;
        };
        let mut report = done.shadow.report(now);
        let index = |name: &str| self.settings.input(name);
        let are_twins = index(&done.cut)
            .zip(index(&done.to))
            .is_some_and(|(cut, to)| are_twins(machine, cut, to));
        // Between those that are the same nothing is decided.
        if !are_twins && let Some(bound) = bound_by(&machine.decide) {
            note_bound(&mut report, &done.to, bound);
        }
        self.tell_report(&done, &report);
        self.last_drill = Some(last_drill(&done, report));
        self.reply(machine, now, done.answer, Ok(()));
    }

    /// What it found would be true of neither what was nor what is.
    pub(super) fn break_rehearsal_off(&self, machine: &mut Machine, now: Instant) {
        let Some(done) = machine.rehearsal.take() else {
            return;
        };
        let refusal = SwitchRefusal::NotNow {
            code: RefusalCode::Busy,
            message: "The settings were changed while the backup was tested.".into(),
            advice: "Test it again.".into(),
        };
        self.reply(machine, now, done.answer, Err(refusal));
    }

    fn tell_report(&self, done: &Rehearsal, report: &Report) {
        let decision = SwitchDecision {
            decision: "rehearsed".into(),
            from: Some(done.cut.to_string()),
            to: Some(done.to.to_string()),
            why: "drill".into(),
            text: report.would.clone(),
            automatic: false,
            by: Some(done.by.to_string()),
            decided_after_ms: millis(report.decided_after),
            figure: None,
            evidence: Vec::new(),
        };
        self.teller.decision(decision);
    }
}

fn are_twins(machine: &Machine, cut: usize, to: usize) -> bool {
    let lanes = [cut, to].map(|index| lane_of(&machine.inputs, OnAir::Input(index)));
    let [Some(cut), Some(to)] = lanes.map(OnAir::input) else {
        return false;
    };
    machine.program.twin_of(cut) == Some(to) || machine.program.twin_of(to) == Some(cut)
}

/// What keeps the switch from moving by itself.
fn bound_by(decide: &Decide) -> Option<&'static str> {
    let states = [
        (decide.is_locked(), "locked"),
        (decide.is_held(), "held"),
        (decide.is_latched(), "latched"),
    ];
    let bound = states.into_iter().find(|(is_so, _)| *is_so);
    bound.map(|(_, word)| word)
}

/// The other input could have taken over, but would not have.
fn note_bound(report: &mut Report, to: &str, bound: &str) {
    report.passed = false;
    report.would = format!("had {to} taken over, {}", report.would);
    let problem = format!("the switch is {bound}, so {to} would not have taken over");
    report.problems.insert(0, problem);
}

fn last_drill(done: &Rehearsal, report: Report) -> LastDrill {
    LastDrill {
        at: SystemTime::now(),
        input: Arc::clone(&done.cut),
        on_air: false,
        outcome: if report.passed {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        passed: report.passed,
        took_over: Some(Arc::clone(&done.to)),
        decided_after_ms: millis(report.decided_after),
        gap_ms: millis(report.gap),
        repeated_ms: millis(report.repeated),
        skipped_ms: millis(report.skipped),
        silence_ms: millis(report.silence),
        would: report.would,
        problems: report.problems,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_switch::decide::Rules;
    use tidegate_units::Duration;

    #[test]
    fn a_test_is_not_passed_while_nothing_would_take_over() {
        let now = Instant::from_millis(1000);
        let mut decide = Decide::new(Rules::new(["main", "backup"]));
        assert_eq!(bound_by(&decide), None);
        decide.hold(now, true, None);
        assert_eq!(bound_by(&decide), Some("held"));
        let mut report = Report {
            to: OnAir::Input(1),
            passed: true,
            decided_after: Duration::ZERO,
            gap: Duration::ZERO,
            repeated: Duration::ZERO,
            skipped: Duration::ZERO,
            delay: Duration::ZERO,
            silence: Duration::ZERO,
            problems: Vec::new(),
            would: "viewers would have seen one picture follow the other".into(),
        };
        note_bound(&mut report, "backup", "held");
        assert!(!report.passed);
        assert_eq!(
            report.problems,
            ["the switch is held, so backup would not have taken over"]
        );
        let would = "had backup taken over, viewers would have seen one picture follow the other";
        assert_eq!(report.would, would);
    }
}
