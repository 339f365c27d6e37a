//! An engine with the RTMP adapter and one listener, on loopback, and a publisher to talk to it.
#![allow(dead_code, reason = "each test file uses its part of it")]
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_adapter_rtmp::{Adapter, ListenerSettings, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Event, EventKind, ListenerAdapter, ListenerStatus,
    NoSecrets, Rejection, SourceAdapter, SourceSpec, SourceStatus,
};
use tidegate_rtmp::{
    Capabilities, ClientError, ClientEvent, ClientSession, MediaKind, PublishTarget, StreamKey,
};
use tidegate_testkit::eventually;
use tokio::runtime::Runtime;
use tokio::sync::broadcast::Receiver;

/// What no event, status or counter may repeat.
pub(crate) const KEY: &str = "canary-4711-studio";

pub(crate) struct Bed {
    pub(crate) runtime: Runtime,
    pub(crate) engine: Engine,
    pub(crate) adapter: Adapter,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    events: Mutex<(Receiver<Event>, Vec<Event>)>,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with_listener(r#"{ "bind": "127.0.0.1:0" }"#)
    }

    pub(crate) fn with_listener(settings: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = TempDir::new().unwrap();
        let inside = runtime.enter();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: folder.path().to_owned(),
        });
        drop(inside);
        let received = engine.events().subscribe();
        let mut bed = Self {
            adapter: Adapter::new(),
            port: 0,
            folder,
            events: Mutex::new((received, Vec::new())),
            engine,
            runtime,
        };
        bed.port = bed.listener(settings);
        bed
    }

    /// Gives the listener these settings; says its port.
    pub(crate) fn listener(&self, settings: &str) -> u16 {
        let settings: ListenerSettings = serde_json::from_str(settings).unwrap();
        let events = self.engine.events().clone();
        let set = self.adapter.set_listener("ingest", &settings, events);
        self.runtime.block_on(set).unwrap().port()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A source for [`KEY`], waiting.
    pub(crate) fn studio(&self) {
        let settings = format!(r#"{{ "listener": "ingest", "key": "{KEY}" }}"#);
        self.source("studio", &settings);
    }

    pub(crate) fn source(&self, name: &str, settings: &str) {
        let settings: SourceSettings = serde_json::from_str(settings).unwrap();
        let driver = self.adapter.source(name, &settings, &NoSecrets).unwrap();
        let spec = SourceSpec {
            driver,
            expect: None,
        };
        let set = self.engine.set_source(name, spec);
        self.runtime.block_on(set).unwrap();
        eventually("the source says what it waits for", || {
            self.status(name).connection_reason
        });
    }

    pub(crate) fn status(&self, name: &str) -> SourceStatus {
        self.engine.source_status(name).unwrap()
    }

    pub(crate) fn shown(&self, name: &str) -> Value {
        serde_json::to_value(self.status(name)).unwrap()
    }

    pub(crate) fn is_connected(&self, name: &str) -> bool {
        self.status(name).connection == Connection::Connected
    }

    pub(crate) fn adapter_status(&self) -> ListenerStatus {
        self.adapter.listener_status("ingest").unwrap()
    }

    pub(crate) fn counters(&self) -> Value {
        self.adapter_status().counters
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = self.events.lock().unwrap();
        while let Ok(event) = events.0.try_recv() {
            events.1.push(event);
        }
        events.1.clone()
    }

    pub(crate) fn rejections(&self) -> Vec<Rejection> {
        let rejection = |event: Event| match event.kind {
            EventKind::ConnectionRejected(rejection) => Some(rejection),
            _ => None,
        };
        self.events().into_iter().filter_map(rejection).collect()
    }

    /// Waits for the journal to tell of a connection turned away for `reason`.
    pub(crate) fn rejection(&self, reason: &str) -> Rejection {
        eventually(&format!("the journal tells of {reason}"), || {
            let mut rejections = self.rejections().into_iter();
            rejections.find(|rejection| rejection.reason == reason)
        })
    }

    pub(crate) fn publish(&self, app: &str, key: &str) -> Result<Publisher, ClientError> {
        Publisher::connect(self.port, app, key)
    }

    /// Whatever anybody can see is without the key.
    pub(crate) fn keeps_the_key(&self) {
        let events = serde_json::to_string(&self.events()).unwrap();
        assert!(!events.contains(KEY), "{events}");
        for status in self.engine.source_statuses() {
            let shown = serde_json::to_string(&status).unwrap();
            assert!(!shown.contains(KEY), "{shown}");
        }
    }
}

/// Somebody who publishes.
pub(crate) struct Publisher {
    socket: TcpStream,
    session: ClientSession,
}

const NOTHING_ENHANCED: Capabilities = Capabilities {
    video: &[],
    audio: &[],
    caps_ex: 0,
};

/// AAC at 48 kHz with two channels.
const AAC_HEADER: [u8; 4] = [0xAF, 0, 0x11, 0x90];

impl Publisher {
    /// Publishes, or says why not.
    pub(crate) fn connect(port: u16, app: &str, key: &str) -> Result<Self, ClientError> {
        let target = PublishTarget {
            app: app.into(),
            tc_url: format!("rtmp://127.0.0.1/{app}"),
            key: StreamKey::new(key),
            capabilities: NOTHING_ENHANCED,
        };
        let mut publisher = Self {
            socket: TcpStream::connect(("127.0.0.1", port)).unwrap(),
            session: ClientSession::new(target, 7),
        };
        publisher.socket.set_nodelay(true).unwrap();
        publisher.flush();
        let mut buffer = [0; 4096];
        loop {
            let count = publisher.socket.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection was closed without a word");
            let mut input = &buffer[..count];
            while let Some(event) = publisher.session.read(&mut input)? {
                if event == ClientEvent::Publishing {
                    publisher.send(MediaKind::Audio, 0, &AAC_HEADER);
                    return Ok(publisher);
                }
            }
            publisher.flush();
        }
    }

    pub(crate) fn send(&mut self, kind: MediaKind, timestamp: u32, body: &[u8]) {
        assert!(self.session.send_media(kind, timestamp, &[body]));
        self.flush();
    }

    /// A frame of sound that says its number.
    pub(crate) fn sound(&mut self, timestamp: u32, number: u32) {
        let mut body = vec![0xAF, 1, 0x21];
        body.extend(number.to_be_bytes());
        body.extend([0x55; 100]);
        self.send(MediaKind::Audio, timestamp, &body);
    }

    /// Says goodbye.
    pub(crate) fn unpublish(&mut self) {
        self.session.unpublish();
        self.flush();
    }

    /// Whether the far side has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut buffer = [0; 4096];
        self.socket.set_nonblocking(true).unwrap();
        let read = self.socket.read(&mut buffer);
        self.socket.set_nonblocking(false).unwrap();
        match read {
            Ok(count) => count == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    fn flush(&mut self) {
        // Who is sent away finds out when it reads.
        let _ = self.socket.write_all(&self.session.take_output());
    }
}
