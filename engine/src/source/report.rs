use super::Connection;
use crate::error::RunError;
use crate::event::{EventKind, EventSink, Subject};
use crate::limits;
use core::time::Duration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::Notify;

/// What a connection's transport measures. Absent where a protocol has no such thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TransportFigures {
    /// Round-trip time.
    pub rtt: Option<Duration>,
    /// How much packet timing varies.
    pub jitter: Option<Duration>,
    /// The play-out latency agreed on.
    pub latency: Option<Duration>,
    /// How much media waits in the receive buffer.
    pub buffer: Option<Duration>,
    /// Packets missing at first, over the last 10 s, in percent.
    pub loss_percent: Option<f64>,
    /// Packets received since the connection began.
    pub received: u64,
    /// Packets missing at first since the connection began.
    pub lost: u64,
    /// Packets that never came, or came too late, since the connection began.
    pub unrecovered: u64,
}

/// Where a source's driver says how it is doing. Cheap to clone; not for media threads.
#[derive(Clone, Debug)]
pub struct SourceReport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    events: EventSink,
    said: Mutex<Said>,
    /// Wakes the watcher when the connection changes.
    changed: Notify,
}

/// The last that was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) connection: Connection,
    pub(crate) reason: Option<String>,
    pub(crate) connected_at: Option<SystemTime>,
    pub(crate) ever_connected: bool,
    /// The last attempt failed, and none has succeeded since.
    pub(crate) failing: bool,
    /// Why, as it was told last: attempts that fail alike are one event.
    told: Option<String>,
    failing_with: Option<RunError>,
    pub(crate) peer: Option<String>,
    pub(crate) transport: TransportFigures,
    pub(crate) details: BTreeMap<&'static str, Value>,
    /// Counts connections, so that a watcher notices a new one.
    pub(crate) connections: u64,
    pub(crate) reconnects: u64,
    pub(crate) last_error: Option<RunError>,
}

impl Said {
    /// Why the connection stands where it does; while it is tried again, why it failed.
    pub(crate) fn why(&self) -> Option<&str> {
        let failed = self
            .failing_with
            .as_ref()
            .map(|error| error.message.as_str());
        self.reason.as_deref().or(failed)
    }
}

impl SourceReport {
    /// A report of its own, for tests and for the engine.
    #[must_use]
    pub fn new(name: &str, events: EventSink) -> Self {
        let inner = Inner {
            name: name.into(),
            events,
            said: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A sender is there.
    pub fn connected(&self, peer: Option<String>) {
        let mut said = self.said();
        said.connection = Connection::Connected;
        said.reason = None;
        said.connected_at = Some(SystemTime::now());
        said.ever_connected = true;
        said.failing = false;
        said.told = None;
        said.failing_with = None;
        said.connections += 1;
        said.peer.clone_from(&peer);
        said.transport = TransportFigures::default();
        drop(said);
        self.inner.changed.notify_one();
        self.emit(EventKind::SourceConnected { peer });
    }

    /// Anything but connected, and why. Saying the same again changes nothing.
    pub fn connection(&self, connection: Connection, reason: Option<String>) {
        let mut said = self.said();
        if said.connection == connection && said.reason == reason {
            return;
        }
        let was_connected = said.connection == Connection::Connected;
        said.connection = connection;
        said.reason.clone_from(&reason);
        let another_try = said.failing
            && match connection {
                Connection::Connecting => true,
                Connection::Reconnecting => said.told == reason,
                _ => false,
            };
        if connection == Connection::Reconnecting {
            said.failing = true;
            said.told.clone_from(&reason);
        }
        if connection != Connection::Connected {
            said.connected_at = None;
            said.transport = TransportFigures::default();
            said.reconnects += u64::from(was_connected);
        }
        drop(said);
        self.inner.changed.notify_one();
        if another_try {
            return;
        }
        self.emit(EventKind::SourceDisconnected { connection, reason });
    }

    /// What the transport measured last.
    pub fn transport(&self, figures: TransportFigures) {
        self.said().transport = figures;
    }

    /// What the adapter adds to the status, under a name of its own.
    pub fn detail(&self, name: &'static str, value: Value) {
        let mut said = self.said();
        if said.details.len() < limits::DETAILS || said.details.contains_key(name) {
            said.details.insert(name, value);
        }
    }

    /// Keeps the error; true if it is not the same as last time.
    pub(crate) fn failed(&self, error: &RunError) -> bool {
        let mut said = self.said();
        let same = said.failing_with.as_ref() == Some(error);
        said.failing_with = Some(error.clone());
        said.last_error = Some(error.clone());
        !same
    }

    pub(crate) fn snapshot(&self) -> Said {
        self.said().clone()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.inner
            .said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of the connection.
    pub(crate) async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    fn emit(&self, kind: EventKind) {
        self.inner
            .events
            .emit(Subject::source(&*self.inner.name), kind);
    }
}
