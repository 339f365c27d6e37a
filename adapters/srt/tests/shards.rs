//! Feeds and limits across many media threads.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::Bed;
use tidegate_engine::ListenerAdapter;
use tidegate_srt::{CallerConfig, CloseReason, Received};
use tidegate_srt_io::{
    CallOptions, ConnectionHandle, ConnectionState, EndReason, Fountain, Role, Shards,
    ShardsConfig, Sink, Wake,
};
use tidegate_testkit::eventually;
use tidegate_units::Instant;

const SHARDS: usize = 8;
const READERS: usize = 32;
const PACKETS: u32 = 2000;
/// So long that nothing is dropped on a busy machine.
const LATENCY: Duration = Duration::from_secs(2);

/// Sends numbered packets, five every five milliseconds, once told to.
struct Numbered {
    waiting: VecDeque<Bytes>,
    go: Arc<Mutex<bool>>,
    next_at: Instant,
}

impl Numbered {
    fn new(go: &Arc<Mutex<bool>>) -> Self {
        let packet = |number: u32| Bytes::from(number.to_be_bytes().repeat(329));
        Self {
            waiting: (0..PACKETS).map(packet).collect(),
            go: Arc::clone(go),
            next_at: Instant::ZERO,
        }
    }
}

impl Fountain for Numbered {
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)> {
        if now < self.next_at {
            return None;
        }
        if self.waiting.len().is_multiple_of(5) {
            self.next_at = now + Duration::from_millis(5);
        }
        if !*self.go.lock().unwrap() {
            return None;
        }
        Some((self.waiting.pop_front()?, now))
    }

    fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    fn attach(&mut self, _waker: Arc<dyn Wake>) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

/// The numbers of the packets that came.
#[derive(Clone, Default)]
struct Came(Arc<Mutex<Vec<u32>>>);

impl Sink for Came {
    fn receive(&mut self, packet: Received) {
        let number = packet.payload.first_chunk().unwrap();
        self.0.lock().unwrap().push(u32::from_be_bytes(*number));
    }

    fn end_of_turn(&mut self, _now: Instant) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

/// Media threads for callers, apart from those under test.
fn callers() -> Arc<Shards> {
    let config = ShardsConfig {
        threads: 2,
        ..ShardsConfig::default()
    };
    Shards::start(&config).unwrap()
}

fn call(near: &Shards, bed: &Bed, stream_id: &'static str, role: Role) -> ConnectionHandle {
    let mut caller = CallerConfig {
        stream_id: Bytes::from_static(stream_id.as_bytes()),
        connect_timeout: Duration::from_secs(20),
        ..CallerConfig::default()
    };
    caller.connection.latency = LATENCY;
    caller.connection.peer_latency = LATENCY;
    let to = ([127, 0, 0, 1], bed.port).into();
    near.call(to, CallOptions::new(caller, role)).unwrap()
}

fn counter(bed: &Bed, name: &str) -> u64 {
    let counters = bed.adapter.listener_status("ingest").unwrap().counters;
    counters[name].as_u64().unwrap()
}

fn feed_reaches_every_shard(output: &str) {
    let bed = Bed::with_shards(SHARDS, r#"{ "bind": "127.0.0.1:0" }"#);
    let near = callers();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "cam1" }"#);
    bed.output("out", "cam1", output);
    let go = Arc::new(Mutex::new(false));
    let publisher = call(
        &near,
        &bed,
        "cam1",
        Role::Reader(Box::new(Numbered::new(&go))),
    );
    bed.wait_connected("cam1");
    let readers: Vec<(Came, ConnectionHandle)> = (0..READERS)
        .map(|_| {
            let came = Came::default();
            let role = Role::Publisher(Box::new(came.clone()));
            let handle = call(&near, &bed, "out", role);
            (came, handle)
        })
        .collect();
    eventually("all readers are there", || {
        (bed.output_status("out").readers == READERS as u64).then_some(())
    });
    let on_each = bed.shards.connections();
    assert!(on_each.iter().all(|count| *count >= 2), "{on_each:?}");

    *go.lock().unwrap() = true;
    let wanted: Vec<u32> = (0..PACKETS).collect();
    for (came, _) in &readers {
        eventually("everything has arrived, each packet once", || {
            let came = came.0.lock().unwrap();
            assert!(came.len() <= wanted.len(), "something came twice");
            (came.len() == wanted.len()).then_some(())
        });
        assert_eq!(*came.0.lock().unwrap(), wanted);
    }
    assert_eq!(counter(&bed, "hand_over_lost"), 0);
    assert_eq!(counter(&bed, "send_given_up"), 0);

    publisher.close();
    for (_, reader) in &readers {
        reader.close();
    }
    eventually("nobody is left on any shard", || {
        (bed.shards.connections() == [0; SHARDS]).then_some(())
    });
    let ended = ConnectionState::Ended(EndReason::Closed(CloseReason::Local));
    for (_, reader) in &readers {
        eventually("the reader has ended as it asked to", || {
            (reader.status().state == ended).then_some(())
        });
    }
    bed.runtime.block_on(near.stop());
}

#[test]
fn a_feed_reaches_readers_on_every_shard_when_its_packets_are_due() {
    feed_reaches_every_shard(r#"{ "listener": "ingest", "stream_id": "out", "open": true }"#);
}

#[test]
fn a_feed_reaches_low_delay_readers_on_every_shard() {
    feed_reaches_every_shard(
        r#"{ "listener": "ingest", "stream_id": "out", "open": true, "low_delay": true }"#,
    );
}

#[test]
fn limits_of_a_listener_and_of_an_output_hold_for_all_shards_together() {
    for (listener, output, room) in [
        (r#", "max_connections_per_address": 5"#, "", 5),
        // A tenth is kept for publishers.
        (r#", "max_connections": 10"#, "", 9),
        ("", r#", "max_readers": 3"#, 3),
    ] {
        let settings = format!(r#"{{ "bind": "127.0.0.1:0" {listener} }}"#);
        let bed = Bed::with_shards(SHARDS, &settings);
        let near = callers();
        bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "cam1" }"#);
        let output =
            format!(r#"{{ "listener": "ingest", "stream_id": "out", "open": true {output} }}"#);
        bed.output("out", "cam1", &output);
        let sink = || Role::Publisher(Box::new(Came::default()));
        let readers: Vec<_> = (0..24).map(|_| call(&near, &bed, "out", sink())).collect();
        let count = |is: fn(&ConnectionState) -> bool| {
            let states = readers.iter().map(|reader| reader.status().state.clone());
            states.filter(is).count()
        };
        eventually("everybody has an answer", || {
            (count(|state| *state == ConnectionState::Opening) == 0).then_some(())
        });
        let connected = count(|state| *state == ConnectionState::Connected);
        assert_eq!(connected, room, "{listener}{output}");
        bed.runtime.block_on(near.stop());
    }
}
