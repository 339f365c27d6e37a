use super::OutputState;
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
    pub(crate) reconnects: u64,
    pub(crate) last_error: Option<String>,
    /// The last run failed with this, and none has been up since.
    failing_with: Option<RunError>,
    /// Why it began again, as it was told last: runs that fail alike are one event.
    told: Option<String>,
    pub(crate) detail: BTreeMap<&'static str, Value>,
    pub(crate) alarms: BTreeMap<&'static str, (Alarm, Raised)>,
}

/// When an alarm was raised, on a clock that does not step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised(Instant);

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

    /// Setting up.
    pub fn connecting(&self) {
        self.state(OutputState::Connecting, None);
    }

    /// Set up: from now on the engine decides between waiting and delivering.
    pub fn up(&self) {
        {
            let mut said = self.said();
            said.failing_with = None;
            said.told = None;
        }
        self.state(OutputState::Waiting, None);
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

    /// Something went wrong without ending the run.
    pub fn error(&self, message: impl Into<String>) {
        self.said().last_error = Some(message.into());
    }

    /// What the adapter adds to the status.
    pub fn detail(&self, name: &'static str, value: Value) {
        let mut said = self.said();
        if said.detail.len() < limits::DETAILS || said.detail.contains_key(name) {
            said.detail.insert(name, value);
        }
    }

    /// Raises an alarm, once until it is cleared.
    pub fn raise(&self, code: &'static str, severity: Severity, text: &str, advice: &str) {
        let alarm = Alarm {
            code: code.into(),
            severity,
            text: text.into(),
            advice: advice.into(),
            since: SystemTime::now(),
        };
        let mut said = self.said();
        if said.alarms.contains_key(code) {
            return;
        }
        said.last_error = Some(format!("{text}. {advice}"));
        said.alarms
            .insert(code, (alarm.clone(), Raised(Instant::now())));
        drop(said);
        self.emit(EventKind::AlarmRaised(alarm));
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

    pub(crate) fn state(&self, state: OutputState, reason: Option<String>) {
        let mut said = self.said();
        let same = said.state == state;
        if same && said.reason == reason {
            return;
        }
        said.state = state;
        said.reason.clone_from(&reason);
        let quiet = match state {
            // Another reason to wait is no event, and another try no other.
            OutputState::Waiting => same,
            OutputState::Connecting => said.told.is_some(),
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

    /// An output that is up moves between waiting and delivering; any other state stays.
    pub(crate) fn observed(&self, delivering: bool, why_not: &str) {
        let state = self.said().state;
        match (state, delivering) {
            (OutputState::Waiting, true) => self.state(OutputState::Delivering, None),
            (OutputState::Waiting | OutputState::Delivering, false) => {
                self.state(OutputState::Waiting, Some(why_not.to_owned()));
            }
            _ => {}
        }
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
