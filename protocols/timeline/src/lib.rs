//! One timeline that never breaks, for converters whose input does.
//!
//! Encoders restart, jump and drift apart; platforms and players end a stream whose times go
//! back. A converter asks [`Timeline`] where each frame belongs:
//!
//! ```text
//! input    … 100 103 106 ║   5   8  11 …      the encoder restarted here
//! output   … 100 103 106 ║ 109 112 115 …      all tracks are moved by the same amount,
//!                                             so that picture and sound stay together
//! ```

mod gap;
mod timeline;
mod track;

pub use gap::{Break, Cause};
pub use timeline::{Placed, Timeline};

/// Ticks of the 90 kHz clock in a second.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// Tracks told apart; beyond these, the one that was silent longest is forgotten.
pub const TRACKS_MAX: usize = 64;
