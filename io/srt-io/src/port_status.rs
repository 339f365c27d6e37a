use arc_swap::ArcSwap;
use tidegate_srt::EndpointCounters;
use tidegate_udp::{OutboxCounters, SocketCounters};

/// What one shard's share of a port looks like; replaced about four times a second while
/// anything comes.
#[derive(Clone, Debug, Default)]
pub struct PortStatus {
    /// What the SRT core counted.
    pub endpoint: EndpointCounters,
    /// What the socket counted; drops here are the host's, not the network's.
    pub socket: SocketCounters,
    /// What waited for room in the kernel, or was given up.
    pub outbox: OutboxCounters,
    /// Connections, including those being made.
    pub connections: usize,
    /// Datagrams that arrived here and belong to another shard.
    pub handed_over: u64,
    /// Datagrams given up because the other shard's queue was full.
    pub hand_over_lost: u64,
    /// Requests that met a full lobby and got no answer.
    pub admission_overflow: u64,
    /// The receive buffer the kernel granted.
    pub recv_buffer_bytes: usize,
}

/// What a shard and the handles of a port share.
#[derive(Debug, Default)]
pub(crate) struct PortShared {
    pub(crate) status: ArcSwap<PortStatus>,
}
