use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tidegate_net::Probe;

use super::limits::QUEUE_BYTES;
use super::target::Target;

/// What an output counts over all its connections, and shows of the one it has.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) frames_sent: AtomicU64,
    pub(crate) frames_dropped: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) queued_batches: AtomicU64,
    pub(crate) is_live: AtomicBool,
    now: Mutex<Now>,
}

/// What holds of the connection.
#[derive(Debug, Default)]
pub(crate) struct Now {
    pub(crate) probe: Option<Probe>,
    pub(crate) tracks: Vec<String>,
    pub(crate) left_out: Vec<String>,
    pub(crate) is_enhanced: bool,
    pub(crate) warnings: Vec<Value>,
    pub(crate) first_frame_ms: Option<u64>,
    pub(crate) breaks: u64,
    pub(crate) last_break: Option<String>,
}

impl Figures {
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the API shows them.
    pub(crate) fn shown(self: &Arc<Self>, target: &Target) -> impl Fn() -> Value + use<> {
        let figures = Arc::clone(self);
        let to = target.url.clone();
        let platform = target.platform.map(|platform| platform.id.clone());
        move || {
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let now = figures.now();
            let tcp = now.probe.as_ref().and_then(Probe::figures);
            json!({
                "to": to,
                "platform": platform,
                "connected": figures.is_live.load(Ordering::Relaxed),
                "tracks": now.tracks,
                "enhanced": now.is_enhanced,
                "left_out": now.left_out,
                "warnings": now.warnings,
                "frames_sent": count(&figures.frames_sent),
                "frames_dropped": count(&figures.frames_dropped),
                "connections": count(&figures.connections),
                "queued_batches": count(&figures.queued_batches),
                "queue_bytes_max": QUEUE_BYTES,
                "round_trip_ms": tcp.map(|tcp| tcp.round_trip.as_secs_f64() * 1000.0),
                "resent": tcp.map(|tcp| tcp.resent),
                "unacknowledged_bytes": tcp.map(|tcp| tcp.unacknowledged_bytes),
                "first_frame_ms": now.first_frame_ms,
                "breaks": now.breaks,
                "last_break": now.last_break,
            })
        }
    }
}
