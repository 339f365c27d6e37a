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
    /// The number of the sound's codec: 10 for AAC, 2 for MP3, else its FourCC.
    pub audio_codec: Option<f64>,
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
            ("audiocodecid", self.audio_codec),
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::Record;

    #[test]
    fn what_the_headers_say_is_told() {
        let aac = Record::parse(Codec::Aac, &[0x11, 0x90]).unwrap().config;
        let av1 = [
            0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38,
            0x05, 0xF0, 0x00, 0x80,
        ];
        let av1 = Record::parse(Codec::Av1, &av1).unwrap().config;
        let mut metadata = Metadata::of(Some(&av1), Some(&aac));
        metadata.encoder = Some("Tidegate".into());
        let told = metadata.to_pairs();
        let find = |name: &str| {
            let mut found = told.iter().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.clone())
        };
        let numbers = [
            ("width", 640.0),
            ("videocodecid", 1_635_135_537.0),
            ("audiocodecid", 10.0),
            ("audiosamplerate", 48_000.0),
            ("audiochannels", 2.0),
        ];
        for (name, number) in numbers {
            assert_eq!(find(name), Some(Value::Number(number)), "{name}");
        }
        assert_eq!(find("stereo"), Some(Value::Boolean(true)));
        assert_eq!(find("encoder"), Some(Value::String("Tidegate".into())));
    }
}
