use crate::health::{Expect, Health, MediaStatus, Readiness, Reason, Tr101290Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Where a source's connection stands.
///
/// ```text
///                 ┌──────────────── ended, listener ────────────────┐
///                 ▼                                                 │
///  (start) ─► disconnected ──────── a sender came ───────────► connected
///     │                                                        ▲    │
///     └─────► connecting ────────── it answered ───────────────┘    │ ended, caller
///               │    ▲                                              ▼
///               │    └───────────── pause over ───────────── reconnecting
///               └─ settings cannot work ─► failed
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// We are calling.
    Connecting,
    /// A sender is there; says nothing about media.
    Connected,
    /// It was there, or was called in vain; tried again by itself.
    Reconnecting,
    /// Nobody is there, and it is theirs to come.
    #[default]
    Disconnected,
    /// It cannot work as configured.
    Failed,
}

/// The one word a screen shows for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Media good, in use.
    Live,
    /// Media good, nobody reads it.
    Ready,
    /// Nobody has connected.
    Waiting,
    /// We are calling.
    Connecting,
    /// Works, will not last.
    Warning,
    /// Viewers would notice.
    Failed,
}

/// Everything known about a source, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// The protocol.
    pub kind: &'static str,
    /// How it is reached.
    pub mode: &'static str,
    /// Where its connection stands.
    pub connection: Connection,
    /// Why it stands there.
    pub connection_reason: Option<String>,
    /// It is not tried again by itself: it cannot work as configured, or nothing is left to do.
    pub resting: bool,
    /// Since when a sender is there.
    #[serde(with = "crate::time::rfc3339_option")]
    pub connected_at: Option<SystemTime>,
    /// The verdict.
    pub health: Health,
    /// What is known to be wrong.
    pub reasons: Vec<Reason>,
    /// Whether it can be taken on air now, and what speaks against it.
    pub readiness: Readiness,
    /// What measuring instruments count in it since the connection began; `null` before there
    /// was anything.
    pub tr101290: Option<Tr101290Status>,
    /// Received over the last second.
    pub bitrate_bps: u64,
    /// Time since the last packet; `null` before the first.
    pub last_packet_age_ms: Option<u64>,
    /// The sender's address.
    pub peer: Option<String>,
    /// What is in it.
    pub media: Option<MediaStatus>,
    /// What should be in it.
    pub expect: Option<Expect>,
    /// Readers of outputs, watchers not counted.
    pub readers: usize,
    /// How often the connection was lost since the start.
    pub reconnects: u64,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// The one word for a screen.
    pub state: SourceState,
    /// What the adapter adds, each under a name of its own (`srt`).
    #[serde(flatten)]
    pub details: BTreeMap<&'static str, Value>,
}
