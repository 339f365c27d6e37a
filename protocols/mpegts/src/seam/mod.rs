//! One stream going over into another without a break.
//!
//! ```text
//! input A ─► Intake ─┐ finish(): A's sound up to the cut
//!                    ├──────────────► Seam ─► one stream: PIDs, counters, tables, times go on
//! input B ─► Intake ─┘ enter(): from B's key frame, its sound from where A's ends
//! ```
//!
//! An [`Intake`] only looks: it holds packets as they came and knows which units they make. A
//! [`Seam`] copies those that are on air, each once, and changes what has to be changed.

mod intake;
mod map;
mod output;

pub use intake::{
    Chunk, Edge, HELD_MAX, Intake, KeyFrame, MAX_HELD_BYTES, MAX_STREAMS, Unit, aligned, ticks,
};
pub use map::{MapStream, ProgramMap};
pub use output::{Seam, Stopped, Until};
