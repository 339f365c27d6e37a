use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use tidegate_engine::{FeedWriter, TsChunk};
use tidegate_srt::Received;
use tidegate_srt_io::{EndReason, Sink};
use tidegate_units::Instant;

/// When a publisher's last packet came; written on the shard, read by admission.
#[derive(Clone, Debug)]
pub(crate) struct LastPacket {
    began: Instant,
    micros: Arc<AtomicU64>,
}

impl LastPacket {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began: now,
            micros: Arc::new(AtomicU64::new(now.as_micros())),
        }
    }

    pub(crate) fn note(&self, arrived: Instant) {
        self.micros
            .fetch_max(arrived.as_micros(), Ordering::Relaxed);
    }

    pub(crate) fn at(&self) -> Instant {
        Instant::from_micros(self.micros.load(Ordering::Relaxed))
    }

    /// Whether there was one at all.
    pub(crate) fn came(&self) -> bool {
        self.at() > self.began
    }

    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_since(self.at())
    }
}

/// Where a publisher that waits unseen is handed the feed. Shards find it without a lock.
#[derive(Clone)]
pub(crate) struct Gate(Arc<ArrayQueue<FeedWriter<TsChunk>>>);

impl Gate {
    /// Shut: what the publisher sends goes nowhere.
    pub(crate) fn new() -> Self {
        Self(Arc::new(ArrayQueue::new(1)))
    }

    /// What the publisher sends from now on goes through `writer`.
    pub(crate) fn open(&self, writer: FeedWriter<TsChunk>) {
        drop(self.0.force_push(writer));
    }
}

/// Fills a feed with what one publisher sends, while its gate has given it the feed.
pub(crate) struct FeedSink {
    gate: Gate,
    writer: Option<FeedWriter<TsChunk>>,
    last_packet: LastPacket,
}

impl FeedSink {
    pub(crate) fn new(gate: Gate, last_packet: LastPacket) -> Self {
        Self {
            gate,
            writer: None,
            last_packet,
        }
    }

    fn pass_the_gate(&mut self) {
        if let Some(writer) = self.gate.0.pop() {
            self.writer = Some(writer);
        }
    }

    fn seal(&mut self) {
        // A writer that another publisher has replaced writes nothing more.
        if let Some(writer) = &mut self.writer
            && !writer.seal()
        {
            self.writer = None;
        }
    }
}

impl Sink for FeedSink {
    fn receive(&mut self, packet: Received) {
        self.last_packet.note(packet.arrived);
        self.pass_the_gate();
        if let Some(writer) = &mut self.writer {
            writer.push(TsChunk {
                bytes: packet.payload,
                origin: packet.origin,
                arrived: packet.arrived,
                due: packet.due,
                lost_before: packet.dropped_before,
            });
        }
    }

    fn end_of_turn(&mut self, _now: Instant) {
        self.seal();
    }

    fn closed(&mut self, _reason: &EndReason) {
        self.seal();
    }
}
