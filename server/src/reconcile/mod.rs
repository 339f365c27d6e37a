//! Makes the engine what the desired state says, by the smallest difference.
//!
//! Only this changes the engine. An object that did not change is not touched; one that
//! cannot be is reported with its reason and tried again.

mod pass;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tidegate_engine::{Engine, RunError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapters::Adapters;
use crate::state::{Control, Desired};
use pass::Applied;

/// How often objects that could not be applied are tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Objects stopped or started at a time: stopping one may take seconds.
const AT_A_TIME: usize = 32;

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

/// How far the engine is what it should be.
#[derive(Debug, Default)]
pub struct Convergence {
    revision: AtomicU64,
    passes: AtomicU64,
    errors: Mutex<BTreeMap<(&'static str, String), ObjectError>>,
}

impl Convergence {
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
        self.errors().get(&(what, name.to_owned())).cloned()
    }

    /// How many objects are not what they should be.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.errors().len()
    }

    fn failed(&self, what: &'static str, name: &str, error: &RunError) {
        let mut errors = self.errors();
        let key = (what, name.to_owned());
        if let Some(known) = errors.get_mut(&key) {
            known.message.clone_from(&error.message);
            known.advice.clone_from(&error.advice);
            return;
        }
        tracing::warn!("{what} {name} is not as configured: {error}");
        let since = crate::time::rfc3339(SystemTime::now());
        let (message, advice) = (error.message.clone(), error.advice.clone());
        errors.insert(
            key,
            ObjectError {
                message,
                advice,
                since,
            },
        );
    }

    fn done(&self, what: &'static str, name: &str) {
        self.errors().remove(&(what, name.to_owned()));
    }

    fn errors(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), ObjectError>> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
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
        Self {
            engine,
            adapters,
            desired,
            convergence: Arc::default(),
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
