use crate::address::Refusal;
use core::fmt;

/// Whose side a failed call is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This machine's.
    Ours,
    /// The far side's, or the network's in between.
    Theirs,
    /// What was configured cannot work.
    Configuration,
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetError {
    /// Whose side it is on.
    pub side: Side,
    /// What happened, without a full stop. Never holds more of a URL than host and port.
    pub message: String,
    /// What to do about it: whole sentences without the last full stop.
    pub advice: String,
    /// Why none of the addresses may be called, if that is it.
    pub refusal: Option<Refusal>,
}

impl NetError {
    /// The far side's doing.
    #[must_use]
    pub fn theirs(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Side::Theirs, message, advice)
    }

    /// This machine's doing.
    #[must_use]
    pub fn ours(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Side::Ours, message, advice)
    }

    /// The settings' doing.
    #[must_use]
    pub fn configuration(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Side::Configuration, message, advice)
    }

    /// No address of the place may be called.
    pub(crate) fn refused(message: String, why: Refusal) -> Self {
        Self {
            refusal: Some(why),
            ..Self::theirs(message, why.advice())
        }
    }

    fn new(side: Side, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self {
            side,
            message,
            advice,
            refusal: None,
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}.", self.message, self.advice)
    }
}

impl core::error::Error for NetError {}
