//! What an operator or a script asks for.

use super::{Machine, Running, decisions};
use crate::desk::Ask;
use crate::settings::SLATE;
use std::sync::Arc;
use tidegate_engine::{SwitchCommand, SwitchRefusal, nearest};
use tidegate_switch::OnAir;
use tidegate_switch::decide::{DRILL_ON_AIR, Refusal};
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
                "on_air",
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
                done.map(drop).map_err(refused)
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
                    "not_ready",
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

    pub(super) fn refused(&self, refusal: Refusal) -> SwitchRefusal {
        let code = refusal.code();
        match refusal {
            Refusal::NoSuchInput => self.unknown(""),
            Refusal::Locked => not_now(
                code,
                "The switch is locked: nothing but darkness moves it.",
                "Unlock it first.",
            ),
            Refusal::NoSlate => not_now(
                code,
                "There is no slate that could be shown.",
                "Give the switch a slate; its status says how far it is.",
            ),
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
                "Wait until one is, or take one all the same with \"force\": true.",
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

/// Characters of a wrong name that are said again.
const NAME_CHARS_SAID: usize = 64;

fn not_now(code: &'static str, message: &str, advice: &str) -> SwitchRefusal {
    SwitchRefusal::NotNow {
        code,
        message: message.to_owned(),
        advice: advice.to_owned(),
    }
}

/// Another input would be cut than the one that was named.
fn not_on_air(name: &str, cut: &str) -> SwitchRefusal {
    not_now(
        "not_on_air",
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
        "confirm",
        &format!(
            "This cuts {cut} on air for {seconds} s, as if it had failed: {next} takes over, and \
             stays on air."
        ),
        "If that is meant, send the switch's name as \"confirm\".",
    )
}
