use super::OutputState;
use crate::detail::Detail;
use crate::error::RunError;
use crate::event::{Alarm, EventKind, EventSink, Severity, Subject};
use crate::limits;
use core::sync::atomic::{AtomicU64, Ordering};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// Where an output's driver says how it is doing. Cheap to clone. [`Self::delivered`],
/// [`Self::lost`] and [`Self::readers`] may be called from media threads, the rest not.
#[derive(Clone, Debug)]
pub struct OutputReport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    events: EventSink,
    delivered_bytes: AtomicU64,
    lost_packets: AtomicU64,
    readers: AtomicU64,
    said: Mutex<Said>,
}

/// The last that was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) state: OutputState,
    pub(crate) reason: Option<String>,
    /// It is not tried again by itself.
    pub(crate) resting: bool,
    pub(crate) reconnects: u64,
    pub(crate) last_error: Option<String>,
    /// A run is up: what is observed decides the state.
    up: bool,
    /// What went wrong without ending a run, and when.
    trouble: Option<(String, Instant)>,
    /// The last run failed with this, and none has been up since.
    failing_with: Option<RunError>,
    /// Why it began again, as it was told last: runs that fail alike are one event.
    told: Option<String>,
    pub(crate) detail: BTreeMap<&'static str, Detail>,
    pub(crate) alarms: BTreeMap<&'static str, (Alarm, Raised)>,
}

/// When an alarm was raised, on a clock that does not step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised(Instant);

/// What an output that is up was seen to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    /// The far side takes it.
    Delivering,
    /// Nothing to deliver or nobody to deliver to, for this reason.
    Idle(&'static str),
    /// The source has media, and nothing was accepted in the last second.
    NothingAccepted,
}

impl OutputReport {
    /// A report of its own, for tests and for the engine.
    #[must_use]
    pub fn new(name: &str, events: EventSink) -> Self {
        Self {
            inner: Arc::new(Inner {
                name: name.into(),
                events,
                delivered_bytes: AtomicU64::new(0),
                lost_packets: AtomicU64::new(0),
                readers: AtomicU64::new(0),
                said: Mutex::default(),
            }),
        }
    }

    /// Setting up. After a run that broke it is reconnecting still.
    pub fn connecting(&self) {
        if self.said().state != OutputState::Reconnecting {
            self.state(OutputState::Connecting, None);
        }
    }

    /// Set up: from now on the engine decides whether it waits, delivers or fails to.
    pub fn up(&self) {
        let mut said = self.said();
        said.failing_with = None;
        said.told = None;
        said.trouble = None;
        said.up = true;
        said.resting = false;
        self.change(said, OutputState::Waiting, None);
    }

    /// The far side accepted this many bytes more.
    pub fn delivered(&self, bytes: u64) {
        self.inner
            .delivered_bytes
            .fetch_add(bytes, Ordering::Relaxed);
    }

    /// This many packets more could not be taken in time.
    pub fn lost(&self, packets: u64) {
        self.inner
            .lost_packets
            .fetch_add(packets, Ordering::Relaxed);
    }

    /// How many readers are being served now.
    pub fn readers(&self, count: u64) {
        self.inner.readers.store(count, Ordering::Relaxed);
    }

    /// Something went wrong without ending the run. While it does so again and nothing is
    /// accepted, the output has failed.
    pub fn error(&self, message: impl Into<String>) {
        let message = message.into();
        let mut said = self.said();
        said.last_error = Some(message.clone());
        said.trouble = Some((message, Instant::now()));
    }

    /// What the adapter adds to the status.
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
        if said.detail.len() < limits::DETAILS || said.detail.contains_key(name) {
            said.detail.insert(name, detail);
        }
    }

    /// Raises an alarm, once until it is cleared; one that stands takes the new words.
    pub fn raise(&self, code: &'static str, severity: Severity, text: &str, advice: &str) {
        let mut alarm = Alarm {
            code: code.into(),
            severity,
            text: text.into(),
            advice: advice.into(),
            since: SystemTime::now(),
        };
        let mut said = self.said();
        let mut raised = Raised(Instant::now());
        let mut news = true;
        if let Some((standing, since)) = said.alarms.get(code) {
            alarm.since = standing.since;
            raised = *since;
            news = !alarm.is_no_news_after(standing);
        }
        said.last_error = Some(format!("{text}. {advice}"));
        said.alarms.insert(code, (alarm.clone(), raised));
        drop(said);
        if news {
            self.emit(EventKind::AlarmRaised(alarm));
        }
    }

    /// Clears an alarm, if it was raised.
    pub fn clear(&self, code: &'static str) {
        let Some((_, Raised(since))) = self.said().alarms.remove(code) else {
            return;
        };
        let lasted_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.emit(EventKind::AlarmCleared {
            code: code.into(),
            lasted_ms,
        });
    }

    pub(crate) fn clear_all(&self) {
        let codes: Vec<_> = self.said().alarms.keys().copied().collect();
        for code in codes {
            self.clear(code);
        }
    }

    /// What was delivered so far.
    #[must_use]
    pub fn delivered_bytes(&self) -> u64 {
        self.inner.delivered_bytes.load(Ordering::Relaxed)
    }

    /// What could not be taken in time so far.
    #[must_use]
    pub fn lost_packets(&self) -> u64 {
        self.inner.lost_packets.load(Ordering::Relaxed)
    }

    /// Readers being served now.
    #[must_use]
    pub fn reader_count(&self) -> u64 {
        self.inner.readers.load(Ordering::Relaxed)
    }

    /// Where an output stands that is not up.
    pub(crate) fn state(&self, state: OutputState, reason: Option<String>) {
        let mut said = self.said();
        said.up = false;
        said.resting = false;
        self.change(said, state, reason);
    }

    /// Where an output stands that is not tried again by itself.
    pub(crate) fn rest(&self, state: OutputState, reason: Option<String>) {
        let mut said = self.said();
        said.up = false;
        said.resting = true;
        self.change(said, state, reason);
    }

    fn change(&self, mut said: MutexGuard<'_, Said>, state: OutputState, reason: Option<String>) {
        let same = said.state == state;
        if same && said.reason == reason {
            return;
        }
        said.state = state;
        said.reason.clone_from(&reason);
        let quiet = match state {
            // Another reason to wait is no event.
            OutputState::Waiting => same,
            OutputState::Reconnecting => {
                said.told.as_deref() == Some(reason.as_deref().unwrap_or_default())
            }
            _ => false,
        };
        if state == OutputState::Reconnecting {
            said.told = Some(reason.clone().unwrap_or_default());
        }
        drop(said);
        if quiet {
            return;
        }
        self.emit(EventKind::OutputState { state, reason });
    }

    /// Moves an output that is up to where it was seen; any other stays.
    pub(crate) fn observed(&self, seen: Seen, now: Instant) {
        let said = self.said();
        if !said.up {
            return;
        }
        let (state, reason) = match seen {
            Seen::Delivering => (OutputState::Delivering, None),
            Seen::Idle(why) => (OutputState::Waiting, Some(why.to_owned())),
            Seen::NothingAccepted => match &said.trouble {
                Some((error, at)) if now.saturating_duration_since(*at) < limits::ERROR_FRESH => {
                    (OutputState::Failed, Some(error.clone()))
                }
                _ => {
                    let why = "nothing was accepted in the last second";
                    (OutputState::Waiting, Some(why.to_owned()))
                }
            },
        };
        self.change(said, state, reason);
    }

    /// Keeps the error; true if it is not the same as last time.
    pub(crate) fn failed(&self, error: &RunError) -> bool {
        let mut said = self.said();
        let same = said.failing_with.as_ref() == Some(error);
        said.failing_with = Some(error.clone());
        said.last_error = Some(error.to_string());
        !same
    }

    pub(crate) fn count_reconnect(&self) {
        self.said().reconnects += 1;
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

    fn emit(&self, kind: EventKind) {
        self.inner
            .events
            .emit(Subject::output(&*self.inner.name), kind);
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
