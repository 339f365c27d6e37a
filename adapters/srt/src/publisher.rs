//! A source on a listener: one publisher at a time.
//!
//! ```text
//!            right credential                     the peer is gone
//!  waiting ──────────────────▶ session (live) ──────────────────────▶ waiting
//!                                 │  ▲
//!      another, same credential ──┘  └── takes over once the session has been silent
//!                                        for TAKEOVER_SILENCE; refused while it is live
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_engine::{
    BoxFuture, Connection, Ended, Feed, RunError, Secret, SourceContext, SourceDriver,
};
use tidegate_srt::{ConnectionConfig, RejectReason, SessionKeys};
use tidegate_srt_io::{Clock, ConnectionState, Role};
use tidegate_units::Instant;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::details::{self, Direction};
use crate::figures::{LossWindow, transport};
use crate::listening::{Candidate, Entry, Listening, Refusal};
use crate::phrases;
use crate::place::{Place, Session, Verdict};
use crate::sink::{FeedSink, LastPacket};

/// How often it is looked at whether a second publisher may come in.
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
                place: Mutex::default(),
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
        let mut place = self.0.place();
        place.closed = true;
        if let Some(session) = place.session.take() {
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
    place: Mutex<Place>,
    changed: Notify,
}

impl PublisherDoor {
    /// Lets a publisher with the right credential in, at once or when it is clear that the
    /// one before is gone.
    pub(crate) async fn admit(self: Arc<Self>, keys: Option<SessionKeys>, candidate: Candidate) {
        let asked = Clock::start().now();
        let mut entrant = Some((keys, candidate));
        loop {
            let by = match self.try_admit(asked, &mut entrant) {
                Verdict::Free | Verdict::Closed => return,
                Verdict::Unclear => {
                    sleep(TAKEOVER_LOOK).await;
                    continue;
                }
                Verdict::Taken(by) => by,
            };
            if let Some((_, candidate)) = entrant {
                let advice = "Stop the other sender first, or give this one a source of its own; to watch, use the stream ID of an output";
                let refusal = Refusal::new(RejectReason::AlreadyPublishing, advice);
                candidate.refuse(refusal.expected(format!("only one publisher; {by} is live")));
            }
            return;
        }
    }

    /// Makes the entrant the publisher if the place is free, in one step. A source that is
    /// going answers with silence: the caller finds nothing when it asks again.
    fn try_admit(
        &self,
        asked: Instant,
        entrant: &mut Option<(Option<SessionKeys>, Candidate)>,
    ) -> Verdict {
        let mut place = self.place();
        let verdict = place.judge(asked);
        if matches!(verdict, Verdict::Free)
            && let Some((keys, candidate)) = entrant.take()
        {
            if let Some(old) = place.session.take() {
                old.handle.close();
            }
            place.session = Some(self.begin(keys, candidate));
            self.changed.notify_one();
        }
        verdict
    }

    fn begin(&self, keys: Option<SessionKeys>, candidate: Candidate) -> Session {
        let last_packet = LastPacket::new(Clock::start().now());
        let sink = FeedSink::new(self.feed.ts_writer(), last_packet.clone());
        let mut config = ConnectionConfig::default();
        if let Some(latency) = self.latency.or_else(|| self.listening.latency()) {
            config.latency = latency;
        }
        let peer = candidate.peer;
        let role = Role::Publisher(Box::new(sink));
        Session {
            handle: candidate.reply.accept(keys, config, role),
            peer,
            last_packet,
            packets_seen: 0,
            announced: false,
            loss: LossWindow::default(),
        }
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
        let mut place = self.place();
        let Some(session) = &mut place.session else {
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
                place.session = None;
                context
                    .report
                    .connection(Connection::Disconnected, Some(phrase));
            }
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
