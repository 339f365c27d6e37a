use bytes::Bytes;
use std::sync::Arc;
use tidegate_codecs::{Codec, StreamConfig};

/// What a reader finds, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The tracks, or what is newly known about them; before the first sample it applies to.
    Tracks(Arc<[Track]>),
    /// The next sample of all tracks, by decoding time.
    Sample(Sample),
}

/// One track that can be carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Counts from one in the order of the file; [`Sample::track`] refers to it.
    pub id: u16,
    /// The codec.
    pub codec: Codec,
    /// ISO 639-2 code, where the file names one.
    pub language: Option<String>,
    /// What a decoder needs to begin; `None` while only samples can tell.
    pub config: Option<Arc<StreamConfig>>,
}

/// One access unit or audio frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The track it belongs to.
    pub track: u16,
    /// Presentation time, 90 kHz, with the edit list applied.
    pub pts: i64,
    /// Decoding time, 90 kHz, with the same shift.
    pub dts: i64,
    /// Until the track's next sample, 90 kHz.
    pub duration: i64,
    /// Decoding can begin here; always true for audio.
    pub key: bool,
    /// Something is missing between this one and the one before on its track.
    pub discontinuity: bool,
    /// H.264 and H.265 as Annex B, AAC as raw frames, others as they are in the file.
    pub data: Bytes,
}
