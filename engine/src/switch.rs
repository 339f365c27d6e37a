//! What can be asked of a source that puts one of several others on air: a switch.

use crate::driver::BoxFuture;
use serde_json::Value;

/// A source's driver as a switch. Commands wait for nothing but the switch's own thread.
pub trait SwitchControl: Send + Sync {
    /// Carries a command out, in the name of `by`; gives the switch's new status.
    fn command(
        &self,
        command: SwitchCommand,
        by: &str,
    ) -> BoxFuture<'static, Result<Value, SwitchRefusal>>;

    /// How the switch is doing, with the same words as its source's status; `None` while it
    /// does not run.
    fn status(&self) -> Option<Value>;
}

/// What a switch is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchCommand {
    /// Put this input (or the slate) on air.
    Take {
        /// Which; the one in preview if none is named.
        input: Option<String>,
        /// Also if it is not ready.
        force: bool,
    },
    /// Nothing moves it any more, but darkness.
    Lock,
    /// It moves again.
    Unlock,
    /// Whether it moves only when it is told to.
    Hold(bool),
    /// Put the first input that is ready on air again.
    Return,
    /// See what would happen, were the input on air gone.
    Drill {
        /// Which input is tried; the one that would be chosen if none is named.
        input: Option<String>,
        /// Really cut what is on air.
        on_air: bool,
        /// That is meant.
        confirmed: bool,
    },
}

/// Why a switch did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchRefusal {
    /// It is not there at this moment.
    #[error("The switch does not run.")]
    NotRunning,
    /// No input has that name.
    #[error("There is no input named \"{input}\".")]
    UnknownInput {
        /// The name given.
        input: String,
        /// The one most like it.
        nearest: Option<String>,
        /// All there are.
        inputs: Vec<String>,
    },
    /// It is not for now: locked, nothing ready, to be confirmed.
    #[error("{message}")]
    NotNow {
        /// Names the reason in snake case: `locked`, `not_ready`, `on_air`, `confirm`.
        code: &'static str,
        /// What stands against it.
        message: String,
        /// What to do about it.
        advice: String,
    },
}
