//! Alarms about the program as a whole. (Sources and outputs raise theirs in the engine.)

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use tidegate_engine::{Alarm, EventKind, EventSink, Severity, StandingAlarm, Subject};

/// What is wrong with the program as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemAlarm {
    /// Names the alarm.
    pub code: &'static str,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// The alarms that stand.
#[derive(Debug)]
pub struct Alarms {
    events: EventSink,
    standing: Mutex<BTreeMap<&'static str, (Alarm, Instant)>>,
}

impl Alarms {
    /// None yet; changes are announced to `events`.
    #[must_use]
    pub fn new(events: EventSink) -> Self {
        Self {
            events,
            standing: Mutex::default(),
        }
    }

    /// Raises an alarm; one that stands is only reworded.
    pub fn raise(&self, alarm: SystemAlarm) {
        let SystemAlarm { code, text, advice } = alarm;
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((alarm, _)) = standing.get_mut(code) {
            (alarm.text, alarm.advice) = (text, advice);
            return;
        }
        let alarm = Alarm {
            code: code.into(),
            severity: Severity::Warning,
            text,
            advice,
            since: SystemTime::now(),
        };
        standing.insert(code, (alarm.clone(), Instant::now()));
        drop(standing);
        self.events
            .emit(Subject::system(), EventKind::AlarmRaised(alarm));
    }

    /// Clears an alarm, if it stands.
    pub fn clear(&self, code: &str) {
        let removed = self
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(code);
        let Some((_, since)) = removed else { return };
        let lasted_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let cleared = EventKind::AlarmCleared {
            code: code.into(),
            lasted_ms,
        };
        self.events.emit(Subject::system(), cleared);
    }

    /// The alarms that stand.
    #[must_use]
    pub fn standing(&self) -> Vec<StandingAlarm> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let with_subject = |(alarm, _): &(Alarm, Instant)| StandingAlarm {
            subject: Subject::system(),
            alarm: alarm.clone(),
        };
        standing.values().map(with_subject).collect()
    }
}
