//! A lock or a hold that was there before the restart.

use crate::remember::Remembered;
use crate::settings::SourceSettings;
use std::sync::Arc;
use tidegate_switch::OnAir;
use tidegate_switch::decide::Decide;
use tidegate_units::Instant;

/// Puts back what was locked or held, and notices when there is something else to remember.
///
/// ```text
///  (remembered) ─► held until that input is on air again ─► locked, or held, as it was
/// ```
#[derive(Debug)]
pub(super) struct Restore {
    /// What is still to be put back.
    pending: Option<Remembered>,
    /// What was on air then, if it still is an input.
    target: Option<usize>,
    /// What is remembered now: locked, held, and the input on air last.
    known: Option<(bool, bool, Option<usize>)>,
    last_input: Option<usize>,
}

impl Restore {
    pub(super) fn new(remembered: Option<Remembered>, settings: &SourceSettings) -> Self {
        let pending = remembered.filter(|what| what.locked || what.held);
        let on_air = pending.as_ref().and_then(|what| what.on_air.as_deref());
        let target = on_air.and_then(|name| settings.input(name));
        let known = pending
            .as_ref()
            .map(|what| (what.locked, what.held, target));
        Self {
            pending,
            target,
            known,
            last_input: target,
        }
    }

    /// The inputs stand in another order.
    pub(super) fn change(&mut self, from: &SourceSettings, to: &SourceSettings) {
        let moved = |index: Option<usize>| to.input(from.inputs.get(index?)?);
        self.target = moved(self.target);
        self.last_input = moved(self.last_input);
        if let Some((.., input)) = &mut self.known {
            *input = moved(*input);
        }
    }

    /// Nothing else is to go on air meanwhile, but by an operator.
    pub(super) fn begin(&self, now: Instant, decide: &mut Decide) {
        if let (Some(what), Some(target)) = (&self.pending, self.target) {
            decide.hold(now, true, by());
            decide.expect(target, what.locked);
        }
    }

    /// Locks or holds what was on air once it is back, which the rules see to.
    pub(super) fn follow(&mut self, now: Instant, decide: &mut Decide) {
        if self.pending.is_none() {
            return;
        }
        let on_air = decide.on_air();
        let is_there = match self.target {
            Some(target) => on_air == OnAir::Input(target),
            None => on_air.input().is_some(),
        };
        if is_there {
            self.finish(now, decide);
        }
    }

    /// An operator is there again: all is at once as it was.
    pub(super) fn finish(&mut self, now: Instant, decide: &mut Decide) {
        let Some(what) = self.pending.take() else {
            return;
        };
        if decide.is_held() != what.held {
            decide.hold(now, what.held, by());
        }
        if what.locked {
            decide.lock(now, by());
            // Still nothing else goes on air, until somebody unlocks.
            if let Some(target) = self.target
                && decide.on_air().input().is_none()
            {
                decide.expect(target, true);
            }
        }
    }

    pub(super) fn is_locked(&self, decide: &Decide) -> bool {
        self.pending
            .as_ref()
            .map_or(decide.is_locked(), |what| what.locked)
    }

    pub(super) fn is_held(&self, decide: &Decide) -> bool {
        self.pending
            .as_ref()
            .map_or(decide.is_held(), |what| what.held)
    }

    /// What is to be remembered from now on, if that is something else.
    pub(super) fn news(&mut self, decide: &Decide) -> Option<Remembered> {
        if self.pending.is_some() {
            return None;
        }
        self.last_input = decide.on_air().input().or(self.last_input);
        let (locked, held) = (decide.is_locked(), decide.is_held());
        let now = (locked || held).then_some((locked, held, self.last_input));
        if now == self.known {
            return None;
        }
        self.known = now;
        let (locked, held, input) = now.unwrap_or_default();
        let on_air = input.map(|input| decide.rules().name(OnAir::Input(input)));
        Some(Remembered {
            locked,
            held,
            on_air: on_air.map(|name| name.to_string()),
            ..Remembered::default()
        })
    }
}

/// Who does this.
fn by() -> Option<Arc<str>> {
    Some("restart".into())
}
