use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_srt::srtla::LinkStatus;
use tidegate_srt::{CloseReason, ConnectionId, LegStatus, Negotiated, RejectReason, Statistics};
use tidegate_units::{Instant, NetworkSet};
use tokio::sync::Notify;

use crate::command::{Command, PortId};
use crate::shard::Door;

/// Why a connection is over, or never came to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// It was connected, and ended.
    #[error("{}", close_phrase(*.0))]
    Closed(CloseReason),
    /// The other side refused our call.
    #[error("the far side refused the connection: {0}")]
    Refused(RejectReason),
    /// The peer gave up before we answered.
    #[error("the peer gave up before the connection was made")]
    Abandoned,
    /// We could not even try.
    #[error("the call could not be placed: {0}")]
    NotPlaced(Arc<str>),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

fn close_phrase(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Local => "closed on this side",
        CloseReason::Peer => "closed by the peer",
        CloseReason::Idle => "the peer fell silent",
        _ => "ended",
    }
}

/// How far a connection is.
///
/// ```text
/// Opening ──▶ Connected ──▶ Ended
///    └────────────────────────▲
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// The handshake is under way.
    Opening,
    /// Media may flow.
    Connected,
    /// It is over.
    Ended(EndReason),
}

/// What is known about a connection; replaced as a whole, about four times a second, and once a
/// second after ten seconds without packets.
#[derive(Clone, Debug)]
pub struct ConnectionStatus {
    /// How far it is.
    pub state: ConnectionState,
    /// The other side.
    pub peer: SocketAddr,
    /// What both sides agreed on, once connected.
    pub negotiated: Option<Negotiated>,
    /// Figures of the last snapshot.
    pub statistics: Option<Statistics>,
    /// Datagrams this host dropped since the connection was made, because nobody read them in
    /// time: on the socket that the connection shares with others, so some may be theirs.
    pub host_drops: u64,
    /// The links of an SRTLA sender; none for any other.
    pub links: Arc<[LinkStatus]>,
    /// The legs of a bonding group, lost ones included; none for any other.
    pub legs: Arc<[LegStatus]>,
    /// When it was connected.
    pub connected_at: Option<Instant>,
    /// When this was written.
    pub at: Instant,
}

/// A connection seen from outside its shard.
#[derive(Clone)]
pub struct ConnectionHandle {
    pub(crate) shared: Arc<ConnectionShared>,
    pub(crate) door: Arc<Door>,
}

impl ConnectionHandle {
    /// The latest snapshot.
    #[must_use]
    pub fn status(&self) -> Arc<ConnectionStatus> {
        self.shared.status.load_full()
    }

    /// Waits until the connection is made; an error says why it never was.
    ///
    /// # Errors
    /// Refused, timed out, not placed, or over meanwhile.
    pub async fn connected(&self) -> Result<Negotiated, EndReason> {
        let status = self
            .wait_for(|state| *state != ConnectionState::Opening)
            .await;
        match (&status.state, &status.negotiated) {
            (ConnectionState::Ended(reason), _) => Err(reason.clone()),
            (_, Some(negotiated)) => Ok(negotiated.clone()),
            (_, None) => Err(EndReason::Abandoned),
        }
    }

    /// Waits until the connection is over.
    pub async fn ended(&self) -> EndReason {
        let status = self
            .wait_for(|state| matches!(state, ConnectionState::Ended(_)))
            .await;
        match &status.state {
            ConnectionState::Ended(reason) => reason.clone(),
            ConnectionState::Opening | ConnectionState::Connected => EndReason::Abandoned,
        }
    }

    /// Ends the connection: the peer is told, then everything about it is let go.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        if let Some((port, id)) = self.shared.place.get() {
            // A full queue leaves the flag, which the shard sees with its next snapshot.
            let _ = self.door.push(Command::Close {
                port: *port,
                id: *id,
            });
        }
    }

    /// Ends those legs of a bonding group that come from `networks`; with its last leg the
    /// group ends, too. Of a connection that is not made yet, its first leg counts.
    pub fn close_legs(&self, networks: &Arc<NetworkSet>) {
        match self.shared.place.get() {
            Some((port, id)) => {
                let _ = self.door.push(Command::CloseLegs {
                    port: *port,
                    id: *id,
                    from: Arc::clone(networks),
                });
            }
            None if networks.contains(self.status().peer.ip()) => self.close(),
            None => {}
        }
    }

    async fn wait_for(&self, reached: impl Fn(&ConnectionState) -> bool) -> Arc<ConnectionStatus> {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let status = self.status();
            if reached(&status.state) {
                return status;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        write!(f, "ConnectionHandle({}, {:?})", status.peer, status.state)
    }
}

/// What a shard and the handles of a connection share.
pub(crate) struct ConnectionShared {
    pub(crate) status: ArcSwap<ConnectionStatus>,
    pub(crate) changed: Notify,
    pub(crate) closing: AtomicBool,
    /// Where it lives, once it does.
    pub(crate) place: OnceLock<(PortId, ConnectionId)>,
}

impl ConnectionShared {
    pub(crate) fn new(peer: SocketAddr, now: Instant) -> Arc<Self> {
        let status = ConnectionStatus {
            state: ConnectionState::Opening,
            peer,
            negotiated: None,
            statistics: None,
            host_drops: 0,
            links: Arc::default(),
            legs: Arc::default(),
            connected_at: None,
            at: now,
        };
        Arc::new(Self {
            status: ArcSwap::from_pointee(status),
            changed: Notify::new(),
            closing: AtomicBool::new(false),
            place: OnceLock::new(),
        })
    }

    pub(crate) fn set_connected(&self, now: Instant, negotiated: Negotiated) {
        self.update(|status| ConnectionStatus {
            state: ConnectionState::Connected,
            negotiated: Some(negotiated),
            connected_at: Some(now),
            at: now,
            ..status.clone()
        });
        self.changed.notify_waiters();
    }

    pub(crate) fn set_statistics(&self, now: Instant, statistics: Statistics, host_drops: u64) {
        self.update(|status| ConnectionStatus {
            statistics: Some(statistics),
            host_drops,
            at: now,
            ..status.clone()
        });
    }

    pub(crate) fn set_links(&self, links: Vec<LinkStatus>) {
        let links: Arc<[LinkStatus]> = links.into();
        self.update(|status| ConnectionStatus {
            links: Arc::clone(&links),
            ..status.clone()
        });
    }

    pub(crate) fn set_legs(&self, legs: Vec<LegStatus>) {
        let legs: Arc<[LegStatus]> = legs.into();
        self.update(|status| ConnectionStatus {
            legs: Arc::clone(&legs),
            ..status.clone()
        });
    }

    pub(crate) fn set_ended(&self, now: Instant, reason: EndReason) {
        self.update(|status| ConnectionStatus {
            state: ConnectionState::Ended(reason),
            at: now,
            ..status.clone()
        });
        self.changed.notify_waiters();
    }

    /// Only the owning shard writes, so a load and a store are enough.
    fn update(&self, change: impl FnOnce(&ConnectionStatus) -> ConnectionStatus) {
        let next = change(&self.status.load());
        self.status.store(Arc::new(next));
    }
}
