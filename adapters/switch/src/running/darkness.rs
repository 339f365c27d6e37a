//! Whether the program carries anything, and why not.

use super::{Machine, Running};
use crate::limits::{DARK_AFTER, SLATE_AT_START};
use std::sync::Arc;
use tidegate_switch::OnAir;
use tidegate_switch::decide::{Decide, Rank};
use tidegate_units::Instant;

impl Running {
    pub(super) fn tell_whether_it_carries(&mut self, machine: &Machine, now: Instant) {
        let silent = self.last_media.map(|last| now.saturating_since(last));
        let carries = silent.is_some_and(|silent| silent < DARK_AFTER);
        if core::mem::replace(&mut self.carries, carries) == carries {
            return;
        }
        if carries {
            self.dark_because = None;
            self.teller.carries();
        } else {
            self.tell_why_dark(machine, now);
        }
    }

    /// Why it is dark, if it is and that was not said yet.
    pub(super) fn tell_why_dark(&mut self, machine: &Machine, now: Instant) {
        // Senders have a moment to come back after a start.
        let is_starting =
            self.last_media.is_none() && now.saturating_since(self.began) < SLATE_AT_START;
        if self.carries || is_starting {
            return;
        }
        let because = self.why_dark(machine, now);
        if self.dark_because.as_ref() != Some(&because) {
            self.teller.dark(Arc::clone(&because));
            self.dark_because = Some(because);
        }
    }

    fn why_dark(&self, machine: &Machine, now: Instant) -> Arc<str> {
        let decide = &machine.decide;
        let on_air = decide.on_air().input().or_else(|| decide.awaited());
        let on_air = on_air.map(|index| decide.rules().name(OnAir::Input(index)));
        if let Some(on_air) = on_air
            && let Some((state, way_out)) = self.bound(decide)
        {
            let slate = self.slate.status().state;
            let slate = match slate {
                "off" | "ready" => String::new(),
                state => format!(", and its slate is {state}"),
            };
            return format!(
                "it is {state} {on_air}, which delivers nothing{slate}; {way_out}, or bring \
                 {on_air} back"
            )
            .into();
        }
        if let Some(next) = decide.next() {
            let next = decide.rules().name(next);
            return format!("{next} comes next, and its key frame has not come yet").into();
        }
        let mut inputs = 0..machine.inputs.len();
        let has_any = inputs.any(|index| decide.rank(now, index) < Some(Rank::Nothing));
        match (self.last_media, has_any) {
            (None, _) => "no input is ready yet".into(),
            (Some(_), false) => "no input has anything to show; bring one back".into(),
            (Some(_), true) => "what is on air delivers nothing".into(),
        }
    }

    /// What keeps other inputs off air, and how they get there all the same.
    fn bound(&self, decide: &Decide) -> Option<(&'static str, &'static str)> {
        if self.restore.is_locked(decide) {
            Some(("locked to", "unlock it"))
        } else if self.restore.is_held(decide) {
            Some(("held on", "take another input, let it go"))
        } else if decide.is_latched() {
            Some(("latched on", "take another input"))
        } else {
            None
        }
    }
}
