//! Sound in one codec to sound in another, as it comes.
//!
//! ```text
//!  frames ─► Ledger ─► Mux ─► ffmpeg ─► Demux ─► Ledger ─► frames
//!            │ its own even clock in      what time that was │
//!            └───────────────────────────────────────────────┘
//! ```
//!
//! What goes to ffmpeg has a clock of its own that never jumps, so that wraps, jumps and
//! restarts of the stream do not matter to it. The [`Ledger`] remembers which time of that
//! clock was which time of the stream, and when the frame had come. ffmpeg keeps to the times
//! it is told: it fills what is missing with silence, and counts its encoder's delay.

mod format;
mod ledger;
mod transcoder;

pub use format::{SoundFormat, UnknownWord};
pub use ledger::Place;
pub use transcoder::{Frame, Said, Transcoder};
