use thiserror::Error;

use crate::RejectReason;

/// Why keys could not be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// SRT passphrases have 10 to 80 bytes.
    #[error("the configured passphrase has {bytes} bytes, SRT needs 10 to 80")]
    PassphraseLength {
        /// Bytes of the configured passphrase.
        bytes: usize,
    },
    /// The wrapped keys do not open: the peer used another passphrase.
    #[error("the peer's keys do not open with the configured passphrase")]
    WrongPassphrase,
    /// The keys of a connection keep their cipher mode and length.
    #[error("the peer announced keys for another cipher than the connection's")]
    CipherMode,
    /// The cipher refused its input; an internal failure.
    #[error("the key wrap failed on this side")]
    Internal,
}

impl From<KeyError> for RejectReason {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::WrongPassphrase => Self::WrongPassphrase,
            KeyError::CipherMode => Self::CryptoMode,
            KeyError::PassphraseLength { .. } | KeyError::Internal => Self::Internal,
        }
    }
}
