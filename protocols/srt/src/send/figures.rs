use super::Sender;
use tidegate_units::{Bitrate, Duration};

/// Momentary values for the statistics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderFigures {
    pub(crate) period_micros: f64,
    pub(crate) bandwidth: Bitrate,
    pub(crate) window_packets: u64,
    pub(crate) in_flight: u64,
    pub(crate) capacity_packets: u64,
    pub(crate) buffered_packets: u64,
    pub(crate) buffered_bytes: u64,
    pub(crate) buffered_span: Duration,
}

impl Sender {
    pub(crate) fn figures(&self) -> SenderFigures {
        SenderFigures {
            period_micros: self.pacer.period_micros(),
            bandwidth: self.pacer.bandwidth(),
            window_packets: self.window.clamp(0, i64::from(u32::MAX)).cast_unsigned(),
            in_flight: self.in_flight(),
            capacity_packets: self.buffer.capacity() as u64,
            buffered_packets: self.buffer.packets() as u64,
            buffered_bytes: self.buffer.payload_bytes() as u64,
            buffered_span: self.buffer.span(),
        }
    }
}
