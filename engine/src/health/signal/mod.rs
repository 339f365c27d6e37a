//! Can this source be on air, this very moment? What a switch decides by, and what every
//! source's `readiness` shows.
//!
//! ```text
//!  FeedWriter ── looks at each packet ─► [ Inspector ] ─┐
//!  SourceReport ── says who is there ─► [ Link ] ───────┼─► Vitals ─► Checks ─┬─► Fired, 100 times a second
//!                                                       │             ▲       └─► Readiness
//!  what arrived, what was lost ─────────────────────────┘          Triggers
//! ```
//!
//! [`super::Verdict`] is what an operator is told of a source, over seconds; this is about
//! tenths of them. Neither is ever green where nothing is received.

#[cfg(test)]
mod bench;
mod checks;
mod fired;
mod history;
mod kind;
mod measure;
mod readiness;
mod setting;
#[cfg(test)]
mod settings_tests;
#[cfg(test)]
mod tests;
mod triggers;
mod vitals;

pub use checks::Checks;
pub use fired::{Fired, Measured};
pub use kind::TriggerKind;
pub use readiness::{Readiness, ReadinessReason};
pub use triggers::{Trigger, TriggerSeverity, Triggers};
pub use vitals::{Link, Vitals};
