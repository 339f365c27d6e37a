use super::StandingAlarm;
use crate::error::EngineError;
use crate::event::{Alarm, Subject};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_units::Instant;
use tokio::sync::Mutex as AsyncMutex;

/// What sources and outputs have in common: they run until they are stopped.
pub(crate) trait Entry: Send + Sync + 'static {
    /// `source` or `output`.
    const WHAT: &'static str;
    /// How many there may be.
    const MAX: usize;
    /// What is known about one.
    type Status;

    fn subject(&self) -> Subject;
    /// Asks it to stop.
    fn begin_stop(&self);
    /// Asks it to stop, and waits until it has.
    fn stop(&self) -> impl Future<Output = ()> + Send;
    fn status(&self, now: Instant) -> Self::Status;
    fn alarms(&self) -> Vec<Alarm>;
}

/// Entries by name; dropped, all of them stop.
pub(super) struct Slots<E: Entry> {
    by_name: Mutex<BTreeMap<String, Slot<E>>>,
}

/// One name: changes to it wait for one another, changes to others do not.
struct Slot<E> {
    changing: Arc<AsyncMutex<()>>,
    entry: Option<Arc<E>>,
}

impl<E: Entry> Slots<E> {
    /// Starts an entry in place of the one there is, unless that `takes` the change as it runs.
    pub(super) async fn set(
        &self,
        name: &str,
        takes: impl FnOnce(&E) -> bool,
        start: impl FnOnce() -> Arc<E>,
    ) -> Result<(), EngineError> {
        let changing = self.changing(name)?;
        let _changing = changing.lock().await;
        if let Some(old) = self.find(name) {
            if takes(&old) {
                return Ok(());
            }
            old.stop().await;
        }
        let entry = start();
        if let Some(slot) = self.lock().get_mut(name) {
            slot.entry = Some(entry);
        }
        Ok(())
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let changing = self
            .lock()
            .get(name)
            .map(|slot| Arc::clone(&slot.changing))
            .ok_or_else(|| unknown::<E>(name))?;
        let _changing = changing.lock().await;
        self.get(name)?.stop().await;
        let mut by_name = self.lock();
        // Two handles are the map's and ours: with more, another change waits for this one.
        if Arc::strong_count(&changing) <= 2 {
            by_name.remove(name);
        } else if let Some(slot) = by_name.get_mut(name) {
            slot.entry = None;
        }
        Ok(())
    }

    pub(super) async fn shutdown(&self) {
        let entries = self.all();
        entries.iter().for_each(|entry| entry.begin_stop());
        for entry in entries {
            entry.stop().await;
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<E>> {
        self.lock().get(name)?.entry.clone()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<E>, EngineError> {
        self.find(name).ok_or_else(|| unknown::<E>(name))
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> Vec<Arc<E>> {
        self.lock()
            .values()
            .filter_map(|slot| slot.entry.clone())
            .collect()
    }

    pub(super) fn statuses(&self, now: Instant) -> Vec<E::Status> {
        self.all().iter().map(|entry| entry.status(now)).collect()
    }

    pub(super) fn alarms(&self) -> Vec<StandingAlarm> {
        let with_subject = |entry: &Arc<E>| {
            let subject = entry.subject();
            let of = move |alarm| StandingAlarm {
                subject: subject.clone(),
                alarm,
            };
            entry.alarms().into_iter().map(of).collect::<Vec<_>>()
        };
        self.all().iter().flat_map(with_subject).collect()
    }

    fn changing(&self, name: &str) -> Result<Arc<AsyncMutex<()>>, EngineError> {
        let mut by_name = self.lock();
        if !by_name.contains_key(name) && by_name.len() >= E::MAX {
            return Err(EngineError::TooMany(E::WHAT, E::MAX));
        }
        let slot = by_name.entry(name.to_owned()).or_default();
        Ok(Arc::clone(&slot.changing))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot<E>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Entry> Drop for Slots<E> {
    fn drop(&mut self) {
        self.all().iter().for_each(|entry| entry.begin_stop());
    }
}

impl<E: Entry> Default for Slots<E> {
    fn default() -> Self {
        Self {
            by_name: Mutex::default(),
        }
    }
}

impl<E> Default for Slot<E> {
    fn default() -> Self {
        Self {
            changing: Arc::default(),
            entry: None,
        }
    }
}

fn unknown<E: Entry>(name: &str) -> EngineError {
    EngineError::Unknown(E::WHAT, name.to_owned())
}
