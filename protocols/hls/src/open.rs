//! The segment under way.

use tidegate_fmp4::Sample;

use crate::segmenter::Frame;
use crate::selection::Role;

/// A frame's duration when neither the next frame nor the one before tells it: 1/25 s.
const GUESSED_STEP_TICKS: i64 = 3600;

/// Pictures that are shown later than this after the last one was decoded have times nobody can trust.
const LONGEST_REORDERING_TICKS: i64 = 90_000;

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
    /// When the next sound begins, which is not of this one: the last one of it lasts until then.
    pub(crate) heard_until: Option<i64>,
    /// A discontinuity follows: its last picture is decoded before it ends, and not shown longer for it.
    pub(crate) is_last: bool,
}

impl Open {
    pub(crate) fn new(start: i64, independent: bool) -> Self {
        Self {
            start,
            video: Vec::new(),
            audio: Vec::new(),
            bytes: 0,
            independent,
            heard_until: None,
            is_last: false,
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

    /// Where it ends if nothing follows: when its last picture has been shown, which is later than
    /// decoding ends.
    pub(crate) fn natural_end(&self) -> i64 {
        let samples = self.leading();
        let last = samples.last().map_or(self.start, |sample| sample.dts);
        let shown = samples.iter().map(|sample| sample.pts).max();
        let shown = shown.filter(|shown| shown.saturating_sub(last) < LONGEST_REORDERING_TICKS);
        shown
            .unwrap_or(last)
            .max(last)
            .saturating_add(step(samples))
    }

    fn leading(&self) -> &[Sample] {
        if self.video.is_empty() {
            &self.audio
        } else {
            &self.video
        }
    }

    /// Takes its last group of pictures out of it, and the sound that goes with them; the pictures.
    pub(crate) fn take_last_group(&mut self) -> Vec<Sample> {
        let Some(key) = self.video.iter().rposition(|sample| sample.key) else {
            return Vec::new();
        };
        let group = self.video.split_off(key);
        if self.video.is_empty() {
            self.audio.clear();
        } else if let Some(key) = group.first() {
            self.audio.retain(|sound| sound.pts < key.pts);
        }
        group
    }

    /// Takes the sound out of it that is heard from this time on.
    pub(crate) fn take_sound_from(&mut self, time: i64) -> Vec<Sample> {
        let place = self.audio.partition_point(|sound| sound.pts < time);
        self.audio.split_off(place)
    }

    /// Ends it at `end` and moves its times to `epoch`.
    pub(crate) fn settle(&mut self, end: i64, epoch: i64) {
        let video_end = if self.is_last {
            None
        } else {
            Some(end).filter(|_| !self.video.is_empty())
        };
        let (video_step, audio_step) = (step(&self.video), shortest_step(&self.audio));
        settle_samples(&mut self.video, video_end, video_step, epoch);
        settle_samples(&mut self.audio, self.heard_until, audio_step, epoch);
    }
}

fn settle_samples(samples: &mut [Sample], end: Option<i64>, step: i64, epoch: i64) {
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

/// Ticks between two samples where none lacks between them, at one end or the other.
fn shortest_step(samples: &[Sample]) -> i64 {
    let first = samples.get(..2).map_or(i64::MAX, step);
    first.min(step(samples))
}
