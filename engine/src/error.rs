use core::fmt;
use serde::{Deserialize, Serialize};
use tidegate_net::{NetError, Side};

/// Whose side a failure is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// This machine or this program: a full disk, a port in use.
    Ours,
    /// The far side or the network in between.
    Theirs,
    /// What was configured cannot work.
    Configuration,
}

/// Why a run of a source or an output ended badly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Whose side it is on.
    pub whose: Whose,
    /// What happened, for an operator.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// Whether trying again by itself may help.
    pub retry: bool,
}

impl RunError {
    /// The far side's doing; tried again.
    #[must_use]
    pub fn theirs(message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self {
            whose: Whose::Theirs,
            message,
            advice,
            retry: true,
        }
    }

    /// This machine's doing; tried again.
    #[must_use]
    pub fn ours(message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self {
            whose: Whose::Ours,
            message,
            advice,
            retry: true,
        }
    }

    /// The settings' doing; not tried again until they change.
    #[must_use]
    pub fn configuration(message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self {
            whose: Whose::Configuration,
            message,
            advice,
            retry: false,
        }
    }

    /// The same, but never tried again.
    #[must_use]
    pub fn final_one(mut self) -> Self {
        self.retry = false;
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.trim_end_matches('.');
        write!(f, "{message}. {}", self.advice)
    }
}

impl core::error::Error for RunError {}

/// A call out that came to nothing.
impl From<NetError> for RunError {
    fn from(error: NetError) -> Self {
        let advice = format!("{}.", error.advice.trim_end_matches('.'));
        match error.side {
            Side::Ours => Self::ours(error.message, advice),
            Side::Theirs => Self::theirs(error.message, advice),
            Side::Configuration => Self::configuration(error.message, advice),
        }
    }
}

/// Why a run ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop.
    Stopped,
    /// The far side ended it; run again after the usual pause.
    ByPeer,
    /// Nothing is left to do, ever (a file was played to its end).
    Finished,
}

/// Settings that are well-formed but cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct SettingsError {
    /// The field at fault, below the adapter's own settings.
    pub field: &'static str,
    /// The keys below that field, down to the value at fault: `["alice", "old"]`.
    pub below: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub advice: Option<String>,
}

impl SettingsError {
    /// `field` is wrong because of `message`.
    #[must_use]
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            below: Vec::new(),
            message: message.into(),
            advice: None,
        }
    }

    /// The same, of the value that `keys` lead to in `field`.
    #[must_use]
    pub fn at(mut self, field: &'static str, keys: &[&str]) -> Self {
        self.field = field;
        self.below = keys.iter().map(|key| (*key).to_owned()).collect();
        self
    }

    /// Field and keys, as a person writes them: `users/alice/old`.
    #[must_use]
    pub fn place(&self) -> String {
        let keys = self.below.iter().map(|key| format!("/{key}"));
        keys.fold(self.field.to_owned(), |place, key| place + &key)
    }

    /// The same as the end of a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
        let keys = self.below.iter().map(|key| format!("/{}", escaped(key)));
        keys.fold(format!("/{}", self.field), |place, key| place + &key)
    }

    /// The same, with what would be right.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// A command the engine did not carry out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No source or output has that name.
    #[error("there is no {0} named {1:?}")]
    Unknown(&'static str, String),
    /// A limit of [`crate::limits`] is reached.
    #[error("there are {1} {0}s already, which is the limit; delete one first")]
    TooMany(&'static str, usize),
}
