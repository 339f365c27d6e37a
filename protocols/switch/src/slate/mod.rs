//! What viewers see while no input has anything: a picture or clip for ever, in the program's
//! own format.
//!
//! ```text
//!  files of one track each ─► SlateClip: pictures, frames of sound      (once, when it is made)
//!                                 │
//!  begin(at) ─► SlateLoop ────────┴─► poll(until): packets, just ahead of time
//!                  a key frame is due at `at`, the next after half a second, and so on;
//!                  behind the last picture comes the first, sound goes on frame by frame
//! ```
//!
//! A loop that has not begun generates nothing and costs nothing; that it can begin with a key
//! frame at any moment makes it an input which is always ready.
//!
//! Times follow from `due` alone: decoding time − due is the same number in all runs.

mod clip;
mod play;
mod queue;

pub use clip::{PictureFile, SlateClip, SlateError, SoundFile};
pub use play::{AHEAD, SlateChunk, SlateLoop};

#[cfg(test)]
mod on_air_tests;
#[cfg(test)]
mod tests;
