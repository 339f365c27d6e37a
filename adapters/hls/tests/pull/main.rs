//! HLS sources, fed by playlists that ffmpeg wrote and by origins that misbehave.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod conformance;
mod frames;
mod refusals;
mod stream;
