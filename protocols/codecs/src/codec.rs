/// What an elementary stream carries.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, AVC.
    H264,
    /// H.265, HEVC.
    H265,
    /// H.266, VVC.
    H266,
    /// AV1.
    Av1,
    /// MPEG-1 video.
    Mpeg1Video,
    /// MPEG-2 video, H.262.
    Mpeg2Video,
    /// MPEG-4 part 2, with H.263 as its short header.
    Mpeg4Video,
    /// AAC in ADTS.
    Aac,
    /// AAC in LATM/LOAS.
    AacLatm,
    /// MPEG-1 and MPEG-2 audio, layers I to III.
    MpegAudio,
    /// AC-3, Dolby Digital.
    Ac3,
    /// E-AC-3, Dolby Digital Plus.
    Eac3,
    /// AC-4.
    Ac4,
    /// DTS and its extensions.
    Dts,
    /// Opus.
    Opus,
    /// Uncompressed audio in SMPTE 302M.
    Smpte302,
    /// SCTE-35 splice information.
    Scte35,
    /// Teletext.
    Teletext,
    /// DVB subtitles.
    DvbSubtitle,
    /// KLV metadata.
    Klv,
    /// Timed ID3 metadata.
    Id3,
    /// Anything else.
    Data,
}

/// Picture, sound or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
    /// Neither: tables, subtitles, metadata.
    Data,
}

impl Codec {
    /// Picture, sound or neither.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::H264
            | Self::H265
            | Self::H266
            | Self::Av1
            | Self::Mpeg1Video
            | Self::Mpeg2Video
            | Self::Mpeg4Video => Kind::Video,
            Self::Aac
            | Self::AacLatm
            | Self::MpegAudio
            | Self::Ac3
            | Self::Eac3
            | Self::Ac4
            | Self::Dts
            | Self::Opus
            | Self::Smpte302 => Kind::Audio,
            Self::Scte35
            | Self::Teletext
            | Self::DvbSubtitle
            | Self::Klv
            | Self::Id3
            | Self::Data => Kind::Data,
        }
    }

    /// The short name used in the API and in expectations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "hevc",
            Self::H266 => "vvc",
            Self::Av1 => "av1",
            Self::Mpeg1Video => "mpeg1",
            Self::Mpeg2Video => "mpeg2",
            Self::Mpeg4Video => "mpeg4",
            Self::Aac | Self::AacLatm => "aac",
            Self::MpegAudio => "mpeg-audio",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
            Self::Ac4 => "ac4",
            Self::Dts => "dts",
            Self::Opus => "opus",
            Self::Smpte302 => "s302m",
            Self::Scte35 => "scte35",
            Self::Teletext => "teletext",
            Self::DvbSubtitle => "dvbsub",
            Self::Klv => "klv",
            Self::Id3 => "id3",
            Self::Data => "data",
        }
    }
}
