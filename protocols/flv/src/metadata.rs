//! `onMetaData`: what a stream says about itself in words. Nothing depends on it, but platforms
//! like to show it, and some wait for it.

use tidegate_codecs::{Codec, StreamConfig};
use tidegate_rtmp::Value;

use crate::fourcc::FourCc;
use crate::writer::Dialect;

const LEGACY_AVC: f64 = 7.0;
const LEGACY_AAC: f64 = 10.0;
const LEGACY_MP3: f64 = 2.0;
const SAMPLE_BITS: f64 = 16.0;
/// Characters of the encoder's name that are kept.
const ENCODER_CHARS_MAX: usize = 80;

/// The usual properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Width of the picture in pixels.
    pub width: Option<u32>,
    /// Height of the picture in pixels.
    pub height: Option<u32>,
    /// Pictures per second.
    pub fps: Option<f64>,
    /// The number of the picture's codec: 7 for H.264, else its FourCC.
    pub video_codec: Option<f64>,
    /// Bitrate of the picture.
    pub video_kbps: Option<f64>,
    /// The number of the sound's codec: 10 for AAC, 2 for MP3, else its FourCC.
    pub audio_codec: Option<f64>,
    /// Bitrate of the sound.
    pub audio_kbps: Option<f64>,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
    /// Channels.
    pub channels: Option<u8>,
    /// Who made the stream.
    pub encoder: Option<String>,
}

impl Metadata {
    /// What the headers of the first picture and the first sound say.
    #[must_use]
    pub fn of(video: Option<&StreamConfig>, audio: Option<&StreamConfig>) -> Self {
        let mut metadata = Self::default();
        if let Some(config) = video
            && let Some(video) = config.video()
        {
            metadata.width = Some(video.format.width);
            metadata.height = Some(video.format.height);
            metadata.fps = video.format.fps.map(|fps| fps.as_f64());
            metadata.video_codec = match video.format.codec {
                Codec::H264 => Some(LEGACY_AVC),
                codec => FourCc::of_video(codec).map(FourCc::number),
            };
        }
        if let Some(config) = audio
            && let Some(audio) = config.audio()
        {
            metadata.sample_rate_hz = Some(audio.format.sample_rate_hz);
            metadata.channels = Some(audio.format.channels);
            metadata.audio_codec = match (audio.format.codec, Dialect::needed(config)) {
                (Codec::MpegAudio, Some(Dialect::Legacy)) => Some(LEGACY_MP3),
                (_, Some(Dialect::Legacy)) => Some(LEGACY_AAC),
                _ => FourCc::of_audio(audio).map(FourCc::number),
            };
        }
        metadata
    }

    /// As the properties are sent.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, Value)> {
        let has_sound = self.audio_codec.is_some();
        let numbers = [
            ("duration", Some(0.0)),
            ("width", self.width.map(f64::from)),
            ("height", self.height.map(f64::from)),
            ("framerate", self.fps),
            ("videocodecid", self.video_codec),
            ("videodatarate", self.video_kbps),
            ("audiocodecid", self.audio_codec),
            ("audiodatarate", self.audio_kbps),
            ("audiosamplerate", self.sample_rate_hz.map(f64::from)),
            ("audiosamplesize", has_sound.then_some(SAMPLE_BITS)),
            ("audiochannels", self.channels.map(f64::from)),
        ];
        let mut pairs: Vec<(String, Value)> = numbers
            .into_iter()
            .filter_map(|(name, number)| Some((name.to_owned(), Value::Number(number?))))
            .collect();
        if let Some(channels) = self.channels {
            pairs.push(("stereo".into(), Value::Boolean(channels > 1)));
        }
        if let Some(encoder) = &self.encoder {
            pairs.push(("encoder".into(), Value::String(encoder.clone())));
        }
        pairs
    }

    /// What a sender told. What is no number where one belongs, and numbers that nothing can
    /// have, are left out.
    #[must_use]
    pub fn read(pairs: &[(String, Value)]) -> Self {
        let find = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        let number = |name: &str| {
            let number = find(name).and_then(Value::as_number)?;
            (number.is_finite() && number > 0.0).then_some(number)
        };
        let whole = |name: &str| {
            let number = number(name).filter(|number| *number <= f64::from(u32::MAX))?;
            Some(number as u32)
        };
        let encoder = find("encoder").and_then(Value::as_str);
        let channels = match find("stereo") {
            Some(Value::Boolean(stereo)) => Some(1 + u8::from(*stereo)),
            _ => None,
        };
        Self {
            width: whole("width"),
            height: whole("height"),
            fps: number("framerate").or_else(|| number("videoframerate")),
            video_codec: number("videocodecid"),
            video_kbps: number("videodatarate"),
            audio_codec: number("audiocodecid"),
            audio_kbps: number("audiodatarate"),
            sample_rate_hz: whole("audiosamplerate"),
            channels: whole("audiochannels")
                .and_then(|channels| u8::try_from(channels).ok())
                .or(channels),
            encoder: encoder.map(|name| name.chars().take(ENCODER_CHARS_MAX).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::Record;

    #[test]
    fn properties_come_back_as_they_were_written() {
        let aac = Record::parse(Codec::Aac, &[0x11, 0x90]).unwrap().config;
        let av1 = [
            0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38,
            0x05, 0xF0, 0x00, 0x80,
        ];
        let av1 = Record::parse(Codec::Av1, &av1).unwrap().config;
        let mut metadata = Metadata::of(Some(&av1), Some(&aac));
        assert_eq!(metadata.video_codec, Some(1_635_135_537.0));
        assert_eq!(
            (metadata.width, metadata.audio_codec),
            (Some(640), Some(10.0))
        );
        metadata.video_kbps = Some(2500.0);
        metadata.encoder = Some("Tidegate".into());
        assert_eq!(Metadata::read(&metadata.to_pairs()), metadata);
    }

    #[test]
    fn nonsense_is_left_out() {
        let pairs = [
            ("width", Value::Number(f64::NAN)),
            ("height", Value::Number(-5.0)),
            ("framerate", Value::String("25".into())),
            ("audiosamplerate", Value::Number(1e300)),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(Metadata::read(&pairs), Metadata::default());
    }
}
