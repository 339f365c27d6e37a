//! What a sound of a program's slate is encoded to, by what was heard of the program.

use super::super::AudioCodec;
use super::{Impossible, impossible};
use core::fmt;

/// Sample rates of AAC (ISO/IEC 14496-3, table 1.18).
const AAC_RATES_HZ: [u32; 12] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
];
/// Of MPEG audio (ISO/IEC 11172-3 and 13818-3).
const MPEG_RATES_HZ: [u32; 6] = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000];
/// Of AC-3 (ETSI TS 102 366); E-AC-3 has others that its encoder does not.
const AC3_RATES_HZ: [u32; 3] = [48_000, 44_100, 32_000];
const OPUS_RATES_HZ: [u32; 1] = [48_000];

/// What was heard of one of a program's sounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenAudio<'a> {
    /// `aac`, `mp2`, `ac3`, …
    pub codec: &'a str,
    /// Number of channels.
    pub channels: Option<u8>,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
}

/// One of a program's sounds, as a slate has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramSound {
    /// The codec. AAC is always LC.
    pub codec: AudioCodec,
    /// One, two, or six for 5.1.
    pub channels: u64,
    /// Samples per second.
    pub sample_rate_hz: u64,
}

impl ProgramSound {
    /// The format of a sound that was heard so.
    ///
    /// # Errors
    /// If it was not heard well enough, or cannot be encoded.
    pub fn of(seen: &SeenAudio<'_>) -> Result<Self, Impossible> {
        let (codec, rates): (_, &[u32]) = match seen.codec {
            "aac" => (AudioCodec::Aac, &AAC_RATES_HZ),
            "mp2" => (AudioCodec::Mp2, &MPEG_RATES_HZ),
            "mp3" => (AudioCodec::Mp3, &MPEG_RATES_HZ),
            "ac3" => (AudioCodec::Ac3, &AC3_RATES_HZ),
            "eac3" => (AudioCodec::Eac3, &AC3_RATES_HZ),
            "opus" => (AudioCodec::Opus, &OPUS_RATES_HZ),
            // MPEG audio of which no frame was read yet.
            "mpeg-audio" => return Err(Impossible::NotSeen),
            other => {
                let why = "slates have AAC, MPEG audio, AC-3, E-AC-3 or Opus";
                return Err(impossible(other, why));
            }
        };
        let (Some(channels), Some(rate)) = (seen.channels, seen.sample_rate_hz) else {
            return Err(Impossible::NotSeen);
        };
        let what = || format!("{} with {channels} channels and {rate} Hz", seen.codec);
        if !rates.contains(&rate) {
            return Err(impossible(what(), "the encoder does not have that rate"));
        }
        let has_surround = matches!(codec, AudioCodec::Aac | AudioCodec::Ac3 | AudioCodec::Eac3);
        if !matches!((channels, has_surround), (1 | 2, _) | (6, true)) {
            let why = "slates are mono or stereo, and 5.1 in AAC, AC-3 and E-AC-3";
            return Err(impossible(what(), why));
        }
        Ok(Self {
            codec,
            channels: u64::from(channels),
            sample_rate_hz: u64::from(rate),
        })
    }

    pub(super) const fn frame_samples(self) -> u64 {
        self.codec.frame_samples(self.sample_rate_hz)
    }

    /// Thousands of bits per second: plenty for a tone, and enough for a clip.
    pub(super) const fn kbits(self) -> u64 {
        let is_slow = self.sample_rate_hz < 32_000;
        match (self.codec, self.channels) {
            (AudioCodec::Aac | AudioCodec::Opus, 6) => 320,
            (AudioCodec::Aac | AudioCodec::Opus, channels) => 64 * channels,
            (_, 6) => 384,
            // MPEG-2's lower rates go up to 160.
            (_, channels) if is_slow => 48 * channels,
            (_, channels) => 96 * channels,
        }
    }
}

impl fmt::Display for ProgramSound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            codec,
            channels,
            sample_rate_hz,
        } = self;
        write!(f, "{codec:?} {channels} {sample_rate_hz}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_keeps_codec_channels_and_rate_or_says_why_it_cannot() {
        let of = |codec, channels, rate| {
            ProgramSound::of(&SeenAudio {
                codec,
                channels: Some(channels),
                sample_rate_hz: Some(rate),
            })
        };
        assert_eq!(of("aac", 2, 44_100).unwrap().to_string(), "Aac 2 44100");
        assert_eq!(of("ac3", 6, 48_000).unwrap().to_string(), "Ac3 6 48000");
        for (codec, channels, rate, says) in [
            ("mp2", 6, 48_000, "5.1 in AAC"),
            ("aac", 8, 48_000, "8 channels"),
            ("opus", 2, 44_100, "44100 Hz"),
            ("s302m", 2, 48_000, "s302m cannot be encoded"),
        ] {
            let why = of(codec, channels, rate).unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        }
        let unheard = SeenAudio {
            codec: "aac",
            ..SeenAudio::default()
        };
        assert_eq!(ProgramSound::of(&unheard), Err(Impossible::NotSeen));
    }
}
