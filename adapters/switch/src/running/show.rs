//! How the switch is doing, for everybody to see.

use super::decisions::{millis, named};
use super::format::Format;
use super::{Machine, Running};
use crate::status::{DrillOnAir, InputStatus, Missed, Reason, Scheduled, Standby, Status};
use crate::told::Answer;
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::{Link, SwitchRefusal};
use tidegate_switch::OnAir;
use tidegate_switch::decide::{Rank, ReasonText, Severity};
use tidegate_units::Instant;
use tokio::sync::oneshot;

impl Running {
    /// Shows the status anew, when it is time.
    pub(super) fn show(&mut self, machine: &mut Machine) {
        let now = self.clock.now();
        if self.is_time_to_show(now) {
            let status = self.status(machine, now);
            self.desk.show(Arc::new(status));
        }
    }

    /// Answers a command with the status that it led to.
    pub(super) fn reply(
        &self,
        machine: &Machine,
        now: Instant,
        to: oneshot::Sender<Answer>,
        done: Result<(), SwitchRefusal>,
    ) {
        let status = Arc::new(self.status(machine, now));
        self.desk.show(Arc::clone(&status));
        let shown = || serde_json::to_value(&*status).unwrap_or_default();
        self.teller.answer(to, done.map(|()| shown()));
    }

    fn status(&self, machine: &Machine, now: Instant) -> Status {
        let decide = &machine.decide;
        let (rules, counts) = (decide.rules(), decide.counts());
        let wall = SystemTime::now();
        let program = machine.program.status(now);
        let count = machine.inputs.len();
        let inputs: Vec<_> = (0..count)
            .map(|index| self.input(machine, index, now, wall))
            .collect();
        let standby = inputs.iter().filter(|input| !input.on_air);
        let next = decide.next_scheduled();
        Status {
            active: named(decide.on_air(), rules),
            preview: decide
                .standby(now)
                .map(|index| rules.name(OnAir::Input(index))),
            next: decide.next().and_then(|next| named(next, rules)),
            standby: standby
                .map(|input| Standby {
                    name: Arc::clone(&input.name),
                    ready: input.ready,
                    reasons: input.reasons.clone(),
                })
                .collect(),
            locked: self.restore.is_locked(decide),
            held: self.restore.is_held(decide),
            latched: decide.is_latched(),
            switches: counts.switches,
            automatic_switches: counts.automatic_switches,
            averted: counts.averted,
            last_switch: self.last_switch.clone(),
            delay_ms: millis(program.delay),
            return_mode: self.settings.return_mode,
            dwell_ms: millis(self.settings.dwell.0),
            next_return_in_ms: decide.next_return_in(now).map(millis),
            next_scheduled: next.map(|next| Scheduled {
                at: next.at,
                take: rules.name(next.take),
            }),
            last_missed: decide.last_missed().map(|missed| Missed {
                at: missed.at,
                take: Arc::clone(&missed.take),
                reason: missed.reason.clone(),
            }),
            slate: self.slate.status(),
            drill: decide.drill_under_way().map(|drill| DrillOnAir {
                input: rules.name(OnAir::Input(drill.input)),
                since: civil(drill.since, now, wall),
                ends_at: wall + drill.ends.saturating_since(now),
                by: drill.by,
            }),
            last_drill: self.last_drill.clone(),
            lost_packets: machine.inputs.iter().map(super::Input::lost).sum(),
            late_packets: machine.program.late_packets(),
            untold: self.teller.lost(),
            inputs,
        }
    }

    fn input(
        &self,
        machine: &Machine,
        index: usize,
        now: Instant,
        wall: SystemTime,
    ) -> InputStatus {
        let (input, decide) = (&machine.inputs[index], &machine.decide);
        let lane = machine.program.lane(OnAir::Input(input.lane), now);
        let format = input.media().map(|media| Format::of(&media));
        let format = format.filter(Format::is_known);
        let differs = |format: &Format| self.format.is_some_and(|own| !own.fits(format));
        InputStatus {
            name: Arc::clone(&input.name),
            ready: decide.rank(now, index) == Some(Rank::Candidate),
            reasons: self.reasons(machine, index, now, wall),
            on_air: decide.on_air() == OnAir::Input(index),
            clean_for_ms: decide.clean_for(now, index).map(millis),
            connected: input.vitals.link != Link::Down,
            bitrate_bps: input.checks.bitrate().as_bps(),
            key_frame_age_ms: input
                .vitals
                .stream
                .last_key
                .map(|key| millis(now.saturating_since(key))),
            gop_ms: input.vitals.stream.group.map(millis),
            latency_ms: lane.latency.map_or(0, millis),
            same_format: !format.as_ref().is_some_and(differs),
            format: format.map(|format| format.to_string()),
            twin_of: self.twin_of(machine, input.lane),
            queue_bytes: lane.queue_bytes,
        }
    }

    fn twin_of(&self, machine: &Machine, lane: usize) -> Option<Arc<str>> {
        let twin = machine.program.twin_of(lane)?;
        let twin = machine.inputs.iter().find(|input| input.lane == twin)?;
        Some(Arc::clone(&twin.name))
    }

    fn reasons(
        &self,
        machine: &Machine,
        index: usize,
        now: Instant,
        wall: SystemTime,
    ) -> Vec<Reason> {
        let reasons = machine.decide.reasons(now, index);
        if reasons.is_empty() {
            return Vec::new();
        }
        let known = machine.inputs[index].checks.readiness(now, wall).reasons;
        let with_advice = |reason: ReasonText| {
            let known = known.iter().find(|known| *known.code == *reason.code);
            let advice = known.map(|known| known.advice.clone());
            Reason {
                severity: reason.severity.map(|severity| match severity {
                    Severity::Switch => "switch",
                    Severity::Alarm => "alarm",
                }),
                since: reason.since.map(|since| civil(since, now, wall)),
                advice: advice.or_else(|| advice_for(&reason.code).map(str::to_owned)),
                code: reason.code,
                text: reason.text,
            }
        };
        reasons.into_iter().map(with_advice).collect()
    }
}

/// A point of the switch's clock in civil time.
fn civil(at: Instant, now: Instant, wall: SystemTime) -> SystemTime {
    wall.checked_sub(now.saturating_since(at)).unwrap_or(wall)
}

/// What to do about what only a switch finds wrong.
fn advice_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_connected" => "Start its sender.",
        "no_media" => "Look at its sender: it is connected and sends nothing.",
        "no_key_frame" => "Wait for its next key frame; two seconds apart is usual.",
        "settling" => "Wait: it was not well until a moment ago.",
        "format" => {
            "Set its encoder as that of the input on air, or allow it with on_mismatch: switch."
        }
        _ => return None,
    })
}
