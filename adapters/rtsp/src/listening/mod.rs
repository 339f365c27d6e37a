//! A listener: its port, its limits, and a task for each connection.

mod client;
mod datagrams;
mod outgoing;
mod visitor;

use core::convert::Infallible;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tidegate_engine::{
    EventKind, EventSink, Full, ListenerStatus, Places, Rejection, RunError, Settings as _,
    Subject, Ticket, Turnstile, Whose,
};
use tidegate_rtsp::Nonces;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Mutex as Turn, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::house::House;
use crate::settings::ListenerSettings;
use client::Client;
use datagrams::Datagrams;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 256;
/// Connections that have not been let in to any output yet.
pub(crate) const PENDING_MAX: usize = 200;
/// How long those who are sent away may hold a port.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// After a failed accept (no descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One listener by name.
pub(crate) struct Listening {
    pub(crate) name: Arc<str>,
    house: Arc<House>,
    turnstile: Arc<Turnstile>,
    counters: Arc<Counters>,
    nonces: Nonces,
    state: Mutex<State>,
    /// Who changes the listener, one after the other.
    changing: Turn<()>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    error: Option<String>,
}

struct Open {
    settings: ListenerSettings,
    bound: SocketAddr,
    limits: Arc<LimitsNow>,
    closing: CancellationToken,
    /// Ends when nobody holds anything of the port any more.
    held: mpsc::Receiver<Infallible>,
}

/// Limits that may change while the port is open.
struct LimitsNow {
    total: AtomicUsize,
    per_address: AtomicUsize,
}

/// What a listener counts.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) pending: AtomicUsize,
    pub(crate) banned: AtomicU64,
    pub(crate) pending_full: AtomicU64,
    pub(crate) unknown_path: AtomicU64,
    pub(crate) wrong_password: AtomicU64,
    pub(crate) no_password: AtomicU64,
    pub(crate) not_from_there: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) timed_out: AtomicU64,
}

/// What every connection of an open port shares.
pub(crate) struct Port {
    pub(crate) listener: Arc<str>,
    pub(crate) house: Arc<House>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) nonces: Nonces,
    pub(crate) events: EventSink,
    datagrams: Arc<Datagrams>,
    pub(crate) closing: CancellationToken,
    opened: Instant,
    /// A user name and a password that nobody has.
    nobody: String,
    /// Dropped last.
    _held: mpsc::Sender<Infallible>,
}

impl Listening {
    pub(crate) fn new(name: &str, house: Arc<House>, key: [u8; 16]) -> Self {
        Self {
            name: name.into(),
            house,
            turnstile: Arc::default(),
            counters: Arc::default(),
            nonces: Nonces::new(key),
            state: Mutex::default(),
            changing: Turn::default(),
        }
    }

    /// Opens the port, or changes it while it runs.
    pub(crate) async fn set(
        &self,
        settings: &ListenerSettings,
        events: EventSink,
    ) -> Result<SocketAddr, RunError> {
        let _turn = self.changing.lock().await;
        settings.check().map_err(|error| {
            RunError::configuration(error.to_string(), error.advice.unwrap_or_default())
        })?;
        if let Some(bound) = self.change(settings) {
            return Ok(bound);
        }
        self.close().await;
        let opened = self.open(settings, events).await;
        let mut state = self.state();
        match opened {
            Ok(open) => {
                let bound = open.bound;
                *state = State {
                    open: Some(open),
                    error: None,
                };
                Ok(bound)
            }
            Err(error) => {
                state.error = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Takes over limits alone; where the port stays.
    fn change(&self, settings: &ListenerSettings) -> Option<SocketAddr> {
        let mut state = self.state();
        let open = state.open.as_mut()?;
        let stays =
            open.settings.bind == settings.bind && open.settings.rtp_port == settings.rtp_port;
        if !stays {
            return None;
        }
        open.limits.set(settings);
        open.settings = settings.clone();
        Some(open.bound)
    }

    async fn open(&self, settings: &ListenerSettings, events: EventSink) -> Result<Open, RunError> {
        let bind = settings.bind;
        let listener = listen(bind).map_err(|error| cannot_open(bind, "TCP", &error))?;
        let bound = listener
            .local_addr()
            .map_err(|error| cannot_open(bind, "TCP", &error))?;
        let rtp = settings.rtp_port;
        let datagrams = Datagrams::bind(bind.ip(), rtp).map_err(|error| {
            let at = SocketAddr::new(bind.ip(), rtp.unwrap_or(0));
            cannot_open(at, "UDP", &error)
        })?;
        let datagrams = Arc::new(datagrams);
        let closing = CancellationToken::new();
        let (holding, held) = mpsc::channel(1);
        let limits = Arc::new(LimitsNow {
            total: AtomicUsize::new(0),
            per_address: AtomicUsize::new(0),
        });
        limits.set(settings);
        let port = Arc::new(Port {
            listener: Arc::clone(&self.name),
            house: Arc::clone(&self.house),
            counters: Arc::clone(&self.counters),
            nonces: self.nonces.clone(),
            events,
            datagrams,
            closing: closing.clone(),
            opened: Instant::now(),
            nobody: format!("{:016x}", random()),
            _held: holding,
        });
        let heard = Arc::clone(&port);
        tokio::spawn(async move { heard.datagrams.listen(&heard.closing).await });
        let turnstile = Arc::clone(&self.turnstile);
        tokio::spawn(accept(port, listener, turnstile, Arc::clone(&limits)));
        Ok(Open {
            settings: settings.clone(),
            bound,
            limits,
            closing,
            held,
        })
    }

    pub(crate) async fn remove(&self) {
        let _turn = self.changing.lock().await;
        self.close().await;
        self.state().error = None;
    }

    /// Sends everybody away and waits until the port is free again.
    async fn close(&self) {
        let open = self.state().open.take();
        if let Some(mut open) = open {
            open.closing.cancel();
            let _ = timeout(CLOSE_PATIENCE, open.held.recv()).await;
        }
    }

    pub(crate) fn status(&self) -> Option<ListenerStatus> {
        let state = self.state();
        if state.open.is_none() && state.error.is_none() {
            return None;
        }
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counters = &self.counters;
        let limits = state.open.as_ref().map(|open| open.limits.now());
        Some(ListenerStatus {
            bound: state.open.as_ref().map(|open| open.bound),
            error: state.error.clone(),
            counters: json!({
                "connections": self.turnstile.count(),
                "connections_max": limits.map_or(0, |limits| limits.total),
                "connections_per_address_max": limits.map_or(0, |limits| limits.per_address),
                "connections_pending": counters.pending.load(Ordering::Relaxed),
                "connections_pending_max": PENDING_MAX,
                "accepted": load(&counters.accepted),
                "banned": load(&counters.banned),
                "refused_max_connections": self.turnstile.turned_away(),
                "refused_max_connections_per_address": self.turnstile.turned_away_for_address(),
                "refused_pending": load(&counters.pending_full),
                "refused_unknown_path": load(&counters.unknown_path),
                "refused_wrong_password": load(&counters.wrong_password),
                "refused_no_password": load(&counters.no_password),
                "refused_public_address": load(&counters.not_from_there),
                "malformed": load(&counters.malformed),
                "timed_out": load(&counters.timed_out),
            }),
            alarms: Vec::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl LimitsNow {
    fn set(&self, settings: &ListenerSettings) {
        let per_address = settings.max_connections_per_address as usize;
        self.total
            .store(settings.max_connections as usize, Ordering::Relaxed);
        self.per_address.store(per_address, Ordering::Relaxed);
    }

    fn now(&self) -> Places {
        Places {
            total: self.total.load(Ordering::Relaxed),
            per_address: self.per_address.load(Ordering::Relaxed),
        }
    }
}

impl Port {
    /// Seconds since the port was opened.
    fn now_seconds(&self) -> u64 {
        self.opened.elapsed().as_secs()
    }

    /// What opens nothing.
    fn nobody(&self) -> &str {
        &self.nobody
    }

    /// Tells the journal that somebody was turned away.
    pub(crate) fn reject(&self, peer: SocketAddr, path: &str, reason: &str, advice: &str) {
        let is_unknown = reason == "unknown_stream";
        let nearest = is_unknown
            .then(|| self.house.nearest(path, &self.listener))
            .flatten();
        let advice = match &nearest {
            Some(nearest) => format!("Check the path at the player: did it mean {nearest:?}?"),
            None => advice.to_owned(),
        };
        let rejection = Rejection {
            peer: peer.to_string(),
            stream_id: path.to_owned(),
            reason: reason.to_owned(),
            received: None,
            expected: None,
            nearest,
            advice,
        };
        let subject = Subject::listener(&*self.listener);
        self.events
            .emit(subject, EventKind::ConnectionRejected(rejection));
    }
}

/// A listening socket; over IPv6 it takes IPv4 as well, and a port that was just closed is
/// free at once.
fn listen(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = if bind.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    socket.listen(BACKLOG)
}

fn cannot_open(at: SocketAddr, what: &str, error: &io::Error) -> RunError {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "Stop the program that uses the port, or choose another one",
        io::ErrorKind::PermissionDenied => "Choose a port from 1024 on, or give the right to it",
        io::ErrorKind::AddrNotAvailable => "Write an address that this machine has, or 0.0.0.0",
        _ => "Check address and port",
    };
    RunError {
        whose: Whose::Configuration,
        ..RunError::ours(
            format!("{what} port {at} cannot be opened: {error}"),
            advice,
        )
    }
}

/// Lets connections in until the port closes. The port is let go last.
async fn accept(
    port: Arc<Port>,
    listener: TcpListener,
    turnstile: Arc<Turnstile>,
    limits: Arc<LimitsNow>,
) {
    loop {
        let accepted = tokio::select! {
            () = port.closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                if let Some(place) = let_in(&port, peer, &turnstile, limits.now()) {
                    start(stream, peer, Arc::clone(&port), place);
                }
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whether there is room for somebody, who says nothing as yet.
fn let_in(
    port: &Port,
    peer: SocketAddr,
    turnstile: &Arc<Turnstile>,
    limits: Places,
) -> Option<Ticket> {
    let counters = &port.counters;
    if port.house.is_banned(peer.ip()) {
        counters.banned.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    if counters.pending.load(Ordering::Relaxed) >= PENDING_MAX {
        counters.pending_full.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    let (reason, setting) = match turnstile.enter(peer.ip(), limits) {
        Ok(place) => {
            counters.accepted.fetch_add(1, Ordering::Relaxed);
            return Some(place);
        }
        Err(Full::Total(_)) => ("too_many_connections", "max_connections"),
        Err(Full::Address(_)) => (
            "too_many_connections_from_address",
            "max_connections_per_address",
        ),
    };
    port.reject(
        peer,
        "",
        reason,
        &format!("Close others, or raise {setting} of the listener"),
    );
    None
}

fn start(stream: TcpStream, peer: SocketAddr, port: Arc<Port>, place: Ticket) {
    tokio::spawn(async move {
        Client::new(peer, port).run(stream).await;
        drop(place);
    });
}

/// Numbers that nobody can guess.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // The system has randomness from long before this program starts.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes).max(1)
}
