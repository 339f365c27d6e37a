//! What was decided is carried out, and told with its evidence.

use super::{Machine, Running, lane_of, preferred};
use crate::status::{LastDrill, LastSwitch, Outcome};
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::{EventKind, SwitchDecision, SwitchEvidence, SwitchFigure, Switched};
use tidegate_switch::decide::{Decision, Evidence, Figure, Output, Rank, Rules, Step};
use tidegate_switch::{Event, OnAir, Order, Switched as Cut};
use tidegate_units::{Duration, Instant};

impl Running {
    /// Carries out what was decided, and tells of it.
    pub(super) fn obey(&mut self, machine: &mut Machine) {
        while let Some(output) = machine.decide.poll() {
            match output {
                Output::Order(Order::SwitchTo { to, how }) => {
                    let to = lane_of(&machine.inputs, to);
                    machine.program.order(Order::SwitchTo { to, how });
                }
                Output::Order(Order::Drop) => machine.program.order(Order::Drop),
                Output::Decision(decision) => self.tell_decision(machine, *decision),
            }
        }
        self.tell_cut_alone(machine);
    }

    /// What happened to the program, and what follows from it.
    pub(super) fn follow_program(&mut self, machine: &mut Machine, now: Instant) {
        while let Some(event) = machine.program.next_event() {
            match event {
                Event::Switched(cut) => {
                    self.cut = Some(Cut {
                        from: preferred(&machine.inputs, cut.from),
                        to: preferred(&machine.inputs, cut.to),
                        ..cut
                    });
                    // The decision that it was is told at once.
                    self.decide(machine, now);
                    self.obey(machine);
                }
                Event::Rejoined(cut) => {
                    let name = machine
                        .decide
                        .rules()
                        .name(preferred(&machine.inputs, cut.to));
                    let message = format!(
                        "{name} began anew and went on air again at its key frame ({} ms are missing)",
                        cut.gap.as_millis()
                    );
                    self.teller.event(EventKind::Notice { message });
                }
                // Told by those who decided it.
                Event::Averted { .. } => {}
            }
        }
    }

    fn tell_decision(&mut self, machine: &Machine, decision: Decision) {
        let rules = machine.decide.rules();
        match decision.step {
            Step::Aired => {
                let cut = self.cut.take().filter(|cut| cut.to == decision.to);
                self.tell_switched(switched(&decision, cut.as_ref(), rules));
            }
            Step::DrillPassed => self.tell_drill(decision, Outcome::Passed, rules),
            Step::DrillFailed => self.tell_drill(decision, Outcome::Failed, rules),
            Step::DrillBrokenOff => self.tell_drill(decision, Outcome::BrokenOff, rules),
            _ => {
                self.teller.decision(told(decision, rules));
            }
        }
    }

    /// A cut that nobody decided: between inputs that are the same.
    fn tell_cut_alone(&mut self, machine: &Machine) {
        let Some(cut) = self.cut.take() else { return };
        let rules = machine.decide.rules();
        let (from, to) = (rules.name(cut.from), rules.name(cut.to));
        let mut switched = Switched {
            from: name(cut.from, rules),
            to: name(cut.to, rules),
            why: "twin".into(),
            text: format!("{to} carries the same packets as {from}, and goes on for it"),
            automatic: true,
            ..Switched::default()
        };
        measure(&mut switched, &cut);
        self.tell_switched(switched);
    }

    fn tell_switched(&mut self, switched: Switched) {
        self.last_switch = Some(LastSwitch {
            at: SystemTime::now(),
            switched: switched.clone(),
        });
        if switched.why == "drill" {
            self.drill_cut = Some(switched.clone());
        }
        self.teller.event(EventKind::Switched(switched));
    }

    /// A drill on air is over.
    fn tell_drill(&mut self, decision: Decision, outcome: Outcome, rules: &Rules) {
        let took_over = Some(decision.to).filter(|to| *to != decision.from);
        let cut = self.drill_cut.take();
        let (gap_ms, repeated_ms) = cut.map_or((0, 0), |cut| (cut.gap_ms, cut.repeated_ms));
        let problems = match outcome {
            Outcome::Failed if took_over.is_none() => vec!["Nothing took over.".to_owned()],
            _ => Vec::new(),
        };
        self.last_drill = Some(LastDrill {
            at: SystemTime::now(),
            input: rules.name(decision.from),
            on_air: true,
            outcome,
            passed: outcome == Outcome::Passed,
            took_over: took_over.map(|to| rules.name(to)),
            decided_after_ms: millis(decision.decided_after),
            gap_ms,
            repeated_ms,
            skipped_ms: 0,
            silence_ms: 0,
            would: decision.text.clone(),
            problems,
        });
        self.teller.decision(told(decision, rules));
    }
}

fn switched(decision: &Decision, cut: Option<&Cut>, rules: &Rules) -> Switched {
    let mut switched = Switched {
        from: name(decision.from, rules),
        to: name(decision.to, rules),
        why: decision.why.as_str().to_owned(),
        text: decision.text.clone(),
        automatic: decision.automatic,
        by: decision.by.as_deref().map(str::to_owned),
        decided_after_ms: millis(decision.decided_after),
        ..Switched::default()
    };
    if let Some(cut) = cut {
        measure(&mut switched, cut);
    }
    switched
}

fn measure(switched: &mut Switched, cut: &Cut) {
    switched.gap_ms = millis(cut.gap);
    switched.repeated_ms = millis(cut.repeated);
    switched.delay_ms = millis(cut.delay);
}

fn told(decision: Decision, rules: &Rules) -> SwitchDecision {
    SwitchDecision {
        decision: decision.step.as_str().to_owned(),
        from: name(decision.from, rules),
        to: name(decision.to, rules),
        why: decision.why.as_str().to_owned(),
        text: decision.text,
        automatic: decision.automatic,
        by: decision.by.as_deref().map(str::to_owned),
        decided_after_ms: millis(decision.decided_after),
        figure: decision.figure.map(figure),
        evidence: decision.evidence.iter().map(evidence).collect(),
    }
}

fn figure(figure: Figure) -> SwitchFigure {
    SwitchFigure {
        value: figure.value,
        threshold: figure.threshold,
        unit: figure.unit.to_owned(),
    }
}

fn evidence(evidence: &Evidence) -> SwitchEvidence {
    let reasons = evidence.reasons.iter();
    SwitchEvidence {
        input: evidence.input.to_string(),
        rank: rank(evidence.rank).to_owned(),
        connected: evidence.connected,
        delivers: evidence.delivers,
        clean_for_ms: evidence.clean_for.map(millis),
        reasons: reasons.map(|reason| reason.text.to_string()).collect(),
    }
}

const fn rank(rank: Rank) -> &'static str {
    match rank {
        Rank::Candidate => "candidate",
        Rank::Fresh => "fresh",
        Rank::Damaged => "damaged",
        Rank::Nothing => "nothing",
    }
}

pub(super) fn name(what: OnAir, rules: &Rules) -> Option<String> {
    named(what, rules).map(|name| name.to_string())
}

pub(super) fn named(what: OnAir, rules: &Rules) -> Option<Arc<str>> {
    (what != OnAir::Nothing).then(|| rules.name(what))
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
