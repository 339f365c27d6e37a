//! A connection's statistics as the API shows them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_engine::TransportFigures;
use tidegate_srt::{CipherMode, Counters, Figure, Gauges, Negotiated, Statistics};
use tidegate_srt_io::ConnectionStatus;

/// Which way media flows on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To us.
    In,
    /// To the peer.
    Out,
}

/// Everything about the connection of a source.
pub(crate) fn source(
    status: &ConnectionStatus,
    stream_id: &str,
    transport: Option<&TransportFigures>,
) -> Value {
    let mut details = connection(status, stream_id, Direction::In);
    if let Some(loss) = transport.and_then(|figures| figures.loss_percent) {
        details["loss_percent"] = json!((loss * 1000.0).round() / 1000.0);
    }
    details
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
        details.insert("host_drops_packets".into(), status.host_drops.into());
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

pub(crate) fn millis(time: Duration) -> Value {
    // To the microsecond: more digits only look precise.
    json!((time.as_secs_f64() * 1_000_000.0).round() / 1000.0)
}

/// Every counter under its own name.
pub(crate) fn counters(counters: &Counters) -> Value {
    let each = counters.each();
    Value::Object(
        each.map(|(name, count)| (name.into(), count.into()))
            .collect(),
    )
}

fn gauges(gauges: &Gauges) -> Value {
    let shown = |figure| match figure {
        Figure::Whole(value) => json!(value),
        Figure::Fraction(value) => json!(value),
    };
    let each = gauges.each();
    Value::Object(
        each.map(|(name, figure)| (name.into(), shown(figure)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_srt_io::ConnectionState;
    use tidegate_units::{Bitrate, Instant};

    fn status() -> ConnectionStatus {
        let counted = Counters::default();
        let statistics = Statistics {
            at: Instant::ZERO,
            uptime: Duration::ZERO,
            silent_for: Duration::ZERO,
            total: counted,
            interval: counted,
            interval_time: Duration::from_secs(1),
            send_rate: Bitrate::from_bps(0),
            receive_rate: Bitrate::from_bps(0),
            instant: Gauges::default(),
        };
        ConnectionStatus {
            state: ConnectionState::Connected,
            peer: ([127, 0, 0, 1], 9000).into(),
            negotiated: None,
            statistics: Some(statistics),
            host_drops: 5,
            links: std::sync::Arc::default(),
            connected_at: None,
            at: Instant::ZERO,
        }
    }

    #[test]
    fn every_figure_is_shown_in_total_interval_and_instant() {
        for way in [Direction::In, Direction::Out] {
            let shown = connection(&status(), "cam", way);
            for one in Counters::ALL {
                for span in ["total", "interval"] {
                    assert!(shown[span][one.name].is_u64(), "{span} {}", one.name);
                }
            }
            for one in Gauges::ALL {
                assert!(shown["instant"][one.name].is_number(), "{}", one.name);
            }
            assert_eq!(shown["host_drops_packets"], 5);
        }
    }
}
