//! Where live platforms take streams, and what they take.
//!
//! All facts are in one file, `platforms.json`, each entry with where it is from, when that was
//! last looked up, and what of it nobody has published. [`check`] compares a stream with the
//! limits of a platform, [`check_hls`] one that goes there by HLS, and both say in words what
//! will not do.

mod check;
mod check_hls;
mod platform;

pub use check::{Measured, MeasuredAudio, MeasuredVideo, Warning, check};
pub use check_hls::{MeasuredHls, check_hls};
pub use platform::{Confidence, HlsLimits, KeyKind, Limits, Platform, Region, all, find};
