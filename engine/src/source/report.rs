use super::Connection;
use crate::detail::Detail;
use crate::error::RunError;
use crate::event::{Alarm, EventKind, EventSink, Subject};
use crate::feed::Feed;
use crate::health::Link;
use crate::limits;
use core::sync::atomic::{AtomicU8, Ordering};
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
    /// The latency to set instead, where what was measured shows that this one is too short.
    pub advised: Option<AdvisedLatency>,
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
    /// Packets that this host dropped since then before anybody could read them; they may have
    /// been another connection's.
    pub host_drops: u64,
    /// The ways the feed comes, where there are several.
    pub paths: Option<Paths>,
}

/// A latency to set, and the figures it was reckoned from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AdvisedLatency {
    /// What to set.
    pub latency: Duration,
    /// Round-trip time.
    pub rtt: Duration,
    /// How much packet timing varies.
    pub jitter: Duration,
    /// Packets lost on the way, in percent.
    pub loss_percent: f64,
}

/// How the parallel ways of one connection are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Those that carry, or could.
    pub working: usize,
    /// Those that were there and are not heard any more.
    pub missing: usize,
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
    /// The feed is told at once whether the sender is there.
    link: Arc<AtomicU8>,
    /// Wakes the watcher when the connection changes.
    changed: Notify,
}

/// The last that was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) connection: Connection,
    pub(crate) reason: Option<String>,
    /// It is not tried again by itself.
    pub(crate) resting: bool,
    pub(crate) connected_at: Option<SystemTime>,
    pub(crate) ever_connected: bool,
    /// The last attempt failed, and none has succeeded since.
    pub(crate) failing: bool,
    /// Why, as it was told last: attempts that fail alike are one event.
    told: Option<String>,
    failing_with: Option<RunError>,
    pub(crate) peer: Option<String>,
    pub(crate) transport: TransportFigures,
    pub(crate) details: BTreeMap<&'static str, Detail>,
    /// What the driver raised and has not cleared, by code.
    pub(crate) alarms: BTreeMap<String, Alarm>,
    /// Counts connections, so that a watcher notices a new one.
    pub(crate) connections: u64,
    pub(crate) reconnects: u64,
    /// It is made out of other sources: nobody sends it.
    pub(crate) made_here: bool,
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
        Self::with(name, events, None)
    }

    /// The report of the source that fills this feed.
    pub(crate) fn of(feed: &Feed, events: EventSink) -> Self {
        feed.set_link(Link::Down);
        Self::with(feed.name(), events, Some(feed.link()))
    }

    fn with(name: &str, events: EventSink, link: Option<Arc<AtomicU8>>) -> Self {
        let inner = Inner {
            name: name.into(),
            events,
            said: Mutex::default(),
            link: link.unwrap_or_default(),
            changed: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// It is made out of other sources: where it carries nothing, no sender is to be looked for,
    /// and the reason that the driver gives says what to do.
    pub fn made_here(&self) {
        self.said().made_here = true;
    }

    /// A sender is there.
    pub fn connected(&self, peer: Option<String>) {
        let mut said = self.said();
        said.connection = Connection::Connected;
        self.inner.link.store(Link::Up as u8, Ordering::Relaxed);
        said.reason = None;
        said.resting = false;
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
        said.resting = false;
        self.change(said, connection, reason);
    }

    /// The reason in other words, where the connection stands as it did: that is no event.
    pub fn reword(&self, connection: Connection, reason: Option<String>) {
        let mut said = self.said();
        if said.connection != connection {
            drop(said);
            return self.connection(connection, reason);
        }
        said.reason = reason;
        drop(said);
        self.inner.changed.notify_one();
    }

    /// The same of a source that is not tried again by itself.
    pub(crate) fn rest(&self, connection: Connection, reason: Option<String>) {
        let mut said = self.said();
        said.resting = true;
        self.change(said, connection, reason);
    }

    fn change(
        &self,
        mut said: MutexGuard<'_, Said>,
        connection: Connection,
        reason: Option<String>,
    ) {
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
            self.inner.link.store(Link::Down as u8, Ordering::Relaxed);
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
        self.add(name, Detail::Told(value));
    }

    /// The same, made only when somebody asks: for what changes more often than it is read.
    pub fn detail_when_asked(
        &self,
        name: &'static str,
        make: impl Fn() -> Value + Send + Sync + 'static,
    ) {
        self.add(name, Detail::Asked(Arc::new(make)));
    }

    fn add(&self, name: &'static str, detail: Detail) {
        let mut said = self.said();
        if said.details.len() < limits::DETAILS || said.details.contains_key(name) {
            said.details.insert(name, detail);
        }
    }

    /// Raises an alarm of the driver's own; one that stands is only reworded.
    pub fn raise_alarm(&self, alarm: Alarm) {
        let mut said = self.said();
        if let Some(standing) = said.alarms.get_mut(&alarm.code) {
            (standing.text, standing.advice) = (alarm.text, alarm.advice);
            return;
        }
        if said.alarms.len() >= limits::DRIVER_ALARMS {
            return;
        }
        said.alarms.insert(alarm.code.clone(), alarm.clone());
        drop(said);
        self.emit(EventKind::AlarmRaised(alarm));
    }

    /// Clears an alarm of the driver's own, if it stands.
    pub fn clear_alarm(&self, code: &str) {
        let Some(alarm) = self.said().alarms.remove(code) else {
            return;
        };
        let lasted = alarm.since.elapsed().unwrap_or_default();
        self.emit(EventKind::AlarmCleared {
            code: alarm.code,
            lasted_ms: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Severity;

    #[test]
    fn an_alarm_of_the_driver_is_told_once_and_stands_until_it_is_cleared() {
        let events = EventSink::new();
        let mut told = events.subscribe();
        let report = SourceReport::new("cam1", events);
        let alarm = |text: &str| Alarm {
            code: "flapping".into(),
            severity: Severity::Warning,
            text: text.into(),
            advice: "stop one".into(),
            since: SystemTime::now(),
        };
        report.raise_alarm(alarm("twice"));
        report.raise_alarm(alarm("three times"));
        let standing = report.snapshot().alarms;
        assert_eq!(standing["flapping"].text, "three times");
        assert!(matches!(
            told.try_recv().unwrap().kind,
            EventKind::AlarmRaised(_)
        ));
        assert!(told.try_recv().is_err());
        report.clear_alarm("flapping");
        report.clear_alarm("flapping");
        assert!(report.snapshot().alarms.is_empty());
        assert!(matches!(
            told.try_recv().unwrap().kind,
            EventKind::AlarmCleared { .. }
        ));
        assert!(told.try_recv().is_err());
    }
}
