//! Units shared by every protocol: time, bitrate, wrapping numbers.
//!
//! Nothing here reads a clock. A protocol is told what time it is; only the edges
//! (`io/`, `server/`) turn the machine's monotonic clock into an [`Instant`].

mod bitrate;
mod instant;
mod wrap;

pub use bitrate::Bitrate;
pub use core::time::Duration;
pub use instant::Instant;
pub use wrap::unwrap_near;
