//! The engine's handle: the commands there are, and what can be asked.

mod feeds;
mod outputs;
mod sources;

use crate::Clock;
use crate::driver::{HttpContent, OutputDriver, SourceDriver};
use crate::error::EngineError;
use crate::event::EventSink;
use crate::feed::Feed;
use crate::health::Expect;
use crate::output::OutputStatus;
use crate::source::{HistoryPoint, SourceStatus};
use core::fmt;
use feeds::Feeds;
use outputs::Outputs;
use sources::Sources;
use std::path::PathBuf;
use std::sync::Arc;

/// What an engine needs to start.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The process's clock, shared with the media threads.
    pub clock: Clock,
    /// Where outputs keep files.
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
    sources: Sources,
    outputs: Outputs,
    feeds: Arc<Feeds>,
    events: EventSink,
}

impl Engine {
    /// Starts an engine. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(config: EngineConfig) -> Self {
        let EngineConfig { clock, data_dir } = config;
        let events = EventSink::new();
        let feeds = Arc::new(Feeds::default());
        let sources = Sources::new(clock, events.clone(), Arc::clone(&feeds));
        let outputs = Outputs::new(clock, events.clone(), Arc::clone(&feeds), data_dir.into());
        Self {
            shared: Arc::new(Shared {
                sources,
                outputs,
                feeds,
                events,
            }),
        }
    }

    /// Creates or replaces a source. Its feed, and so its readers, stay.
    ///
    /// # Errors
    /// If a limit is reached or the engine is shutting down.
    pub async fn set_source(&self, name: &str, spec: SourceSpec) -> Result<(), EngineError> {
        self.shared.sources.set(name, spec).await
    }

    /// Changes only what a source is compared with; the connection is not touched.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn set_expect(&self, name: &str, expect: Option<Expect>) -> Result<(), EngineError> {
        self.shared.sources.set_expect(name, expect)
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
    /// If a limit is reached or the engine is shutting down.
    pub async fn set_output(&self, name: &str, spec: OutputSpec) -> Result<(), EngineError> {
        self.shared.outputs.set(name, spec).await?;
        self.tidy_feeds();
        Ok(())
    }

    /// Points a running output at another source.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn point_output(&self, name: &str, source: &str) -> Result<(), EngineError> {
        self.shared.outputs.point(name, source)?;
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
        self.shared.sources.status(name)
    }

    /// All sources' status, by name.
    #[must_use]
    pub fn source_statuses(&self) -> Vec<SourceStatus> {
        self.shared.sources.statuses()
    }

    /// The last ten minutes of a source, oldest first.
    #[must_use]
    pub fn source_history(&self, name: &str) -> Option<Vec<HistoryPoint>> {
        self.shared.sources.history(name)
    }

    /// One output's status.
    #[must_use]
    pub fn output_status(&self, name: &str) -> Option<OutputStatus> {
        self.shared.outputs.status(name)
    }

    /// All outputs' status, by name.
    #[must_use]
    pub fn output_statuses(&self) -> Vec<OutputStatus> {
        self.shared.outputs.statuses()
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
        self.shared.outputs.http_content(output)
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
        feeds.retain(|name| sources.contains(name) || outputs.reads(name));
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
