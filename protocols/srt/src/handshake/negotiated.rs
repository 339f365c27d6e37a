use core::net::SocketAddr;

use tidegate_units::Duration;

use super::stream_id::StreamId;
use crate::fec::PacketFilter;
use crate::wire::{CipherMode, HsFlags, KeyLength, SequenceNumber, SocketId, SrtVersion};

/// What both sides of a connection agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The peer's address.
    pub peer: SocketAddr,
    /// The peer's socket.
    pub peer_socket: SocketId,
    /// The peer's SRT version.
    pub peer_version: SrtVersion,
    /// What the peer can do.
    pub peer_flags: HsFlags,
    /// The stream the caller asked for.
    pub stream_id: StreamId,
    /// How long this side holds what it receives.
    pub receive_latency: Duration,
    /// How long the peer holds what it receives.
    pub send_latency: Duration,
    /// The cipher and its key length; `None`: not encrypted.
    pub encryption: Option<(CipherMode, KeyLength)>,
    /// The packet filter; `None`: there is none.
    pub packet_filter: Option<PacketFilter>,
    /// For a leg of a bonding group that we call as: the group's number at the peer.
    pub group: Option<u32>,
    /// Largest datagram, IP and UDP headers included, that both sides take.
    pub segment_bytes: u32,
    /// Packets the peer is ready to have in flight towards it.
    pub flow_window_packets: u32,
    /// The first sequence number this side sends.
    pub send_sequence: SequenceNumber,
    /// The first sequence number the peer sends. A caller and its listener count from the same
    /// number; in a rendezvous each side has its own.
    pub receive_sequence: SequenceNumber,
}

impl Negotiated {
    /// Whether the peer skips what is too late, so that this side may stop sending it.
    #[must_use]
    pub const fn peer_drops_too_late(&self) -> bool {
        self.peer_flags.has(HsFlags::TOO_LATE_DROP)
    }

    /// Whether the peer repeats its loss reports, so that blind repeats are not needed.
    #[must_use]
    pub const fn peer_repeats_naks(&self) -> bool {
        self.peer_flags.has(HsFlags::NAK_REPORT)
    }
}
