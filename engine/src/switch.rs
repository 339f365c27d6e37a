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
        /// Names the reason.
        code: RefusalCode,
        /// What stands against it.
        message: String,
        /// What to do about it.
        advice: String,
    },
}

/// Names the reasons, and lists them: docs/switch.md has all of them.
macro_rules! refusal_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Names why a switch did not do what it was told, for scripts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

refusal_codes! {
    /// It is not there at this moment.
    NotRunning = "not_running",
    /// It does not answer in time.
    Busy = "busy",
    /// No input has that name.
    UnknownInput = "unknown_input",
    /// It is locked.
    Locked = "locked",
    /// The input is not ready, or none is.
    NotReady = "not_ready",
    /// The input has no media at all.
    NothingToShow = "nothing_to_show",
    /// The input has another format than the program, and that is refused.
    OtherFormat = "other_format",
    /// There is no slate that could be shown.
    NoSlate = "no_slate",
    /// Nothing is on air that could be locked.
    NothingOnAir = "nothing_on_air",
    /// No input comes before the one on air.
    AlreadyFirst = "already_first",
    /// No input that comes before it is ready.
    NoneToReturnTo = "none_to_return_to",
    /// A drill on air is to be confirmed.
    Confirm = "confirm",
    /// A drill is under way.
    DrillUnderWay = "drill_under_way",
    /// No input is on air that a drill could cut.
    NothingToCut = "nothing_to_cut",
    /// The input that a drill is to test is on air itself.
    OnAir = "on_air",
    /// Another input is on air than the one that was to be cut.
    NotOnAir = "not_on_air",
    /// Nothing would take over, for it does not move by itself.
    AutomaticOff = "automatic_off",
    /// Nothing would take over, for nothing else is ready.
    NoneToTakeOver = "none_to_take_over",
}

impl SwitchRefusal {
    /// Names the reason.
    #[must_use]
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::NotRunning => RefusalCode::NotRunning,
            Self::UnknownInput { .. } => RefusalCode::UnknownInput,
            Self::NotNow { code, .. } => *code,
        }
    }
}
