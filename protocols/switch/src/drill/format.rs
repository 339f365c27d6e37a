//! What differs between two inputs, as an operator reads it.

use std::sync::Arc;

use tidegate_codecs::{FrameRate, StreamConfig};

/// Rates that are written the same are the same.
const RATE_STEP: f64 = 0.01;

/// The streams of two inputs in words, where those differ: the first picture with the first, the
/// first sound with the first, in whatever order they come.
pub(super) fn change(
    before: &[Arc<StreamConfig>],
    behind: &[Arc<StreamConfig>],
) -> Option<(String, String)> {
    let (before, behind) = (by_kind(before), by_kind(behind));
    let mut pairs = before.iter().zip(&behind);
    let is_same =
        before.len() == behind.len() && pairs.all(|(before, behind)| fits(before, behind));
    (!is_same).then(|| (words(&before), words(&behind)))
}

/// Pictures first.
fn by_kind(formats: &[Arc<StreamConfig>]) -> Vec<&StreamConfig> {
    let mut formats: Vec<&StreamConfig> = formats.iter().map(|format| &**format).collect();
    formats.sort_by_key(|format| matches!(format, StreamConfig::Audio(_)));
    formats
}

/// A rate that is not known differs from none.
fn fits(before: &StreamConfig, behind: &StreamConfig) -> bool {
    let is_same_rate = match (rate(before), rate(behind)) {
        (Some(before), Some(behind)) => (before - behind).abs() < RATE_STEP,
        _ => true,
    };
    is_same_rate && word(before) == word(behind)
}

fn rate(config: &StreamConfig) -> Option<f64> {
    match config {
        StreamConfig::Video(video) => video.format.fps.map(FrameRate::as_f64),
        StreamConfig::Audio(_) => None,
    }
}

fn words(formats: &[&StreamConfig]) -> String {
    let words = formats.iter().map(|format| match rate(format) {
        Some(rate) => format!("{} {rate:.2}", word(format)),
        None => word(format),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// All but the rate.
fn word(config: &StreamConfig) -> String {
    let name = config.codec().name();
    match config {
        StreamConfig::Video(video) => {
            let format = &video.format;
            format!("{name} {}x{}", format.width, format.height)
        }
        StreamConfig::Audio(audio) => {
            let format = &audio.format;
            format!("{name} {} Hz × {}", format.sample_rate_hz, format.channels)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::{
        AudioConfig, AudioFormat, AudioHeaders, Codec, VideoConfig, VideoFormat, VideoHeaders,
    };

    fn picture(width: u32, rate: Option<(u32, u32)>) -> Arc<StreamConfig> {
        let fps = rate.and_then(|(numerator, denominator)| FrameRate::new(numerator, denominator));
        Arc::new(StreamConfig::Video(VideoConfig {
            format: VideoFormat {
                codec: Codec::Mpeg2Video,
                profile: None,
                level: None,
                width,
                height: 720,
                fps,
                interlaced: false,
                bit_depth: 8,
            },
            headers: VideoHeaders::InBand,
        }))
    }

    fn sound() -> Arc<StreamConfig> {
        Arc::new(StreamConfig::Audio(AudioConfig {
            format: AudioFormat {
                codec: Codec::MpegAudio,
                name: "mp2",
                profile: None,
                sample_rate_hz: 48_000,
                channels: 2,
                samples_per_frame: 1152,
            },
            headers: AudioHeaders::InBand,
        }))
    }

    #[test]
    fn the_order_of_picture_and_sound_is_no_difference() {
        let first = [picture(1280, Some((25, 1))), sound()];
        let second = [sound(), picture(1280, Some((25, 1)))];
        assert_eq!(change(&first, &second), None);
        assert!(change(&first, &second[..1]).is_some());
    }

    #[test]
    fn a_rate_that_is_not_known_is_no_difference_and_another_one_is() {
        let rated = [picture(1280, Some((25, 1)))];
        let unrated = [picture(1280, None)];
        assert_eq!(change(&rated, &unrated), None);
        let (before, behind) = change(&rated, &[picture(1280, Some((50, 1)))]).expect("a change");
        assert!(before.ends_with("1280x720 25.00"), "{before}");
        assert!(behind.ends_with("1280x720 50.00"), "{behind}");
        let (_, behind) = change(&rated, &[picture(640, None)]).expect("a change");
        assert!(behind.ends_with("640x720"), "{behind}");
    }
}
