//! Somebody elsewhere who decides about callers. What it takes to ask is the server's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{BoxFuture, Secret};

/// Asks about callers. Called on the runtime, never on a media thread.
pub trait Doorman: Send + Sync {
    /// Whether the caller may come in. Waits no longer than the webhook's timeout.
    fn ask<'a>(
        &'a self,
        webhook: &'a Webhook,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>>;
}

/// Whom to ask, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// `http://…` or `https://…`.
    pub url: String,
    /// How long the answer is waited for.
    pub timeout: Duration,
    /// Signs the question.
    pub secret: Option<Secret>,
    /// What becomes of the caller when no answer comes.
    pub on_failure: OnFailure,
    /// Certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Link-local addresses may be asked as well.
    pub allow_link_local: bool,
}

/// What becomes of a caller when the webhook does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It is refused.
    #[default]
    Refuse,
    /// It is let in, as its passphrase was right.
    Allow,
}

impl OnFailure {
    /// Whether it is what a configuration need not say.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is asked, as it goes out. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The listener it came to.
    pub listener: String,
    /// `publish` to a source, or `request` (read) an output.
    pub mode: &'static str,
    /// The source or output it wants.
    pub name: String,
    /// The stream ID as it was written.
    pub stream_id: String,
    /// The resource (`r`), or the plain stream ID.
    pub resource: String,
    /// `u`.
    pub user: Option<String>,
    /// `h`.
    pub host: Option<String>,
    /// `s`.
    pub session: Option<String>,
    /// `t`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// All other keys of the stream ID.
    pub keys: BTreeMap<String, String>,
    /// The caller's address and port.
    pub peer: String,
    /// Whether it has proved a passphrase.
    pub encrypted: bool,
    /// Its version of SRT.
    pub srt_version: String,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it may come in.
    pub allow: bool,
    /// Why, in the webhook's words.
    pub reason: Option<String>,
}

/// No answer came; why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}
