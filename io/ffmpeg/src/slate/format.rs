//! What a slate is encoded to.

use core::fmt;

/// The widest and highest picture that is encoded.
const SIDE_MAX: u64 = 4096;
/// No slate is faster.
const FPS_MAX: u64 = 120;
/// The lowest sample rate of MPEG-1; below it layer III has half as many samples in a frame.
const MPEG1_RATE_HZ: u64 = 32_000;
/// Pictures in a slate beyond which its sound need not end with one.
const PICTURES_MAX: u64 = 1500;

/// The video codecs there are encoders for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264, by libx264.
    H264,
    /// H.265, by libx265.
    Hevc,
    /// MPEG-2, by ffmpeg's own encoder.
    Mpeg2,
}

/// The audio codecs there are encoders for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioCodec {
    /// AAC-LC, by ffmpeg's own encoder.
    Aac,
    /// Opus, by libopus.
    Opus,
    /// MPEG audio, layer II.
    Mp2,
    /// MPEG audio, layer III, by libmp3lame.
    Mp3,
    /// AC-3.
    Ac3,
    /// E-AC-3.
    Eac3,
}

/// The picture of a slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlateVideo {
    /// The codec.
    pub codec: VideoCodec,
    /// Pixels across.
    pub width: u64,
    /// Pixels down.
    pub height: u64,
    /// Pictures …
    pub rate: u64,
    /// … in so many seconds.
    pub per_seconds: u64,
}

/// The silence of a slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlateAudio {
    /// The codec.
    pub codec: AudioCodec,
    /// Channels, one or two.
    pub channels: u64,
    /// Samples per second.
    pub sample_rate_hz: u64,
}

/// What a slate is encoded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlateFormat {
    /// Its picture.
    pub video: SlateVideo,
    /// Its sound; `None`: none.
    pub audio: Option<SlateAudio>,
}

impl Default for SlateFormat {
    /// H.264 with 1280x720 at 25, AAC in stereo with 48 kHz.
    fn default() -> Self {
        Self {
            video: SlateVideo::default(),
            audio: Some(SlateAudio::default()),
        }
    }
}

impl Default for SlateVideo {
    fn default() -> Self {
        Self {
            codec: VideoCodec::H264,
            width: 1280,
            height: 720,
            rate: 25,
            per_seconds: 1,
        }
    }
}

impl Default for SlateAudio {
    fn default() -> Self {
        Self {
            codec: AudioCodec::Aac,
            channels: 2,
            sample_rate_hz: 48_000,
        }
    }
}

impl SlateVideo {
    /// Reads codec, size and rate, in any order, as an expectation writes them:
    /// `h264 1920x1080 50`. What is left out is as in [`SlateVideo::default`].
    ///
    /// # Errors
    /// The word that says nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut video = Self::default();
        for word in text.split_whitespace() {
            match word {
                "h264" | "avc" => video.codec = VideoCodec::H264,
                "hevc" | "h265" => video.codec = VideoCodec::Hevc,
                _ => match (size(word), rate(word)) {
                    (Some(size), _) => (video.width, video.height) = size,
                    (None, Some(rate)) => (video.rate, video.per_seconds) = rate,
                    (None, None) => return Err(word.to_owned()),
                },
            }
        }
        Ok(video)
    }
}

impl SlateAudio {
    /// The same of sound: `aac stereo 48000`.
    ///
    /// # Errors
    /// The word that says nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut audio = Self::default();
        for word in text.split_whitespace() {
            match word {
                "aac" => audio.codec = AudioCodec::Aac,
                "opus" => audio.codec = AudioCodec::Opus,
                "mp2" => audio.codec = AudioCodec::Mp2,
                "ac3" => audio.codec = AudioCodec::Ac3,
                "mono" => audio.channels = 1,
                "stereo" => audio.channels = 2,
                "48000" | "48k" => audio.sample_rate_hz = 48_000,
                "44100" | "44.1k" => audio.sample_rate_hz = 44_100,
                "32000" | "32k" => audio.sample_rate_hz = 32_000,
                _ => return Err(word.to_owned()),
            }
        }
        if audio.codec == AudioCodec::Opus && audio.sample_rate_hz != 48_000 {
            return Err("opus, which always has 48000".into());
        }
        Ok(audio)
    }

    const fn frame_samples(self) -> u64 {
        self.codec.frame_samples(self.sample_rate_hz)
    }
}

impl VideoCodec {
    /// As people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "H.265",
            Self::Mpeg2 => "MPEG-2",
        }
    }
}

impl AudioCodec {
    /// What ffmpeg calls its encoder.
    pub(crate) const fn encoder(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Opus => "libopus",
            Self::Mp2 => "mp2",
            Self::Mp3 => "libmp3lame",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
        }
    }

    /// Samples in each of its frames, as ffmpeg encodes them.
    pub(crate) const fn frame_samples(self, sample_rate_hz: u64) -> u64 {
        match self {
            Self::Aac => 1024,
            Self::Opus => 960,
            Self::Mp3 if sample_rate_hz < MPEG1_RATE_HZ => 576,
            Self::Mp2 | Self::Mp3 => 1152,
            Self::Ac3 | Self::Eac3 => 1536,
        }
    }
}

impl SlateFormat {
    /// How many pictures a slate has: at least a second, and such that its sound is a whole
    /// number of frames, so that it can be repeated without a seam.
    pub(super) fn pictures(&self) -> u64 {
        let SlateVideo {
            rate, per_seconds, ..
        } = self.video;
        let second = rate.div_ceil(per_seconds).max(1);
        let Some(audio) = self.audio else {
            return second;
        };
        let is_whole = |pictures: &u64| {
            let samples = pictures * per_seconds * audio.sample_rate_hz;
            samples.is_multiple_of(rate * audio.frame_samples())
        };
        (second..=PICTURES_MAX).find(is_whole).unwrap_or(second)
    }

    /// Samples of sound that go with so many pictures.
    pub(super) fn samples(&self, pictures: u64) -> u64 {
        let audio = self.audio.unwrap_or_default();
        pictures * self.video.per_seconds * audio.sample_rate_hz / self.video.rate
    }
}

impl fmt::Display for SlateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SlateVideo {
            codec,
            width,
            height,
            rate,
            per_seconds,
        } = self.video;
        write!(f, "{codec:?} {width}x{height} {rate}/{per_seconds}")?;
        match self.audio {
            None => write!(f, ", silent"),
            Some(SlateAudio {
                codec,
                channels,
                sample_rate_hz,
            }) => {
                write!(f, ", {codec:?} {channels} {sample_rate_hz}")
            }
        }
    }
}

fn size(word: &str) -> Option<(u64, u64)> {
    let (width, height) = word.split_once('x')?;
    let side = |text: &str| -> Option<u64> {
        let side = text.parse().ok()?;
        // Encoders of 4:2:0 take even sides only.
        (16..=SIDE_MAX)
            .contains(&side)
            .then_some(side)
            .filter(|side| side.is_multiple_of(2))
    };
    Some((side(width)?, side(height)?))
}

fn rate(word: &str) -> Option<(u64, u64)> {
    let rate = match word {
        "23.976" | "23.98" => (24_000, 1001),
        "29.97" => (30_000, 1001),
        "59.94" => (60_000, 1001),
        _ => (word.parse().ok()?, 1),
    };
    (1..=FPS_MAX * 1000)
        .contains(&rate.0)
        .then_some(rate)
        .filter(|(rate, per)| rate / per <= FPS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_as_expectations_write_them() {
        let video = SlateVideo::parse("h264 1920x1080 50").unwrap();
        assert_eq!((video.width, video.height, video.rate), (1920, 1080, 50));
        let video = SlateVideo::parse("29.97 hevc").unwrap();
        assert_eq!(
            (video.codec, video.rate, video.per_seconds),
            (VideoCodec::Hevc, 30_000, 1001)
        );
        let audio = SlateAudio::parse("mp2 mono 44100").unwrap();
        assert_eq!((audio.channels, audio.sample_rate_hz), (1, 44_100));
        for text in ["vp9", "1921x1081", "0x0", "-i", "99999x2", "1000", "25,"] {
            assert!(SlateVideo::parse(text).is_err(), "{text}");
        }
        assert!(SlateAudio::parse("aac 5.1").is_err());
    }

    #[test]
    fn sound_ends_with_a_picture_at_every_usual_rate() {
        for rate in ["24", "25", "29.97", "30", "50", "59.94", "60"] {
            let video = SlateVideo::parse(rate).unwrap();
            let format = SlateFormat {
                video,
                audio: Some(SlateAudio::default()),
            };
            let pictures = format.pictures();
            assert_eq!(format.samples(pictures) % 1024, 0, "{rate}: {pictures}");
            assert!(pictures <= PICTURES_MAX);
        }
    }
}
