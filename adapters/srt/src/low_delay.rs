//! What a receiver's latency must cover when packets are passed on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_srt_io::ConnectionStatus;

/// Round trips a receiver needs for its own repairs: the rule of the field.
const ROUNDS: u32 = 4;
/// Timers and scheduling on both sides.
const MARGIN: Duration = Duration::from_millis(10);
/// People set latencies in steps of this.
const STEP_MILLIS: u128 = 10;

/// The latency of the source a fountain gives; written on the shard, read by the status.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceLatency(Arc<AtomicU64>);

impl SourceLatency {
    pub(crate) fn note(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }

    /// `None` until the first packet.
    fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(micros)),
        }
    }

    /// What the receiver of such an output needs. A packet may leave here as late as the
    /// source's latency after it originated, and must still be repaired on the way on.
    pub(crate) fn advice(&self, status: &ConnectionStatus) -> Option<Value> {
        let statistics = status.statistics.as_ref()?;
        let instant = statistics.rtt_known.then_some(&statistics.instant)?;
        let source = self.get()?;
        let needed = source + instant.rtt * ROUNDS + MARGIN;
        let rounded = needed
            .as_micros()
            .div_ceil(1000)
            .next_multiple_of(STEP_MILLIS);
        let why = format!(
            "{} ms of the source, while packets may be repaired on the way here, + {ROUNDS} × RTT \
             {:.1} ms + 10 ms = {} ms; now {} ms",
            source.as_millis(),
            instant.rtt.as_secs_f64() * 1000.0,
            needed.as_millis(),
            instant.send_latency.as_millis(),
        );
        Some(json!({
            "latency_ms": u64::try_from(rounded).unwrap_or(u64::MAX),
            "enough_now": instant.send_latency >= needed,
            "why": [why],
        }))
    }
}
