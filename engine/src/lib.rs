//! Tidegate's engine: feeds, readers, sources, outputs, back-off, limits and health.
//!
//! It knows no protocol by name. Adapters implement [`SourceDriver`] and [`OutputDriver`];
//! the engine keeps them running, watches what they carry, and says how it is.
//!
//! ```text
//!  SourceDriver ─► FeedWriter ─► Feed ─┬─► Reader ─► OutputDriver
//!       │                              ├─► Reader ─► OutputDriver
//!       ▼                              └─► watcher (health)
//!  SourceReport ─────────────► SourceStatus, events ◄───── OutputReport
//! ```

mod adapter;
mod admission;
mod cidr;
mod detail;
mod driver;
mod engine;
mod error;
mod event;
mod feed;
mod health;
mod item;
pub mod limits;
pub mod media_file;
mod meter;
mod nearest;
mod output;
mod secret;
mod sentence;
mod setting;
mod source;
mod supervise;
mod switch;
mod thread;
pub mod time;
mod track;
mod turnstile;
mod wake;

pub use adapter::{
    ListenerAdapter, ListenerStatus, OutputAdapter, Settings, SourceAdapter, Transport,
};
pub use admission::{allows, check_allow, check_places};
pub use cidr::Cidr;
pub use driver::{
    BoxFuture, CacheFor, Content, Delivery, HttpContent, OutputContext, OutputDriver,
    SourceContext, SourceDriver,
};
pub use engine::{Engine, EngineConfig, Feeds, OutputSpec, SourceSpec, StandingAlarm};
pub use error::{Ended, EngineError, RunError, SettingsError, Whose};
pub use event::{
    Alarm, Event, EventKind, EventSink, Rejection, Severity, Subject, SubjectKind, SwitchDecision,
    SwitchEvidence, SwitchFigure, Switched,
};
pub use feed::{Carried, Feed, FeedWriter, Gap, LaneItem, Reader, ReaderOptions, Route, Signal};
pub use health::{
    AudioStatus, Checks, Expect, Fired, Health, Indicator, Link, Measured, MediaStatus,
    ProgramStatus, Readiness, ReadinessReason, Reason, ReasonCode, Tr101290Status, TrackStatus,
    Trigger, TriggerKind, TriggerSeverity, Triggers, VideoStatus, Vitals,
};
pub use item::{Batch, Frame, Item, Lane, TsChunk};
pub use nearest::nearest;
pub use output::{OutputReport, OutputState, OutputStatus};
pub use secret::{NoSecrets, REDACTED, Secret, SecretError, SecretRef, Secrets};
pub use setting::{Rate, Span};
pub use source::{
    AdvisedLatency, Connection, HistoryPoint, Paths, SourceReport, SourceState, SourceStatus,
    TransportFigures,
};
pub use switch::{RefusalCode, SwitchCommand, SwitchControl, SwitchRefusal};
pub use thread::{Parking, run_on_thread};
/// The process's monotonic clock.
pub use tidegate_udp::Clock;
/// What asks a driver to stop.
pub use tokio_util::sync::CancellationToken;
pub use track::{Track, Tracks};
pub use turnstile::{Full, Places, Ticket, Turnstile};
pub use wake::{NoWake, Wake};
