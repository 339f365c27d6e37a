use super::feeds::Feeds;
use super::{SourceSpec, StandingAlarm};
use crate::Clock;
use crate::error::EngineError;
use crate::event::{EventSink, Subject};
use crate::health::Expect;
use crate::limits;
use crate::source::{HistoryPoint, SourceEntry, SourceStatus};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

/// The sources there are.
pub(super) struct Sources {
    clock: Clock,
    events: EventSink,
    feeds: Arc<Feeds>,
    by_name: Mutex<BTreeMap<String, Slot>>,
}

/// One name: changes to it wait for one another, changes to others do not.
#[derive(Clone, Default)]
struct Slot {
    changing: Arc<AsyncMutex<()>>,
    entry: Option<Arc<SourceEntry>>,
}

impl Sources {
    pub(super) fn new(clock: Clock, events: EventSink, feeds: Arc<Feeds>) -> Self {
        Self {
            clock,
            events,
            feeds,
            by_name: Mutex::default(),
        }
    }

    pub(super) async fn set(&self, name: &str, spec: SourceSpec) -> Result<(), EngineError> {
        let changing = self.slot(name)?;
        let _changing = changing.lock().await;
        if let Some(old) = self.entry(name) {
            if old.is_driven_by(&spec.driver) {
                old.set_expect(spec.expect);
                return Ok(());
            }
            old.stop().await;
        }
        let feed = self.feeds.get(name);
        let entry = SourceEntry::start(name, spec, feed, self.events.clone(), self.clock);
        if let Some(slot) = self.lock().get_mut(name) {
            slot.entry = Some(entry);
        }
        Ok(())
    }

    pub(super) fn set_expect(&self, name: &str, expect: Option<Expect>) -> Result<(), EngineError> {
        self.entry(name)
            .ok_or_else(|| unknown(name))?
            .set_expect(expect);
        Ok(())
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let slot = self
            .lock()
            .get(name)
            .cloned()
            .ok_or_else(|| unknown(name))?;
        let _changing = slot.changing.lock().await;
        let entry = self.entry(name).ok_or_else(|| unknown(name))?;
        entry.stop().await;
        drop(entry);
        let mut by_name = self.lock();
        // Two handles are the map's and ours: with more, another change waits for this one.
        if Arc::strong_count(&slot.changing) <= 2 {
            by_name.remove(name);
        } else if let Some(slot) = by_name.get_mut(name) {
            slot.entry = None;
        }
        Ok(())
    }

    pub(super) async fn shutdown(&self) {
        let entries = self.entries();
        entries.iter().for_each(|entry| entry.begin_stop());
        for entry in entries {
            entry.stop().await;
        }
    }

    pub(super) fn status(&self, name: &str) -> Option<SourceStatus> {
        self.entry(name).map(|entry| entry.status(self.clock.now()))
    }

    pub(super) fn statuses(&self) -> Vec<SourceStatus> {
        let now = self.clock.now();
        self.entries()
            .iter()
            .map(|entry| entry.status(now))
            .collect()
    }

    pub(super) fn alarms(&self) -> Vec<StandingAlarm> {
        let with_subject = |entry: &Arc<SourceEntry>| {
            let subject = Subject::source(entry.name());
            let of = move |alarm| StandingAlarm {
                subject: subject.clone(),
                alarm,
            };
            entry.alarms().into_iter().map(of).collect::<Vec<_>>()
        };
        self.entries().iter().flat_map(with_subject).collect()
    }

    pub(super) fn history(&self, name: &str) -> Option<Vec<HistoryPoint>> {
        self.entry(name).map(|entry| entry.history())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn slot(&self, name: &str) -> Result<Arc<AsyncMutex<()>>, EngineError> {
        let mut by_name = self.lock();
        if !by_name.contains_key(name) && by_name.len() >= limits::SOURCES {
            return Err(EngineError::TooMany("source", limits::SOURCES));
        }
        Ok(Arc::clone(
            &by_name.entry(name.to_owned()).or_default().changing,
        ))
    }

    fn entry(&self, name: &str) -> Option<Arc<SourceEntry>> {
        self.lock().get(name)?.entry.clone()
    }

    fn entries(&self) -> Vec<Arc<SourceEntry>> {
        self.lock()
            .values()
            .filter_map(|slot| slot.entry.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        self.entries().iter().for_each(|entry| entry.begin_stop());
    }
}

fn unknown(name: &str) -> EngineError {
    EngineError::Unknown("source", name.to_owned())
}
