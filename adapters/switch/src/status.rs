//! How a switch is doing, as its source's status shows it.

use serde::Serialize;
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::Switched;

/// Everything about a switch.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Status {
    pub(crate) active: Option<Arc<str>>,
    pub(crate) preview: Option<Arc<str>>,
    pub(crate) next: Option<Arc<str>>,
    pub(crate) standby: Vec<Standby>,
    pub(crate) inputs: Vec<InputStatus>,
    pub(crate) locked: bool,
    pub(crate) held: bool,
    pub(crate) latched: bool,
    pub(crate) switches: u64,
    pub(crate) automatic_switches: u64,
    pub(crate) averted: u64,
    pub(crate) last_switch: Option<LastSwitch>,
    pub(crate) delay_ms: u64,
    #[serde(rename = "return")]
    pub(crate) return_mode: crate::ReturnMode,
    pub(crate) dwell_ms: u64,
    pub(crate) next_return_in_ms: Option<u64>,
    pub(crate) next_scheduled: Option<Scheduled>,
    pub(crate) last_missed: Option<Missed>,
    pub(crate) slate: Slate,
    pub(crate) drill: Option<DrillOnAir>,
    pub(crate) last_drill: Option<LastDrill>,
    pub(crate) lost_packets: u64,
    pub(crate) late_packets: u64,
    pub(crate) untold: u64,
}

/// An input that is not on air.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Standby {
    pub(crate) name: Arc<str>,
    pub(crate) ready: bool,
    pub(crate) reasons: Vec<Reason>,
}

/// Something known to be wrong with an input.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reason {
    pub(crate) code: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) severity: Option<&'static str>,
    #[serde(with = "tidegate_engine::time::rfc3339_option")]
    pub(crate) since: Option<SystemTime>,
    pub(crate) advice: Option<String>,
}

/// An input.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InputStatus {
    pub(crate) name: Arc<str>,
    pub(crate) ready: bool,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) on_air: bool,
    pub(crate) clean_for_ms: Option<u64>,
    pub(crate) connected: bool,
    pub(crate) bitrate_bps: u64,
    pub(crate) key_frame_age_ms: Option<u64>,
    pub(crate) gop_ms: Option<u64>,
    pub(crate) latency_ms: u64,
    pub(crate) format: Option<String>,
    pub(crate) same_format: bool,
    pub(crate) twin_of: Option<Arc<str>>,
    pub(crate) queue_bytes: usize,
}

/// The last time that it changed over.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LastSwitch {
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) at: SystemTime,
    #[serde(flatten)]
    pub(crate) switched: Switched,
}

/// What goes on air by the clock next.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scheduled {
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) at: SystemTime,
    pub(crate) take: Arc<str>,
}

/// A scheduled take that was not done.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Missed {
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) at: SystemTime,
    pub(crate) take: Arc<str>,
    pub(crate) reason: String,
}

/// The slate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Slate {
    pub(crate) state: &'static str,
    pub(crate) reason: Option<String>,
}

impl Default for Slate {
    fn default() -> Self {
        Self {
            state: "off",
            reason: None,
        }
    }
}

/// A drill on air that runs now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DrillOnAir {
    /// What is cut.
    pub(crate) input: Arc<str>,
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) since: SystemTime,
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) ends_at: SystemTime,
    pub(crate) by: Option<Arc<str>>,
}

/// What came of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Another input took over, or would have, and nothing was wrong.
    Passed,
    /// None did, or something was.
    Failed,
    /// Somebody ended it before its time: it proves nothing, either way.
    BrokenOff,
}

/// What the last drill found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LastDrill {
    #[serde(with = "tidegate_engine::time::rfc3339")]
    pub(crate) at: SystemTime,
    pub(crate) input: Arc<str>,
    pub(crate) on_air: bool,
    pub(crate) outcome: Outcome,
    pub(crate) passed: bool,
    pub(crate) took_over: Option<Arc<str>>,
    pub(crate) decided_after_ms: u64,
    pub(crate) gap_ms: u64,
    pub(crate) repeated_ms: u64,
    pub(crate) skipped_ms: u64,
    pub(crate) silence_ms: u64,
    pub(crate) would: String,
    pub(crate) problems: Vec<String>,
}
