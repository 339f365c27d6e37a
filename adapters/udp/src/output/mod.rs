//! A feed's transport stream, sent packet by packet when the stream's own clock says.
//!
//! ```text
//!  Reader ─▶ pacing (tidegate-mpegts) ─▶ Wire: RTP header, FEC ─▶ socket
//! ```

mod driver;
mod sender;
mod target;
mod timeliness;
mod wire;

pub(crate) use driver::Output;
