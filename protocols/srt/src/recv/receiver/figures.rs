use super::super::rate::Rates;
use super::Receiver;
use tidegate_units::{Duration, Instant};

impl Receiver {
    /// Momentary values for the statistics.
    pub(crate) fn figures(&mut self, now: Instant) -> ReceiverFigures {
        let (packets, bytes, span) = self.playout.level(now);
        ReceiverFigures {
            buffered_packets: packets + self.buffer.waiting() as u64,
            buffered_bytes: bytes + self.buffer.waiting_bytes() as u64,
            buffered_span: span,
            window_packets: self.room.packets() as u64,
            available_packets: self.room.packets().saturating_sub(self.ready.len()) as u64,
            latency: self.tsbpd.latency(),
            jitter: self.jitter.value(),
            reorder_tolerance_packets: self.tolerance.packets(),
            rates: self.link.rates(),
        }
    }
}

/// Momentary values for the statistics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiverFigures {
    pub(crate) buffered_packets: u64,
    pub(crate) buffered_bytes: u64,
    pub(crate) buffered_span: Duration,
    pub(crate) window_packets: u64,
    pub(crate) available_packets: u64,
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    pub(crate) reorder_tolerance_packets: u32,
    pub(crate) rates: Rates,
}
