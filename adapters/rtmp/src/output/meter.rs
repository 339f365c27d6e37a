//! What goes out, measured: for the comparison with what a platform takes.

use core::time::Duration;

use tidegate_codecs::StreamConfig;
use tidegate_engine::Frame;
use tidegate_platforms::{Measured, MeasuredAudio, MeasuredVideo};
use tidegate_units::Instant;

use super::selection::Selection;

/// Rates are means over this long.
const WINDOW: Duration = Duration::from_secs(4);
const TICKS_PER_SECOND: f64 = 90_000.0;

/// Follows the chosen tracks of one connection.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    began: Option<Instant>,
    picture: Count,
    sound: Count,
    /// The finished window.
    rates: Option<Rates>,
    last_key: Option<i64>,
    last_picture: i64,
    gop_ticks: Option<i64>,
    is_reordered: bool,
}

#[derive(Debug, Default)]
struct Count {
    frames: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Rates {
    picture_bps: u64,
    sound_bps: u64,
    fps: f64,
}

impl Meter {
    pub(crate) fn frame(&mut self, frame: &Frame) {
        let began = *self.began.get_or_insert(frame.arrived);
        let window = frame.arrived.saturating_since(began);
        if window >= WINDOW {
            self.rates = Some(self.rates_over(window));
            self.began = Some(frame.arrived);
            (self.picture, self.sound) = (Count::default(), Count::default());
        }
        let count = if frame.video {
            &mut self.picture
        } else {
            &mut self.sound
        };
        count.frames += 1;
        count.bytes += frame.data.len() as u64;
        if frame.video {
            self.picture(frame);
        }
    }

    fn picture(&mut self, frame: &Frame) {
        self.is_reordered |= frame.pts_90khz > frame.dts_90khz;
        self.last_picture = frame.dts_90khz;
        if frame.key {
            let distance = self
                .last_key
                .map(|last| frame.dts_90khz.saturating_sub(last));
            // A clock that jumps is no distance.
            self.gop_ticks = distance.filter(|ticks| *ticks > 0).or(self.gop_ticks);
            self.last_key = Some(frame.dts_90khz);
        }
    }

    fn rates_over(&self, window: Duration) -> Rates {
        let seconds = window.as_secs_f64();
        let bps = |count: &Count| (count.bytes as f64 * 8.0 / seconds) as u64;
        Rates {
            picture_bps: bps(&self.picture),
            sound_bps: bps(&self.sound),
            fps: self.picture.frames as f64 / seconds,
        }
    }

    /// What is known of the chosen tracks.
    pub(crate) fn measured(&self, selection: &Selection) -> Measured {
        let rates = self.rates;
        let video = selection.config(true).and_then(StreamConfig::video);
        let video = video.map(|video| {
            let declared = video.format.fps.map(|fps| fps.as_f64());
            MeasuredVideo {
                codec: video.format.codec.name().into(),
                bitrate_bps: rates.map(|rates| rates.picture_bps),
                width: Some(video.format.width),
                height: Some(video.format.height),
                fps: rates.map(|rates| rates.fps).or(declared),
                gop_seconds: self.gop_seconds(),
                b_frames: self.is_reordered,
                interlaced: video.format.interlaced,
            }
        });
        let audio = selection.config(false).and_then(StreamConfig::audio);
        let audio = audio.map(|audio| MeasuredAudio {
            codec: audio.format.name.into(),
            bitrate_bps: rates.map(|rates| rates.sound_bps),
            sample_rate_hz: Some(audio.format.sample_rate_hz),
        });
        Measured { video, audio }
    }

    /// The last distance, or the one that goes on if that is longer already.
    fn gop_seconds(&self) -> Option<f64> {
        let open = self
            .last_key
            .map(|last| self.last_picture.saturating_sub(last));
        let ticks = self.gop_ticks.max(open.filter(|ticks| *ticks > 0))?;
        Some(ticks as f64 / TICKS_PER_SECOND)
    }
}
