//! A source on a listener: one publisher at a time.
//!
//! ```text
//!            right credential                     the peer is gone
//!  waiting ──────────────────▶ session (live) ──────────────────────▶ waiting
//!                                 │  ▲
//!      another, same credential ──┘  └── takes over once the session has been silent
//!                                        for TAKEOVER_SILENCE; refused while it is live
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_engine::{
    BoxFuture, Connection, Ended, Feed, RunError, Secret, SourceContext, SourceDriver,
};
use tidegate_srt::{ConnectionConfig, RejectReason, SessionKeys};
use tidegate_srt_io::{Clock, ConnectionHandle, ConnectionState, Role};
use tidegate_units::Instant;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::details::{self, Direction};
use crate::figures::{LossWindow, transport};
use crate::listening::{Candidate, Entry, Listening, Refusal};
use crate::phrases;
use crate::sink::{FeedSink, LastPacket};

/// A session silent for so long may be replaced: its encoder was probably killed.
const TAKEOVER_SILENCE: Duration = Duration::from_millis(700);
/// Media that still arrives this long after a second publisher came proves the first alive.
const PROOF_OF_LIFE: Duration = Duration::from_millis(100);
/// How long a second publisher is kept waiting for the verdict; it repeats itself meanwhile.
const TAKEOVER_WAIT_MAX: Duration = Duration::from_millis(1500);
const TAKEOVER_LOOK: Duration = Duration::from_millis(50);
/// How often figures are passed on.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The settings of a source on a listener, ready to run.
pub(crate) struct ListenerSource {
    pub(crate) listening: Arc<Listening>,
    pub(crate) stream_id: String,
    pub(crate) passphrase: Option<Secret>,
    pub(crate) latency: Option<Duration>,
}

impl SourceDriver for ListenerSource {
    fn kind(&self) -> &'static str {
        "srt"
    }

    fn mode(&self) -> &'static str {
        "listener"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let door = Arc::new(PublisherDoor {
                name: Arc::clone(&context.name),
                passphrase: self.passphrase.clone(),
                listening: Arc::clone(&self.listening),
                latency: self.latency,
                feed: context.feed.clone(),
                session: Mutex::new(None),
                changed: Notify::new(),
            });
            let _claimed = self
                .listening
                .claim(&self.stream_id, Entry::Source(Arc::clone(&door)))?;
            let _farewell = Farewell(Arc::clone(&door));
            door.serve(&context, &self.stream_id).await;
            Ok(Ended::Stopped)
        })
    }
}

/// Ends the session when the source goes, however it goes.
struct Farewell(Arc<PublisherDoor>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some(session) = self.0.session().take() {
            session.handle.close();
        }
    }
}

/// Where publishers of one source come in.
pub(crate) struct PublisherDoor {
    pub(crate) name: Arc<str>,
    pub(crate) passphrase: Option<Secret>,
    listening: Arc<Listening>,
    latency: Option<Duration>,
    feed: Feed,
    session: Mutex<Option<Session>>,
    changed: Notify,
}

/// The publisher of the moment.
struct Session {
    handle: ConnectionHandle,
    peer: SocketAddr,
    last_packet: LastPacket,
    /// Packets at the last look: what is held back by a gap counts as life, too.
    packets_seen: u64,
    announced: bool,
    loss: LossWindow,
}

/// What a second publisher meets.
enum Place {
    Free,
    Taken(SocketAddr),
    Unclear,
}

impl PublisherDoor {
    /// Lets a publisher with the right credential in, at once or when it is clear that the
    /// one before is gone.
    pub(crate) async fn admit(self: Arc<Self>, keys: Option<SessionKeys>, candidate: Candidate) {
        let asked = Clock::start().now();
        loop {
            match self.place(asked) {
                Place::Free => return self.begin(keys, candidate),
                Place::Taken(by) => {
                    return candidate.refuse(
                        Refusal::new(
                            RejectReason::AlreadyPublishing,
                            "Stop the other sender first, or give this one a source of its own",
                        )
                        .expected(format!("only one publisher; {by} is live")),
                    );
                }
                Place::Unclear => sleep(TAKEOVER_LOOK).await,
            }
        }
    }

    fn place(&self, asked: Instant) -> Place {
        let now = Clock::start().now();
        let guard = self.session();
        let Some(session) = guard.as_ref() else {
            return Place::Free;
        };
        if matches!(session.handle.status().state, ConnectionState::Ended(_)) {
            return Place::Free;
        }
        let lively = session.last_packet.at() > asked + PROOF_OF_LIFE;
        let waited = now.saturating_since(asked) >= TAKEOVER_WAIT_MAX;
        if session.last_packet.silent_for(now) >= TAKEOVER_SILENCE {
            Place::Free
        } else if lively || waited {
            Place::Taken(session.peer)
        } else {
            Place::Unclear
        }
    }

    /// Makes the candidate the publisher; who was it before is sent away.
    fn begin(&self, keys: Option<SessionKeys>, candidate: Candidate) {
        let mut session = self.session();
        if let Some(old) = session.take() {
            old.handle.close();
        }
        let last_packet = LastPacket::new(Clock::start().now());
        let sink = FeedSink::new(self.feed.ts_writer(), last_packet.clone());
        let mut config = ConnectionConfig::default();
        if let Some(latency) = self.latency.or_else(|| self.listening.latency()) {
            config.latency = latency;
        }
        let peer = candidate.peer;
        let handle = candidate
            .reply
            .accept(keys, config, Role::Publisher(Box::new(sink)));
        *session = Some(Session {
            handle,
            peer,
            last_packet,
            packets_seen: 0,
            announced: false,
            loss: LossWindow::default(),
        });
        drop(session);
        self.changed.notify_one();
    }

    /// Passes on how the session is doing, until the source is stopped.
    async fn serve(&self, context: &SourceContext, stream_id: &str) {
        let waiting = || Some("waiting for the sender".to_owned());
        context
            .report
            .connection(Connection::Disconnected, waiting());
        let mut tick = interval(REPORT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = context.stop.cancelled() => return,
                () = self.changed.notified() => {}
                _ = tick.tick() => {}
            }
            self.look(context, stream_id);
        }
    }

    fn look(&self, context: &SourceContext, stream_id: &str) {
        let mut guard = self.session();
        let Some(session) = guard.as_mut() else {
            return;
        };
        let status = session.handle.status();
        match &status.state {
            ConnectionState::Opening => {}
            ConnectionState::Connected => {
                if !std::mem::replace(&mut session.announced, true) {
                    context.report.connected(Some(session.peer.to_string()));
                }
                if let Some(statistics) = &status.statistics {
                    let received = statistics.total.packets_received;
                    if std::mem::replace(&mut session.packets_seen, received) != received {
                        session
                            .last_packet
                            .note(statistics.at - statistics.silent_for);
                    }
                    context
                        .report
                        .transport(transport(statistics, &mut session.loss));
                }
                context.report.detail(
                    "srt",
                    details::connection(&status, stream_id, Direction::In),
                );
            }
            ConnectionState::Ended(reason) => {
                let phrase = phrases::departure(reason).to_owned();
                *guard = None;
                context
                    .report
                    .connection(Connection::Disconnected, Some(phrase));
            }
        }
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
