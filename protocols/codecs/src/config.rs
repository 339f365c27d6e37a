use bytes::Bytes;

use crate::ac3::{Ac3Info, Eac3Info};
use crate::opus::OpusInfo;
use crate::{AudioFormat, Codec, VideoFormat, rfc6381};

/// Everything a decoder or a multiplexer needs before the first frame.
///
/// Two configurations that are equal need no new initialisation between them.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamConfig {
    /// A video stream.
    Video(VideoConfig),
    /// An audio stream.
    Audio(AudioConfig),
}

/// A video stream's format and its out-of-band headers.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoConfig {
    /// What the headers say.
    pub format: VideoFormat,
    /// The headers themselves.
    pub headers: VideoHeaders,
}

/// Parameter sets, each a NAL unit without its start code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoHeaders {
    /// H.264 parameter sets.
    H264 {
        /// Sequence parameter sets.
        sps: Vec<Bytes>,
        /// Picture parameter sets.
        pps: Vec<Bytes>,
    },
    /// H.265 parameter sets.
    H265 {
        /// Video parameter sets.
        vps: Vec<Bytes>,
        /// Sequence parameter sets.
        sps: Vec<Bytes>,
        /// Picture parameter sets.
        pps: Vec<Bytes>,
    },
    /// AV1.
    Av1 {
        /// The sequence header, a whole OBU with its size.
        sequence_header: Bytes,
    },
    /// The codec repeats its headers in the stream and needs none outside it.
    InBand,
}

/// An audio stream's format and its out-of-band headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioConfig {
    /// What the headers say.
    pub format: AudioFormat,
    /// What a container must be told.
    pub headers: AudioHeaders,
}

/// What a container must be told about an audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioHeaders {
    /// AAC.
    Aac {
        /// The AudioSpecificConfig.
        audio_specific_config: Bytes,
    },
    /// AC-3.
    Ac3(Ac3Info),
    /// E-AC-3.
    Eac3(Eac3Info),
    /// Opus.
    Opus(OpusInfo),
    /// Every frame says it all.
    InBand,
}

impl StreamConfig {
    /// The codec.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self {
            Self::Video(video) => video.format.codec,
            Self::Audio(audio) => audio.format.codec,
        }
    }

    /// The video part, if it is video.
    #[must_use]
    pub const fn video(&self) -> Option<&VideoConfig> {
        match self {
            Self::Video(video) => Some(video),
            Self::Audio(_) => None,
        }
    }

    /// The audio part, if it is audio.
    #[must_use]
    pub const fn audio(&self) -> Option<&AudioConfig> {
        match self {
            Self::Audio(audio) => Some(audio),
            Self::Video(_) => None,
        }
    }

    /// The codec string of RFC 6381, for playlists and browsers.
    #[must_use]
    pub fn rfc6381(&self) -> Option<String> {
        rfc6381::codec_string(self)
    }
}
