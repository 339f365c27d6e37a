//! Other settings while it runs: what is on air goes on.

use super::{Input, Machine, Running};
use crate::settings::SourceSettings;
use tidegate_engine::Parking;
use tidegate_switch::OnAir;
use tidegate_units::Instant;

impl Running {
    /// Goes on under other settings.
    pub(super) fn change(&mut self, machine: &mut Machine, now: Instant, to: SourceSettings) {
        self.restore.change(&self.settings, &to);
        self.slate.change(to.slate.as_ref(), &self.teller);
        self.settings = to;
        self.change_inputs(machine);
        machine.decide.set_rules(self.rules());
        self.obey(machine);
        self.next_look = now;
        self.next_show = now;
    }

    /// Inputs are known by their names; each keeps its lane, wherever it stands in the order.
    fn change_inputs(&self, machine: &mut Machine) {
        let mut old = core::mem::take(&mut machine.inputs);
        let names = &self.settings.inputs;
        old.retain(|input| {
            let stays = names.iter().any(|name| **name == *input.name);
            if !stays {
                // What is left of it is played, should it be on air, and nothing waited for.
                let from = OnAir::Input(input.lane);
                machine.program.ended(from);
                if let Some(rehearsal) = &mut machine.rehearsal {
                    rehearsal.shadow.ended(from);
                }
            }
            stays
        });
        let mut taken = [false; tidegate_switch::MAX_INPUTS];
        old.iter().for_each(|input| taken[input.lane] = true);
        machine.views.clear();
        for name in names {
            let known = old.iter().position(|input| *input.name == **name);
            let input = match known.map(|at| old.swap_remove(at)) {
                Some(mut input) => {
                    input.checks.set_triggers(self.settings.triggers.clone());
                    Some(input)
                }
                None => self.added(name, &mut taken),
            };
            machine.inputs.extend(input);
        }
    }

    fn added(&self, name: &str, taken: &mut [bool]) -> Option<Input> {
        // There are as many lanes as inputs may be.
        let lane = taken.iter().position(|taken| !taken)?;
        taken[lane] = true;
        let (feeds, triggers) = (&self.context.feeds, self.settings.triggers.clone());
        let wake = Parking::waker();
        Some(Input::new(name, lane, feeds, triggers, wake))
    }
}
