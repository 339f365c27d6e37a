use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_rtmp::{ProtocolError, PublishRefusal};

use super::table::Found;
use crate::source::Door;

/// Why somebody stays outside, for the journal.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) received: Option<String>,
    pub(super) expected: Option<String>,
    pub(super) nearest: Option<String>,
    pub(super) advice: String,
}

/// What a refused publisher is told: not which of both was wrong.
pub(super) const WRONG: &str = "The stream key or the application is not right.";
pub(super) const IN_USE: &str = "Somebody publishes with this stream key already.";

impl Refusal {
    pub(super) fn new(reason: &'static str, advice: impl Into<String>) -> Self {
        Self {
            reason,
            received: None,
            expected: None,
            nearest: None,
            advice: advice.into(),
        }
    }

    pub(super) fn received(mut self, received: impl Into<String>) -> Self {
        self.received = Some(received.into());
        self
    }

    fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The door that was found, or why there is none.
    pub(super) fn unless_found(found: Found) -> Result<Arc<Door>, Self> {
        Err(match found {
            Found::Door(door) => return Ok(door),
            Found::OtherApp { expected } => {
                let advice = format!("Let the encoder's URL end in /{expected}.");
                Self::new("unknown_app", advice).expected(expected)
            }
            Found::NoSuchApp { nearest } => {
                let advice = match &nearest {
                    Some(app) => format!("Check the encoder's URL: should it end in /{app}?"),
                    None => "Check the encoder's URL, or leave out `app` at the source.".into(),
                };
                Self {
                    nearest,
                    ..Self::new("unknown_app", advice)
                }
            }
            Found::NoKey => Self::new(
                "wrong_key",
                "Write the stream key into the encoder's own field for it.",
            )
            .received("no stream key"),
            Found::Spaces => Self::new("wrong_key", "Copy the stream key without the spaces.")
                .received("a stream key with spaces around it"),
            Found::WrongKey => Self::new(
                "wrong_key",
                "Copy the source's stream key into the encoder again.",
            ),
        })
    }

    /// Somebody else publishes, or the source was removed just now.
    pub(super) fn taken(holder: Option<SocketAddr>) -> Self {
        let Some(holder) = holder else {
            return Self::new("source_removed", "Add the source again if it is needed.");
        };
        let advice = "Stop one of the two encoders, or give the second a source of its own.";
        Self::new("already_publishing", advice).received(format!("{holder} publishes already"))
    }

    /// What a peer sent that is not RTMP.
    pub(super) fn malformed(error: &ProtocolError, is_tls: bool) -> Self {
        let advice = match error {
            ProtocolError::Tls => {
                "Write rtmp:// in the encoder, or give the listener a certificate (`tls`)."
            }
            ProtocolError::Encrypted(_) => {
                "Write rtmp:// or rtmps:// in the encoder, not rtmpe://."
            }
            ProtocolError::Text | ProtocolError::Version(_) if is_tls => {
                "Something other than an RTMPS encoder called: check who uses this port."
            }
            ProtocolError::Text | ProtocolError::Version(_) => {
                "Something other than an RTMP encoder called: check who uses this port."
            }
            ProtocolError::ChunkSize(_) => "Set a chunk size of 4096 in the encoder.",
            ProtocolError::MessageSize { .. } => "Lower the encoder's bitrate, or look who calls.",
            _ => "Update or restart the encoder. If it is not yours, ban its address.",
        };
        let reason = match error {
            ProtocolError::Tls
            | ProtocolError::Text
            | ProtocolError::Version(_)
            | ProtocolError::Encrypted(_) => "not_rtmp",
            _ => "protocol_error",
        };
        Self::new(reason, advice).received(error.to_string())
    }
}

/// RTMP's word for it.
pub(super) fn spoken(refusal: &Refusal) -> (PublishRefusal, &'static str) {
    match refusal.reason {
        "already_publishing" => (PublishRefusal::InUse, IN_USE),
        _ => (PublishRefusal::Denied, WRONG),
    }
}
