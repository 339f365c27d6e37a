use super::{AudioStatus, MediaStatus, VideoStatus};
use crate::error::SettingsError;
use crate::setting::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What should be in a feed; compared with what is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Codec, size and frame rate in any order, each optional: `h264 1920x1080 50`, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
    /// Codec, channels and sample rate in any order: `aac stereo 48k`, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// The usual bitrate: `8M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<Rate>,
}

impl Expect {
    /// Whether it can be understood.
    ///
    /// # Errors
    /// Names the word that cannot.
    pub fn check(&self) -> Result<(), SettingsError> {
        Expectation::parse(self).map(drop)
    }
}

/// An [`Expect`], understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expectation {
    pub(crate) video: Wanted<VideoWanted>,
    pub(crate) audio: Wanted<AudioWanted>,
    pub(crate) bitrate: Option<Rate>,
}

/// What is wanted of one kind of track.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Wanted<T> {
    /// Nothing was said.
    #[default]
    Anything,
    /// There should be none.
    Nothing,
    /// There should be one like this.
    Like(T),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VideoWanted {
    codec: Option<&'static str>,
    size: Option<(u32, u32)>,
    fps: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AudioWanted {
    codec: Option<&'static str>,
    channels: Option<u8>,
    sample_rate: Option<u32>,
}

const VIDEO_CODECS: &[(&str, &str)] = &[
    ("h264", "h264"),
    ("avc", "h264"),
    ("h265", "hevc"),
    ("hevc", "hevc"),
    ("vvc", "vvc"),
    ("av1", "av1"),
    ("mpeg1", "mpeg1"),
    ("mpeg2", "mpeg2"),
    ("mpeg4", "mpeg4"),
];

const AUDIO_CODECS: &[(&str, &str)] = &[
    ("aac", "aac"),
    ("mp1", "mp1"),
    ("mp2", "mp2"),
    ("mp3", "mp3"),
    ("ac3", "ac3"),
    ("eac3", "eac3"),
    ("ac4", "ac4"),
    ("dts", "dts"),
    ("opus", "opus"),
    ("s302m", "s302m"),
];

const CHANNELS: &[(&str, u8)] = &[("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8)];

fn lookup<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

impl Expectation {
    pub(crate) fn parse(expect: &Expect) -> Result<Self, SettingsError> {
        let Expect {
            video,
            audio,
            bitrate,
        } = expect;
        Ok(Self {
            video: parse_wanted("video", video.as_deref(), VideoWanted::read)?,
            audio: parse_wanted("audio", audio.as_deref(), AudioWanted::read)?,
            bitrate: *bitrate,
        })
    }

    /// What differs, in words; empty if all is as it should be. Missing tracks are not
    /// differences: they are "No picture" and "No sound".
    pub(crate) fn differences(&self, media: &MediaStatus) -> Vec<String> {
        let mut found = Vec::new();
        match (&self.video, &media.video) {
            (Wanted::Nothing, Some(video)) => {
                found.push(format!("there is video ({}), expected none", video.codec));
            }
            (Wanted::Like(wanted), Some(video)) => wanted.compare(video, &mut found),
            _ => {}
        }
        match (&self.audio, media.audio.first()) {
            (Wanted::Nothing, Some(audio)) => {
                found.push(format!("there is audio ({}), expected none", audio.codec));
            }
            (Wanted::Like(wanted), Some(audio)) => wanted.compare(audio, &mut found),
            _ => {}
        }
        found
    }
}

fn parse_wanted<T: Default>(
    field: &'static str,
    text: Option<&str>,
    mut read: impl FnMut(&mut T, &str) -> bool,
) -> Result<Wanted<T>, SettingsError> {
    let Some(text) = text else {
        return Ok(Wanted::Anything);
    };
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(Wanted::Nothing);
    }
    let mut wanted = T::default();
    for word in text.split_whitespace() {
        if !read(&mut wanted, &word.to_ascii_lowercase()) {
            return Err(
                SettingsError::new(field, format!("{word:?} is not understood"))
                    .advise("Write for example \"h264 1920x1080 50\" or \"aac stereo 48k\"."),
            );
        }
    }
    Ok(Wanted::Like(wanted))
}

impl VideoWanted {
    fn read(&mut self, word: &str) -> bool {
        if let Some(codec) = lookup(VIDEO_CODECS, word) {
            self.codec = Some(codec);
        } else if let Some((width, height)) = word.split_once('x') {
            let (Ok(width), Ok(height)) = (width.parse(), height.parse()) else {
                return false;
            };
            self.size = Some((width, height));
        } else if let Ok(fps) = word.trim_end_matches("fps").parse::<f64>() {
            self.fps = Some(fps);
            return fps.is_finite() && fps > 0.0;
        } else {
            return false;
        }
        true
    }

    fn compare(&self, video: &VideoStatus, found: &mut Vec<String>) {
        if let Some(codec) = self.codec.filter(|codec| *codec != video.codec) {
            found.push(format!("video is {}, expected {codec}", video.codec));
        }
        if let (Some((w, h)), Some(width), Some(height)) = (self.size, video.width, video.height)
            && (w, h) != (width, height)
        {
            found.push(format!("picture is {width}x{height}, expected {w}x{h}"));
        }
        if let (Some(wanted), Some(fps)) = (self.fps, video.fps)
            && (fps - wanted).abs() > wanted * FPS_TOLERANCE
        {
            found.push(format!("frame rate is {fps:.2}, expected {wanted}"));
        }
    }
}

/// Frame rates this close are the same.
const FPS_TOLERANCE: f64 = 0.005;

fn channels_name(channels: u8) -> String {
    let name = CHANNELS.iter().find(|(_, count)| *count == channels);
    name.map_or_else(
        || format!("{channels} channels"),
        |(name, _)| (*name).to_owned(),
    )
}

impl AudioWanted {
    fn read(&mut self, word: &str) -> bool {
        if let Some(codec) = lookup(AUDIO_CODECS, word) {
            self.codec = Some(codec);
        } else if let Some(channels) = lookup(CHANNELS, word) {
            self.channels = Some(channels);
        } else if let Some(channels) = word.strip_suffix("ch") {
            let Ok(channels) = channels.parse() else {
                return false;
            };
            self.channels = Some(channels);
        } else {
            let number = word.trim_end_matches("hz");
            let (number, unit) = match number.strip_suffix('k') {
                Some(number) => (number, 1000.0),
                None => (number, 1.0),
            };
            let Ok(rate) = number.parse::<f64>() else {
                return false;
            };
            let rate = rate * unit;
            if !(8000.0..=192_000.0).contains(&rate) {
                return false;
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked"
            )]
            let whole = rate.round() as u32;
            self.sample_rate = Some(whole);
        }
        true
    }

    fn compare(&self, audio: &AudioStatus, found: &mut Vec<String>) {
        if let Some(codec) = self.codec.filter(|codec| *codec != audio.codec) {
            found.push(format!("audio is {}, expected {codec}", audio.codec));
        }
        if let (Some(wanted), Some(channels)) = (self.channels, audio.channels)
            && wanted != channels
        {
            let (is, wanted) = (channels_name(channels), channels_name(wanted));
            found.push(format!("audio is {is}, expected {wanted}"));
        }
        if let (Some(wanted), Some(rate)) = (self.sample_rate, audio.sample_rate)
            && wanted != rate
        {
            found.push(format!("audio runs at {rate} Hz, expected {wanted}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(video: &str, audio: &str) -> Expect {
        Expect {
            video: Some(video.into()),
            audio: Some(audio.into()),
            bitrate: None,
        }
    }

    fn media() -> MediaStatus {
        let video = VideoStatus {
            codec: "h264",
            width: Some(1920),
            height: Some(1080),
            fps: Some(49.998),
            ..VideoStatus::default()
        };
        let audio = AudioStatus {
            codec: "aac",
            channels: Some(2),
            sample_rate: Some(48_000),
            ..AudioStatus::default()
        };
        MediaStatus {
            video: Some(video),
            audio: vec![audio],
            ..MediaStatus::default()
        }
    }

    fn differences(video: &str, audio: &str) -> Vec<String> {
        Expectation::parse(&expect(video, audio))
            .unwrap()
            .differences(&media())
    }

    #[test]
    fn a_feed_as_expected_has_no_differences() {
        assert_eq!(
            differences("h264 1920x1080 50", "aac stereo 48k"),
            [] as [String; 0]
        );
        assert_eq!(differences("50fps AVC", "2ch"), [] as [String; 0]);
    }

    #[test]
    fn every_difference_is_said_in_words() {
        assert_eq!(
            differences("hevc 1280x720 25", "mp2 5.1 44.1k"),
            [
                "video is h264, expected hevc",
                "picture is 1920x1080, expected 1280x720",
                "frame rate is 50.00, expected 25",
                "audio is aac, expected mp2",
                "audio is stereo, expected 5.1",
                "audio runs at 48000 Hz, expected 44100",
            ]
        );
        assert_eq!(
            differences("h264", "none"),
            ["there is audio (aac), expected none"]
        );
    }

    #[test]
    fn a_word_nobody_knows_is_named() {
        let error = expect("h264 1920×1080", "aac").check().unwrap_err();
        assert_eq!(error.field, "video");
        assert!(error.message.contains("1920×1080"), "{error}");
    }
}
