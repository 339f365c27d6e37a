//! Units shared by every protocol: time, bitrate, wrapping numbers, networks.
//!
//! Nothing here reads a clock. A protocol is told what time it is; only the edges
//! (`io/`, `server/`) turn the machine's monotonic clock into an [`Instant`].

mod bitrate;
mod instant;
mod network;
mod wrap;

pub use bitrate::Bitrate;
pub use core::time::Duration;
pub use instant::Instant;
pub use network::{Network, NetworkError, NetworkSet};
pub use wrap::unwrap_near;
