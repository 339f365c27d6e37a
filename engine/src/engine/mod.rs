//! The engine's handle: the commands there are, and what can be asked.

mod feeds;
mod slots;

use crate::Clock;
use crate::driver::{HttpContent, OutputDriver, SourceDriver};
use crate::error::EngineError;
use crate::event::EventSink;
use crate::feed::Feed;
use crate::health::Expect;
use crate::output::{OutputEntry, OutputStatus};
use crate::source::{HistoryPoint, SourceEntry, SourceStatus};
use crate::switch::SwitchControl;
use core::fmt;
pub use feeds::Feeds;
pub(crate) use slots::Entry;
use slots::Slots;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an engine needs to start.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The process's clock, shared with the media threads.
    pub clock: Clock,
    /// Where sources and outputs keep files.
    pub data_dir: PathBuf,
}

/// A source as it should be.
#[derive(Clone)]
pub struct SourceSpec {
    /// What produces it.
    pub driver: Arc<dyn SourceDriver>,
    /// What should be in it.
    pub expect: Option<Expect>,
}

/// An output as it should be.
#[derive(Clone)]
pub struct OutputSpec {
    /// The source it is pointed at; it need not exist yet.
    pub source: String,
    /// What consumes it.
    pub driver: Arc<dyn OutputDriver>,
}

/// Runs sources and outputs. Cheap to clone; the last handle dropped stops everything.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    sources: Slots<SourceEntry>,
    outputs: Slots<OutputEntry>,
    feeds: Feeds,
    events: EventSink,
    clock: Clock,
    data_dir: Arc<PathBuf>,
}

impl Engine {
    /// Starts an engine. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(config: EngineConfig) -> Self {
        let EngineConfig { clock, data_dir } = config;
        Self {
            shared: Arc::new(Shared {
                sources: Slots::default(),
                outputs: Slots::default(),
                feeds: Feeds::default(),
                events: EventSink::new(),
                clock,
                data_dir: data_dir.into(),
            }),
        }
    }

    /// Creates or replaces a source. Its feed, and so its readers, stay.
    ///
    /// # Errors
    /// If there are too many already.
    pub async fn set_source(&self, name: &str, spec: SourceSpec) -> Result<(), EngineError> {
        let Shared {
            sources,
            feeds,
            events,
            clock,
            data_dir,
            ..
        } = &*self.shared;
        let again = spec.clone();
        let takes = |old: &SourceEntry| {
            let same = old.goes_on_under(&again.driver);
            if same {
                old.set_expect(again.expect);
            }
            same
        };
        let start = || {
            let data_dir = Arc::clone(data_dir);
            SourceEntry::start(name, spec, feeds.clone(), events.clone(), *clock, data_dir)
        };
        sources.set(name, takes, start).await
    }

    /// Changes only what a source is compared with; the connection is not touched.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn set_expect(&self, name: &str, expect: Option<Expect>) -> Result<(), EngineError> {
        self.shared.sources.get(name)?.set_expect(expect);
        Ok(())
    }

    /// Stops and removes a source. Outputs pointed at it wait.
    ///
    /// # Errors
    /// If there is no such source.
    pub async fn remove_source(&self, name: &str) -> Result<(), EngineError> {
        self.shared.sources.remove(name).await?;
        self.tidy_feeds();
        Ok(())
    }

    /// Creates or replaces an output. If only its source is another, it is re-pointed while
    /// it runs.
    ///
    /// # Errors
    /// If there are too many already.
    pub async fn set_output(&self, name: &str, spec: OutputSpec) -> Result<(), EngineError> {
        let Shared {
            outputs,
            feeds,
            events,
            clock,
            data_dir,
            ..
        } = &*self.shared;
        let OutputSpec { source, driver } = spec;
        let again = Arc::clone(&driver);
        let takes = |old: &OutputEntry| {
            let same = old.goes_on_under(&again);
            if same {
                old.point_at(&feeds.get(&source));
            }
            same
        };
        let start = || {
            let (feed, data_dir) = (feeds.get(&source), Arc::clone(data_dir));
            OutputEntry::start(name, driver, feed, events.clone(), *clock, data_dir)
        };
        outputs.set(name, takes, start).await?;
        self.tidy_feeds();
        Ok(())
    }

    /// Points a running output at another source.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn point_output(&self, name: &str, source: &str) -> Result<(), EngineError> {
        let output = self.shared.outputs.get(name)?;
        output.point_at(&self.shared.feeds.get(source));
        self.tidy_feeds();
        Ok(())
    }

    /// Stops and removes an output.
    ///
    /// # Errors
    /// If there is no such output.
    pub async fn remove_output(&self, name: &str) -> Result<(), EngineError> {
        self.shared.outputs.remove(name).await?;
        self.tidy_feeds();
        Ok(())
    }

    /// Stops everything; returns when all of it has ended.
    pub async fn shutdown(&self) {
        self.shared.sources.shutdown().await;
        self.shared.outputs.shutdown().await;
    }

    /// One source's status.
    #[must_use]
    pub fn source_status(&self, name: &str) -> Option<SourceStatus> {
        let source = self.shared.sources.find(name)?;
        Some(source.status(self.shared.clock.now()))
    }

    /// All sources' status, by name.
    #[must_use]
    pub fn source_statuses(&self) -> Vec<SourceStatus> {
        self.shared.sources.statuses(self.shared.clock.now())
    }

    /// The last ten minutes of a source, oldest first.
    #[must_use]
    pub fn source_history(&self, name: &str) -> Option<Vec<HistoryPoint>> {
        Some(self.shared.sources.find(name)?.history())
    }

    /// Where a source takes commands, if it is a switch.
    #[must_use]
    pub fn switch(&self, source: &str) -> Option<Arc<dyn SwitchControl>> {
        self.shared.sources.find(source)?.switch()
    }

    /// Where sources and outputs keep files.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.shared.data_dir
    }

    /// One output's status.
    #[must_use]
    pub fn output_status(&self, name: &str) -> Option<OutputStatus> {
        let output = self.shared.outputs.find(name)?;
        Some(output.status(self.shared.clock.now()))
    }

    /// All outputs' status, by name.
    #[must_use]
    pub fn output_statuses(&self) -> Vec<OutputStatus> {
        self.shared.outputs.statuses(self.shared.clock.now())
    }

    /// What stands in alarm now.
    #[must_use]
    pub fn alarms(&self) -> Vec<StandingAlarm> {
        let mut alarms = self.shared.sources.alarms();
        alarms.extend(self.shared.outputs.alarms());
        alarms
    }

    /// What an output serves over HTTP.
    #[must_use]
    pub fn http_content(&self, output: &str) -> Option<Arc<dyn HttpContent>> {
        self.shared.outputs.find(output)?.http_content()
    }

    /// The feed of a source; made if nobody has asked for it before.
    #[must_use]
    pub fn feed(&self, source: &str) -> Feed {
        self.shared.feeds.get(source)
    }

    /// Where events go, and where they can be listened to.
    #[must_use]
    pub fn events(&self) -> &EventSink {
        &self.shared.events
    }

    fn tidy_feeds(&self) {
        let Shared {
            sources,
            outputs,
            feeds,
            ..
        } = &*self.shared;
        let is_read = |name: &str| outputs.all().iter().any(|output| output.source() == name);
        feeds.retain(|name| sources.find(name).is_some() || is_read(name));
    }
}

/// An alarm and whose it is.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StandingAlarm {
    /// Whose.
    pub subject: crate::event::Subject,
    /// What.
    #[serde(flatten)]
    pub alarm: crate::event::Alarm,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSpec")
            .field("kind", &self.driver.kind())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OutputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSpec")
            .field("source", &self.source)
            .field("kind", &self.driver.kind())
            .finish_non_exhaustive()
    }
}
