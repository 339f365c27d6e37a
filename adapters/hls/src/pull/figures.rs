use super::fetch::{PIECES_MAX, SEGMENT_BYTES_MAX};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use tidegate_hls::m3u8::Variant;

/// What a run counts, for the status.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) segments: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) bad_playlists: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) discontinuities: AtomicU64,
    pub(super) underruns: AtomicU64,
    pub(super) target_ms: AtomicU64,
    pub(super) buffered_ms: AtomicU64,
    /// What is listed and was not handed to the player.
    pub(super) listed_ms: AtomicU64,
    /// What was handed to the player and not taken by it.
    queued_ms: AtomicU64,
    pub(super) is_live: AtomicBool,
    words: Mutex<Words>,
}

#[derive(Debug, Default)]
struct Words {
    variant: Value,
    container: Option<&'static str>,
    problem: Option<String>,
}

impl Figures {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn set(gauge: &AtomicU64, duration: Duration) {
        gauge.store(millis(duration), Ordering::Relaxed);
    }

    /// A segment was handed to the player.
    pub(super) fn queued(&self, duration: Duration) {
        Self::add(&self.queued_ms, millis(duration));
    }

    /// The player took it.
    pub(super) fn taken(&self, duration: Duration) {
        self.queued_ms
            .fetch_sub(millis(duration), Ordering::Relaxed);
    }

    /// What the player has not taken, fetched or only listed.
    pub(super) fn ahead(&self) -> Duration {
        let [queued, listed] =
            [&self.queued_ms, &self.listed_ms].map(|it| it.load(Ordering::Relaxed));
        Duration::from_millis(queued.saturating_add(listed))
    }

    /// What the player has not taken, of what is here.
    pub(super) fn waiting(&self) -> Duration {
        Duration::from_millis(self.queued_ms.load(Ordering::Relaxed))
    }

    /// Segments that never made it.
    pub(super) fn missing(&self) -> u64 {
        self.missed.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn chose(&self, variant: &Variant) {
        self.words(|words| {
            words.variant = json!({
                "bandwidth_bps": variant.bandwidth_bps,
                "resolution": variant.resolution.map(|(width, height)| format!("{width}x{height}")),
                "codecs": variant.codecs,
            });
        });
    }

    pub(super) fn opened(&self, container: &'static str) {
        self.words(|words| words.container = Some(container));
    }

    pub(super) fn problem(&self, said: String) {
        self.words(|words| words.problem = Some(said));
    }

    pub(super) fn last_problem(&self) -> Option<String> {
        self.words(|words| words.problem.clone())
    }

    pub(super) fn json(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.words(|words| {
            json!({
                "variant": words.variant,
                "container": words.container,
                "target_ms": count(&self.target_ms),
                "buffered_ms": count(&self.buffered_ms),
                "listed_ms": count(&self.listed_ms),
                "segments_ahead_max": PIECES_MAX,
                "segment_bytes_max": SEGMENT_BYTES_MAX,
                "segments": count(&self.segments),
                "bytes": count(&self.bytes),
                "segments_missed": count(&self.missed),
                "segments_failed": count(&self.failed),
                "playlists_failed": count(&self.bad_playlists),
                "restarts": count(&self.restarts),
                "discontinuities": count(&self.discontinuities),
                "underruns": count(&self.underruns),
                "last_problem": words.problem,
            })
        })
    }

    fn words<T>(&self, with: impl FnOnce(&mut Words) -> T) -> T {
        with(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
