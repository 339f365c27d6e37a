use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::{Codec, StreamConfig};
use tidegate_units::Instant;

use crate::psi::Language;

/// When bytes came, and when they are to be played out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// When they arrived.
    pub arrived: Instant,
    /// When they are due at play-out.
    pub due: Instant,
}

/// What a demultiplexer has found.
#[derive(Clone, Debug)]
pub enum Event {
    /// The tracks changed, or the configuration of one became known or changed. Precedes
    /// the first unit it applies to.
    Tracks(Arc<[Track]>),
    /// An access unit, or one audio frame.
    Unit(AccessUnit),
}

/// One elementary stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its PID.
    pub pid: u16,
    /// The program it belongs to.
    pub program: u16,
    /// What it is.
    pub codec: Codec,
    /// Its language, where one is told.
    pub language: Option<Language>,
    /// Its configuration, once the stream itself has told it.
    pub config: Option<Arc<StreamConfig>>,
}

/// A picture with its headers, or one audio frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The PID of its track.
    pub pid: u16,
    /// Presentation time: 90 kHz, unwrapped, one epoch per program.
    pub pts: i64,
    /// Decoding time, likewise.
    pub dts: i64,
    /// Decoding can begin here; always true for audio.
    pub random_access: bool,
    /// Something of this track was lost before this unit.
    pub discontinuity: bool,
    /// Video: Annex B as received. AAC: the raw frame. Other audio: the frame.
    pub data: Bytes,
    /// The stamp of the packet it began in.
    pub stamp: Stamp,
}
