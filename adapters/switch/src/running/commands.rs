//! What an operator or a script asks for.

use super::{Machine, Running, decisions};
use crate::desk::Ask;
use crate::settings::SLATE;
use crate::status;
use std::sync::Arc;
use tidegate_engine::{RefusalCode, SwitchCommand, SwitchRefusal, nearest};
use tidegate_switch::OnAir;
use tidegate_switch::decide::{DRILL_ON_AIR, Decide, Rank, Refusal};
use tidegate_units::Instant;

type By = Arc<str>;

impl Running {
    /// Does what was asked since the last turn.
    pub(super) fn answer(&mut self, machine: &mut Machine, now: Instant) {
        while let Ok(ask) = machine.asks.try_recv() {
            let (command, by, to) = match ask {
                Ask::Command(command, by, to) => (command, by, to),
                Ask::Settings(settings) => {
                    self.change(machine, now, *settings);
                    continue;
                }
            };
            if let SwitchCommand::Drill {
                input,
                on_air: false,
                ..
            } = &command
            {
                self.rehearse(machine, now, input.as_deref(), by, to);
                continue;
            }
            self.restore.finish(now, &mut machine.decide);
            let done = self.command(machine, now, command, by);
            self.obey(machine);
            // Whoever is answered may rely on it, also over a restart.
            self.remember(machine);
            self.reply(machine, now, to, done);
        }
    }

    fn command(
        &mut self,
        machine: &mut Machine,
        now: Instant,
        command: SwitchCommand,
        by: By,
    ) -> Result<(), SwitchRefusal> {
        let by = Some(by);
        let refused = |refusal| self.refused(refusal);
        match command {
            SwitchCommand::Take { input, force } => {
                let to = self.wanted(machine, now, input.as_deref())?;
                let decide = &mut machine.decide;
                decide.take(now, to, force, by).map(drop).map_err(refused)
            }
            SwitchCommand::Lock if machine.decide.on_air() == OnAir::Nothing => Err(not_now(
                RefusalCode::NothingOnAir,
                "Nothing is on air yet.",
                "Take an input first.",
            )),
            SwitchCommand::Lock => {
                machine.decide.lock(now, by);
                Ok(())
            }
            SwitchCommand::Unlock => {
                machine.decide.unlock(now, by);
                Ok(())
            }
            SwitchCommand::Hold(on) => {
                machine.decide.hold(now, on, by);
                Ok(())
            }
            SwitchCommand::Return => {
                let done = machine.decide.return_home(now, by);
                done.map(drop).map_err(|refusal| match refusal {
                    Refusal::NoneToReturnTo(why) => none_to_return_to(&machine.decide, now, &why),
                    other => refused(other),
                })
            }
            SwitchCommand::Drill {
                input,
                on_air: true,
                confirmed,
            } => {
                if machine.rehearsal.is_some() {
                    return Err(refused(Refusal::DrillUnderWay));
                }
                let cut = machine.decide.may_drill(now).map_err(refused)?;
                // Whoever names an input means that one, and not what came on air meanwhile.
                if let Some(name) = input {
                    let meant = self.settings.input(&name);
                    let meant = meant.ok_or_else(|| self.unknown(&name))?;
                    if meant != cut {
                        let cut = machine.decide.rules().name(OnAir::Input(cut));
                        return Err(not_on_air(&name, &cut));
                    }
                }
                if !confirmed {
                    return Err(confirm(machine, now, cut));
                }
                let done = machine.decide.drill_on_air(now, by);
                done.map(drop).map_err(refused)?;
                self.drill_cut = None;
                Ok(())
            }
            // Answered when it is over.
            SwitchCommand::Drill { on_air: false, .. } => Ok(()),
        }
    }

    /// What a name means; without one, what is in preview.
    fn wanted(
        &self,
        machine: &Machine,
        now: Instant,
        name: Option<&str>,
    ) -> Result<OnAir, SwitchRefusal> {
        let Some(name) = name else {
            let preview = machine.decide.standby(now).map(OnAir::Input);
            return preview.ok_or_else(|| {
                not_now(
                    RefusalCode::NotReady,
                    "No other input has anything to show.",
                    "The reasons are in the switch's status.",
                )
            });
        };
        if name == SLATE {
            return Ok(OnAir::Slate);
        }
        let index = self.settings.input(name);
        index.map(OnAir::Input).ok_or_else(|| self.unknown(name))
    }

    pub(super) fn unknown(&self, name: &str) -> SwitchRefusal {
        let inputs = &self.settings.inputs;
        let meant = nearest(name, inputs.iter().map(String::as_str));
        SwitchRefusal::UnknownInput {
            input: name.chars().take(NAME_CHARS_SAID).collect(),
            nearest: meant.map(str::to_owned),
            inputs: inputs.clone(),
        }
    }

    /// Why the slate cannot be shown now.
    fn no_slate(&self) -> SwitchRefusal {
        let status::Slate { state, reason } = self.slate.status();
        let (message, advice) = match (state, reason) {
            ("off", _) => (
                "The switch has no slate.".into(),
                "Give it one, a picture or a clip: slate: soon.png.",
            ),
            ("failed", Some(reason)) => (
                reason,
                "Mend what is said. It is tried again every 30 s or, if the format is the reason, as \
                 soon as that changes.",
            ),
            ("missing", _) => (
                "The slate is not made yet: it is made in the program's format, and no input has \
                 been on air."
                    .into(),
                "Start a sender. The slate is there some seconds after its input came on air.",
            ),
            ("ready", _) => (
                "The slate is not shown yet: after a start, inputs that come back go first.".into(),
                "Take it again in a moment.",
            ),
            (..) => (
                "The slate is not made yet: ffmpeg is at work.".into(),
                "Take it when slate.state in the status is \"ready\", in some seconds.",
            ),
        };
        not_now(RefusalCode::NoSlate, &message, advice)
    }

    pub(super) fn refused(&self, refusal: Refusal) -> SwitchRefusal {
        let code = code_of(&refusal);
        match refusal {
            Refusal::NoSuchInput => self.unknown(""),
            Refusal::Locked => not_now(
                code,
                "The switch is locked: nothing but darkness moves it.",
                "Unlock it first.",
            ),
            Refusal::NoSlate => self.no_slate(),
            Refusal::NotReady(name, why) => not_now(
                code,
                &format!("{name} is not ready: {why}."),
                "Wait until it is, or take it all the same with \"force\": true.",
            ),
            Refusal::NothingToShow(name, why) => not_now(
                code,
                &format!("{name} has nothing to show: {why}."),
                "Bring it back first; the program would go dark.",
            ),
            Refusal::OtherFormat(name, why) => not_now(
                code,
                &format!("{name} is not taken: {why}."),
                "Set its encoder as that of the program, or allow it with on_mismatch: switch.",
            ),
            Refusal::AlreadyFirst(name) => not_now(
                code,
                &format!("{name} is on air, and no input comes before it."),
                "Nothing is to be done.",
            ),
            Refusal::NoneToReturnTo(why) => not_now(
                code,
                &format!("No preferred input is ready: {why}."),
                "Wait until one is.",
            ),
            Refusal::NothingToCut => not_now(
                code,
                "No input is on air that could be cut.",
                "Take one first.",
            ),
            Refusal::AutomaticOff => not_now(
                code,
                "It is held or latched, so nothing would take over.",
                "Let it go first: hold with \"on\": false, or return.",
            ),
            Refusal::NoneToTakeOver(why) => not_now(
                code,
                &format!("No other input is ready to take over: {why}."),
                "Bring a backup first.",
            ),
            Refusal::DrillUnderWay => not_now(
                code,
                "A drill is under way.",
                "Wait some seconds until it is over.",
            ),
        }
    }
}

/// How a refusal is called in answers.
const fn code_of(refusal: &Refusal) -> RefusalCode {
    match refusal {
        Refusal::Locked => RefusalCode::Locked,
        Refusal::NoSuchInput => RefusalCode::UnknownInput,
        Refusal::NoSlate => RefusalCode::NoSlate,
        Refusal::NotReady(..) => RefusalCode::NotReady,
        Refusal::NothingToShow(..) => RefusalCode::NothingToShow,
        Refusal::OtherFormat(..) => RefusalCode::OtherFormat,
        Refusal::AlreadyFirst(_) => RefusalCode::AlreadyFirst,
        Refusal::NoneToReturnTo(_) => RefusalCode::NoneToReturnTo,
        Refusal::NothingToCut => RefusalCode::NothingToCut,
        Refusal::AutomaticOff => RefusalCode::AutomaticOff,
        Refusal::NoneToTakeOver(_) => RefusalCode::NoneToTakeOver,
        Refusal::DrillUnderWay => RefusalCode::DrillUnderWay,
    }
}

/// Characters of a wrong name that are said again.
const NAME_CHARS_SAID: usize = 64;

fn not_now(code: RefusalCode, message: &str, advice: &str) -> SwitchRefusal {
    SwitchRefusal::NotNow {
        code,
        message: message.to_owned(),
        advice: advice.to_owned(),
    }
}

/// Nothing is to be returned to by itself; by force, if there is one that has anything to show.
fn none_to_return_to(decide: &Decide, now: Instant, why: &str) -> SwitchRefusal {
    let before = decide.on_air().input();
    let mut preferred = 0..before.unwrap_or(decide.rules().inputs.len());
    let damaged = preferred.find(|index| decide.rank(now, *index) == Some(Rank::Damaged));
    let advice = match damaged.map(|index| decide.rules().name(OnAir::Input(index))) {
        Some(name) => format!(
            "Wait until one is, or take {name} as it is: take with \
             {{ \"input\": \"{name}\", \"force\": true }}."
        ),
        None => "Bring one back first: none of them has anything to show.".into(),
    };
    not_now(
        RefusalCode::NoneToReturnTo,
        &format!("No preferred input is ready: {why}."),
        &advice,
    )
}

/// What is to take over is on air itself.
pub(super) fn is_on_air(name: &str) -> SwitchRefusal {
    not_now(
        RefusalCode::OnAir,
        &format!("{name} is on air: a drill tests another input, which would take over from it."),
        &format!("Name another input, or none; to cut {name} for real, add \"on_air\": true."),
    )
}

/// Another input would be cut than the one that was named.
fn not_on_air(name: &str, cut: &str) -> SwitchRefusal {
    not_now(
        RefusalCode::NotOnAir,
        &format!("{name} is not on air: a drill on air would cut {cut}."),
        &format!("Name {cut} if that is meant, or try {name} without \"on_air\"."),
    )
}

/// What a drill on air would do, for somebody to confirm.
fn confirm(machine: &Machine, now: Instant, cut: usize) -> SwitchRefusal {
    let rules = machine.decide.rules();
    let cut = rules.name(OnAir::Input(cut));
    let standby = machine
        .decide
        .standby(now)
        .map_or(OnAir::Nothing, OnAir::Input);
    let next = decisions::name(standby, rules).unwrap_or_default();
    let seconds = DRILL_ON_AIR.as_secs();
    not_now(
        RefusalCode::Confirm,
        &format!(
            "This cuts {cut} on air for {seconds} s, as if it had failed: {next} takes over, and \
             stays on air."
        ),
        "If that is meant, send the switch's name as \"confirm\".",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;
    use tidegate_switch::decide::{Fault, Fired, InputView, Rules, Scene, Severity};

    #[test]
    fn a_return_that_is_refused_advises_a_force_that_is_followed() {
        let now = Instant::from_millis(1000);
        let fine = InputView {
            connected: true,
            delivers: true,
            has_key_frame: true,
            enters_now: true,
            ..InputView::default()
        };
        let damaged = InputView {
            fired: vec![Fired {
                code: "continuity".into(),
                severity: Severity::Switch,
                fault: Fault::Damaged,
                present: true,
                since: now,
                text: "packets are missing".into(),
                figure: None,
            }],
            ..fine.clone()
        };
        let mut decide = Decide::new(Rules::new(["main", "second", "backup"]));
        let inputs = [InputView::default(), damaged, fine];
        let scene = Scene {
            on_air: OnAir::Input(2),
            is_starved: false,
            is_over: false,
            inputs: &inputs,
            slate_ready: false,
        };
        decide.step(now, SystemTime::UNIX_EPOCH, scene);
        assert!(decide.return_home(now, None).is_err());
        let SwitchRefusal::NotNow { advice, .. } = none_to_return_to(&decide, now, "") else {
            panic!("it is for later");
        };
        let named = r#"{ "input": "second", "force": true }"#;
        assert!(advice.contains(named), "{advice}");
        assert!(decide.take(now, OnAir::Input(1), true, None).is_ok());
    }
}
