//! Other settings while it runs: what is on air goes on, and so do the times of the program.

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
        let is_put_together_anew =
            to.delay != self.settings.delay || to.merge != self.settings.merge;
        self.settings = to;
        self.change_inputs(machine, now);
        if is_put_together_anew {
            self.begin_inputs_anew(machine);
            self.break_rehearsal_off(machine, now);
        }
        machine.decide.set_rules(self.rules());
        self.obey(machine);
        self.next_look = now;
        self.next_show = now;
    }

    /// What came so far is played to its end; what comes from now on goes out at other times, or is
    /// put together otherwise, and follows at its next key frame.
    fn begin_inputs_anew(&self, machine: &mut Machine) {
        machine.program.set_delay(self.settings.delay.0);
        machine.program.set_merging(self.merging());
        machine.inputs.iter_mut().for_each(Input::begin_anew);
    }

    /// Inputs are known by their names; each keeps its lane, wherever it stands in the order.
    fn change_inputs(&self, machine: &mut Machine, now: Instant) {
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
        let on_air = machine.program.status(now).on_air.input();
        for name in names {
            let known = old.iter().position(|input| *input.name == **name);
            let input = match known.map(|at| old.swap_remove(at)) {
                Some(mut input) => {
                    input.checks.set_triggers(self.settings.triggers.clone());
                    Some(input)
                }
                None => self.added(name, &mut taken, on_air),
            };
            machine.inputs.extend(input);
        }
    }

    fn added(&self, name: &str, taken: &mut [bool], on_air: Option<usize>) -> Option<Input> {
        // There are as many lanes as inputs may be. What is left of one that was taken out is
        // still played.
        let free = |but| (0..taken.len()).find(|lane| !taken[*lane] && Some(*lane) != but);
        let lane = free(on_air).or_else(|| free(None))?;
        taken[lane] = true;
        let (feeds, triggers) = (&self.context.feeds, self.settings.triggers.clone());
        let wake = Parking::waker();
        Some(Input::new(name, lane, feeds, triggers, wake))
    }
}
