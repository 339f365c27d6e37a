//! What is shown until the key frame of what was asked for, when what is on air has run dry.
//!
//! ```text
//!   A on air, C taken ──A runs dry, C has no key frame yet──▶ slate, or else B ──key frame──▶ C
//! ```

use tidegate_units::Instant;

use super::Decide;
use super::record::{Step, Why};
use super::standing::{Rank, Standing};
use crate::order::{How, OnAir};

impl Decide {
    /// Whether the slate has to fill in until the key frame of what is to come.
    pub(super) fn fills_in(&self, to: OnAir) -> bool {
        let standing = to.input().and_then(|index| self.standings.get(index));
        let waits = standing.is_some_and(|standing| !standing.view.enters_now);
        self.is_starved && waits && self.slate_ready && self.on_air != OnAir::Slate
    }

    /// What is shown until the key frame of what was asked for: the slate, or else another input
    /// that need not be waited for.
    pub(super) fn filler(&self, now: Instant, to: OnAir) -> Option<OnAir> {
        if self.fills_in(to) {
            return Some(OnAir::Slate);
        }
        let (asked, on_air) = (to.input()?, self.on_air.input()?);
        let waits = |index| {
            let standing: Option<&Standing> = self.standings.get(index);
            standing.is_some_and(|standing| !standing.view.enters_now)
        };
        let is_dark = self.is_starved && matches!(self.leaving(), How::Starved | How::Gone);
        if !is_dark || self.is_bound() || !waits(asked) {
            return None;
        }
        let others = (0..self.standings.len()).filter(|index| *index != on_air && !waits(*index));
        let best = others.min_by_key(|index| (self.rank(now, *index), *index))?;
        let has_media = self.rank(now, best)? < Rank::Nothing;
        has_media.then_some(OnAir::Input(best))
    }

    /// Something else first, and then what was asked for.
    pub(super) fn fill_in(&mut self, now: Instant, filler: OnAir) {
        self.asked = self.plan.take().map(|plan| plan.decision);
        let name = self.rules.name(self.on_air);
        let text = format!("{name} delivers nothing, until the key frame of what was asked for");
        let decision = self.decision(now, Step::Ordered, filler, Why::NoMedia, text);
        self.order(now, How::Starved, decision);
    }

    pub(super) fn after_filling_in(&mut self, now: Instant) {
        let fills_in = match self.plan.as_ref().map(|plan| plan.to) {
            Some(OnAir::Slate) => self.is_starved && self.slate_ready,
            Some(OnAir::Input(index)) => {
                self.is_starved && self.rank(now, index) < Some(Rank::Nothing)
            }
            Some(OnAir::Nothing) | None => false,
        };
        if let Some(asked) = self.asked.take_if(|_| !fills_in) {
            self.order_quietly(now, self.leaving(), asked);
        }
    }
}
