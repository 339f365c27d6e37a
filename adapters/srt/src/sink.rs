use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_engine::{FeedWriter, TsChunk};
use tidegate_srt::Received;
use tidegate_srt_io::{EndReason, Sink};
use tidegate_units::Instant;

/// When a publisher's last packet came; written on the shard, read by admission.
#[derive(Clone, Debug)]
pub(crate) struct LastPacket(Arc<AtomicU64>);

impl LastPacket {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_micros())))
    }

    pub(crate) fn note(&self, arrived: Instant) {
        self.0.fetch_max(arrived.as_micros(), Ordering::Relaxed);
    }

    pub(crate) fn at(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_since(self.at())
    }
}

/// Fills a feed with what one publisher sends.
pub(crate) struct FeedSink {
    writer: FeedWriter<TsChunk>,
    last_packet: LastPacket,
}

impl FeedSink {
    pub(crate) fn new(writer: FeedWriter<TsChunk>, last_packet: LastPacket) -> Self {
        Self {
            writer,
            last_packet,
        }
    }
}

impl Sink for FeedSink {
    fn receive(&mut self, packet: Received) {
        self.last_packet.note(packet.arrived);
        self.writer.push(TsChunk {
            bytes: packet.payload,
            origin: packet.origin,
            arrived: packet.arrived,
            due: packet.due,
            lost_before: packet.dropped_before,
        });
    }

    fn end_of_turn(&mut self, _now: Instant) {
        // A writer that another publisher has replaced writes nothing more.
        let _ = self.writer.seal();
    }

    fn closed(&mut self, _reason: &EndReason) {
        let _ = self.writer.seal();
    }
}
