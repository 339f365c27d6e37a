use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where an output stands.
///
/// ```text
///              up()             bytes or readers
///  connecting ─────► waiting ◄────────────────────► delivering
///      │             │ ▲   ▲                          ▲   │
///      │   run ended │ │   └───────► failed ◄──────────┘   │
///      │             ▼ │ up()     (nothing gets across)    │
///      └─────────► reconnecting ◄──────────────────────────┘
///                    │ not to be tried again
///                    ▼
///                  failed                stop() anywhere ─► stopped
/// ```
///
/// Another try is still reconnecting, until it is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputState {
    /// Ready, but nothing arrives or nobody reads.
    Waiting,
    /// Setting up.
    #[default]
    Connecting,
    /// The far side takes it.
    Delivering,
    /// It broke; tried again by itself.
    Reconnecting,
    /// Off on purpose.
    Stopped,
    /// It cannot work as configured, or nothing gets across.
    Failed,
}

/// Everything known about an output, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct OutputStatus {
    /// Its name.
    pub name: String,
    /// The protocol.
    pub kind: &'static str,
    /// The source it is pointed at.
    pub source: String,
    /// Where it stands.
    pub state: OutputState,
    /// Why it stands there.
    pub state_reason: Option<String>,
    /// It is not tried again by itself: it cannot work as configured, or nothing is left to do.
    pub resting: bool,
    /// Whether the far side takes it, as defined for its kind.
    pub delivering: bool,
    /// Accepted by the far side over the last second.
    pub bitrate_bps: u64,
    /// Accepted by the far side since the start.
    pub delivered_bytes: u64,
    /// Readers being served.
    pub readers: u64,
    /// How often it had to begin again.
    pub reconnects: u64,
    /// Packets it could not take in time.
    pub lost_packets: u64,
    /// What went wrong last, and what to do about it.
    pub last_error: Option<String>,
    /// What the adapter adds.
    pub detail: BTreeMap<&'static str, Value>,
}
