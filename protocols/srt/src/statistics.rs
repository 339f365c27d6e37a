use crate::wire::KeyState;
use tidegate_units::{Bitrate, Duration, Instant};

/// What a connection has done and how it is: libsrt's full list, typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// When this was taken.
    pub at: Instant,
    /// How long the connection has existed.
    pub uptime: Duration,
    /// How long nothing at all has come from the peer.
    pub silent_for: Duration,
    /// Since the connection was made.
    pub total: Counters,
    /// The last whole interval of a second or, where nobody asks that often, more; however
    /// many ask, and whenever they do. Before the first is over: since the beginning.
    pub interval: Counters,
    /// The length of that interval.
    pub interval_time: Duration,
    /// What was sent in the interval, headers included.
    pub send_rate: Bitrate,
    /// What was received in the interval, headers included.
    pub receive_rate: Bitrate,
    /// As it is now.
    pub instant: Gauges,
    /// Whether a round trip has been measured: until then the gauge shows SRT's first guess.
    pub rtt_known: bool,
    /// Where the keys of what is received stand.
    pub receive_keys: KeyState,
    /// Where the keys of what is sent stand.
    pub send_keys: KeyState,
}

/// A figure of the list: what it is called here and in libsrt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Our name; the unit is its first or last word.
    pub name: &'static str,
    /// libsrt's name in `SRT_TRACEBSTATS`; empty where it has no such figure.
    pub libsrt: &'static str,
    meaning: &'static str,
}

impl Described {
    /// What it says, in one sentence.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.meaning.trim_start()
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident $(= $libsrt:literal)?,)*) => {
        /// Counted events. Bytes include 44 bytes of headers per packet, except
        /// `bytes_received_undecrypted`; sizes of packets that were never seen are
        /// estimates from the average payload.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl Counters {
            /// All of them, in the order of [`Self::each`].
            pub const ALL: &'static [Described] = &[$(Described {
                name: stringify!($name),
                libsrt: concat!("" $(, $libsrt)?),
                meaning: concat!($($doc),*),
            },)*];

            /// Every counter with its name.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }

            /// What was counted since `earlier`.
            #[must_use]
            pub const fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name.saturating_sub(earlier.$name),)* }
            }

            /// Both together.
            #[must_use]
            pub const fn plus(&self, other: &Self) -> Self {
                Self { $($name: self.$name.saturating_add(other.$name),)* }
            }
        }
    };
}

counters! {
    /// Data packets sent, retransmissions and the packet filter's included.
    packets_sent = "pktSent",
    /// Data packets sent for the first time.
    packets_sent_unique = "pktSentUnique",
    /// Data packets received, duplicates and the packet filter's included.
    packets_received = "pktRecv",
    /// Data packets received for the first time, or rebuilt.
    packets_received_unique = "pktRecvUnique",
    /// Payload the peer has acknowledged, without headers.
    bytes_acknowledged,
    /// Packets the peer reported missing.
    packets_send_lost = "pktSndLoss",
    /// Packets found missing here.
    packets_lost = "pktRcvLoss",
    /// Gaps found here, of one packet or many.
    loss_events,
    /// Data packets sent again.
    packets_retransmitted = "pktRetrans",
    /// Of the packets sent again, copies of repetitions that were the last to be in time for play-out.
    packets_duplicated_in_advance,
    /// Repetitions that had to wait for the retransmission budget.
    repeats_held_back,
    /// Copies that the retransmission budgets did not allow.
    copies_held_back,
    /// Data packets received that the peer sent again.
    packets_received_retransmitted = "pktRcvRetrans",
    /// Acknowledgements sent.
    acks_sent = "pktSentACK",
    /// Acknowledgements received.
    acks_received = "pktRecvACK",
    /// Loss reports sent.
    naks_sent = "pktSentNAK",
    /// Loss reports received.
    naks_received = "pktRecvNAK",
    /// Packets given up before sending because they were too late.
    packets_send_dropped = "pktSndDrop",
    /// Packets given up here: not there at their play-out time, or unreadable.
    packets_dropped = "pktRcvDrop",
    /// Packets that could not be decrypted.
    packets_undecrypted = "pktRcvUndecrypt",
    /// Clear packets in a secured session, dropped (a downgrade attempt).
    packets_clear_refused,
    /// Packets that came after they had been given up.
    packets_belated = "pktRcvBelated",
    /// Packets received more than once.
    packets_duplicate,
    /// Packets there was no room for.
    packets_no_room,
    /// Packets that came out of order without having been repeated.
    packets_reordered,
    /// Packet filter: extra packets sent.
    filter_packets_sent = "pktSndFilterExtra",
    /// Packet filter: extra packets received.
    filter_packets_received = "pktRcvFilterExtra",
    /// Packet filter: packets rebuilt that were of use.
    filter_packets_rebuilt = "pktRcvFilterSupply",
    /// Packet filter: packets it could not rebuild.
    filter_packets_lost = "pktRcvFilterLoss",
    /// Bytes sent.
    bytes_sent = "byteSent",
    /// Bytes sent for the first time.
    bytes_sent_unique = "byteSentUnique",
    /// Bytes received.
    bytes_received = "byteRecv",
    /// Bytes received for the first time.
    bytes_received_unique = "byteRecvUnique",
    /// Bytes found missing (estimate).
    bytes_lost = "byteRcvLoss",
    /// Bytes sent again.
    bytes_retransmitted = "byteRetrans",
    /// Bytes given up before sending.
    bytes_send_dropped = "byteSndDrop",
    /// Bytes given up here (estimate).
    bytes_dropped = "byteRcvDrop",
    /// Payload bytes that could not be decrypted.
    bytes_received_undecrypted = "byteRcvUndecrypt",
    /// Time spent with something to send, in microseconds.
    send_duration_micros = "usSndDuration",
    /// Control packets that were out of range or malformed, ignored.
    control_ignored,
    /// Key refreshes completed, both directions.
    key_refreshes,
}

/// A momentary value as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A count, or bits per second.
    Whole(u64),
    /// Milliseconds, to the microsecond, or anything else that is not whole.
    Fraction(f64),
}

impl From<u64> for Figure {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Figure {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self::Fraction(value)
    }
}

impl From<Bitrate> for Figure {
    fn from(value: Bitrate) -> Self {
        Self::Whole(value.as_bps())
    }
}

impl From<Duration> for Figure {
    fn from(value: Duration) -> Self {
        // To the microsecond: more digits only look precise.
        Self::Fraction((value.as_secs_f64() * 1_000_000.0).round() / 1000.0)
    }
}

macro_rules! gauges {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty => $shown:literal $(= $libsrt:literal)?,)*) => {
        /// Momentary values.
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        pub struct Gauges {
            $($(#[doc = $doc])* pub $name: $type,)*
        }

        impl Gauges {
            /// All of them, in the order of [`Self::each`].
            pub const ALL: &'static [Described] = &[$(Described {
                name: $shown,
                libsrt: concat!("" $(, $libsrt)?),
                meaning: concat!($($doc),*),
            },)*];

            /// Every value with the name it is shown by, whose last word is the unit.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, Figure)> + use<> {
                [$(($shown, Figure::from(self.$name)),)*].into_iter()
            }
        }
    };
}

gauges! {
    /// Smoothed round-trip time.
    rtt: Duration => "rtt_ms" = "msRTT",
    /// Its mean deviation.
    rtt_variance: Duration => "rtt_variance_ms",
    /// How much packet timing varies: arrivals against the sender's timestamps.
    jitter: Duration => "jitter_ms",
    /// Time between packets at the sending limit, in microseconds.
    send_period_micros: f64 => "send_period_micros" = "usPktSndPeriod",
    /// Packets the peer allows in flight.
    flow_window_packets: u64 => "flow_window_packets" = "pktFlowWindow",
    /// Packets congestion control allows in flight.
    congestion_window_packets: u64 => "congestion_window_packets" = "pktCongestionWindow",
    /// Packets in flight.
    flight_packets: u64 => "flight_packets" = "pktFlightSize",
    /// Estimated capacity of the link: what the peer reports of our direction, or what is
    /// measured of the peer's.
    link_capacity: Bitrate => "link_capacity_bps" = "mbpsBandwidth",
    /// The sending limit in force.
    max_bandwidth: Bitrate => "max_bandwidth_bps" = "mbpsMaxBW",
    /// Largest datagram with its IP and UDP headers.
    segment_bytes: u64 => "segment_bytes" = "byteMSS",
    /// Room in the send buffer.
    send_buffer_available_bytes: u64 => "send_buffer_available_bytes" = "byteAvailSndBuf",
    /// Packets in the send buffer.
    send_buffer_packets: u64 => "send_buffer_packets" = "pktSndBuf",
    /// Bytes in the send buffer.
    send_buffer_bytes: u64 => "send_buffer_bytes" = "byteSndBuf",
    /// Time between the oldest and the newest packet in the send buffer.
    send_buffer_time: Duration => "send_buffer_ms" = "msSndBuf",
    /// The peer's receive latency.
    send_latency: Duration => "send_latency_ms" = "msSndTsbPdDelay",
    /// Packets the receive buffer may hold: its limit, which grows with the rate.
    receive_window_packets: u64 => "receive_window_packets",
    /// Room in the receive buffer.
    receive_buffer_available_bytes: u64 => "receive_buffer_available_bytes" = "byteAvailRcvBuf",
    /// Packets that arrived and are not yet due.
    receive_buffer_packets: u64 => "receive_buffer_packets" = "pktRcvBuf",
    /// Their payload bytes.
    receive_buffer_bytes: u64 => "receive_buffer_bytes" = "byteRcvBuf",
    /// Time until the newest of them is due: the reserve against a stall.
    receive_buffer_time: Duration => "receive_buffer_ms" = "msRcvBuf",
    /// The receive latency in force.
    receive_latency: Duration => "receive_latency_ms" = "msRcvTsbPdDelay",
    /// How many places late the last reordered packet came.
    reorder_distance_packets: u64 => "reorder_distance_packets" = "pktReorderDistance",
    /// How much reordering is not yet loss.
    reorder_tolerance_packets: u32 => "reorder_tolerance_packets" = "pktReorderTolerance",
    /// The longest run of packets missing at once, in the last 10 to 20 seconds.
    loss_burst_longest_packets: u64 => "loss_burst_longest_packets",
    /// How late belated packets were on average.
    belated_average: Duration => "belated_average_ms" = "pktRcvAvgBelatedTime",
    /// Bytes per second that arrive, as reported to the sender.
    receive_bytes_per_second: u64 => "receive_bytes_per_second",
    /// Packets per second that arrive, as reported to the sender.
    receive_packets_per_second: u64 => "receive_packets_per_second",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_listed_once_with_a_meaning() {
        let counted = Counters::default().each().map(|(name, _)| name);
        assert!(counted.eq(Counters::ALL.iter().map(|one| one.name)));
        let measured = Gauges::default().each().map(|(name, _)| name);
        assert!(measured.eq(Gauges::ALL.iter().map(|one| one.name)));
        for one in Counters::ALL.iter().chain(Gauges::ALL) {
            assert!(one.meaning().ends_with('.'), "{}", one.name);
        }
    }

    #[test]
    fn times_are_shown_in_milliseconds_to_the_microsecond() {
        let gauges = Gauges {
            rtt: Duration::from_nanos(1_234_567),
            ..Gauges::default()
        };
        let shown = gauges.each().find(|(name, _)| *name == "rtt_ms");
        assert_eq!(shown, Some(("rtt_ms", Figure::Fraction(1.235))));
    }

    #[test]
    fn an_interval_is_the_difference_of_two_totals() {
        let earlier = Counters {
            packets_sent: 5,
            ..Counters::default()
        };
        let later = Counters {
            packets_sent: 12,
            naks_sent: 1,
            ..Counters::default()
        };
        let interval = later.since(&earlier);
        assert_eq!((interval.packets_sent, interval.naks_sent), (7, 1));
    }
}
