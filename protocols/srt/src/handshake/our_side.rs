use tidegate_units::Duration;

use super::latency::Latency;
use crate::fec::FilterConfig;
use crate::wire::{HsExtension, HsFlags, SocketId, SrtVersion};

/// What this side brings into a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OurSide {
    /// This side's socket.
    pub socket: SocketId,
    /// Largest datagram with its IP and UDP headers.
    pub segment_bytes: u32,
    /// Packets the receive buffer has room for.
    pub flow_window_packets: u32,
    /// How long this side wants to hold what it receives.
    pub latency: Duration,
    /// How long the peer should hold what it receives, at least.
    pub peer_latency: Duration,
    /// The longest latency agreed to on the peer's wish.
    pub max_latency: Duration,
    /// Skips what is too late.
    pub too_late_drop: bool,
    /// Repeats loss reports.
    pub nak_report: bool,
    /// The packet filter this side wants.
    pub packet_filter: Option<FilterConfig>,
    /// The ID of our bonding group that the connection is a leg of.
    pub group: Option<u32>,
}

impl OurSide {
    pub(super) const fn latency(&self) -> Latency {
        Latency {
            receive: self.latency,
            peer: self.peer_latency,
        }
    }

    /// The extension block that carries `latency`.
    pub(super) fn extension(&self, latency: Latency) -> HsExtension {
        let (receive_latency_millis, send_latency_millis) = latency.to_millis();
        HsExtension {
            version: SrtVersion::OURS,
            flags: HsFlags::LIVE
                .with(HsFlags::TOO_LATE_DROP, self.too_late_drop)
                .with(HsFlags::NAK_REPORT, self.nak_report),
            receive_latency_millis,
            send_latency_millis,
        }
    }
}
