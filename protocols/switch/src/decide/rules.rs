use std::sync::Arc;
use std::time::SystemTime;

use tidegate_units::Duration;

use crate::order::OnAir;

/// Automatic switches that an operator has to look at.
pub const LATCH_SWITCHES: usize = 3;
/// The time in which they count together.
pub const LATCH_WINDOW: Duration = Duration::from_secs(300);
/// How long a switch waits for the key frame of what was chosen.
pub const KEY_FRAME_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long an input must have had media for the slate to give way to it …
pub const SLATE_LEFT_AFTER: Duration = Duration::from_secs(1);
/// … and it is for [`Rules::ready_after`] while the slate was left so short a time ago: an input
/// that stutters does not alternate with it.
pub const SLATE_AGAIN: Duration = Duration::from_secs(30);
/// How long a scheduled take waits for an input that is not ready at its time.
pub const SCHEDULE_LATE_MAX: Duration = Duration::from_secs(60);
/// How long a drill on air keeps the input cut.
pub const DRILL_ON_AIR: Duration = Duration::from_secs(10);
/// Entries that a schedule may have.
pub const SCHEDULE_MAX: usize = 256;

/// Whether an input is gone back to by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// Never.
    #[default]
    Manual,
    /// Once it was clean for [`Rules::return_after`].
    Auto,
}

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The inputs' names, the most wanted first.
    pub inputs: Vec<Arc<str>>,
    /// Whether a better input is gone back to by itself.
    pub return_to: Return,
    /// How long it must have been clean for that.
    pub return_after: Duration,
    /// The least time between two automatic switches, except away from one that delivers nothing.
    pub dwell: Duration,
    /// How long an input must have been ready to be a candidate.
    pub ready_after: Duration,
    /// How long an input is silent until that is a reason; drills on air cut it for so long.
    pub silent_after: Duration,
    /// Takes at times told in advance.
    pub schedule: Vec<ScheduledTake>,
}

/// A take at a time told in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledTake {
    /// When.
    pub at: SystemTime,
    /// What.
    pub take: OnAir,
}

/// A scheduled take that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedTake {
    /// When it was to be.
    pub at: SystemTime,
    /// What.
    pub take: Arc<str>,
    /// Why it was not.
    pub reason: String,
}

impl Rules {
    /// These inputs with the values that nobody chose.
    #[must_use]
    pub fn new(inputs: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            return_to: Return::Manual,
            return_after: Duration::from_secs(30),
            dwell: Duration::from_secs(5),
            ready_after: Duration::from_secs(3),
            silent_after: Duration::from_millis(150),
            schedule: Vec::new(),
        }
    }

    /// How `what` is called where an operator reads it.
    #[must_use]
    pub fn name(&self, what: OnAir) -> Arc<str> {
        match what {
            OnAir::Nothing => "nothing".into(),
            OnAir::Slate => "slate".into(),
            OnAir::Input(index) => self.inputs.get(index).cloned().unwrap_or("?".into()),
        }
    }
}
