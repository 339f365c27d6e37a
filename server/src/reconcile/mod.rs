//! Makes the engine what the desired state says, by the smallest difference.
//!
//! Only this changes the engine. An object that did not change is not touched; one that
//! cannot be is reported with its reason and tried again.

mod pass;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tidegate_engine::{
    Alarm, Engine, EventKind, EventSink, RunError, Severity, StandingAlarm, Subject,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapters::Adapters;
use crate::state::{Control, Desired};
use pass::Applied;

/// How often objects that could not be applied are tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Objects stopped or started at a time: stopping one may take seconds.
const AT_A_TIME: usize = 32;
/// The alarm of an object that is not what it should be.
const NOT_AS_CONFIGURED: &str = "not_as_configured";

/// Why an object is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ObjectError {
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// How far the engine is what it should be. What is not stands in alarm: nobody would
/// look for the reason of a silent source at its listener.
#[derive(Debug)]
pub struct Convergence {
    events: EventSink,
    revision: AtomicU64,
    passes: AtomicU64,
    errors: Mutex<Errors>,
}

/// What stands in alarm, by kind of object and name, and since when.
type Errors = BTreeMap<(&'static str, String), (Alarm, Instant)>;

impl Convergence {
    fn new(events: EventSink) -> Self {
        Self {
            events,
            revision: AtomicU64::new(0),
            passes: AtomicU64::new(0),
            errors: Mutex::default(),
        }
    }

    /// The revision that was last gone through.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// How often the desired state was gone through.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Acquire)
    }

    /// Why the object is not what it should be.
    #[must_use]
    pub fn error(&self, what: &'static str, name: &str) -> Option<ObjectError> {
        let errors = self.errors();
        let (alarm, _) = errors.get(&(what, name.to_owned()))?;
        Some(ObjectError {
            message: alarm.text.clone(),
            advice: alarm.advice.clone(),
            since: crate::time::rfc3339(alarm.since),
        })
    }

    /// The alarms of the objects that are not what they should be.
    #[must_use]
    pub fn alarms(&self) -> Vec<StandingAlarm> {
        let with_subject = |((what, name), (alarm, _)): (&(&'static str, String), &(Alarm, _))| {
            let (subject, alarm) = (subject(what, name), alarm.clone());
            StandingAlarm { subject, alarm }
        };
        self.errors().iter().map(with_subject).collect()
    }

    /// How many objects are not what they should be.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.errors().len()
    }

    fn failed(&self, what: &'static str, name: &str, error: &RunError) {
        let mut errors = self.errors();
        let key = (what, name.to_owned());
        if let Some((known, _)) = errors.get_mut(&key) {
            known.text.clone_from(&error.message);
            known.advice.clone_from(&error.advice);
            return;
        }
        let alarm = Alarm {
            code: NOT_AS_CONFIGURED.into(),
            severity: Severity::Error,
            text: error.message.clone(),
            advice: error.advice.clone(),
            since: SystemTime::now(),
        };
        errors.insert(key, (alarm.clone(), Instant::now()));
        drop(errors);
        self.events
            .emit(subject(what, name), EventKind::AlarmRaised(alarm));
    }

    /// Forgets the errors of objects of a kind that `keep` does not know any more.
    fn forget(&self, what: &'static str, keep: impl Fn(&str) -> bool) {
        let known: Vec<String> = {
            let errors = self.errors();
            let of_kind = errors.keys().filter(|(kind, _)| *kind == what);
            of_kind.map(|(_, name)| name.clone()).collect()
        };
        let gone = known.iter().filter(|name| !keep(name));
        gone.for_each(|name| self.done(what, name));
    }

    fn done(&self, what: &'static str, name: &str) {
        let removed = self.errors().remove(&(what, name.to_owned()));
        let Some((_, since)) = removed else { return };
        let cleared = EventKind::AlarmCleared {
            code: NOT_AS_CONFIGURED.into(),
            lasted_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        self.events.emit(subject(what, name), cleared);
    }

    fn errors(&self) -> MutexGuard<'_, Errors> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn subject(what: &str, name: &str) -> Subject {
    match what {
        "source" => Subject::source(name),
        "output" => Subject::output(name),
        _ => Subject::listener(name),
    }
}

/// The engine's only hand.
#[derive(Debug)]
pub struct Reconciler {
    engine: Engine,
    adapters: Arc<Adapters>,
    desired: watch::Receiver<Arc<Desired>>,
    convergence: Arc<Convergence>,
}

impl Reconciler {
    /// Will bring `engine` to what `control` says.
    #[must_use]
    pub fn new(engine: Engine, adapters: Arc<Adapters>, control: &Control) -> Self {
        let desired = control.subscribe();
        let convergence = Arc::new(Convergence::new(engine.events().clone()));
        Self {
            engine,
            adapters,
            desired,
            convergence,
        }
    }

    /// Where it reports how far it is.
    #[must_use]
    pub fn convergence(&self) -> Arc<Convergence> {
        self.convergence.clone()
    }

    /// Follows the desired state until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut applied = Applied::default();
        loop {
            let desired = self.desired.borrow_and_update().clone();
            applied.bring_to(&desired, &self).await;
            self.convergence
                .revision
                .store(desired.revision, Ordering::Release);
            self.convergence.passes.fetch_add(1, Ordering::Release);
            let retry = async {
                if self.convergence.error_count() == 0 {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            };
            tokio::select! {
                changed = self.desired.changed() => if changed.is_err() { return },
                () = retry => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
