//! An output on a listener: any number of readers.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_engine::{
    BoxFuture, Delivery, Ended, EventKind, EventSink, OutputContext, OutputDriver, OutputReport,
    Rejection, Route, RunError, Subject, Ticket,
};
use tidegate_srt::{ConnectionConfig, Counters, KeyRefresh, RejectReason, SessionKeys};
use tidegate_srt_io::{ConnectionHandle, ConnectionState, ConnectionStatus, Role};
use tidegate_units::NetworkSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::details;
use crate::fountain::{Count, Discard, Release, RouteFountain};
use crate::listening::{Candidate, Entry, Listening, Refusal, Stay};
use crate::lock::Lock;
use crate::low_delay::SourceLatency;
use crate::passphrases::Passphrase;
use crate::phrases;
use crate::publisher::REPORT_INTERVAL;
use crate::settings::{FilterChoice, Repeats, SocketSettings};

/// How long the goodbye to readers may take.
pub(crate) const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// The least receive buffer SRT can announce, for peers that have nothing to send.
const READER_RECEIVE_PACKETS: u32 = 32;
/// Readers whose figures the status shows.
const READERS_SHOWN: usize = 50;

/// The settings of an output on a listener, ready to run.
pub(crate) struct ListenerOutput {
    pub(crate) listening: Arc<Listening>,
    pub(crate) stream_id: String,
    pub(crate) lock: Arc<Lock>,
    pub(crate) latency: Option<Duration>,
    /// Of its own port, where it has one.
    pub(crate) socket: SocketSettings,
    pub(crate) packet_filter: Option<FilterChoice>,
    pub(crate) key_refresh: Option<KeyRefresh>,
    pub(crate) repeats: Repeats,
    pub(crate) release: Release,
}

impl OutputDriver for ListenerOutput {
    fn kind(&self) -> &'static str {
        "srt"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Readers
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let door = Arc::new(ReaderDoor {
                name: Arc::clone(&context.name),
                lock: Arc::clone(&self.lock),
                listening: Arc::clone(&self.listening),
                latency: self.latency,
                packet_filter: self.packet_filter,
                key_refresh: self.key_refresh.unwrap_or_default(),
                repeats: self.repeats,
                release: self.release,
                route: context.route.clone(),
                report: context.report.clone(),
                events: context.events.clone(),
                discard: Discard::new(),
                readers: Mutex::default(),
            });
            let entry = Entry::Output(Arc::clone(&door));
            let _claimed = tokio::select! {
                claimed = self.listening.claim(&self.stream_id, entry) => claimed?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let own_port = self
                .listening
                .open_own(self.latency, &self.socket, &context.events)
                .await?;
            let _farewell = Farewell(Arc::clone(&door));
            context.report.up();
            door.serve(&context).await;
            door.dismiss().await;
            if let Some(port) = own_port {
                port.close().await;
            }
            Ok(Ended::Stopped)
        })
    }

    fn take_over(&self, newer: &dyn OutputDriver) -> bool {
        let newer = newer.as_any().and_then(|it| it.downcast_ref::<Self>());
        newer.is_some_and(|newer| {
            self.is_like(newer) && self.listening.change(&self.lock, &newer.lock)
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl ListenerOutput {
    /// Whether only what is asked of callers can differ.
    fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.listening, &other.listening)
            && self.stream_id == other.stream_id
            && self.latency == other.latency
            && self.socket == other.socket
            && self.packet_filter == other.packet_filter
            && self.release == other.release
            && self.key_refresh == other.key_refresh
            && self.repeats == other.repeats
    }
}

/// Sends the readers away when the output goes, however it goes: a run may be cut off.
struct Farewell(Arc<ReaderDoor>);

impl Drop for Farewell {
    fn drop(&mut self) {
        for session in self.0.readers().leave() {
            session.handle.close();
        }
        self.0.report.readers(0);
    }
}

/// Where readers of one output come in.
pub(crate) struct ReaderDoor {
    pub(crate) name: Arc<str>,
    pub(crate) lock: Arc<Lock>,
    listening: Arc<Listening>,
    latency: Option<Duration>,
    pub(crate) packet_filter: Option<FilterChoice>,
    key_refresh: KeyRefresh,
    repeats: Repeats,
    release: Release,
    route: Route,
    report: OutputReport,
    events: EventSink,
    discard: Discard,
    readers: Mutex<Readers>,
}

/// Everybody who reads, until the output goes.
#[derive(Default)]
struct Readers {
    sessions: Vec<Session>,
    /// What was counted for those that have left.
    gone: Counters,
    /// Who found no place.
    refused: u64,
    /// The output is going: nobody comes in any more.
    closed: bool,
}

impl Readers {
    /// Closes the door and hands out whoever is inside.
    fn leave(&mut self) -> Vec<Session> {
        self.closed = true;
        std::mem::take(&mut self.sessions)
    }
}

/// What the status shows of a reader, as it stood at the last look.
struct Shown {
    status: Arc<ConnectionStatus>,
    stream_id: Arc<str>,
    caller: Option<Arc<Value>>,
    low_delay: Option<SourceLatency>,
    /// The label of the passphrase it came in with.
    passphrase: Option<Arc<str>>,
}

impl Shown {
    fn describe(&self) -> Value {
        let mut details = details::output(&self.status, &self.stream_id, self.low_delay.as_ref());
        if let Some(caller) = &self.caller {
            details["caller"] = Value::clone(caller);
        }
        details::add_passphrase(&mut details, self.passphrase.as_ref());
        details
    }
}

/// One reader.
struct Session {
    handle: ConnectionHandle,
    stream_id: Arc<str>,
    /// What it said about itself, for the status.
    caller: Option<Arc<Value>>,
    _ticket: Option<Ticket>,
    source_latency: SourceLatency,
    /// What it came in with.
    passphrase: Option<Passphrase>,
    announced: bool,
}

impl ReaderDoor {
    /// The source its readers get at the moment.
    pub(crate) fn source_name(&self) -> String {
        self.route.feed().name().to_owned()
    }

    /// Lets a reader with the right credential in, if there is room.
    pub(crate) fn admit(&self, keys: Option<SessionKeys>, candidate: Candidate) {
        let mut readers = self.readers();
        if readers.closed || candidate.is_banned() {
            // Silence: the caller finds nothing when it asks again.
            return;
        }
        let max = self.max_readers();
        if readers.sessions.len() >= max {
            readers.refused += 1;
            drop(readers);
            let advice = "Raise `max_readers` of the output if the machine bears more, or read \
                          from an output on another node";
            let expected = format!("at most {max} readers of output {}", self.name);
            return candidate
                .refuse(Refusal::new(RejectReason::Overloaded, advice).expected(expected));
        }
        let (report, discard) = (self.report.clone(), self.discard.clone());
        let fountain = RouteFountain::new(&self.route, report, self.release, Count::Given, discard);
        let source_latency = fountain.source_latency();
        let mut config = ConnectionConfig {
            // Whatever a reader sends is let go: it gets no room to fill.
            receive_buffer_packets: Some(READER_RECEIVE_PACKETS),
            packet_filter: self.packet_filter.and_then(FilterChoice::wanted),
            key_refresh: self.key_refresh,
            ..ConnectionConfig::default()
        };
        self.repeats.apply(&mut config);
        if let Some(latency) = self.latency.or_else(|| self.listening.latency()) {
            config.peer_latency = latency;
        }
        let caller = candidate.caller;
        let passphrase = candidate.passphrase;
        let handle = candidate
            .reply
            .accept(keys, config, Role::Reader(Box::new(fountain)));
        readers.sessions.push(Session {
            handle,
            stream_id: caller.stream_id.to_string().into(),
            caller: caller.describe().map(Arc::new),
            _ticket: candidate.ticket,
            source_latency,
            passphrase,
            announced: false,
        });
    }

    /// Counts readers and passes on how they are doing, until the output is stopped.
    async fn serve(&self, context: &OutputContext) {
        let mut tick = interval(REPORT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = context.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            self.discard.empty();
            self.look();
        }
    }

    /// Sends every reader away and waits until their cursors have left the feed.
    async fn dismiss(&self) {
        let handles: Vec<_> = self
            .readers()
            .leave()
            .into_iter()
            .map(|session| session.handle)
            .collect();
        handles.iter().for_each(ConnectionHandle::close);
        let all = async {
            for handle in &handles {
                handle.ended().await;
            }
        };
        // Whoever takes longer is cut off when the last of the output goes.
        let _ = timeout(GOODBYE_MAX, all).await;
        self.discard.empty();
    }

    fn look(&self) {
        let stay = self.listening.stay(&self.lock);
        let mut readers = self.readers();
        let Readers { sessions, gone, .. } = &mut *readers;
        sessions.retain_mut(|reader| {
            let stays = self.look_at(reader, &stay);
            if !stays {
                *gone = gone.plus(&counted(reader));
            }
            stays
        });
        let total = sessions
            .iter()
            .fold(*gone, |sum, reader| sum.plus(&counted(reader)));
        let connected = sessions.iter().filter(|reader| reader.announced).count();
        let shown: Vec<Shown> = sessions
            .iter()
            .filter(|reader| reader.announced)
            .take(READERS_SHOWN)
            .map(|reader| Shown {
                status: reader.handle.status(),
                stream_id: Arc::clone(&reader.stream_id),
                caller: reader.caller.clone(),
                low_delay: self
                    .release
                    .is_at_once()
                    .then(|| reader.source_latency.clone()),
                passphrase: reader.passphrase.as_ref().map(|it| Arc::clone(it.label())),
            })
            .collect();
        let refused = readers.refused;
        drop(readers);
        self.report.readers(connected as u64);
        let max_readers = self.max_readers();
        self.report.detail_when_asked("srt", move || {
            json!({
                "total": details::counters(&total),
                "max_readers": max_readers,
                "refused_max_readers": refused,
                "readers": shown.iter().map(Shown::describe).collect::<Value>(),
            })
        });
    }

    /// Says when a reader came or went; false when it is gone.
    fn look_at(&self, reader: &mut Session, stay: &Stay) -> bool {
        let status = reader.handle.status();
        let peer = || status.peer.to_string();
        match &status.state {
            ConnectionState::Opening => true,
            ConnectionState::Connected => {
                if !std::mem::replace(&mut reader.announced, true) {
                    let (peer, stream_id) = (peer(), reader.stream_id.to_string());
                    self.emit(EventKind::ReaderConnected { peer, stream_id });
                }
                let is_right = stay.is_right(reader.passphrase.as_ref());
                if !is_right || !stay.is_allowed(status.peer.ip()) {
                    reader.handle.close();
                }
                if sends_media(&status) {
                    self.send_away(reader, peer());
                }
                true
            }
            ConnectionState::Ended(reason) => {
                if reader.announced {
                    let (peer, reason) = (peer(), phrases::reader_departure(reason).to_owned());
                    self.emit(EventKind::ReaderDisconnected { peer, reason });
                }
                false
            }
        }
    }

    /// Readers at a time, by the settings of the moment.
    fn max_readers(&self) -> usize {
        self.lock.asked().rules.max_readers
    }

    /// Ends the connections from banned addresses.
    pub(crate) fn send_away_banned(&self, banned: &NetworkSet) {
        for reader in &self.readers().sessions {
            if banned.contains(reader.handle.status().peer.ip()) {
                reader.handle.close();
            }
        }
    }

    /// A plain stream ID does not say which way the media goes. Somebody who sends to an
    /// output would see a success, and nobody would ever see his picture.
    fn send_away(&self, reader: &Session, peer: String) {
        reader.handle.close();
        let advice = "This stream ID is for reading. To send, use the stream ID of a source, \
                      with the source's passphrase";
        let rejection = Rejection {
            peer,
            stream_id: reader.stream_id.to_string(),
            reason: RejectReason::WrongMode.name().to_owned(),
            received: Some("media, on the stream ID of an output".to_owned()),
            expected: Some("a reader, which sends none".to_owned()),
            nearest: None,
            advice: advice.to_owned(),
        };
        let subject = Subject::listener(&*self.listening.name);
        self.events
            .emit(subject, EventKind::ConnectionRejected(rejection));
    }

    fn emit(&self, kind: EventKind) {
        self.events.emit(Subject::output(&*self.name), kind);
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was counted for a reader until now.
fn counted(reader: &Session) -> Counters {
    let status = reader.handle.status();
    let statistics = status.statistics.as_ref();
    statistics.map_or_else(Counters::default, |figures| figures.total)
}

fn sends_media(status: &ConnectionStatus) -> bool {
    let statistics = status.statistics.as_ref();
    statistics.is_some_and(|figures| figures.total.packets_received_unique > 0)
}
