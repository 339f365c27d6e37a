use super::MaxBandwidth;
use tidegate_units::Duration;

/// What the sending half is told when the connection is made.
#[derive(Debug, Clone)]
pub(crate) struct SenderSettings {
    /// Index of the first packet: its low 31 bits are the initial sequence number.
    pub(crate) first: u64,
    /// Messages counted before the first packet: zero except in tests of the wrap.
    pub(crate) first_message: u64,
    pub(crate) capacity_packets: usize,
    /// Whether there is room for more when more is measured to be handed over in twice
    /// `held_for`.
    pub(crate) capacity_grows: bool,
    pub(crate) held_for: Duration,
    /// The peer's announced receive window.
    pub(crate) window_packets: u32,
    pub(crate) max_bandwidth: MaxBandwidth,
    /// Retransmissions per hundred new packets, on average.
    pub(crate) max_resend_percent: u32,
    /// Copies of last repetitions per hundred new packets, on average; zero: none.
    pub(crate) max_duplicate_percent: u32,
    /// The peer's receive latency, if it skips what is missing at its play-out time.
    pub(crate) peer_latency: Option<Duration>,
    /// Give up packets handed over this long ago; `None`: never.
    pub(crate) drop_after: Option<Duration>,
    /// The peer drops late packets, so what is new goes before what is repeated.
    pub(crate) originals_first: bool,
    /// The peer repeats its loss reports; without that, silence repeats everything.
    pub(crate) peer_repeats_naks: bool,
}
