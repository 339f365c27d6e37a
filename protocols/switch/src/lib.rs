//! One program out of several inputs, whose timeline never breaks.
//!
//! ```text
//! input 0 ─► Lane ─┐                       orders (decide)
//! input 1 ─► Lane ─┼─► Program: one is on air ◄──┘
//! slate   ─► Lane ─┘      │ emitted at `due + delay`, so that a cut may be decided until then
//!                         ▼
//!                     one transport stream: PIDs, counters, tables and clock go on
//! ```
//!
//! [`decide`] says what is to be shown, by rules that an operator can trust; [`Program`] shows it.
//! Nothing here knows what time it is or where packets come from: both are told.

pub mod decide;
pub mod drill;
mod order;
mod program;
pub mod slate;
pub mod twins;

pub use order::{How, OnAir, Order};
pub use program::{
    Emitted, Event, LaneStatus, MAX_INPUTS, Options, Piece, Program, Status, Switched,
};
