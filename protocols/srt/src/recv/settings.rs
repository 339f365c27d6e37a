use crate::wire::Timestamp;
use tidegate_units::{Duration, Instant};

/// When losses are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reporting {
    AtOnce,
    /// A packet filter may still rebuild them: when [`Receiver::ask_for`] says that it does
    /// not, or when it would soon be too late to ask.
    WhenGivenUp,
    Never,
}

/// What the receiving half is told when the connection is made.
#[derive(Debug, Clone)]
pub(crate) struct ReceiverSettings {
    /// Index of the first packet: its low 31 bits are the initial sequence number.
    pub(crate) first: u64,
    /// The number of the first acknowledgement.
    pub(crate) first_ack_number: u32,
    /// Room for packets, until more is measured to arrive within the latency.
    pub(crate) capacity_packets: usize,
    /// Whether it then grows.
    pub(crate) capacity_grows: bool,
    pub(crate) latency: Duration,
    pub(crate) too_late_drop: bool,
    pub(crate) repeat_reports: bool,
    pub(crate) trace_drift: bool,
    pub(crate) reorder_tolerance_packets: u32,
    pub(crate) reporting: Reporting,
    /// Packets come over paths of different delay.
    pub(crate) several_paths: bool,
    /// When the packet with the peer's handshake extension came, and its timestamp.
    pub(crate) handshake: (Instant, Timestamp),
}
