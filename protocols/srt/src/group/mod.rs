//! Bonding: several connections, the legs, carry one stream between two peers.
//!
//! ```text
//!  leg 1 ── gaps, reports, ACKs ─┐ whatever arrives, at once
//!  leg 2 ── gaps, reports, ACKs ─┼──▶ Merge: each packet once, in order ──▶ one stream
//!  leg 3 (idle: keepalives) ─────┘        │
//!     ▲                                   │ what other legs brought is not asked for
//!     └───────────────────────────────────┘
//! ```

mod clock;
mod figures;
mod incoming;
mod merge;
mod news;
mod outgoing;
mod status;

pub(crate) use incoming::{Founding, Group, SILENT_AFTER};
pub use incoming::{MAX_GROUPS, MAX_LEGS};
pub(crate) use news::News;
pub(crate) use outgoing::{
    Activity, Candidate, Held, Outgoing, Place, Stage, is_redundant, keeper, to_activate,
};
pub use outgoing::{GroupCall, LegCall};
pub use status::{GroupKind, GroupRequest, LegEnd, LegState, LegStatus};
