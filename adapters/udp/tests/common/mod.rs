//! What the tests of this adapter share.
#![allow(dead_code, reason = "each test file uses some of it")]

use core::time::Duration;
use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use tidegate_adapter_udp::{
    Adapter, OutputSettings, RtpAdapter, RtpOutputSettings, RtpSourceSettings, SourceSettings,
};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Feed, NoSecrets, OutputAdapter, OutputDriver,
    OutputSpec, Reader, ReaderOptions, SourceAdapter, SourceDriver, SourceSpec, SourceStatus,
    TsChunk,
};
use tidegate_rtp::Header;
use tidegate_testkit::free_udp_port;

/// Bytes of seven packets.
pub(crate) const DATAGRAM: usize = 1316;

pub(crate) fn engine() -> Engine {
    Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    })
}

pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}

pub(crate) fn udp_source(settings: &str) -> Arc<dyn SourceDriver> {
    let settings: SourceSettings = serde_json::from_str(settings).unwrap();
    Adapter::new().source("in", &settings, &NoSecrets).unwrap()
}

pub(crate) fn rtp_source(settings: &str) -> Arc<dyn SourceDriver> {
    let settings: RtpSourceSettings = serde_json::from_str(settings).unwrap();
    RtpAdapter::new()
        .source("in", &settings, &NoSecrets)
        .unwrap()
}

pub(crate) fn udp_output(settings: &str) -> Arc<dyn OutputDriver> {
    let settings: OutputSettings = serde_json::from_str(settings).unwrap();
    Adapter::new().output("out", &settings, &NoSecrets).unwrap()
}

pub(crate) fn rtp_output(settings: &str) -> Arc<dyn OutputDriver> {
    let settings: RtpOutputSettings = serde_json::from_str(settings).unwrap();
    RtpAdapter::new()
        .output("out", &settings, &NoSecrets)
        .unwrap()
}

/// A port that is free together with the five above it, which no other test gets: sums come
/// 2 and 4 above media, and RTP programs send reports 1 above.
pub(crate) fn ports_in_a_row() -> u16 {
    static ONE_AFTER_THE_OTHER: Mutex<()> = Mutex::new(());
    let _turn = ONE_AFTER_THE_OTHER.lock();
    let mut ours = BTreeSet::new();
    loop {
        ours.insert(free_udp_port());
        let is_first = |port: &&u16| (1..6).all(|above| ours.contains(&(*port + above)));
        if let Some(port) = ours.iter().find(is_first) {
            return *port;
        }
    }
}

/// An engine with the source "in", and a reader of all that comes.
pub(crate) async fn receiving(driver: Arc<dyn SourceDriver>) -> (Engine, Reader<TsChunk>) {
    let engine = engine();
    let reader = engine.feed("in").read_ts(big_queue());
    let spec = SourceSpec {
        driver,
        expect: None,
    };
    engine.set_source("in", spec).await.unwrap();
    until("its sockets are open", || {
        let status = status(&engine);
        let is_waiting = |reason: &String| reason.contains("waiting for packets");
        let is_open = status.connection_reason.as_ref().is_some_and(is_waiting);
        (is_open || status.connection == Connection::Connected).then_some(())
    })
    .await;
    (engine, reader)
}

pub(crate) fn big_queue() -> ReaderOptions {
    ReaderOptions {
        max_batches: 100_000,
        max_bytes: 256 << 20,
        ..ReaderOptions::default()
    }
}

pub(crate) fn status(engine: &Engine) -> SourceStatus {
    engine.source_status("in").unwrap()
}

/// Some figure of the source's details.
pub(crate) fn detail(engine: &Engine, pointer: &str) -> serde_json::Value {
    let shown = serde_json::to_value(status(engine)).unwrap();
    shown.pointer(pointer).cloned().unwrap_or_default()
}

/// An engine with the output "out" of the source "cam1", and the feed to fill.
pub(crate) async fn sending(driver: Arc<dyn OutputDriver>) -> (Engine, Feed) {
    let engine = engine();
    let spec = OutputSpec {
        source: "cam1".into(),
        driver,
    };
    engine.set_output("out", spec).await.unwrap();
    let feed = engine.feed("cam1");
    until("it reads", || (feed.reader_count() > 0).then_some(())).await;
    (engine, feed)
}

/// Everything that has come.
pub(crate) fn drain(reader: &mut Reader<TsChunk>, into: &mut Vec<u8>) -> u32 {
    let mut lost = 0;
    while let Some(batch) = reader.try_next() {
        for chunk in batch.items() {
            lost += chunk.lost_before;
            into.extend_from_slice(&chunk.bytes);
        }
    }
    lost
}

/// Sends a stream in a circle until it is dropped.
#[derive(Debug)]
pub(crate) struct Sender {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    /// Seven packets each millisecond; with an RTP header if asked.
    pub(crate) fn start(to: SocketAddr, media: Vec<u8>, rtp: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let ssrc = u32::from(socket.local_addr().unwrap().port());
            let datagrams = media.chunks(DATAGRAM).cycle();
            for (payload, sequence) in datagrams.zip(0_u32..) {
                if asked.load(Ordering::Relaxed) {
                    return;
                }
                let header = Header {
                    payload_type: 33,
                    sequence: sequence as u16,
                    timestamp: sequence * 90,
                    ssrc,
                    marker: false,
                };
                let sent = if rtp {
                    socket.send_to(&header.packet(payload), to)
                } else {
                    socket.send_to(payload, to)
                };
                // A receiver that is not there yet is no reason to stop.
                drop(sent);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
