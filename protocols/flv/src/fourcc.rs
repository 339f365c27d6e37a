use core::fmt;
use tidegate_codecs::{AudioConfig, Codec};

/// A codec's name of four characters, as Enhanced RTMP uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// H.264.
    pub const AVC: Self = Self(*b"avc1");
    /// H.265.
    pub const HEVC: Self = Self(*b"hvc1");
    /// AV1.
    pub const AV1: Self = Self(*b"av01");
    /// AAC.
    pub const AAC: Self = Self(*b"mp4a");
    /// MP3.
    pub const MP3: Self = Self(*b".mp3");
    /// Opus.
    pub const OPUS: Self = Self(*b"Opus");
    /// AC-3.
    pub const AC3: Self = Self(*b"ac-3");
    /// E-AC-3.
    pub const EAC3: Self = Self(*b"ec-3");

    /// The picture codec, where it is carried.
    #[must_use]
    pub const fn video(self) -> Option<Codec> {
        match self {
            Self::AVC => Some(Codec::H264),
            Self::HEVC => Some(Codec::H265),
            Self::AV1 => Some(Codec::Av1),
            _ => None,
        }
    }

    /// The sound codec, where it is carried.
    #[must_use]
    pub const fn audio(self) -> Option<Codec> {
        match self {
            Self::AAC => Some(Codec::Aac),
            Self::MP3 => Some(Codec::MpegAudio),
            Self::OPUS => Some(Codec::Opus),
            Self::AC3 => Some(Codec::Ac3),
            Self::EAC3 => Some(Codec::Eac3),
            _ => None,
        }
    }

    pub(crate) const fn of_video(codec: Codec) -> Option<Self> {
        match codec {
            Codec::H264 => Some(Self::AVC),
            Codec::H265 => Some(Self::HEVC),
            Codec::Av1 => Some(Self::AV1),
            _ => None,
        }
    }

    /// MPEG audio has one FourCC only, for layer III.
    pub(crate) fn of_audio(config: &AudioConfig) -> Option<Self> {
        match config.format.codec {
            Codec::Aac | Codec::AacLatm => Some(Self::AAC),
            Codec::MpegAudio if config.format.name == "mp3" => Some(Self::MP3),
            Codec::Opus => Some(Self::OPUS),
            Codec::Ac3 => Some(Self::AC3),
            Codec::Eac3 => Some(Self::EAC3),
            _ => None,
        }
    }

    /// As `onMetaData` writes it: a number.
    #[must_use]
    pub const fn number(self) -> f64 {
        u32::from_be_bytes(self.0) as f64
    }

    /// The usual name of what is not carried, else the four characters.
    pub(crate) fn name(self) -> String {
        match &self.0 {
            b"vp08" => "VP8".into(),
            b"vp09" => "VP9".into(),
            b"vvc1" => "H.266".into(),
            b"fLaC" => "FLAC".into(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.escape_ascii().to_string())
    }
}
