//! Where live platforms take streams, and what they take.
//!
//! All facts are in one file, `platforms.json`, each entry with where it is from, when that was
//! last looked up, and what of it nobody has published. [`check`] compares a stream with the
//! limits of a platform and says in words what will not do.

mod check;
mod platform;

pub use check::{Measured, MeasuredAudio, MeasuredVideo, Warning, check};
pub use platform::{Confidence, KeyKind, Limits, Platform, Region, all, find};
