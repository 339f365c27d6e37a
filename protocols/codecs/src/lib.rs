//! Headers of video and audio codecs, as far as a gateway must read them.
//!
//! Nothing here decodes a picture or a sample. A stream's headers say what it is
//! ([`StreamConfig`]), where it can be entered (key frames), and how audio divides
//! into frames; that is what inspection, conversion and playlists need. Input comes
//! from strangers: no function panics, and none allocates from a length it was told.

mod bits;
mod codec;
mod config;
mod format;
mod framer;
mod parameter_sets;
mod reader;
mod record;
mod rfc6381;

pub mod aac;
pub mod ac3;
pub mod av1;
pub mod h264;
pub mod h265;
pub mod mpeg2;
pub mod mpeg_audio;
pub mod nal;
pub mod opus;
pub mod sample;

pub use codec::{Codec, Kind};
pub use config::{AudioConfig, AudioHeaders, StreamConfig, VideoConfig, VideoHeaders};
pub use format::{AudioFormat, FrameRate, MAX_HEIGHT, MAX_WIDTH, VideoFormat};
pub use framer::{AudioFrame, AudioFramer, FrameSpan, frames_in};
pub use reader::{StreamReader, UnitInfo};
pub use record::Record;
