//! A connection's statistics as the API shows them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_srt::{CipherMode, Counters, Gauges, Negotiated, Statistics};
use tidegate_srt_io::ConnectionStatus;

/// Which way media flows on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To us.
    In,
    /// To the peer.
    Out,
}

/// Everything about a connection; the names scripts rely on come first.
pub(crate) fn connection(
    status: &ConnectionStatus,
    stream_id: &str,
    direction: Direction,
) -> Value {
    let mut details = Map::new();
    details.insert("stream_id".into(), stream_id.into());
    details.insert("peer".into(), status.peer.to_string().into());
    if let Some(negotiated) = &status.negotiated {
        details.insert("encryption".into(), encryption(negotiated).into());
        details.insert(
            "peer_version".into(),
            negotiated.peer_version.to_string().into(),
        );
    }
    if let Some(statistics) = &status.statistics {
        add_main_figures(&mut details, statistics, direction);
        details.insert("uptime_ms".into(), millis(statistics.uptime));
        details.insert("silent_ms".into(), millis(statistics.silent_for));
        details.insert("send_rate_bps".into(), statistics.send_rate.as_bps().into());
        details.insert(
            "receive_rate_bps".into(),
            statistics.receive_rate.as_bps().into(),
        );
        details.insert("total".into(), counters(&statistics.total));
        details.insert("interval".into(), counters(&statistics.interval));
        details.insert("interval_ms".into(), millis(statistics.interval_time));
        details.insert("instant".into(), gauges(&statistics.instant));
    }
    Value::Object(details)
}

fn add_main_figures(details: &mut Map<String, Value>, statistics: &Statistics, way: Direction) {
    let (total, instant) = (&statistics.total, &statistics.instant);
    let (latency, lost, repeated, dropped) = match way {
        Direction::In => (
            instant.receive_latency,
            total.packets_lost,
            total.packets_received_retransmitted,
            total.packets_dropped,
        ),
        Direction::Out => (
            instant.send_latency,
            total.packets_send_lost,
            total.packets_retransmitted,
            total.packets_send_dropped,
        ),
    };
    let figures = [
        ("rtt_ms", millis(instant.rtt)),
        ("jitter_ms", millis(instant.jitter)),
        ("latency_ms", millis(latency)),
        ("packets_received", total.packets_received.into()),
        ("packets_sent", total.packets_sent.into()),
        ("packets_lost", lost.into()),
        ("packets_retransmitted", repeated.into()),
        ("packets_dropped", dropped.into()),
        ("packets_undecrypted", total.packets_undecrypted.into()),
        ("receive_buffer_ms", millis(instant.receive_buffer_time)),
        ("send_buffer_ms", millis(instant.send_buffer_time)),
    ];
    for (name, value) in figures {
        details.insert(name.into(), value);
    }
}

/// `none`, `aes-128-ctr` …
pub(crate) fn encryption(negotiated: &Negotiated) -> String {
    let Some((cipher, length)) = negotiated.encryption else {
        return "none".into();
    };
    let mode = match cipher {
        CipherMode::Ctr => "ctr",
        CipherMode::Gcm => "gcm",
    };
    format!("aes-{}-{mode}", length.bytes() * 8)
}

fn millis(time: Duration) -> Value {
    // To the microsecond: more digits only look precise.
    json!((time.as_secs_f64() * 1_000_000.0).round() / 1000.0)
}

macro_rules! object {
    ($from:expr, $($field:ident)*) => {{
        let mut object = Map::new();
        $(object.insert(stringify!($field).into(), $from.$field.into());)*
        Value::Object(object)
    }};
}

fn counters(c: &Counters) -> Value {
    object!(c,
        packets_sent packets_sent_unique packets_received packets_received_unique
        packets_send_lost packets_lost packets_retransmitted packets_received_retransmitted
        acks_sent acks_received naks_sent naks_received packets_send_dropped packets_dropped
        packets_undecrypted packets_clear_refused packets_belated packets_duplicate
        packets_no_room packets_reordered filter_packets_sent filter_packets_received
        filter_packets_rebuilt filter_packets_lost bytes_sent bytes_sent_unique bytes_received
        bytes_acknowledged bytes_received_unique bytes_lost bytes_retransmitted
        bytes_send_dropped bytes_dropped
        bytes_received_undecrypted send_duration_micros control_ignored key_refreshes)
}

fn gauges(g: &Gauges) -> Value {
    json!({
        "rtt_ms": millis(g.rtt),
        "rtt_variance_ms": millis(g.rtt_variance),
        "jitter_ms": millis(g.jitter),
        "send_period_micros": g.send_period_micros,
        "flow_window_packets": g.flow_window_packets,
        "congestion_window_packets": g.congestion_window_packets,
        "flight_packets": g.flight_packets,
        "link_capacity_bps": g.link_capacity.as_bps(),
        "max_bandwidth_bps": g.max_bandwidth.as_bps(),
        "segment_bytes": g.segment_bytes,
        "send_buffer_available_bytes": g.send_buffer_available_bytes,
        "send_buffer_packets": g.send_buffer_packets,
        "send_buffer_bytes": g.send_buffer_bytes,
        "send_buffer_ms": millis(g.send_buffer_time),
        "send_latency_ms": millis(g.send_latency),
        "receive_buffer_available_bytes": g.receive_buffer_available_bytes,
        "receive_buffer_packets": g.receive_buffer_packets,
        "receive_buffer_bytes": g.receive_buffer_bytes,
        "receive_buffer_ms": millis(g.receive_buffer_time),
        "receive_latency_ms": millis(g.receive_latency),
        "reorder_distance_packets": g.reorder_distance_packets,
        "reorder_tolerance_packets": g.reorder_tolerance_packets,
        "belated_average_ms": millis(g.belated_average),
        "receive_bytes_per_second": g.receive_bytes_per_second,
        "receive_packets_per_second": g.receive_packets_per_second,
    })
}
