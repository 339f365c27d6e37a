use super::measure::{Found, Memory};
use super::{Fired, Link, Trigger, TriggerKind, TriggerSeverity, Triggers, Vitals};
use crate::limits;
use tidegate_units::{Bitrate, Instant};

/// Follows one source's vitals: which triggers stand, and whether it is ready. No clock and no
/// task in here.
///
/// ```text
///             it is so for `after`            it is over
///   silent ─────────────────────► present ─────────────────► held ─── for `hold` ──► silent
///                                    ▲                        │
///                                    └───── it is so again ───┘
/// ```
///
/// What is counted, or is a rate, must be clearly better to be over.
#[derive(Debug)]
pub struct Checks {
    triggers: Triggers,
    states: [Option<State>; TriggerKind::ALL.len()],
    fired: Vec<Fired>,
    memory: Memory,
    session: Option<u32>,
    seen: Vitals,
    clean_since: Option<Instant>,
    /// What stands in the way of being ready whatever the triggers are, and since when.
    pub(super) lacking: Option<(Lacking, Instant)>,
}

/// What a source needs besides that nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    /// A sender.
    Sender,
    /// Anything of this connection, or lately.
    Media,
    /// Its tables, and a picture or sound in them.
    Tables,
    /// To be readable.
    Scrambled,
    /// Where a decoder can begin.
    KeyFrame,
}

#[derive(Clone, Copy, Debug)]
struct State {
    fired: Fired,
    last_present: Instant,
}

impl Checks {
    /// Checks that have seen nothing.
    #[must_use]
    pub fn new(triggers: Triggers) -> Self {
        Self {
            triggers,
            states: [None; TriggerKind::ALL.len()],
            fired: Vec::with_capacity(TriggerKind::ALL.len()),
            memory: Memory::default(),
            session: None,
            seen: Vitals::default(),
            clean_since: None,
            lacking: None,
        }
    }

    /// Goes on under other triggers.
    pub fn set_triggers(&mut self, triggers: Triggers) {
        for kind in TriggerKind::ALL {
            if triggers.get(kind) != self.triggers.get(kind) {
                self.states[kind.index()] = None;
            }
        }
        self.triggers = triggers;
    }

    /// Looks once; returns what stands: what is there this moment first, a source's end before
    /// what is wrong in it.
    pub fn look(&mut self, now: Instant, vitals: &Vitals) -> &[Fired] {
        if self.session != Some(vitals.session) {
            self.session = Some(vitals.session);
            self.memory.begin(now);
            // What was wrong inside the last connection ended with it.
            for kind in TriggerKind::ALL {
                if !matches!(kind, TriggerKind::Disconnect | TriggerKind::NoPackets) {
                    self.states[kind.index()] = None;
                }
            }
        }
        let rate = self.triggers.get(TriggerKind::Bitrate);
        let rate_window = rate.unwrap_or_else(rate_by_default).after;
        self.memory.note(now, vitals, rate_window);
        self.seen = *vitals;
        self.fired.clear();
        for kind in TriggerKind::ALL {
            self.follow(kind, now, vitals);
        }
        self.fired.sort_by_key(|fired| {
            (
                !fired.present,
                core::cmp::Reverse(fired.severity),
                fired.trigger,
            )
        });
        self.follow_lacking(now, vitals);
        let is_clean = self.lacking.is_none() && self.present().next().is_none();
        self.clean_since = is_clean.then(|| self.clean_since.unwrap_or(now));
        &self.fired
    }

    fn follow(&mut self, kind: TriggerKind, now: Instant, vitals: &Vitals) {
        let state = &mut self.states[kind.index()];
        let Some(trigger) = self.triggers.get(kind) else {
            *state = None;
            return;
        };
        let stands = state.is_some_and(|state| state.fired.present);
        match self.memory.measure(kind, trigger, now, vitals, stands) {
            Some(found) => {
                let fired = present(kind, trigger, now, &found, state.filter(|_| stands));
                *state = Some(State {
                    fired,
                    last_present: now,
                });
            }
            None => {
                let over = |held: &State| now.saturating_since(held.last_present) >= trigger.hold;
                if state.as_ref().is_some_and(over) {
                    *state = None;
                }
                if let Some(held) = state {
                    held.fired.present = false;
                }
            }
        }
        self.fired.extend(state.map(|state| state.fired));
    }

    fn follow_lacking(&mut self, now: Instant, vitals: &Vitals) {
        let before = self.lacking;
        self.lacking = lacks(now, vitals).map(|what| match before {
            Some((same, since)) if same == what => (what, since),
            _ => (what, now),
        });
    }

    /// What stands.
    #[must_use]
    pub fn fired(&self) -> &[Fired] {
        &self.fired
    }

    /// What makes a switch leave this source, and is there this moment.
    pub fn present(&self) -> impl Iterator<Item = &Fired> {
        let fired = self.fired.iter();
        fired.filter(|fired| fired.present && fired.severity == TriggerSeverity::Switch)
    }

    /// Whether a switch may take it: media arrives and can be read, a key frame has come, and
    /// no trigger for switching stands, held ones included.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_stopped = |fired: &Fired| fired.severity == TriggerSeverity::Switch;
        self.clean_since.is_some() && !self.fired.iter().any(is_stopped)
    }

    /// Since when nothing for which it would be left has been there; `None` while something is,
    /// and before it had everything it needs.
    #[must_use]
    pub const fn clean_since(&self) -> Option<Instant> {
        self.clean_since
    }

    /// What comes now, without what only fills, over the window of the bitrate trigger.
    #[must_use]
    pub fn bitrate(&self) -> Bitrate {
        let trigger = self.triggers.get(TriggerKind::Bitrate);
        let window = trigger.unwrap_or_else(rate_by_default).after;
        self.memory.rates.over(window).unwrap_or(Bitrate::ZERO)
    }

    /// What was looked at last.
    #[must_use]
    pub const fn seen(&self) -> &Vitals {
        &self.seen
    }

    /// The triggers it goes by.
    #[must_use]
    pub const fn triggers(&self) -> &Triggers {
        &self.triggers
    }
}

fn rate_by_default() -> Trigger {
    super::setting::Shape::of(TriggerKind::Bitrate).default()
}

/// It is so; it goes on being so if it was before.
fn present(
    kind: TriggerKind,
    trigger: Trigger,
    now: Instant,
    found: &Found,
    before: Option<State>,
) -> Fired {
    let before = before.map(|state| (state.fired.since, state.fired.fired_at));
    let (since, fired_at) = before.unwrap_or((found.since, now));
    Fired {
        trigger: kind,
        severity: trigger.severity,
        since,
        fired_at,
        present: true,
        measured: found.measured,
    }
}

fn lacks(now: Instant, vitals: &Vitals) -> Option<Lacking> {
    let stream = &vitals.stream;
    if vitals.link == Link::Down {
        return Some(Lacking::Sender);
    }
    let silent_for = vitals.last_arrival.map(|last| now.saturating_since(last));
    let is_silent = silent_for.is_none_or(|silent| silent >= limits::MEDIA_GONE);
    let has_begun = stream.packets > 0 || vitals.key_beside.is_some();
    if is_silent || !has_begun {
        return Some(Lacking::Media);
    }
    let is_readable = stream.pat.last.is_some() && stream.pmt.last.is_some();
    if !(is_readable && !stream.streams().is_empty() || vitals.key_beside.is_some()) {
        return Some(Lacking::Tables);
    }
    if stream.scrambled {
        return Some(Lacking::Scrambled);
    }
    let waits_for_key = stream.has_video() && stream.last_key.is_none();
    waits_for_key.then_some(Lacking::KeyFrame)
}
