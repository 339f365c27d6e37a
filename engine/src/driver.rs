//! What an adapter implements, and what it is given.

use crate::Clock;
use crate::engine::Feeds;
use crate::error::{Ended, RunError};
use crate::event::EventSink;
use crate::feed::{Feed, Route};
use crate::output::OutputReport;
use crate::source::SourceReport;
use crate::switch::SwitchControl;
use bytes::Bytes;
use core::any::Any;
use core::future::Future;
use core::pin::Pin;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A future behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Produces a feed. One run is one attempt (a call) or one term of service (waiting on a
/// listener); the engine runs it again, after a pause that only the engine decides.
pub trait SourceDriver: Send + Sync + 'static {
    /// The protocol, as it is called in the configuration: `srt`.
    fn kind(&self) -> &'static str;

    /// How it is reached: `listener`, `caller`, …
    fn mode(&self) -> &'static str;

    /// Runs until stopped, ended by the peer, or failed. Must end within
    /// [`crate::limits::STOP_GRACE`] once `context.stop` is cancelled, and must leave nothing
    /// behind when the future is dropped.
    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>>;

    /// Goes on under the settings of `newer` without a stop, if it can: whether it does.
    fn take_over(&self, newer: &dyn SourceDriver) -> bool {
        let _ = newer;
        false
    }

    /// Itself, for [`SourceDriver::take_over`] of its own kind.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// Where it takes commands, if it is one that chooses among others.
    fn switch(&self) -> Option<Arc<dyn SwitchControl>> {
        None
    }
}

/// Consumes a feed; otherwise as [`SourceDriver`].
pub trait OutputDriver: Send + Sync + 'static {
    /// The protocol, as it is called in the configuration: `srt`, `udp`, `hls`, `record`.
    fn kind(&self) -> &'static str;

    /// What "delivering" means for it.
    fn delivery(&self) -> Delivery;

    /// Runs until stopped, ended by the peer, or failed, as [`SourceDriver::run`].
    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>>;

    /// Goes on under the settings of `newer` without a stop, if it can: whether it does.
    fn take_over(&self, newer: &dyn OutputDriver) -> bool {
        let _ = newer;
        false
    }

    /// Itself, for [`OutputDriver::take_over`] of its own kind.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// What it serves over HTTP below `/{kind}/{output}/`, if anything.
    fn http(&self) -> Option<Arc<dyn HttpContent>> {
        None
    }
}

/// When an output is said to be delivering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The far side accepted bytes within the last second.
    Bytes,
    /// At least one reader is being served, and there is something to serve.
    Readers,
}

/// What a source's run is given.
#[derive(Clone, Debug)]
pub struct SourceContext {
    /// The source's name.
    pub name: Arc<str>,
    /// What it fills: take a writer for each connection.
    pub feed: Feed,
    /// Where it says how it is doing.
    pub report: SourceReport,
    /// Where it says what happened.
    pub events: EventSink,
    /// The process's monotonic clock.
    pub clock: Clock,
    /// Cancelled when it must stop.
    pub stop: CancellationToken,
    /// Where files are.
    pub data_dir: Arc<PathBuf>,
    /// The feeds of other sources, for those that are made out of them.
    pub feeds: Feeds,
}

/// What an output's run is given.
#[derive(Clone, Debug)]
pub struct OutputContext {
    /// The output's name.
    pub name: Arc<str>,
    /// What it reads. Its readers follow when it is pointed at another source.
    pub route: Route,
    /// Where it says how it is doing.
    pub report: OutputReport,
    /// Where it says what happened.
    pub events: EventSink,
    /// The process's monotonic clock.
    pub clock: Clock,
    /// Cancelled when it must stop.
    pub stop: CancellationToken,
    /// Where files go.
    pub data_dir: Arc<PathBuf>,
}

/// What an output serves over HTTP. The server mounts it without knowing what it is.
pub trait HttpContent: Send + Sync {
    /// The content at `path` (relative, no leading slash), asked for by `client`, a stable
    /// name for one viewer (address and session). `None` is "not found".
    fn get(&self, path: &str, client: &str) -> Option<Content>;
}

/// One answer of [`HttpContent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The body, shared by everyone who asks.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: &'static str,
    /// How long caches may keep it.
    pub cache: CacheFor,
}

/// How long caches may keep content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheFor {
    /// Changes all the time: `no-cache`.
    Never,
    /// For this many seconds.
    Seconds(u32),
    /// Never changes: `max-age` of a day, `immutable`.
    Immutable,
}
