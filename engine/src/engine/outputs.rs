use super::feeds::Feeds;
use super::{OutputSpec, StandingAlarm};
use crate::Clock;
use crate::driver::HttpContent;
use crate::error::EngineError;
use crate::event::{EventSink, Subject};
use crate::limits;
use crate::output::{OutputEntry, OutputStatus};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

/// The outputs there are.
pub(super) struct Outputs {
    clock: Clock,
    events: EventSink,
    feeds: Arc<Feeds>,
    data_dir: Arc<PathBuf>,
    by_name: Mutex<BTreeMap<String, Slot>>,
}

/// One name: changes to it wait for one another, changes to others do not.
#[derive(Clone, Default)]
struct Slot {
    changing: Arc<AsyncMutex<()>>,
    entry: Option<Arc<OutputEntry>>,
}

impl Outputs {
    pub(super) fn new(
        clock: Clock,
        events: EventSink,
        feeds: Arc<Feeds>,
        data_dir: Arc<PathBuf>,
    ) -> Self {
        Self {
            clock,
            events,
            feeds,
            data_dir,
            by_name: Mutex::default(),
        }
    }

    pub(super) async fn set(&self, name: &str, spec: OutputSpec) -> Result<(), EngineError> {
        let changing = self.slot(name)?;
        let _changing = changing.lock().await;
        let feed = self.feeds.get(&spec.source);
        if let Some(old) = self.entry(name) {
            if old.is_driven_by(&spec.driver) {
                old.point_at(&feed);
                return Ok(());
            }
            old.stop().await;
        }
        let entry = OutputEntry::start(
            name,
            spec.driver,
            feed,
            self.events.clone(),
            self.clock,
            Arc::clone(&self.data_dir),
        );
        if let Some(slot) = self.lock().get_mut(name) {
            slot.entry = Some(entry);
        }
        Ok(())
    }

    pub(super) fn point(&self, name: &str, source: &str) -> Result<(), EngineError> {
        let entry = self.entry(name).ok_or_else(|| unknown(name))?;
        entry.point_at(&self.feeds.get(source));
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

    pub(super) fn status(&self, name: &str) -> Option<OutputStatus> {
        self.entry(name).map(|entry| entry.status(self.clock.now()))
    }

    pub(super) fn statuses(&self) -> Vec<OutputStatus> {
        let now = self.clock.now();
        self.entries()
            .iter()
            .map(|entry| entry.status(now))
            .collect()
    }

    pub(super) fn alarms(&self) -> Vec<StandingAlarm> {
        let with_subject = |entry: &Arc<OutputEntry>| {
            let subject = Subject::output(entry.name());
            let of = move |alarm| StandingAlarm {
                subject: subject.clone(),
                alarm,
            };
            entry.alarms().into_iter().map(of).collect::<Vec<_>>()
        };
        self.entries().iter().flat_map(with_subject).collect()
    }

    pub(super) fn http_content(&self, name: &str) -> Option<Arc<dyn HttpContent>> {
        self.entry(name)?.http_content()
    }

    /// Whether any output is pointed at that source.
    pub(super) fn reads(&self, source: &str) -> bool {
        self.entries().iter().any(|entry| entry.source() == source)
    }

    fn slot(&self, name: &str) -> Result<Arc<AsyncMutex<()>>, EngineError> {
        let mut by_name = self.lock();
        if !by_name.contains_key(name) && by_name.len() >= limits::OUTPUTS {
            return Err(EngineError::TooMany("output", limits::OUTPUTS));
        }
        Ok(Arc::clone(
            &by_name.entry(name.to_owned()).or_default().changing,
        ))
    }

    fn entry(&self, name: &str) -> Option<Arc<OutputEntry>> {
        self.lock().get(name)?.entry.clone()
    }

    fn entries(&self) -> Vec<Arc<OutputEntry>> {
        self.lock()
            .values()
            .filter_map(|slot| slot.entry.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.entries().iter().for_each(|entry| entry.begin_stop());
    }
}

fn unknown(name: &str) -> EngineError {
    EngineError::Unknown("output", name.to_owned())
}
