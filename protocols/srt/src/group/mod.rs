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
mod incoming;
mod membership;
mod merge;
mod status;

pub(crate) use incoming::{Founding, Group, MAX_GROUPS};
pub(crate) use membership::asked_group;
pub use status::{GroupKind, GroupRequest, LegState, LegStatus};
