//! An engine with the SRT adapter and one listener, on loopback.
#![allow(dead_code, reason = "each test file uses its part of it")]
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_adapter_srt::{Adapter, ListenerSettings, OutputSettings, SourceSettings};
use tidegate_engine::{
    Connection, Engine, EngineConfig, Event, EventKind, ListenerAdapter, NoSecrets, OutputAdapter,
    OutputSpec, OutputStatus, ReaderOptions, Rejection, SourceAdapter, SourceSpec, SourceStatus,
};
use tidegate_srt_io::{Clock, Shards, ShardsConfig};
use tidegate_testkit::{Process, eventually};
use tidegate_udp::{Interest, Options, Poller, RecvBatch, Socket};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::Receiver;

pub(crate) const PASSPHRASE: &str = "correct horse battery";

/// Packets that push the interesting ones out of the sending program.
pub(crate) const TAIL_PACKETS: usize = 40;
/// How long media may take to get through.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Bed {
    pub(crate) runtime: Runtime,
    pub(crate) engine: Engine,
    pub(crate) adapter: Adapter,
    pub(crate) shards: Arc<Shards>,
    pub(crate) port: u16,
    folder: TempDir,
    events: Mutex<(Receiver<Event>, Vec<Event>)>,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with_listener(r#"{ "bind": "127.0.0.1:0", "latency": "200ms" }"#)
    }

    pub(crate) fn with_listener(settings: &str) -> Self {
        Self::with_shards(2, settings)
    }

    pub(crate) fn with_shards(threads: usize, settings: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let _inside = runtime.enter();
        let folder = TempDir::new().unwrap();
        let data_dir = folder.path().to_owned();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir,
        });
        let config = ShardsConfig {
            threads,
            // What has to work between shards is to be seen with few connections.
            packed_connections: 0,
            ..ShardsConfig::default()
        };
        let shards = Shards::start(&config).unwrap();
        let adapter = Adapter::new(Arc::clone(&shards));
        let settings: ListenerSettings = serde_json::from_str(settings).unwrap();
        let events = engine.events().clone();
        let received = events.subscribe();
        let bound = runtime
            .block_on(adapter.set_listener("ingest", &settings, events))
            .unwrap();
        Self {
            engine,
            adapter,
            shards,
            port: bound.port(),
            folder,
            events: Mutex::new((received, Vec::new())),
            runtime,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where callers find it, with options.
    pub(crate) fn url(&self, options: &str) -> String {
        format!("srt://127.0.0.1:{}?{options}", self.port)
    }

    /// Gives a source that may be running these settings.
    pub(crate) fn change_source(&self, name: &str, settings: &str) {
        let settings: SourceSettings = serde_json::from_str(settings).unwrap();
        let driver = self.adapter.source(name, &settings, &NoSecrets).unwrap();
        let spec = SourceSpec {
            driver,
            expect: None,
        };
        self.runtime
            .block_on(self.engine.set_source(name, spec))
            .unwrap();
    }

    pub(crate) fn source(&self, name: &str, settings: &str) {
        self.change_source(name, settings);
        let settings: SourceSettings = serde_json::from_str(settings).unwrap();
        if settings.call.is_none() {
            // Disconnected it is from the beginning; what it waits for it says when it does.
            let waits = |status: &SourceStatus| status.connection_reason.is_some();
            eventually("the source waits", || {
                self.source_status(name).filter(waits)
            });
        }
    }

    pub(crate) fn output(&self, name: &str, source: &str, settings: &str) {
        let settings: OutputSettings = serde_json::from_str(settings).unwrap();
        let driver = self.adapter.output(name, &settings, &NoSecrets).unwrap();
        let spec = OutputSpec {
            source: source.to_owned(),
            driver,
        };
        self.runtime
            .block_on(self.engine.set_output(name, spec))
            .unwrap();
    }

    pub(crate) fn source_status(&self, name: &str) -> Option<SourceStatus> {
        self.engine.source_status(name)
    }

    pub(crate) fn output_status(&self, name: &str) -> OutputStatus {
        self.engine.output_status(name).unwrap()
    }

    pub(crate) fn is_connected(&self, name: &str) -> bool {
        self.source_status(name)
            .is_some_and(|s| s.connection == Connection::Connected)
    }

    pub(crate) fn wait_connected(&self, name: &str) {
        eventually("the source is connected", || {
            self.is_connected(name).then_some(())
        });
    }

    /// Publishes `bytes` to `source`, with the options of a caller.
    pub(crate) fn publish(&self, source: &str, options: &str, bytes: &[u8]) -> Sender {
        self.send(source, &self.url(options), bytes)
    }

    /// Sends `bytes` to `url`, from where they get to `source`.
    pub(crate) fn send(&self, source: &str, url: &str, bytes: &[u8]) -> Sender {
        let feed = self.engine.feed(source);
        let before = feed.carried().bytes;
        let arrives = || feed.carried().bytes > before;
        let mut sender = Sender::start(&format!("to-{source}"), url, self.folder(), arrives);
        sender.send(bytes);
        sender
    }

    /// Gathers what arrives in a source's feed from now on.
    pub(crate) fn gather(&self, source: &str) -> Gathered {
        let options = ReaderOptions {
            max_batches: 1 << 16,
            max_bytes: 200 << 20,
            ..Default::default()
        };
        let mut reader = self.engine.feed(source).read_ts(options);
        let gathered = Gathered::default();
        let bytes = Arc::clone(&gathered.0);
        self.runtime.spawn(async move {
            loop {
                let batch = reader.next().await;
                let mut bytes = bytes.lock().unwrap();
                for chunk in batch.items() {
                    bytes.extend_from_slice(&chunk.bytes);
                }
            }
        });
        gathered
    }

    /// The next rejection that is journalled for `stream_id`.
    pub(crate) fn rejection(&self, stream_id: &str) -> Rejection {
        eventually("the rejection is journalled", || {
            let mut events = self.events.lock().unwrap();
            while let Ok(event) = events.0.try_recv() {
                events.1.push(event);
            }
            let found = events.1.iter().position(|event| match &event.kind {
                EventKind::ConnectionRejected(rejection) => rejection.stream_id == stream_id,
                _ => false,
            })?;
            match events.1.remove(found).kind {
                EventKind::ConnectionRejected(rejection) => Some(rejection),
                _ => None,
            }
        })
    }

    /// Whether something odd was journalled in such words.
    pub(crate) fn has_notice(&self, words: &str) -> bool {
        let mut events = self.events.lock().unwrap();
        while let Ok(event) = events.0.try_recv() {
            events.1.push(event);
        }
        events.1.iter().any(|event| match &event.kind {
            EventKind::Notice { message } => message.contains(words),
            _ => false,
        })
    }

    /// Waits for a notice that begins so.
    pub(crate) fn notice(&self, begins: &str) {
        eventually(begins, || {
            let mut events = self.events.lock().unwrap();
            while let Ok(event) = events.0.try_recv() {
                events.1.push(event);
            }
            let is_it = |event: &Event| match &event.kind {
                EventKind::Notice { message } => message.starts_with(begins),
                _ => false,
            };
            events.1.iter().any(is_it).then_some(())
        });
    }

    pub(crate) fn has_rejections(&self) -> bool {
        let mut events = self.events.lock().unwrap();
        while let Ok(event) = events.0.try_recv() {
            events.1.push(event);
        }
        events
            .1
            .iter()
            .any(|event| matches!(event.kind, EventKind::ConnectionRejected(_)))
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            self.engine.shutdown().await;
            self.shards.stop().await;
        });
    }
}

/// Tries to publish and must hear a refusal; returns the code it heard.
pub(crate) fn refused(bed: &Bed, name: &str, options: &str) -> String {
    let mut command = Command::new("srt-live-transmit");
    command.args([
        "-a:no",
        "-loglevel:debug",
        "-v",
        "file://con",
        &bed.url(options),
    ]);
    let (process, _input) = Process::with_input(name, &mut command, bed.folder());
    eventually("the refusal is heard", || {
        let output = process.output();
        let line = output.lines().find(|line| line.contains("REJECT"))?;
        line.split("REJECT").nth(1).map(str::to_owned)
    })
}

/// Bytes that have arrived.
#[derive(Clone, Default)]
pub(crate) struct Gathered(Arc<Mutex<Vec<u8>>>);

impl Gathered {
    /// What another program writes into a file.
    pub(crate) fn of_file(path: PathBuf) -> Self {
        let gathered = Self::default();
        let bytes = Arc::downgrade(&gathered.0);
        std::thread::spawn(move || {
            let mut seen = 0;
            while let Some(bytes) = bytes.upgrade() {
                let written = std::fs::read(&path).unwrap_or_default();
                bytes.lock().unwrap().extend(&written[seen..]);
                seen = written.len();
                drop(bytes);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        gathered
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until all of `sent` has arrived, and compares.
    #[track_caller]
    pub(crate) fn assert_carried(&self, sent: &[u8]) {
        let started = Instant::now();
        let mut got = self.media();
        while got.len() < sent.len() {
            let (came, all) = (got.len(), sent.len());
            assert!(
                started.elapsed() < PATIENCE,
                "only {came} of {all} bytes came"
            );
            std::thread::sleep(Duration::from_millis(20));
            got = self.media();
        }
        assert_same(&got, sent);
    }

    /// What has arrived, without the sender's stuffing.
    pub(crate) fn media(&self) -> Vec<u8> {
        without_stuffing(&self.bytes())
    }
}

/// One SRT packet of null packets.
fn stuffing() -> Vec<u8> {
    [0x47, 0x1F, 0xFF, 0x10].repeat(47).repeat(7)
}

/// The stream without the null packets around it.
pub(crate) fn without_stuffing(bytes: &[u8]) -> Vec<u8> {
    let is_media = |packet: &&[u8]| packet[1] & 0x1F != 0x1F || packet[2] != 0xFF;
    bytes
        .chunks(188)
        .filter(is_media)
        .flatten()
        .copied()
        .collect()
}

/// An `srt-live-transmit` that is fed from here.
///
/// It throws away what comes before it is connected, and holds back the last few packets until
/// others follow; so what is compared travels between null packets.
pub(crate) struct Sender {
    pub(crate) process: Process,
    input: ChildStdin,
}

impl Sender {
    /// Starts it and sends stuffing until `arrives`.
    pub(crate) fn start(name: &str, to: &str, folder: &Path, arrives: impl Fn() -> bool) -> Self {
        Self::of(Path::new("srt-live-transmit"), name, to, folder, arrives)
    }

    /// The same with an `srt-live-transmit` of another place.
    pub(crate) fn of(
        program: &Path,
        name: &str,
        to: &str,
        folder: &Path,
        arrives: impl Fn() -> bool,
    ) -> Self {
        let mut command = Command::new(program);
        command.args([
            "-q",
            "-a:no",
            "-buffering:1",
            "-chunk:1316",
            "file://con",
            to,
        ]);
        Self::start_as(name, &mut command, folder, arrives)
    }

    /// Starts another program that sends its standard input.
    pub(crate) fn start_as(
        name: &str,
        command: &mut Command,
        folder: &Path,
        arrives: impl Fn() -> bool,
    ) -> Self {
        let (process, input) = Process::with_input(name, command, folder);
        let mut sender = Self { process, input };
        eventually("the first packet arrives", || {
            sender.hand_over(&stuffing());
            arrives().then_some(())
        });
        sender
    }

    /// Sends `bytes` at a steady 8 Mbit/s, and stuffing behind them.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let tail = stuffing().repeat(TAIL_PACKETS);
        let started = Instant::now();
        for (index, chunk) in bytes.chunks(1316).chain(tail.chunks(1316)).enumerate() {
            let due = Duration::from_micros(index as u64 * 1316);
            if let Some(early) = due.checked_sub(started.elapsed()) {
                std::thread::sleep(early);
            }
            self.hand_over(chunk);
        }
    }

    /// Sends stuffing until the program ends by itself.
    pub(crate) fn send_until_it_ends(&mut self) {
        while self.input.write_all(&stuffing()).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.finished_within(PATIENCE);
    }

    /// The program takes these bytes, or is to say why it has ended.
    #[track_caller]
    fn hand_over(&mut self, bytes: &[u8]) {
        if let Err(error) = self.input.write_all(bytes) {
            let status = self.process.finished_within(PATIENCE);
            let said = self.process.output();
            panic!("the sender takes no more ({error}) and ended with {status}, saying:\n{said}");
        }
    }
}

/// An `srt-live-transmit` that receives from `from` and hands everything on to here.
pub(crate) struct Receiving {
    pub(crate) process: Process,
    pub(crate) gathered: Gathered,
}

impl Receiving {
    pub(crate) fn start(name: &str, from: &str, folder: &Path) -> Self {
        Self::of(Path::new("srt-live-transmit"), name, from, folder)
    }

    /// The same with this `srt-live-transmit`.
    pub(crate) fn of(program: &Path, name: &str, from: &str, folder: &Path) -> Self {
        let socket = Socket::bind(([127, 0, 0, 1], 0).into(), &Options::default()).unwrap();
        let to = format!("udp://{}", socket.local_addr());
        let mut command = Command::new(program);
        command.args(["-q", "-a:no", from, &to]);
        let process = Process::start(name, &mut command, folder);
        let gathered = Gathered::default();
        let bytes = Arc::downgrade(&gathered.0);
        std::thread::spawn(move || {
            let mut poller = Poller::new().unwrap();
            poller.add(&socket, 1, Interest::Read).unwrap();
            let mut batch = RecvBatch::new();
            while let Some(bytes) = bytes.upgrade() {
                while socket.recv(&mut batch).unwrap() > 0 {
                    let mut bytes = bytes.lock().unwrap();
                    batch
                        .datagrams()
                        .for_each(|datagram| bytes.extend(datagram.bytes));
                }
                drop(bytes);
                poller.wait(Some(Duration::from_millis(100))).unwrap();
            }
        });
        Self { process, gathered }
    }
}

/// Says that something is over, also when a test fails meanwhile.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Compares without printing megabytes.
#[track_caller]
pub(crate) fn assert_same(got: &[u8], sent: &[u8]) {
    let first = got.iter().zip(sent).position(|(got, sent)| got != sent);
    let at = first.unwrap_or_default() / 188 * 188;
    let packet = got.get(at..at + 188);
    let really = packet.and_then(|packet| sent.chunks(188).position(|sent| sent == packet));
    assert!(
        got == sent,
        "{} bytes instead of {}, the first difference in packet {} where there is packet {really:?}",
        got.len(),
        sent.len(),
        at / 188
    );
}
