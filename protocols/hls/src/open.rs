//! The segment under way.

use tidegate_fmp4::Sample;

use crate::segmenter::Frame;
use crate::selection::Role;

/// A frame's duration when neither the next frame nor the one before tells it: 1/25 s.
const GUESSED_STEP_TICKS: i64 = 3600;

/// Frames collected since the last cut.
#[derive(Debug)]
pub(crate) struct Open {
    /// Where it begins on the feed's clock.
    pub(crate) start: i64,
    pub(crate) video: Vec<Sample>,
    pub(crate) audio: Vec<Sample>,
    pub(crate) bytes: usize,
    /// It begins with a key frame (or holds no picture).
    pub(crate) independent: bool,
}

impl Open {
    pub(crate) fn new(start: i64, independent: bool) -> Self {
        Self {
            start,
            video: Vec::new(),
            audio: Vec::new(),
            bytes: 0,
            independent,
        }
    }

    pub(crate) fn push(&mut self, role: Role, frame: Frame) {
        self.bytes += frame.data.len();
        let samples = match role {
            Role::Video => &mut self.video,
            Role::Audio => &mut self.audio,
        };
        samples.push(Sample {
            pts: frame.pts,
            dts: frame.dts,
            duration: 0,
            key: frame.key,
            data: frame.data,
        });
    }

    /// Where it ends if nothing follows.
    pub(crate) fn natural_end(&self) -> i64 {
        let samples = if self.video.is_empty() {
            &self.audio
        } else {
            &self.video
        };
        let last = samples.last().map_or(self.start, |sample| sample.dts);
        last.saturating_add(step(samples))
    }

    /// Ends it at `end` and moves its times to `epoch`.
    pub(crate) fn settle(&mut self, end: i64, epoch: i64) {
        let video_end = Some(end).filter(|_| !self.video.is_empty());
        settle_samples(&mut self.video, video_end, epoch);
        settle_samples(&mut self.audio, None, epoch);
    }
}

fn settle_samples(samples: &mut [Sample], end: Option<i64>, epoch: i64) {
    let step = step(samples);
    if let Some(last) = samples.last_mut() {
        let duration = end.map_or(step, |end| end.saturating_sub(last.dts)).max(1);
        last.duration = u32::try_from(duration).unwrap_or(u32::MAX);
    }
    for sample in samples {
        sample.pts = sample.pts.saturating_sub(epoch);
        sample.dts = sample.dts.saturating_sub(epoch);
    }
}

/// Ticks between the last two samples.
fn step(samples: &[Sample]) -> i64 {
    match samples {
        [.., before, last] => last.dts.saturating_sub(before.dts).max(1),
        _ => GUESSED_STEP_TICKS,
    }
}
