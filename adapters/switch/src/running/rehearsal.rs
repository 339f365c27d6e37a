//! A test of the backup that nobody sees: on a copy of the program the input on air stops.

use super::decisions::millis;
use super::{Machine, Running, lane_of};
use crate::status::LastDrill;
use crate::told::{Answer, Told};
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::{EventKind, SwitchDecision, SwitchRefusal};
use tidegate_switch::OnAir;
use tidegate_switch::decide::{Rank, Refusal};
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
            Some(to) if to == cut => refused(Refusal::NothingToCut),
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
        let report = done.shadow.report(now);
        self.tell_report(&done, &report);
        self.last_drill = Some(last_drill(&done, report));
        self.reply(machine, now, done.answer, Ok(()));
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
        let kind = EventKind::SwitchDecision(Box::new(decision));
        self.teller.tell(Told::Event(kind));
    }
}

fn last_drill(done: &Rehearsal, report: Report) -> LastDrill {
    LastDrill {
        at: SystemTime::now(),
        input: Arc::clone(&done.cut),
        on_air: false,
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
