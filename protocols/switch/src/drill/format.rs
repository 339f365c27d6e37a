//! What differs between two inputs, as an operator reads it.

use std::sync::Arc;

use tidegate_codecs::{FrameRate, StreamConfig};

/// The streams of two inputs in words, where those differ.
pub(super) fn change(
    before: &[Arc<StreamConfig>],
    behind: &[Arc<StreamConfig>],
) -> Option<(String, String)> {
    let words = |formats: &[Arc<StreamConfig>]| {
        let words = formats.iter().map(|format| word(format));
        words.collect::<Vec<_>>().join(", ")
    };
    let both = (words(before), words(behind));
    (both.0 != both.1).then_some(both)
}

fn word(config: &StreamConfig) -> String {
    let name = config.codec().name();
    match config {
        StreamConfig::Video(video) => {
            let format = &video.format;
            let rate = format.fps.map_or(0.0, FrameRate::as_f64);
            format!("{name} {}x{} {rate:.2}", format.width, format.height)
        }
        StreamConfig::Audio(audio) => {
            let format = &audio.format;
            format!("{name} {} Hz × {}", format.sample_rate_hz, format.channels)
        }
    }
}
