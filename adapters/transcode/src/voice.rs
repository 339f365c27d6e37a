use crate::line::Waiting;
use serde_json::{Value, json};
use tidegate_codecs::{Codec, StreamConfig};
use tidegate_ffmpeg::FfmpegError;
use tidegate_ffmpeg::sound::{Frame, Transcoder};

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
}

impl Voice {
    pub(crate) fn new(pid: u16, config: &StreamConfig, transcoder: Transcoder) -> Self {
        Self {
            pid,
            codec: config.codec(),
            was: described(config),
            transcoder,
            frames_in: 0,
            frames_out: 0,
        }
    }

    /// A frame that ffmpeg gave back, with its place in the stream.
    pub(crate) fn hear(&mut self, frame: Frame) -> Result<Waiting, FfmpegError> {
        let place = self.transcoder.place(&frame)?;
        self.frames_out += 1;
        Ok(Waiting {
            pid: self.pid,
            pts: place.pts,
            config: frame.config,
            data: frame.data,
            arrived: place.arrived,
            due: place.due,
        })
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
