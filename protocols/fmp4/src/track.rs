use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::{AudioHeaders, Codec, StreamConfig};

/// Ticks per second of video tracks, and of all times that come in.
pub(crate) const TICKS_PER_SECOND: u32 = 90_000;

/// One track as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackSpec {
    /// What the stream says about itself.
    pub config: Arc<StreamConfig>,
    /// ISO 639-2 code.
    pub language: Option<[u8; 3]>,
}

/// One access unit or audio frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Presentation time, 90 kHz.
    pub pts: i64,
    /// Decoding time, 90 kHz; rises from sample to sample.
    pub dts: i64,
    /// Duration, 90 kHz; used where no next sample tells it.
    pub duration: u32,
    /// Decoding can begin here.
    pub key: bool,
    /// Video in Annex B; audio as raw frames.
    pub data: Bytes,
}

/// Whether a codec can be carried.
#[must_use]
pub const fn can_carry(codec: Codec) -> bool {
    matches!(
        codec,
        Codec::H264
            | Codec::H265
            | Codec::Av1
            | Codec::Aac
            | Codec::AacLatm
            | Codec::Ac3
            | Codec::Eac3
            | Codec::Opus
    )
}

impl TrackSpec {
    pub(crate) fn is_video(&self) -> bool {
        self.config.video().is_some()
    }

    /// Ticks per second of the track's own clock: an audio frame is a whole number of
    /// samples, so audio counts in its sample rate.
    pub(crate) fn timescale(&self) -> u32 {
        match &*self.config {
            StreamConfig::Video(_) => TICKS_PER_SECOND,
            StreamConfig::Audio(audio) => match audio.headers {
                AudioHeaders::Opus(_) => 48_000,
                _ => audio.format.sample_rate_hz.max(1),
            },
        }
    }

    /// The track's own ticks in one audio frame, where all frames are alike.
    pub(crate) fn frame_ticks(&self) -> Option<u32> {
        let samples = self.config.audio()?.format.samples_per_frame;
        (samples > 0).then_some(samples)
    }
}
