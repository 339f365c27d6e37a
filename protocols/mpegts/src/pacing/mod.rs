//! When each packet of a stream leaves, so that it leaves as evenly as its clock says, however
//! it came.
//!
//! ```text
//!  packets as they come ─▶ Queue ──────────────▶ Pacer: seven at a time, each in its time
//!             their PCRs ─▶ Schedule ─ time of ─▶   │
//!                                                   └─▶ Stuffing: constant rate, null packets
//!                                                       between, PCRs moved with their packets
//! ```
//! A packet's time lies between the PCR before it and the PCR behind it, by their distance in
//! packets. The PCR behind must be known by then, so everything leaves one PCR distance, and a
//! small margin, after it came.

mod needs;
mod pacer;
mod queue;
mod schedule;
mod stuffing;
#[cfg(test)]
mod tests;

pub use pacer::{DATAGRAM_PACKETS, Departure, Pacer};
pub use stuffing::{Stuffed, Stuffing};

/// Nanoseconds of a microsecond.
const MICRO: i64 = 1000;

/// A moment in nanoseconds.
fn nanos(at: tidegate_units::Instant) -> i64 {
    i64::try_from(at.as_micros()).map_or(i64::MAX, |micros| micros.saturating_mul(MICRO))
}

/// The moment at or after these nanoseconds.
fn instant(nanos: i64) -> tidegate_units::Instant {
    let micros = nanos.saturating_add(MICRO - 1) / MICRO;
    tidegate_units::Instant::from_micros(micros.max(0).cast_unsigned())
}
