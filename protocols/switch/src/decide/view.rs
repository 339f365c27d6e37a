use std::sync::Arc;

use tidegate_units::Instant;

use crate::order::{How, OnAir};

/// What a trigger that fired asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be told.
    Alarm,
    /// To leave the input.
    Switch,
}

/// What is wrong with an input, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It delivers, but badly.
    Damaged,
    /// Nothing arrives.
    Silent,
    /// Nothing will arrive: the sender is gone.
    Gone,
}

impl Fault {
    /// How an input with this fault is left.
    #[must_use]
    pub const fn how(self) -> How {
        match self {
            Self::Damaged => How::Damaged,
            Self::Silent => How::Starved,
            Self::Gone => How::Gone,
        }
    }
}

/// A trigger that fired and still holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Its name in the settings: `no_packets`.
    pub code: Arc<str>,
    /// What it asks for.
    pub severity: Severity,
    /// What it says about the input.
    pub fault: Fault,
    /// The condition holds this moment; otherwise it is gone and only its hold time runs on: such
    /// an input is not ready yet, but one on air need not be left any more.
    pub present: bool,
    /// When the cause began: the arrival of the last packet, not when it was noticed.
    pub since: Instant,
    /// In words, with its figures: `no packets for 150 ms`.
    pub text: Arc<str>,
    /// What was measured.
    pub figure: Option<Figure>,
}

/// A measured value beside the threshold that it crossed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub value: f64,
    /// What is allowed.
    pub threshold: f64,
    /// Of both: `ms`, `percent`, `packets`.
    pub unit: &'static str,
}

/// One input as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputView {
    /// Somebody sends.
    pub connected: bool,
    /// Pictures or sound arrive, as far as the time that a silence needs to be one.
    pub delivers: bool,
    /// It has key frames to begin with: there was one within its usual distance.
    pub has_key_frame: bool,
    /// A switch to it need not wait for its next key frame.
    pub enters_now: bool,
    /// Why it could not be shown although nothing fired: `format differs: …`.
    pub unfit: Option<Arc<str>>,
    /// The triggers that hold.
    pub fired: Vec<Fired>,
}

impl InputView {
    /// Whether nothing asks to leave it, hold times included.
    #[must_use]
    pub fn asks_nothing(&self) -> bool {
        let mut severities = self.fired.iter().map(|fired| fired.severity);
        severities.all(|severity| severity == Severity::Alarm)
    }

    /// The worst of the reasons to leave it that hold now, the oldest of several alike.
    #[must_use]
    pub fn worst(&self) -> Option<&Fired> {
        self.worst_of(|_| true)
    }

    /// The worst of those that count.
    pub(super) fn worst_of(&self, counts: impl Fn(&Fired) -> bool) -> Option<&Fired> {
        let asks = |fired: &&Fired| fired.present && fired.severity == Severity::Switch;
        let asking = self.fired.iter().filter(asks).filter(|fired| counts(fired));
        asking.max_by_key(|fired| (fired.fault, core::cmp::Reverse(fired.since)))
    }
}

/// Everything that a decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What is shown: what was emitted last, not what is planned.
    pub on_air: OnAir,
    /// What is on air has nothing left to be played, although it would be time.
    pub is_starved: bool,
    /// It is starved, and nothing more comes of it before its next key frame: it has ended, or
    /// begun anew.
    pub is_over: bool,
    /// The inputs in priority order.
    pub inputs: &'a [InputView],
    /// A slate in the program's format is there.
    pub slate_ready: bool,
}
