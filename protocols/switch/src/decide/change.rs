//! Other rules while the program runs.

use super::record::Decision;
use super::rules::Rules;
use super::{Decide, Plan};
use crate::order::OnAir;

impl Decide {
    /// Goes on by other rules. Inputs are known by their names: what was learned of one stays,
    /// wherever it stands in the order now. An input that is not there any more is forgotten, and
    /// an order for it with it; if it is on air, nothing is.
    pub fn set_rules(&mut self, rules: Rules) {
        let place = |index: usize| {
            let name = self.rules.inputs.get(index)?;
            rules.inputs.iter().position(|other| other == name)
        };
        let moved = |what: OnAir| match what {
            OnAir::Input(index) => place(index).map_or(OnAir::Nothing, OnAir::Input),
            other => other,
        };
        let is_there = |what: OnAir| moved(what) != OnAir::Nothing;
        let standings = rules.inputs.iter().map(|name| {
            let before = self.rules.inputs.iter().position(|other| other == name);
            let standing = before.and_then(|index| self.standings.get(index));
            standing.cloned().unwrap_or_default()
        });
        let renamed = |decision: &Decision| Decision {
            from: moved(decision.from),
            to: moved(decision.to),
            ..decision.clone()
        };
        let standings = standings.collect();
        let plan = self.plan.as_ref().filter(|plan| is_there(plan.to));
        let plan = plan.map(|plan| Plan {
            to: moved(plan.to),
            decision: renamed(&plan.decision),
            wish: plan.wish.clone(),
            ..*plan
        });
        let asked = self.asked.as_ref().filter(|asked| is_there(asked.to));
        let asked = asked.map(renamed);
        let taken = self.taken.filter(|(what, _)| is_there(*what));
        let taken = taken.map(|(what, at)| (moved(what), at));
        let drill = self
            .drill
            .take()
            .and_then(|drill| drill.moved(place, moved));
        self.expected = self.expected.and_then(|expected| {
            let input = place(expected.input)?;
            Some(super::command::Expected { input, ..expected })
        });
        let (on_air, last_input) = (moved(self.on_air), self.last_input.and_then(place));
        if rules.schedule != self.rules.schedule {
            self.schedule.change(&self.rules.schedule, &rules.schedule);
        }
        if self.plan.is_some() && plan.is_none() {
            let order = crate::order::Order::Drop;
            self.outputs.push_back(super::Output::Order(order));
        }
        (self.plan, self.asked, self.taken, self.drill) = (plan, asked, taken, drill);
        (self.on_air, self.last_input, self.stayed) = (on_air, last_input, None);
        (self.standings, self.rules) = (standings, rules);
    }
}
