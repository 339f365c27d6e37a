//! Fragmented MP4 (CMAF) from access units.
//!
//! A [`Fragmenter`] is made for a fixed set of tracks. It gives one initialisation segment
//! and then any number of fragments; what belongs into one fragment is the caller's to
//! decide. Times come in on a 64-bit clock of 90 kHz and leave on each track's own.

mod entry;
mod error;
mod fragmenter;
mod init;
mod track;

pub use error::Fmp4Error;
pub use fragmenter::Fragmenter;
pub use track::{Sample, TrackSpec, can_carry};
