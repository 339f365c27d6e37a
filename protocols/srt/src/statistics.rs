use tidegate_units::{Bitrate, Duration, Instant};

/// What a connection has done and how it is: libsrt's full list, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// When this was taken.
    pub at: Instant,
    /// How long the connection has existed.
    pub uptime: Duration,
    /// How long nothing at all has come from the peer.
    pub silent_for: Duration,
    /// Since the connection was made.
    pub total: Counters,
    /// Since the statistics were last taken.
    pub interval: Counters,
    /// The length of that interval.
    pub interval_time: Duration,
    /// What was sent in the interval, headers included.
    pub send_rate: Bitrate,
    /// What was received in the interval, headers included.
    pub receive_rate: Bitrate,
    /// As it is now.
    pub instant: Gauges,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counted events. Bytes include 44 bytes of headers per packet, except
        /// `bytes_received_undecrypted`; sizes of packets that were never seen are
        /// estimates from the average payload.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// What was counted since `earlier`.
            #[must_use]
            pub const fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name.saturating_sub(earlier.$name),)* }
            }
        }
    };
}

counters! {
    /// Data packets sent, retransmissions and the packet filter's included.
    packets_sent,
    /// Data packets sent for the first time.
    packets_sent_unique,
    /// Data packets received, duplicates and the packet filter's included.
    packets_received,
    /// Data packets received for the first time, or rebuilt.
    packets_received_unique,
    /// Payload the peer has acknowledged, without headers.
    bytes_acknowledged,
    /// Packets the peer reported missing.
    packets_send_lost,
    /// Packets found missing here.
    packets_lost,
    /// Data packets sent again.
    packets_retransmitted,
    /// Of these, copies of repetitions that were the last to be in time for play-out.
    packets_duplicated_in_advance,
    /// Repetitions that had to wait for the retransmission budget.
    repeats_held_back,
    /// Copies that the retransmission budgets did not allow.
    copies_held_back,
    /// Data packets received that the peer sent again.
    packets_received_retransmitted,
    /// Acknowledgements sent.
    acks_sent,
    /// Acknowledgements received.
    acks_received,
    /// Loss reports sent.
    naks_sent,
    /// Loss reports received.
    naks_received,
    /// Packets given up before sending because they were too late.
    packets_send_dropped,
    /// Packets given up here: not there at their play-out time, or unreadable.
    packets_dropped,
    /// Packets that could not be decrypted.
    packets_undecrypted,
    /// Clear packets in a secured session, dropped (a downgrade attempt).
    packets_clear_refused,
    /// Packets that came after they had been given up.
    packets_belated,
    /// Packets received more than once.
    packets_duplicate,
    /// Packets there was no room for.
    packets_no_room,
    /// Packets that came out of order without having been repeated.
    packets_reordered,
    /// Packet filter: extra packets sent.
    filter_packets_sent,
    /// Packet filter: extra packets received.
    filter_packets_received,
    /// Packet filter: packets rebuilt that were of use.
    filter_packets_rebuilt,
    /// Packet filter: packets it could not rebuild.
    filter_packets_lost,
    /// Bytes sent.
    bytes_sent,
    /// Bytes sent for the first time.
    bytes_sent_unique,
    /// Bytes received.
    bytes_received,
    /// Bytes received for the first time.
    bytes_received_unique,
    /// Bytes found missing (estimate).
    bytes_lost,
    /// Bytes sent again.
    bytes_retransmitted,
    /// Bytes given up before sending.
    bytes_send_dropped,
    /// Bytes given up here (estimate).
    bytes_dropped,
    /// Payload bytes that could not be decrypted.
    bytes_received_undecrypted,
    /// Time spent with something to send, in microseconds.
    send_duration_micros,
    /// Control packets that were out of range or malformed, ignored.
    control_ignored,
    /// Key refreshes completed, both directions.
    key_refreshes,
}

/// Momentary values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gauges {
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Its mean deviation.
    pub rtt_variance: Duration,
    /// How much packet timing varies: arrivals against the sender's timestamps.
    pub jitter: Duration,
    /// Time between packets at the sending limit, in microseconds.
    pub send_period_micros: f64,
    /// Packets the peer allows in flight.
    pub flow_window_packets: u64,
    /// Packets congestion control allows in flight.
    pub congestion_window_packets: u64,
    /// Packets in flight.
    pub flight_packets: u64,
    /// Estimated capacity of the link: what the peer reports of our direction, or what is
    /// measured of the peer's.
    pub link_capacity: Bitrate,
    /// The sending limit in force.
    pub max_bandwidth: Bitrate,
    /// Largest datagram with its IP and UDP headers.
    pub segment_bytes: u64,
    /// Room in the send buffer.
    pub send_buffer_available_bytes: u64,
    /// Packets in the send buffer.
    pub send_buffer_packets: u64,
    /// Bytes in the send buffer.
    pub send_buffer_bytes: u64,
    /// Time between the oldest and the newest packet in the send buffer.
    pub send_buffer_time: Duration,
    /// The peer's receive latency.
    pub send_latency: Duration,
    /// Room in the receive buffer.
    pub receive_buffer_available_bytes: u64,
    /// Packets that arrived and are not yet due.
    pub receive_buffer_packets: u64,
    /// Their payload bytes.
    pub receive_buffer_bytes: u64,
    /// Time until the newest of them is due: the reserve against a stall.
    pub receive_buffer_time: Duration,
    /// The receive latency in force.
    pub receive_latency: Duration,
    /// How many places late the last reordered packet came.
    pub reorder_distance_packets: u64,
    /// How much reordering is not yet loss.
    pub reorder_tolerance_packets: u32,
    /// How late belated packets were on average.
    pub belated_average: Duration,
    /// Bytes per second that arrive, as reported to the sender.
    pub receive_bytes_per_second: u64,
    /// Packets per second that arrive, as reported to the sender.
    pub receive_packets_per_second: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

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
