use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The verdict on a source.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Media is arriving and nothing known is wrong with it.
    Ok,
    /// Works, will not last.
    Warning,
    /// Viewers would notice.
    #[default]
    Error,
}

/// What can be wrong with a source. The phrases are fixed, the same on every screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Nothing arrives.
    NoMedia,
    /// The sender is being called again.
    Reconnecting,
    /// No video track, or nothing on it.
    NoPicture,
    /// No audio track, or nothing on it.
    NoSound,
    /// Packets are lost for good, or many at first.
    LosingPackets,
    /// One of several ways to here is gone.
    LinkLost,
    /// Far less than usual, or than expected.
    BitrateLow,
    /// The latency does not cover the round-trip time.
    LatencyTooLow,
    /// Not what was expected of this source.
    WrongFormat,
    /// The stream is scrambled, so nobody can look inside.
    Scrambled,
}

impl ReasonCode {
    /// The fixed phrase.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoMedia => "No media",
            Self::Reconnecting => "Reconnecting",
            Self::NoPicture => "No picture",
            Self::NoSound => "No sound",
            Self::LosingPackets => "Losing packets",
            Self::LinkLost => "Link lost",
            Self::BitrateLow => "Bitrate low",
            Self::LatencyTooLow => "Latency too low",
            Self::WrongFormat => "Wrong format",
            Self::Scrambled => "Scrambled",
        }
    }

    /// The code as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoMedia => "no_media",
            Self::Reconnecting => "reconnecting",
            Self::NoPicture => "no_picture",
            Self::NoSound => "no_sound",
            Self::LosingPackets => "losing_packets",
            Self::LinkLost => "link_lost",
            Self::BitrateLow => "bitrate_low",
            Self::LatencyTooLow => "latency_too_low",
            Self::WrongFormat => "wrong_format",
            Self::Scrambled => "scrambled",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Which.
    pub code: ReasonCode,
    /// The fixed phrase.
    pub text: String,
    /// How bad it is.
    pub severity: Health,
    /// Since when.
    #[serde(with = "crate::time::rfc3339")]
    pub since: SystemTime,
    /// The figures behind it, and what to do.
    pub advice: String,
}
