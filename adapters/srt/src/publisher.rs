//! A source on a listener: one publisher at a time, and maybe one beside it.
//!
//! ```text
//!            right credential                     the peer is gone
//!  waiting ──────────────────▶ session (live) ──────────────────────▶ waiting
//!                                 │  ▲
//!      another, same credential ──┘  └── takes over once the session has been silent for
//!                                        0.7 s; while it is live, the policy decides
//! ```

mod shown;
mod standing;

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tidegate_engine::{
    BoxFuture, Connection, Ended, Feed, RunError, SourceContext, SourceDriver, SourceReport,
    TransportFigures, limits,
};
use tidegate_srt::{ConnectionConfig, SessionKeys};
use tidegate_srt_io::{Clock, ConnectionState, Role};
use tidegate_units::{Instant, Network, NetworkSet};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::figures::Watch;
use crate::legs;
use crate::links::{self, Shares};
use crate::listening::{Candidate, Entry, Listening};
use crate::lock::Lock;
use crate::phrases;
use crate::place::{Place, Session, Verdict};
use crate::settings::{FilterChoice, SocketSettings};
use crate::sink::{FeedSink, Gate, LastPacket};
use shown::Shown;

/// How often it is looked at whether a second publisher may come in, or step in.
const TAKEOVER_LOOK: Duration = Duration::from_millis(50);
/// How often figures are passed on.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The settings of a source on a listener, ready to run.
pub(crate) struct ListenerSource {
    pub(crate) listening: Arc<Listening>,
    pub(crate) stream_id: String,
    pub(crate) lock: Arc<Lock>,
    pub(crate) latency: Option<Duration>,
    /// Of its own port, where it has one.
    pub(crate) socket: SocketSettings,
    pub(crate) packet_filter: Option<FilterChoice>,
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
                lock: Arc::clone(&self.lock),
                listening: Arc::clone(&self.listening),
                latency: self.latency,
                packet_filter: self.packet_filter,
                feed: context.feed.clone(),
                report: context.report.clone(),
                place: Mutex::new(Place::new(self.lock.asked())),
                changed: Notify::new(),
            });
            let entry = Entry::Source(Arc::clone(&door));
            let _claimed = tokio::select! {
                claimed = self.listening.claim(&self.stream_id, entry) => claimed?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let own_port = self
                .listening
                .open_own(self.latency, &self.socket, &context.events)
                .await?;
            let farewell = Farewell(Arc::clone(&door));
            door.serve(&context, &self.stream_id).await;
            drop(farewell);
            if let Some(port) = own_port {
                port.close().await;
            }
            Ok(Ended::Stopped)
        })
    }

    fn take_over(&self, newer: &dyn SourceDriver) -> bool {
        let newer = newer.as_any().and_then(|it| it.downcast_ref::<Self>());
        newer.is_some_and(|newer| {
            self.is_like(newer) && self.listening.change(&self.lock, &newer.lock)
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl ListenerSource {
    /// Whether only what is asked of callers can differ.
    fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.listening, &other.listening)
            && self.stream_id == other.stream_id
            && self.latency == other.latency
            && self.socket == other.socket
            && self.packet_filter == other.packet_filter
    }
}

/// Ends the sessions when the source goes, however it goes.
struct Farewell(Arc<PublisherDoor>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let mut place = self.0.place();
        place.closed = true;
        for session in [place.live.take(), place.beside.take()]
            .into_iter()
            .flatten()
        {
            session.handle.close();
        }
        drop(place);
        self.0.report.clear_alarm(standing::FLAPPING);
    }
}

/// Where publishers of one source come in.
pub(crate) struct PublisherDoor {
    pub(crate) name: Arc<str>,
    pub(crate) lock: Arc<Lock>,
    listening: Arc<Listening>,
    latency: Option<Duration>,
    pub(crate) packet_filter: Option<FilterChoice>,
    feed: Feed,
    report: SourceReport,
    place: Mutex<Place>,
    changed: Notify,
}

/// Who wants to publish, until it is known what becomes of it.
type Entrant = Option<(Option<SessionKeys>, Candidate)>;

impl PublisherDoor {
    /// Lets a publisher with the right credential in, at once or when it is clear that the
    /// one before is gone.
    pub(crate) async fn admit(self: Arc<Self>, keys: Option<SessionKeys>, candidate: Candidate) {
        let asked = Clock::start().now();
        let mut entrant = Some((keys, candidate));
        loop {
            let holder = match self.try_admit(asked, &mut entrant) {
                Verdict::Free | Verdict::Beside | Verdict::Closed => return,
                Verdict::Unclear => {
                    sleep(TAKEOVER_LOOK).await;
                    continue;
                }
                Verdict::Taken(holder) => holder,
            };
            if let Some((_, candidate)) = entrant {
                let refusal = self.place().refusal(holder, candidate.has_proved);
                candidate.refuse(refusal);
            }
            return;
        }
    }

    /// Makes the entrant the publisher if the place is free, in one step. A source that is
    /// going answers with silence: the caller finds nothing when it asks again. So does one
    /// whose caller was banned while it waited.
    fn try_admit(&self, asked: Instant, entrant: &mut Entrant) -> Verdict {
        let mut place = self.place();
        if entrant.as_ref().is_some_and(|(_, who)| who.is_banned()) {
            return Verdict::Closed;
        }
        let group = entrant.as_ref().and_then(|(_, who)| place.group_of(who));
        if let Some(session) = group {
            if session.has_all_legs() {
                drop(place);
                if let Some((_, candidate)) = entrant.take() {
                    candidate.refuse(legs::one_too_many());
                }
                return Verdict::Closed;
            }
            if let Some((keys, mut candidate)) = entrant.take() {
                // One group is one publisher, however many legs it has.
                session.legs.extend(candidate.leg_place());
                candidate.reply.join(keys, self.connection_config());
            }
            return Verdict::Free;
        }
        let has_proved = entrant.as_ref().is_some_and(|(_, who)| who.has_proved);
        let verdict = place.judge(asked, has_proved);
        let slot = match verdict {
            Verdict::Free => &mut place.live,
            Verdict::Beside => &mut place.beside,
            _ => return verdict,
        };
        if let Some((keys, candidate)) = entrant.take() {
            if let Some(old) = slot.take() {
                old.handle.close();
            }
            let session = self.begin(keys, candidate);
            if matches!(verdict, Verdict::Free) {
                session.gate.open(self.feed.ts_writer());
            }
            *slot = Some(session);
            self.changed.notify_one();
        }
        verdict
    }

    fn begin(&self, keys: Option<SessionKeys>, mut candidate: Candidate) -> Session {
        let legs = candidate.leg_place().into_iter().collect();
        let last_packet = LastPacket::new(Clock::start().now());
        let gate = Gate::new();
        let sink = FeedSink::new(gate.clone(), last_packet.clone());
        let config = self.connection_config();
        let (peer, caller) = (candidate.peer, Arc::new(candidate.caller));
        let passphrase = candidate.passphrase;
        let role = Role::Publisher(Box::new(sink));
        Session {
            handle: candidate.reply.accept(keys, config, role),
            peer,
            caller,
            _ticket: candidate.ticket,
            legs,
            passphrase,
            since: SystemTime::now(),
            gate,
            last_packet,
            packets_seen: 0,
            announced: false,
            watch: Watch::default(),
            shares: Shares::default(),
        }
    }

    fn connection_config(&self) -> ConnectionConfig {
        let mut config = ConnectionConfig {
            packet_filter: self.packet_filter.and_then(FilterChoice::wanted),
            ..ConnectionConfig::default()
        };
        if let Some(latency) = self.latency.or_else(|| self.listening.latency()) {
            config.latency = latency;
        }
        config
    }

    /// Passes on how the sessions are doing, until the source is stopped.
    async fn serve(&self, context: &SourceContext, stream_id: &str) {
        let stream_id = Arc::from(stream_id);
        let waiting = || Some("waiting for the sender".to_owned());
        context
            .report
            .connection(Connection::Disconnected, waiting());
        let mut reported = Clock::start().now();
        loop {
            let pause = self.pause(Clock::start().now());
            let changed = tokio::select! {
                () = context.stop.cancelled() => return,
                () = self.changed.notified() => true,
                () = self.state_changed() => true,
                () = sleep(pause) => false,
            };
            let now = Clock::start().now();
            let stepped_in = self.settle(now, context);
            if changed || stepped_in || now.saturating_since(reported) >= REPORT_INTERVAL {
                reported = now;
                self.look(context, &stream_id);
            }
        }
    }

    /// How long nothing needs to be looked at.
    fn pause(&self, now: Instant) -> Duration {
        let place = self.place();
        let is_silent = |live: &Session| live.last_packet.silent_for(now) >= limits::REST_AFTER;
        let is_quiet = |live: &Session| is_silent(live) && !live.has_ended();
        if place.beside.is_some() {
            TAKEOVER_LOOK
        } else if place.live.as_ref().is_none_or(is_quiet) {
            limits::REST_INTERVAL
        } else {
            REPORT_INTERVAL
        }
    }

    /// Waits until a publisher that was let in is connected, or gone.
    async fn state_changed(&self) {
        let handle = self.place().live.as_ref().map(|live| live.handle.clone());
        let state = handle.as_ref().map(|handle| handle.status().state.clone());
        match (handle, state) {
            (Some(handle), Some(ConnectionState::Opening)) => drop(handle.connected().await),
            (Some(handle), Some(ConnectionState::Connected)) => drop(handle.ended().await),
            _ => std::future::pending().await,
        }
    }

    fn look(&self, context: &SourceContext, stream_id: &Arc<str>) {
        let mut place = self.place();
        self.send_away_the_locked_out(&place);
        place.sessions_mut().for_each(Session::note_legs);
        let beside = place.describe(stream_id);
        let Some(session) = &mut place.live else {
            return;
        };
        let status = session.handle.status();
        match &status.state {
            ConnectionState::Opening => {}
            ConnectionState::Connected => {
                if !std::mem::replace(&mut session.announced, true) {
                    context.report.connected(Some(session.peer.to_string()));
                }
                session.note_life(&status);
                let statistics = status.statistics.as_ref();
                let measured =
                    statistics.map(|figures| session.watch.note(figures, status.host_drops));
                if let Some(measured) = &measured {
                    context.report.transport(TransportFigures {
                        paths: links::paths(&status).or_else(|| session.leg_paths(&status)),
                        ..measured.transport
                    });
                }
                let shown = Shown {
                    stream_id: Arc::clone(stream_id),
                    caller: Arc::clone(&session.caller),
                    passphrase: session.passphrase.as_ref().map(|it| Arc::clone(it.label())),
                    beside,
                    links: session.shares.note(&status),
                    measured,
                    status,
                };
                context
                    .report
                    .detail_when_asked("srt", move || shown.describe());
            }
            // Whoever is beside steps in at the next look.
            ConnectionState::Ended(_) if place.beside.is_some() => {}
            ConnectionState::Ended(reason) => {
                let phrase = phrases::departure(reason).to_owned();
                place.live = None;
                context
                    .report
                    .connection(Connection::Disconnected, Some(phrase));
            }
        }
    }

    /// Ends the connections from banned addresses.
    pub(crate) fn send_away(&self, banned: &Arc<NetworkSet>) {
        for session in self.place().sessions() {
            session.send_away(banned);
        }
    }

    /// Whoever came in with a passphrase, or from an address, that is not right any more.
    fn send_away_the_locked_out(&self, place: &Place) {
        let stay = self.listening.stay(&self.lock);
        for session in place.sessions() {
            if !stay.is_right(session.passphrase.as_ref()) {
                session.handle.close();
            }
            let outside = session.addresses().into_iter();
            let outside = outside.filter(|address| !stay.is_allowed(*address));
            let outside: NetworkSet = outside.map(Network::from).collect();
            if !outside.is_empty() {
                session.send_away(&Arc::new(outside));
            }
        }
    }

    /// The place, under the policy of the moment.
    fn place(&self) -> MutexGuard<'_, Place> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.adopt(self.lock.asked()) {
            self.report.clear_alarm(standing::FLAPPING);
        }
        place
    }
}
