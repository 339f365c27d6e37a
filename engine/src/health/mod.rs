//! Is the feed right? Connected is not healthy.

mod expect;
mod findings;
mod inspect;
mod media;
mod reason;
mod signal;
mod verdict;

pub use expect::Expect;
pub(crate) use expect::Expectation;
pub(crate) use findings::{Evidence, Recent};
pub use media::{
    AudioStatus, Indicator, MediaStatus, ProgramStatus, Tr101290Status, TrackStatus, VideoStatus,
};
pub use reason::{Health, Reason, ReasonCode};
pub use signal::{
    Checks, Fired, Link, Measured, Readiness, ReadinessReason, Trigger, TriggerKind,
    TriggerSeverity, Triggers, Vitals,
};
pub(crate) use verdict::Verdict;
