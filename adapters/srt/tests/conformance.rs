//! SRT sources and outputs under the suite that every adapter passes.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{Bed, PASSPHRASE};
use tidegate_adapter_srt::{ListenerSettings, OutputSettings, SourceSettings};
use tidegate_engine::{NoSecrets, OutputAdapter, OutputDriver, SourceAdapter, SourceDriver};
use tidegate_srt::{CallerConfig, Received};
use tidegate_srt_io::{CallOptions, EndReason, Role, Shards, Sink};
use tidegate_testkit::conformance::{
    OutputSubject, Refusal, SourceSubject, check_output, check_settings, check_source,
};
use tidegate_testkit::{Process, free_udp_port, peers};
use tidegate_units::Instant;

fn output(bed: &Bed, settings: &str) -> Arc<dyn OutputDriver> {
    let settings: OutputSettings = serde_json::from_str(settings).unwrap();
    bed.adapter
        .output("under-test", &settings, &NoSecrets)
        .unwrap()
}

fn source(bed: &Bed, settings: &str) -> Arc<dyn SourceDriver> {
    let settings: SourceSettings = serde_json::from_str(settings).unwrap();
    bed.adapter
        .source("under-test", &settings, &NoSecrets)
        .unwrap()
}

/// Readers on a listener; the far side is a viewer that comes back whenever it is sent away.
struct Viewed {
    bed: Bed,
    received: Arc<AtomicU64>,
    stalled: Mutex<Option<Process>>,
}

struct Count(Arc<AtomicU64>);

impl Sink for Count {
    fn receive(&mut self, packet: Received) {
        self.0
            .fetch_add(packet.payload.len() as u64, Ordering::Relaxed);
    }
    fn end_of_turn(&mut self, _now: Instant) {}
    fn closed(&mut self, _reason: &EndReason) {}
}

async fn view(shards: Arc<Shards>, port: u16, received: Arc<AtomicU64>) {
    loop {
        let stream_id = Bytes::from_static(b"out");
        let caller = CallerConfig {
            stream_id,
            ..CallerConfig::default()
        };
        let role = Role::Publisher(Box::new(Count(Arc::clone(&received))));
        let to = ([127, 0, 0, 1], port).into();
        let options = CallOptions::new(caller, role);
        shards.call(to, options).unwrap().ended().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

impl OutputSubject for Viewed {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        output(
            &self.bed,
            r#"{ "listener": "ingest", "stream_id": "out", "open": true }"#,
        )
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn data_dir(&self) -> &Path {
        self.bed.folder()
    }

    /// A viewer that comes, and then stands still with its connection open.
    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        if !peers::have(&["srt-live-transmit"]) {
            return None;
        }
        let url = self.bed.url("streamid=slow");
        let process =
            peers::srt_live_transmit("slow", &url, "udp://127.0.0.1:9", self.bed.folder());
        std::thread::sleep(Duration::from_millis(500));
        process.signal(19);
        *self.stalled.lock().unwrap() = Some(process);
        Some(output(
            &self.bed,
            r#"{ "listener": "ingest", "stream_id": "slow", "open": true }"#,
        ))
    }
}

#[test]
fn an_output_on_a_listener_conforms() {
    let bed = Bed::new();
    let received = Arc::new(AtomicU64::new(0));
    bed.runtime.spawn(view(
        Arc::clone(&bed.shards),
        bed.port,
        Arc::clone(&received),
    ));
    let viewed = Viewed {
        bed,
        received,
        stalled: Mutex::new(None),
    };
    viewed.bed.runtime.block_on(check_output(&viewed));
}

/// A push; the far side is a source on a listener of ours.
struct Pushed {
    near: Bed,
    far: Bed,
}

impl Pushed {
    fn call(&self, stream_id: &str) -> Arc<dyn OutputDriver> {
        let port = self.far.port;
        let address =
            format!("srt://127.0.0.1:{port}?streamid={stream_id}&passphrase={PASSPHRASE}");
        output(&self.near, &format!(r#"{{ "call": "{address}" }}"#))
    }
}

impl OutputSubject for Pushed {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        self.call("in")
    }

    fn received(&self) -> u64 {
        self.far.engine.feed("far").carried().bytes
    }

    fn data_dir(&self) -> &Path {
        self.near.folder()
    }

    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        Some((self.call("nobody"), Refusal::Retried))
    }

    fn restart_peer(&self) -> bool {
        use tidegate_engine::ListenerAdapter;
        let bind = format!("127.0.0.1:{}", self.far.port).parse().unwrap();
        tokio::task::block_in_place(|| {
            self.near.runtime.block_on(async {
                self.far.adapter.remove_listener("ingest").await;
                let events = self.far.engine.events().clone();
                let settings = ListenerSettings::new(bind);
                self.far
                    .adapter
                    .set_listener("ingest", &settings, events)
                    .await
                    .unwrap();
            });
        });
        true
    }
}

#[test]
fn a_push_conforms() {
    let (near, far) = (Bed::new(), Bed::new());
    let settings =
        format!(r#"{{ "listener": "ingest", "stream_id": "in", "passphrase": "{PASSPHRASE}" }}"#);
    far.source("far", &settings);
    let pushed = Pushed { near, far };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(check_output(&pushed));
}

/// A source whose sender is ffmpeg.
struct Fed {
    bed: Bed,
    settings: String,
    refused: String,
    sends_to: String,
    sender: Mutex<Option<Process>>,
}

impl SourceSubject for Fed {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        source(&self.bed, &self.settings)
    }

    fn data_dir(&self) -> &Path {
        self.bed.folder()
    }

    fn start_sender(&self) {
        let sender = peers::test_picture("sender", &self.sends_to, self.bed.folder());
        *self.sender.lock().unwrap() = Some(sender);
    }

    fn kill_sender(&self) {
        *self.sender.lock().unwrap() = None;
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        (!self.refused.is_empty()).then(|| source(&self.bed, &self.refused))
    }
}

fn check_fed(fed: &Fed) {
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(check_source(fed));
}

#[test]
fn a_source_on_a_listener_conforms() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    check_fed(&Fed {
        settings: r#"{ "listener": "ingest", "stream_id": "in" }"#.into(),
        refused: String::new(),
        sends_to: bed.url("streamid=in"),
        bed,
        sender: Mutex::new(None),
    });
}

#[test]
fn a_pull_conforms() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    check_fed(&Fed {
        settings: format!(r#"{{ "call": "srt://127.0.0.1:{port}" }}"#),
        refused: format!(r#"{{ "call": "{}" }}"#, bed.url("streamid=nobody")),
        sends_to: format!("srt://127.0.0.1:{port}?mode=listener"),
        bed,
        sender: Mutex::new(None),
    });
}

#[test]
fn settings_conform() {
    let read = |text: &str| serde_json::from_str::<SourceSettings>(text).unwrap();
    check_settings(&ListenerSettings::new(([0, 0, 0, 0], 9000).into()));
    check_settings(&read(
        r#"{ "listener": "a", "stream_id": "b", "passphrase": "0123456789" }"#,
    ));
    check_settings(&read(r#"{ "call": "srt://h:1?streamid=x&latency=120" }"#));
    let read = |text: &str| serde_json::from_str::<OutputSettings>(text).unwrap();
    check_settings(&read(
        r#"{ "listener": "a", "stream_id": "b", "open": true }"#,
    ));
    check_settings(&read(
        r#"{ "call": "srt://h:1?passphrase=0123456789", "latency": "1s" }"#,
    ));
}
