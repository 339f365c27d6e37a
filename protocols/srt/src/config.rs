use crate::crypto::{KeyRefresh, SessionKeys};
use crate::fec::FilterConfig;
use crate::handshake::CookieKey;
use crate::recv::FIRST_ACK_NUMBER;
use crate::send::MaxBandwidth;
use crate::srtla;
use crate::wire::{KeyLength, MessageNumber, SequenceNumber, SocketId, SrtVersion};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_units::{Bitrate, Duration, NetworkSet};

/// Packets per second a buffer is sized for: about 105 Mbit/s of live payloads.
const SIZING_PACKETS_PER_SECOND: u64 = 10_000;
/// The smallest buffer that may be asked for.
const LEAST_BUFFER_PACKETS: u32 = 32;
/// The smallest buffer chosen automatically (libsrt's default).
const MIN_BUFFER_PACKETS: u32 = 8192;
/// The largest: 64 MiB of live payloads.
pub(crate) const MAX_BUFFER_PACKETS: u32 = 51_200;

/// One UDP port.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Accept callers; `None`: only make calls, and stay silent to strangers.
    pub listen: Option<ListenerConfig>,
    /// Which socket IDs are ours to give.
    pub socket_ids: SocketIdSpace,
    /// The secret of the handshake cookies, shared by all endpoints on one port.
    pub cookie_key: CookieKey,
    /// What strangers may cost.
    pub limits: EndpointLimits,
    /// Randomness for socket IDs and initial sequence numbers.
    pub seed: [u8; 32],
}

/// The part of the socket-ID space that belongs to an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketIdSpace {
    /// In the low six bits of every ID of this endpoint.
    pub shard: u8,
}

impl SocketIdSpace {
    /// Bits of an ID that name the shard.
    pub const SHARD_BITS: u32 = 6;
}

/// How callers are received.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// The least receive latency of every connection.
    pub latency: Duration,
    /// The key length announced to callers who have not chosen one.
    pub key_length_advertised: Option<KeyLength>,
    /// Tell callers the true reason of a refusal. Off: all refusals that have to do with
    /// streams, secrets or permissions look the same.
    pub reject_detail: bool,
    /// Callers older than this are refused.
    pub min_peer_version: SrtVersion,
    /// Receive SRTLA senders as well.
    pub srtla: bool,
    /// Callers from here hear nothing at all.
    pub banned: Arc<NetworkSet>,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            key_length_advertised: None,
            reject_detail: false,
            min_peer_version: SrtVersion::new(1, 3, 0),
            srtla: true,
            banned: Arc::default(),
        }
    }
}

/// What strangers may cost. Repeated handshakes of one caller count once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointLimits {
    /// Induction replies per second, all peers together.
    pub inductions_per_second: u32,
    /// Induction replies per second and address (IPv6: /64 prefix).
    pub inductions_per_second_per_address: u32,
    /// New connection requests per second, all peers together.
    pub requests_per_second: u32,
    /// New connection requests per second and address.
    pub requests_per_second_per_address: u32,
    /// Refused requests per second and address before further ones are ignored.
    pub failures_per_second_per_address: u32,
    /// SRTLA registrations per second and address.
    pub registrations_per_second_per_address: u32,
    /// SRTLA registrations per second, all peers together.
    pub registrations_per_second: u32,
    /// SRTLA senders at once.
    pub srtla_bundles: usize,
    /// Requests waiting for a decision or remembered after a refusal.
    pub pending_requests: usize,
    /// Connections, calls included.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_address: usize,
    /// How long a request may wait for its decision.
    pub request_lifetime: Duration,
    /// The longest latency a caller may ask for.
    pub max_latency: Duration,
}

impl Default for EndpointLimits {
    fn default() -> Self {
        Self {
            inductions_per_second: 20_000,
            inductions_per_second_per_address: 1000,
            requests_per_second: 2000,
            requests_per_second_per_address: 500,
            failures_per_second_per_address: 5,
            registrations_per_second_per_address: 20,
            registrations_per_second: 500,
            srtla_bundles: srtla::SENDERS_MAX,
            pending_requests: 1024,
            connections: 20_000,
            connections_per_address: 20_000,
            request_lifetime: Duration::from_secs(3),
            max_latency: Duration::from_secs(8),
        }
    }
}

/// How one connection behaves; the default is libsrt's live mode.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// Our receive latency, at least.
    pub latency: Duration,
    /// The peer's receive latency, at least.
    pub peer_latency: Duration,
    /// The longest latency that is agreed to, whatever the peer asks for.
    pub max_latency: Duration,
    /// When keys are changed.
    pub key_refresh: KeyRefresh,
    /// How fast packets may leave.
    pub max_bandwidth: MaxBandwidth,
    /// Retransmissions per hundred new packets, on average; a full send buffer's worth may
    /// be repeated at once. Keeps a broken or hostile peer from asking for a flood.
    pub max_resend_percent: u32,
    /// A repetition that is the last to reach the peer before the packet's play-out is sent
    /// twice: so many copies per hundred new packets, on average. They count as
    /// retransmissions too. Zero: none.
    pub max_duplicate_percent: u32,
    /// A peer silent for so long is gone.
    pub idle_timeout: Duration,
    /// Skip what is missing at its play-out time, and give up what is too late to send.
    pub too_late_drop: bool,
    /// Added to the peer's latency before a packet is given up for sending.
    pub send_drop_delay: Duration,
    /// Repeat loss reports.
    pub nak_report: bool,
    /// Follow the drift of the peer's clock.
    pub trace_drift: bool,
    /// Reordering up to so many packets is not loss (libsrt's `LOSSMAXTTL`).
    pub reorder_tolerance_packets: u32,
    /// Packets come over several paths at once, whose delays differ: a gap waits for as long
    /// as packets are seen to be late, and not only for a part of the round trip.
    pub several_paths: bool,
    /// Room for received packets; `None`: enough for the latency.
    pub receive_buffer_packets: Option<u32>,
    /// Room for packets to be sent; `None`: enough for the peer's latency, because behind a
    /// gap it acknowledges that late.
    pub send_buffer_packets: Option<u32>,
    /// Largest datagram with its IP and UDP headers.
    pub segment_bytes: u32,
    /// The packet filter wanted; the caller and the listener have to agree on one.
    pub packet_filter: Option<FilterConfig>,
    /// For simulations: the timestamp the connection's clock starts with.
    pub first_timestamp_micros: u32,
    /// For simulations: the socket ID of this side, random otherwise.
    pub socket: Option<SocketId>,
    /// For simulations: the first message's number.
    pub first_message: Option<MessageNumber>,
    /// For simulations: the first acknowledgement's number.
    pub first_ack_number: u32,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(120),
            peer_latency: Duration::ZERO,
            max_latency: Duration::from_secs(8),
            key_refresh: KeyRefresh::default(),
            max_bandwidth: MaxBandwidth::Unlimited,
            max_resend_percent: 100,
            max_duplicate_percent: 40,
            idle_timeout: Duration::from_secs(5),
            too_late_drop: true,
            send_drop_delay: Duration::ZERO,
            nak_report: true,
            trace_drift: true,
            reorder_tolerance_packets: 0,
            several_paths: false,
            receive_buffer_packets: None,
            send_buffer_packets: None,
            segment_bytes: 1500,
            packet_filter: None,
            first_timestamp_micros: 0,
            socket: None,
            first_message: None,
            first_ack_number: FIRST_ACK_NUMBER,
        }
    }
}

impl ConnectionConfig {
    /// Room for received packets when the receive latency is `latency`: twice what
    /// arrives in that time at 105 Mbit/s, between 8192 packets and 64 MiB.
    #[must_use]
    pub fn receive_capacity_packets(&self, latency: Duration) -> u32 {
        sized(self.receive_buffer_packets, latency)
    }

    /// Room for packets to be sent when the peer's latency is `latency`, in the same way.
    #[must_use]
    pub fn send_capacity_packets(&self, latency: Duration) -> u32 {
        sized(self.send_buffer_packets, latency)
    }

    /// A sending limit relative to the measured input, with libsrt's 25 % for repeats.
    #[must_use]
    pub const fn relative_bandwidth() -> MaxBandwidth {
        MaxBandwidth::Relative {
            input: None,
            minimum_input: Bitrate::ZERO,
            overhead_percent: 25,
        }
    }
}

/// What was asked for, or room for twice what passes within `latency` at the rate buffers
/// are sized for.
fn sized(asked: Option<u32>, latency: Duration) -> u32 {
    if let Some(packets) = asked {
        return packets.clamp(LEAST_BUFFER_PACKETS, MAX_BUFFER_PACKETS);
    }
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let packets = micros.saturating_mul(2 * SIZING_PACKETS_PER_SECOND) / 1_000_000;
    u32::try_from(packets)
        .unwrap_or(u32::MAX)
        .clamp(MIN_BUFFER_PACKETS, MAX_BUFFER_PACKETS)
}

/// A call to a listener, or to a peer that calls us.
#[derive(Debug)]
pub struct CallerConfig {
    /// The other side calls as well, from the port that is called here to the port this
    /// endpoint is on. [`Self::keys`] are used when this side turns out to be the initiator;
    /// otherwise [`crate::Event::KeysWanted`] asks for the peer's.
    pub rendezvous: bool,
    /// At most 512 bytes; what the listener routes by.
    pub stream_id: Bytes,
    /// Keys made from the passphrase; `None`: no encryption.
    pub keys: Option<SessionKeys>,
    /// How the connection behaves.
    pub connection: ConnectionConfig,
    /// How long the listener may take to answer. A rendezvous waits ten times as long, because
    /// somebody has to be first.
    pub connect_timeout: Duration,
    /// For simulations: the initial sequence number, random otherwise.
    pub first_sequence: Option<SequenceNumber>,
}

impl Default for CallerConfig {
    fn default() -> Self {
        Self {
            rendezvous: false,
            stream_id: Bytes::new(),
            keys: None,
            connection: ConnectionConfig::default(),
            connect_timeout: Duration::from_secs(3),
            first_sequence: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receive_buffer_grows_with_the_latency_up_to_its_cap() {
        let config = ConnectionConfig::default();
        let packets = |millis| config.receive_capacity_packets(Duration::from_millis(millis));
        assert_eq!(packets(120), 8192);
        assert_eq!(packets(1000), 20_000);
        assert_eq!(packets(60_000), MAX_BUFFER_PACKETS);
    }
}
