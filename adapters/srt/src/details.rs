//! A connection's statistics as the API shows them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_srt::{
    Advice, CipherMode, Counters, Figure, Gauges, KeyState, Negotiated, Statistics, TooEarly,
};
use tidegate_srt_io::ConnectionStatus;

use crate::figures::Measured;
use crate::low_delay::SourceLatency;

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
    measured: Option<&Measured>,
) -> Value {
    let mut details = connection(status, stream_id, Direction::In);
    if let Some(measured) = measured {
        let loss = measured.transport.loss_percent.unwrap_or_default();
        details["loss_percent"] = json!((loss * 1000.0).round() / 1000.0);
        details["advice"] = advice(&measured.advice);
    }
    details
}

/// Everything about a connection to a receiver; with low delay, what its latency must cover.
pub(crate) fn output(
    status: &ConnectionStatus,
    stream_id: &str,
    low_delay: Option<&SourceLatency>,
) -> Value {
    let mut details = connection(status, stream_id, Direction::Out);
    if let Some(advice) = low_delay.and_then(|latency| latency.advice(status)) {
        details["advice"] = advice;
    }
    details
}

/// What to set, and why; without an answer yet, why not.
fn advice(advice: &Result<Advice, TooEarly>) -> Value {
    match advice {
        Ok(advice) => json!({
            "latency_ms": millis(advice.latency),
            "overhead_percent": advice.overhead_percent,
            "bandwidth_bps": advice.bandwidth.as_bps(),
            "enough_now": advice.enough_now,
            "why": advice.why,
        }),
        Err(early) => json!({
            "latency_ms": null,
            "overhead_percent": null,
            "bandwidth_bps": null,
            "enough_now": null,
            "why": [early.to_string()],
        }),
    }
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
        let filter = negotiated.packet_filter;
        let filter = filter.map_or_else(|| "none".into(), |filter| filter.to_string());
        details.insert("packet_filter".into(), filter.into());
        details.insert(
            "peer_version".into(),
            negotiated.peer_version.to_string().into(),
        );
    }
    if let Some(statistics) = &status.statistics {
        let states = [
            ("km_state_receive", statistics.receive_keys),
            ("km_state_send", statistics.send_keys),
        ];
        for (name, state) in states {
            details.insert(name.into(), key_state(state).into());
        }
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
        ("rtt_ms", rtt(statistics)),
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

/// By which passphrase the peer came in: its place in the settings, never itself.
pub(crate) fn add_passphrase(details: &mut Value, label: Option<&Arc<str>>) {
    if let (Some(details), Some(label)) = (details.as_object_mut(), label) {
        details.insert("passphrase_used".into(), label.to_string().into());
    }
}

/// libsrt's `SRT_KM_STATE`, without its prefix.
const fn key_state(state: KeyState) -> &'static str {
    match state {
        KeyState::Unsecured => "unsecured",
        KeyState::Securing => "securing",
        KeyState::Secured => "secured",
        KeyState::NoSecret => "no_secret",
        KeyState::BadSecret => "bad_secret",
        KeyState::BadCryptoMode => "bad_crypto_mode",
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

/// Null until a round trip has been measured.
pub(crate) fn rtt(statistics: &Statistics) -> Value {
    let known = statistics.rtt_known;
    known.then(|| millis(statistics.instant.rtt)).into()
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

pub(crate) fn gauges(gauges: &Gauges) -> Value {
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
pub(crate) mod tests {
    use super::*;
    use tidegate_engine::TransportFigures;
    use tidegate_srt_io::ConnectionState;
    use tidegate_units::{Bitrate, Instant};

    pub(crate) fn status() -> ConnectionStatus {
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
            rtt_known: true,
            receive_keys: KeyState::Unsecured,
            send_keys: KeyState::Unsecured,
        };
        ConnectionStatus {
            state: ConnectionState::Connected,
            peer: ([127, 0, 0, 1], 9000).into(),
            negotiated: None,
            statistics: Some(statistics),
            host_drops: 5,
            links: Arc::default(),
            legs: Arc::default(),
            connected_at: None,
            at: Instant::ZERO,
        }
    }

    #[test]
    fn a_source_shows_what_is_advised_and_why_not_yet() {
        let transport = TransportFigures {
            loss_percent: Some(2.12345),
            ..TransportFigures::default()
        };
        let shown = |advice| {
            let measured = Measured { transport, advice };
            source(&status(), "cam", Some(&measured))
        };
        let advice = Advice {
            latency: Duration::from_millis(210),
            overhead_percent: 25,
            bandwidth: Bitrate::from_bps(10_000_000),
            rtt: Duration::from_millis(48),
            jitter: Duration::from_millis(3),
            loss_percent: 2.1,
            enough_now: false,
            why: vec!["RTT 48 ms".to_owned()],
        };
        let given = shown(Ok(advice));
        assert_eq!(given["loss_percent"], 2.123);
        assert_eq!(
            given["advice"],
            json!({
                "latency_ms": 210.0, "overhead_percent": 25, "bandwidth_bps": 10_000_000,
                "enough_now": false, "why": ["RTT 48 ms"],
            })
        );
        let measured = Duration::from_secs(12);
        let early = shown(Err(TooEarly { measured }));
        assert_eq!(early["advice"]["latency_ms"], Value::Null);
        let why = "not enough data yet: 12 of 30 seconds measured";
        assert_eq!(early["advice"]["why"][0], why);
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
