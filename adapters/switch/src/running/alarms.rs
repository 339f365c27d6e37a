//! What of a switch needs the operator.

use crate::limits::ALONE_AFTER;
use crate::told::{Teller, Words};
use tidegate_engine::Severity;
use tidegate_switch::OnAir;
use tidegate_switch::decide::{Decide, LATCH_SWITCHES, LATCH_WINDOW, Rank};
use tidegate_units::{Duration, Instant};

const LATCHED: &str = "latched";
const NOTHING_LEFT: &str = "nothing_left";
const NO_STANDBY: &str = "no_standby";

/// How long everything must be gone: a moment between two pictures is none.
const LEFT_AFTER: Duration = Duration::from_millis(500);

/// The alarms that stand.
#[derive(Debug)]
pub(super) struct Alarms {
    began: Instant,
    has_shown: bool,
    /// Since when no input has anything to show.
    nothing_since: Option<Instant>,
    /// Since when none could take over.
    alone_since: Option<Instant>,
    standing: [(&'static str, bool); 3],
}

impl Alarms {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            has_shown: false,
            nothing_since: None,
            alone_since: None,
            standing: [(LATCHED, false), (NOTHING_LEFT, false), (NO_STANDBY, false)],
        }
    }

    pub(super) fn follow(&mut self, now: Instant, decide: &Decide, teller: &Teller) {
        let on_air = decide.on_air();
        self.has_shown |= on_air != OnAir::Nothing;
        let count = decide.rules().inputs.len();
        let rank = |index| decide.rank(now, index).unwrap_or(Rank::Nothing);
        let has_nothing = (0..count).all(|index| rank(index) == Rank::Nothing);
        let mut others = (0..count).filter(|index| Some(*index) != on_air.input());
        let is_alone = count > 1 && !others.any(|index| rank(index) <= Rank::Damaged);
        let nothing_for = lasts(&mut self.nothing_since, now, has_nothing);
        let alone_for = lasts(&mut self.alone_since, now, is_alone && !has_nothing);
        let is_settled = now.saturating_since(self.began) >= ALONE_AFTER;
        let nothing_left = self.has_shown && nothing_for >= Some(LEFT_AFTER);
        let no_standby = self.has_shown && is_settled && alone_for >= Some(ALONE_AFTER);
        self.set(0, decide.is_latched(), teller, || latched(decide));
        self.set(1, nothing_left, teller, nothing);
        self.set(2, no_standby, teller, || alone(decide));
    }

    fn set(&mut self, at: usize, stands: bool, teller: &Teller, words: impl FnOnce() -> Words) {
        let (code, stood) = &mut self.standing[at];
        if core::mem::replace(stood, stands) != stands {
            if stands {
                teller.raise(code, words());
            } else {
                teller.clear(code);
            }
        }
    }
}

/// For how long it has been so.
fn lasts(since: &mut Option<Instant>, now: Instant, is_so: bool) -> Option<Duration> {
    *since = is_so.then(|| since.unwrap_or(now));
    since.map(|since| now.saturating_since(since))
}

fn latched(decide: &Decide) -> Words {
    let name = decide.rules().name(decide.on_air());
    let minutes = LATCH_WINDOW.as_secs() / 60;
    Words {
        severity: Severity::Error,
        text: format!(
            "It switched {LATCH_SWITCHES} times in {minutes} minutes by itself, and stays on {name} now."
        ),
        advice: "Find out which input is good, take it, or return; then it switches by itself again.",
    }
}

fn nothing() -> Words {
    Words {
        severity: Severity::Error,
        text: "No input has anything to show.".into(),
        advice: "Bring an input back; its reasons are in the switch's status.",
    }
}

fn alone(decide: &Decide) -> Words {
    let name = decide.rules().name(decide.on_air());
    Words {
        severity: Severity::Warning,
        text: format!("No other input could take over from {name}."),
        advice: "Bring a backup back; the reasons are in the switch's status.",
    }
}
