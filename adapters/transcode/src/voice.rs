use crate::line::Waiting;
use serde_json::{Value, json};
use tidegate_codecs::{Codec, StreamConfig};
use tidegate_ffmpeg::FfmpegError;
use tidegate_ffmpeg::sound::{Frame, Transcoder};
use tidegate_units::Instant;

/// One track of sound and its ffmpeg.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) pid: u16,
    pub(crate) codec: Codec,
    /// What it is, as people say: "mp2 stereo 48000".
    pub(crate) was: String,
    pub(crate) transcoder: Transcoder,
    pub(crate) frames_in: u64,
    frames_out: u64,
    /// Where the last frame that came out ends, 90 kHz, and when what it is made of came.
    ends_at: Option<(i64, Instant)>,
    /// The same of the sound in another codec that it goes on from.
    pub(crate) follows: Option<(i64, Instant)>,
}

/// As much of a beginning may be there already as sound of another codec. More is a jump of the
/// stream's clock.
const OVERLAP_TICKS: i64 = 45_000;
/// Times are rounded.
const ROUNDED_TICKS: i64 = 2;

impl Voice {
    pub(crate) fn new(
        pid: u16,
        config: &StreamConfig,
        transcoder: Transcoder,
        follows: Option<(i64, Instant)>,
    ) -> Self {
        Self {
            pid,
            codec: config.codec(),
            was: described(config),
            transcoder,
            frames_in: 0,
            frames_out: 0,
            ends_at: None,
            follows,
        }
    }

    /// A frame that ffmpeg gave back, with its place in the stream.
    pub(crate) fn hear(&mut self, frame: Frame) -> Result<Waiting, FfmpegError> {
        let place = self.transcoder.place(&frame)?;
        self.frames_out += 1;
        let end = place.pts.saturating_add(ticks(&frame.config));
        self.ends_at = Some((end, place.arrived));
        Ok(Waiting {
            pid: self.pid,
            pts: place.pts,
            config: frame.config,
            data: frame.data,
            arrived: place.arrived,
            due: place.due,
        })
    }

    /// Where the last frame that came out ends.
    pub(crate) const fn ends_at(&self) -> Option<(i64, Instant)> {
        self.ends_at
    }

    /// A frame, unless the sound that it goes on from is there at that time: an encoder puts some
    /// silence in front of its first sound, and behind its last.
    pub(crate) fn begins_with(&self, mut frame: Waiting) -> Option<Waiting> {
        if let Some((end, arrived)) = self.follows {
            let early = end.saturating_sub(frame.pts);
            if (ROUNDED_TICKS + 1..OVERLAP_TICKS).contains(&early) {
                return None;
            }
            // Its place is behind that sound, the last frames of which may be stamped later.
            frame.arrived = frame.arrived.max(arrived);
        }
        Some(frame)
    }

    pub(crate) fn shown(&self) -> Value {
        json!({
            "pid": self.pid,
            "from": self.was,
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "clock_jumps": self.transcoder.jumps(),
            "process": self.transcoder.child(),
        })
    }
}

/// How long a frame lasts, 90 kHz.
fn ticks(config: &StreamConfig) -> i64 {
    let format = config.audio().map(|audio| &audio.format);
    let ticks = format.and_then(|format| {
        let samples = i64::from(format.samples_per_frame) * 90_000;
        samples.checked_div(i64::from(format.sample_rate_hz))
    });
    ticks.unwrap_or(0)
}

pub(crate) fn described(config: &StreamConfig) -> String {
    let Some(format) = config.audio().map(|audio| &audio.format) else {
        return config.codec().name().to_owned();
    };
    let layout = match format.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    };
    format!("{} {layout} {}", format.name, format.sample_rate_hz)
}
