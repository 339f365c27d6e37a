//! Relaying with and without delay, measured by our own endpoints on both sides.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::Bed;
use tidegate_engine::OutputState;
use tidegate_srt::{CallerConfig, ConnectionConfig, Received};
use tidegate_srt_io::{
    CallOptions, Clock, ConnectionHandle, EndReason, Fountain, Role, Sink, Wake,
};
use tidegate_testkit::{LossyRelay, eventually, media, peers};
use tidegate_units::Instant;

/// So long that no machine is so slow as to blur the difference between the two modes.
const LATENCY: Duration = Duration::from_secs(2);
const SPACING: Duration = Duration::from_millis(5);
const PACKETS: usize = 400;

/// Packets that originate evenly spaced, and are handed over unevenly.
struct Jittered {
    waiting: VecDeque<(Bytes, Instant, Instant)>,
}

impl Jittered {
    fn new(packets: &[u8], from: Instant) -> Self {
        let packet = |(number, bytes): (usize, &[u8])| {
            let number = u32::try_from(number).unwrap();
            let origin = from + SPACING * number;
            // 0 to 28 ms late, so that several pile up again and again.
            let leaves = origin + Duration::from_millis(u64::from(number * 7 % 5 * 7));
            (Bytes::copy_from_slice(bytes), origin, leaves)
        };
        Self {
            waiting: packets.chunks(1316).enumerate().map(packet).collect(),
        }
    }
}

impl Fountain for Jittered {
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)> {
        let (bytes, origin, _) = self.waiting.pop_front_if(|(_, _, leaves)| *leaves <= now)?;
        Some((bytes, origin))
    }

    fn next_due(&self) -> Option<Instant> {
        self.waiting.front().map(|(_, _, leaves)| *leaves)
    }

    fn attach(&mut self, _waker: Arc<dyn Wake>) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

/// Keeps what comes.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Received>>>);

impl Sink for Kept {
    fn receive(&mut self, packet: Received) {
        self.0.lock().unwrap().push(packet);
    }

    fn end_of_turn(&mut self, _now: Instant) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

fn call(bed: &Bed, port: u16, stream_id: &'static str, role: Role) -> ConnectionHandle {
    let to: SocketAddr = ([127, 0, 0, 1], port).into();
    let caller = CallerConfig {
        stream_id: Bytes::from_static(stream_id.as_bytes()),
        connection: ConnectionConfig {
            latency: LATENCY,
            peer_latency: LATENCY,
            ..ConnectionConfig::default()
        },
        ..CallerConfig::default()
    };
    let options = CallOptions::new(caller, role);
    bed.shards.call(to, options).unwrap()
}

fn read(bed: &Bed, output: &str, stream_id: &'static str) -> (Kept, ConnectionHandle) {
    let kept = Kept::default();
    let handle = call(
        bed,
        bed.port,
        stream_id,
        Role::Publisher(Box::new(kept.clone())),
    );
    eventually("the reader is there", || {
        (bed.output_status(output).readers == 1).then_some(())
    });
    (kept, handle)
}

/// What a reader got once it has everything: how far the time of each packet lies behind the
/// first one's, and when it arrived.
fn wait_for_all(kept: &Kept, sent: &[u8]) -> Vec<Received> {
    eventually("everything has arrived", || {
        (kept.0.lock().unwrap().len() >= PACKETS).then_some(())
    });
    let packets = kept.0.lock().unwrap().clone();
    let bytes: Vec<u8> = packets
        .iter()
        .flat_map(|packet| packet.payload.to_vec())
        .collect();
    common::assert_same(&bytes, sent);
    packets
}

/// The reader plays packets out as evenly as the source made them.
fn assert_spacing_kept(packets: &[Received]) {
    for (number, packet) in packets.iter().enumerate() {
        let ideal = packets[0].due + SPACING * u32::try_from(number).unwrap();
        let off = packet.due.saturating_since(ideal) + ideal.saturating_since(packet.due);
        assert!(
            off <= Duration::from_millis(1),
            "packet {number} is off by {off:?}"
        );
    }
}

fn source_and_outputs(bed: &Bed) {
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    for (name, more) in [("due", ""), ("at-once", r#", "low_delay": true"#)] {
        let settings =
            format!(r#"{{ "listener": "ingest", "stream_id": "{name}", "open": true {more} }}"#);
        bed.output(name, "cam1", &settings);
        eventually("the output is ready for readers", || {
            (bed.output_status(name).state == OutputState::Waiting).then_some(())
        });
    }
}

/// The status says what latencies are needed: the reader's must cover the source's, too.
fn assert_advised(bed: &Bed) {
    let advice = eventually("the reader is advised", || {
        let status = serde_json::to_value(bed.output_status("at-once")).ok()?;
        let advice = &status["detail"]["srt"]["readers"][0]["advice"];
        advice["latency_ms"].as_f64()?;
        Some(advice.clone())
    });
    let source = LATENCY.as_millis() as f64;
    let advised = advice["latency_ms"].as_f64().unwrap();
    assert!((source..source * 1.5).contains(&advised), "{advice}");
    assert_eq!(advice["enough_now"], false, "{advice}");
    let status = serde_json::to_value(bed.source_status("cam1")).unwrap();
    let why = status["srt"]["advice"]["why"][0].as_str().unwrap();
    assert!(why.starts_with("not enough data yet"), "{why}");
    let status = serde_json::to_value(bed.output_status("due")).unwrap();
    let reader = &status["detail"]["srt"]["readers"][0];
    assert_eq!(
        reader["advice"],
        serde_json::Value::Null,
        "nothing to cover"
    );
}

#[test]
fn one_source_is_relayed_when_due_and_at_once_and_both_keep_its_timing() {
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "latency": "2s" }"#);
    source_and_outputs(&bed);
    let (due, _due) = read(&bed, "due", "due");
    let (at_once, _at_once) = read(&bed, "at-once", "at-once");
    // One packet in twenty is lost at first, so there are gaps to wait behind.
    let relay = LossyRelay::start(([127, 0, 0, 1], bed.port).into(), 50, 7);
    let sent = media::numbered_ts(7 * PACKETS);
    let from = Clock::start().now() + Duration::from_secs(1);
    let publisher = Role::Reader(Box::new(Jittered::new(&sent, from)));
    let _publisher = call(&bed, relay.port(), "in", publisher);

    let early = wait_for_all(&at_once, &sent);
    let late = wait_for_all(&due, &sent);
    assert_advised(&bed);
    assert!(relay.lost() > 0, "nothing was lost, so nothing was shown");
    assert_spacing_kept(&early);
    assert_spacing_kept(&late);
    for (number, (early, late)) in early.iter().zip(&late).enumerate() {
        let origin = from + SPACING * u32::try_from(number).unwrap();
        // Released up to 4 ms ahead; the rest is for a handshake that came faster than media.
        let held = late.arrived.saturating_since(origin);
        assert!(
            held + Duration::from_millis(20) >= LATENCY,
            "packet {number} left after {held:?}"
        );
        let passed = early.arrived.saturating_since(origin);
        assert!(
            passed < LATENCY / 2,
            "packet {number} was held for {passed:?}"
        );
        // The far side's latency runs from where the packet comes from, not from the relay.
        let ahead = late.due.saturating_since(early.due);
        let off = ahead.abs_diff(LATENCY);
        assert!(
            off < LATENCY / 4,
            "packet {number} is due {ahead:?} earlier"
        );
    }
}

#[test]
fn a_push_at_once_and_a_reader_in_srt_live_transmit_get_every_byte() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    source_and_outputs(&bed);
    let port = tidegate_testkit::free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener");
    let pushed = common::Receiving::start("pushed", &url, bed.folder());
    let settings =
        format!(r#"{{ "call": "srt://127.0.0.1:{port}?latency=400", "low_delay": true }}"#);
    bed.output("push", "cam1", &settings);
    let reader = common::Receiving::start("reader", &bed.url("streamid=at-once"), bed.folder());
    eventually("both are there", || {
        let up = serde_json::to_value(bed.output_status("push")).ok()?;
        up["detail"]["srt"]["peer_version"].as_str()?;
        (bed.output_status("at-once").readers == 1).then_some(())
    });
    let sent = media::numbered_ts(7 * 1500);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    pushed.gathered.assert_carried(&sent);
    reader.gathered.assert_carried(&sent);
}
