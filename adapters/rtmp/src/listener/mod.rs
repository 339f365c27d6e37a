//! A TCP port where publishers arrive.
//!
//! ```text
//!  accept ─▶ banned? allowed? room? ─▶ TLS, handshake ─▶ publish ─▶ which source? ─▶ its door
//!               │                          │ 5 s            │ 10 s       │
//!               ▼                          ▼                ▼            ▼
//!            closed                   closed, and the journal says why
//! ```

mod accept;
mod certificate;
mod connection;
mod counters;
mod guests;
mod refusal;
mod settings;
mod stream;
mod table;

pub use settings::{ListenerSettings, TlsFiles};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::{Value, json};
use tidegate_engine::{
    CancellationToken, EventKind, EventSink, ListenerStatus, Rejection, RunError, Subject,
    Turnstile, allows,
};
use tidegate_rtmp::limits::MESSAGE_BYTES_MAX;
use tidegate_units::NetworkSet;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::limits::{BACKLOG, PENDING, RELEASE_WAIT};
use crate::source::Door;
use certificate::Certificate;
use counters::Counters;
use guests::Guests;
use refusal::Refusal;
use table::{Table, Wanted};

/// One listener by name. It exists as soon as anybody refers to it; publishers reach it while
/// its port is open.
pub(crate) struct Listening {
    name: Arc<str>,
    banned: Arc<ArcSwap<NetworkSet>>,
    table: Mutex<Table>,
    /// Told when a source has gone.
    released: Notify,
    settings: ArcSwapOption<ListenerSettings>,
    certificate: ArcSwapOption<Certificate>,
    events: ArcSwapOption<EventSink>,
    port: tokio::sync::Mutex<Option<Port>>,
    shown: ArcSwap<Shown>,
    /// Everybody who is connected …
    turnstile: Arc<Turnstile>,
    /// … and those who do not publish yet.
    pending: Arc<Turnstile>,
    guests: Arc<Guests>,
    counters: Counters,
}

/// The open port.
struct Port {
    asked: SocketAddr,
    bound: SocketAddr,
    /// Ends accepting.
    closing: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Shown {
    bound: Option<SocketAddr>,
    error: Option<String>,
}

impl Listening {
    pub(crate) fn new(name: &str, banned: Arc<ArcSwap<NetworkSet>>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            banned,
            table: Mutex::default(),
            released: Notify::new(),
            settings: ArcSwapOption::empty(),
            certificate: ArcSwapOption::empty(),
            events: ArcSwapOption::empty(),
            port: tokio::sync::Mutex::default(),
            shown: ArcSwap::default(),
            turnstile: Arc::default(),
            pending: Arc::default(),
            guests: Arc::default(),
            counters: Counters::default(),
        })
    }

    /// Opens the port, or changes what holds on the open one. Who publishes stays, unless he
    /// would not be let in any more.
    pub(crate) async fn set(
        self: &Arc<Self>,
        settings: &ListenerSettings,
        events: EventSink,
    ) -> Result<SocketAddr, RunError> {
        let mut port = self.port.lock().await;
        let opened = self.open(&mut port, settings, &events).await;
        let shown = Shown {
            bound: port.as_ref().map(|port| port.bound),
            error: opened.as_ref().err().map(ToString::to_string),
        };
        self.shown.store(Arc::new(shown));
        drop(port);
        self.guests.send_away(|peer| !self.allows(peer));
        opened
    }

    async fn open(
        self: &Arc<Self>,
        port: &mut Option<Port>,
        settings: &ListenerSettings,
        events: &EventSink,
    ) -> Result<SocketAddr, RunError> {
        self.events.store(Some(Arc::new(events.clone())));
        // Before anything is changed: without a certificate, what was open stays as it was.
        let certificate = self.certificate_for(settings.tls.as_ref(), events)?;
        let held = port.as_ref().filter(|port| port.asked == settings.bind);
        let bound = held.map(|port| port.bound);
        if bound.is_none() {
            close(port).await;
        }
        self.certificate.store(certificate);
        self.settings.store(Some(Arc::new(settings.clone())));
        if let Some(bound) = bound {
            return Ok(bound);
        }
        let (listener, bound) = bind(settings.bind)?;
        let closing = CancellationToken::new();
        let accepting = accept::run(Arc::downgrade(self), listener, closing.clone());
        *port = Some(Port {
            asked: settings.bind,
            bound,
            closing,
            accepting: tokio::spawn(accepting),
        });
        Ok(bound)
    }

    fn certificate_for(
        &self,
        files: Option<&TlsFiles>,
        events: &EventSink,
    ) -> Result<Option<Arc<Certificate>>, RunError> {
        let Some(files) = files else {
            return Ok(None);
        };
        let held = self.certificate.load_full();
        if let Some(held) = held.filter(|held| held.is_of(files)) {
            return Ok(Some(held));
        }
        let certificate = Certificate::load(files)?;
        let watched = Arc::downgrade(&certificate);
        let watch = Certificate::watch(watched, self.subject(), events.clone());
        tokio::spawn(watch);
        Ok(Some(certificate))
    }

    /// Closes the port and sends everybody away.
    pub(crate) async fn remove(&self) {
        let mut port = self.port.lock().await;
        close(&mut port).await;
        self.settings.store(None);
        self.certificate.store(None);
        self.shown.store(Arc::default());
        self.guests.send_away(|_| true);
    }

    pub(crate) fn apply_bans(&self) {
        let banned = self.banned.load();
        self.guests.send_away(|peer| banned.contains(peer.ip()));
    }

    /// Makes room for a source, once another with the same key has gone.
    pub(crate) async fn claim(self: &Arc<Self>, door: &Arc<Door>) -> Result<Claim, RunError> {
        let patience = Instant::now() + RELEASE_WAIT;
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if self.table().add(door) {
                return Ok(Claim {
                    listening: Arc::clone(self),
                    door: Arc::clone(door),
                });
            }
            if timeout_at(patience, released).await.is_err() {
                let rival = self.table().rival(door).unwrap_or_default();
                return Err(RunError::configuration(
                    format!("Source \"{rival}\" has the same stream key on this listener"),
                    "Give each source a key of its own, or different applications (`app`).",
                ));
            }
        }
    }

    pub(crate) fn status(&self) -> Option<ListenerStatus> {
        self.settings.load().as_ref()?;
        let shown = self.shown.load();
        let certificate = self.certificate.load_full();
        let alarm = certificate.and_then(|certificate| certificate.alarm());
        Some(ListenerStatus {
            bound: shown.bound,
            error: shown.error.clone(),
            counters: self.count(),
            alarms: alarm.into_iter().map(|alarm| (*alarm).clone()).collect(),
        })
    }

    fn count(&self) -> Value {
        let counters = &self.counters;
        let settings = self.settings.load();
        let settings = settings.as_deref();
        let total = settings.map(|settings| settings.max_connections);
        let per_address = settings.map(|settings| settings.max_connections_per_address);
        json!({
            "connections": self.turnstile.count(),
            "connections_max": total,
            "connections_per_address_max": per_address,
            "pending": self.pending.count(),
            "pending_max": PENDING.total,
            "message_bytes_max": MESSAGE_BYTES_MAX,
            "accepted": counters.accepted.get(),
            "accept_failed": counters.accept_failed.get(),
            "banned": counters.banned.get(),
            "not_allowed": counters.not_allowed.get(),
            "full": self.turnstile.turned_away(),
            "address_full": self.turnstile.turned_away_for_address(),
            "pending_full": self.pending.turned_away() + self.pending.turned_away_for_address(),
            "silent": counters.silent.get(),
            "tls_failed": counters.tls_failed.get(),
            "malformed": counters.malformed.get(),
            "timed_out": counters.timed_out.get(),
            "refused": counters.refused.get(),
            "published": counters.published.get(),
            "received_bytes": counters.received_bytes.get(),
        })
    }

    /// Whether somebody may come in from there.
    fn allows(&self, peer: SocketAddr) -> bool {
        let settings = self.settings.load();
        settings
            .as_ref()
            .is_none_or(|settings| allows(&settings.allow, peer.ip()))
    }

    /// Tells the journal who was turned away, and why.
    fn reject(&self, peer: SocketAddr, wanted: Option<&Wanted>, refusal: Refusal) {
        let stream_id = wanted.map(|wanted| wanted.shown(&self.table()));
        let rejection = Rejection {
            peer: peer.to_string(),
            stream_id: stream_id.unwrap_or_default(),
            reason: refusal.reason.to_owned(),
            received: refusal.received,
            expected: refusal.expected,
            nearest: refusal.nearest,
            advice: refusal.advice,
        };
        if let Some(events) = self.events.load_full() {
            events.emit(self.subject(), EventKind::ConnectionRejected(rejection));
        }
    }

    fn subject(&self) -> Subject {
        Subject::listener(&*self.name)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source's place on a listener, until it is dropped.
pub(crate) struct Claim {
    listening: Arc<Listening>,
    door: Arc<Door>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.listening.table().remove(&self.door);
        self.listening.released.notify_waiters();
    }
}

async fn close(port: &mut Option<Port>) {
    if let Some(port) = port.take() {
        port.closing.cancel();
        // The socket is closed when the task has ended.
        let _ = port.accepting.await;
    }
}

fn bind(at: SocketAddr) -> Result<(TcpListener, SocketAddr), RunError> {
    let opened = || {
        let socket = match at {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Connections of before that linger do not keep the port.
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        let listener = socket.listen(BACKLOG)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    opened().map_err(|error: std::io::Error| {
        RunError::ours(
            format!("TCP port {at} cannot be opened: {error}"),
            "Stop the program that has it, or choose another port.",
        )
    })
}
