//! One output as players find it: who may come in, and who is inside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tidegate_engine::{EventKind, EventSink, OutputContext, OutputReport, Route, Subject};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::settings::{Credentials, OutputSettings};

/// Players that the status shows one by one.
const READERS_SHOWN_MAX: usize = 100;

pub(crate) struct Door {
    pub(crate) name: Arc<str>,
    pub(crate) path: String,
    pub(crate) listener: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    /// Without credentials, also for who comes from a public address.
    pub(crate) is_open: bool,
    pub(crate) max_readers: usize,
    pub(crate) route: Route,
    pub(crate) report: OutputReport,
    pub(crate) events: EventSink,
    /// Cancelled when everybody has to go.
    pub(crate) closing: CancellationToken,
    inside: Mutex<Inside>,
    left: Notify,
}

#[derive(Default)]
struct Inside {
    next: u64,
    readers: BTreeMap<u64, Arc<Seat>>,
}

/// What is told about one player.
pub(crate) struct Seat {
    peer: SocketAddr,
    transport: &'static str,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) lost_frames: AtomicU64,
}

/// One player is inside until this is dropped.
pub(crate) struct Ticket {
    pub(crate) door: Arc<Door>,
    number: u64,
    pub(crate) seat: Arc<Seat>,
    /// Why it left, as far as is known.
    pub(crate) reason: String,
}

impl Door {
    pub(crate) fn new(
        settings: &OutputSettings,
        credentials: Option<Credentials>,
        context: &OutputContext,
    ) -> Self {
        Self {
            name: Arc::clone(&context.name),
            path: settings.path.clone(),
            listener: settings.listener.clone(),
            credentials,
            is_open: settings.open,
            max_readers: settings.max_readers as usize,
            route: context.route.clone(),
            report: context.report.clone(),
            events: context.events.clone(),
            closing: CancellationToken::new(),
            inside: Mutex::default(),
            left: Notify::new(),
        }
    }

    /// Sends everybody away, and waits until they are gone.
    pub(crate) async fn clear(&self) {
        self.closing.cancel();
        loop {
            let left = self.left.notified();
            if self.inside().readers.is_empty() {
                return;
            }
            left.await;
        }
    }

    /// Lets a player in, if there is room.
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: SocketAddr,
        transport: &'static str,
    ) -> Option<Ticket> {
        let seat = Arc::new(Seat {
            peer,
            transport,
            sent_bytes: AtomicU64::new(0),
            lost_frames: AtomicU64::new(0),
        });
        let number = {
            let mut inside = self.inside();
            if inside.readers.len() >= self.max_readers {
                return None;
            }
            inside.next += 1;
            let number = inside.next;
            inside.readers.insert(number, Arc::clone(&seat));
            self.report.readers(inside.readers.len() as u64);
            number
        };
        self.emit(EventKind::ReaderConnected {
            peer: peer.to_string(),
            stream_id: self.path.clone(),
        });
        Some(Ticket {
            door: Arc::clone(self),
            number,
            seat,
            reason: "it left".to_owned(),
        })
    }

    /// Whether another one fits in.
    pub(crate) fn has_room(&self) -> bool {
        self.inside().readers.len() < self.max_readers
    }

    /// The players, for the status.
    pub(crate) fn show(&self) -> Value {
        let inside = self.inside();
        let shown = inside.readers.values().take(READERS_SHOWN_MAX);
        let readers: Vec<Value> = shown.map(|seat| seat.show()).collect();
        json!({
            "path": self.path,
            "readers": readers,
            "max_readers": self.max_readers,
        })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, kind: EventKind) {
        self.events.emit(Subject::output(&*self.name), kind);
    }
}

impl Seat {
    fn show(&self) -> Value {
        json!({
            "peer": self.peer.to_string(),
            "transport": self.transport,
            "sent_bytes": self.sent_bytes.load(Ordering::Relaxed),
            "lost_frames": self.lost_frames.load(Ordering::Relaxed),
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        inside.readers.remove(&self.number);
        self.door.report.readers(inside.readers.len() as u64);
        drop(inside);
        self.door.left.notify_one();
        self.door.emit(EventKind::ReaderDisconnected {
            peer: self.seat.peer.to_string(),
            reason: core::mem::take(&mut self.reason),
        });
    }
}
