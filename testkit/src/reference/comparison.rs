use super::fingerprint::Unit;
use std::collections::HashMap;
use std::fmt;

const TICKS_PER_MILLISECOND: f64 = 90.0;

/// Times are rounded to milliseconds on the way, at most twice.
const STRAY_MAX_MS: f64 = 2.0;

/// Picture and sound are together within this.
const TOGETHER_MS: f64 = 20.0;

/// What came of a reference clip.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Its picture.
    pub video: TrackComparison,
    /// Its sound.
    pub audio: TrackComparison,
    /// How much later the sound is than it should be, beside the picture.
    pub av_offset_ms: f64,
}

/// What came of one track.
#[derive(Clone, Debug, Default)]
pub struct TrackComparison {
    /// Frames of the clip that are there.
    pub frames: usize,
    /// Frames of the clip that are missing between the first and the last that are there.
    pub missing: usize,
    /// Frames that come more than once, or in another order.
    pub misplaced: usize,
    /// Frames that are not in the clip.
    pub strange: usize,
    /// Places where the decoding time does not rise.
    pub steps_back: usize,
    /// How far the presentation times stray from those of the clip, moved as a whole.
    pub stray_ms: f64,
    /// What the times were moved by as a whole, 90 kHz.
    shift: f64,
}

impl Comparison {
    pub(super) fn of(clip: &[Unit], received: &[Unit]) -> Self {
        let track = |video| {
            let of = |units: &[Unit]| -> Vec<Unit> {
                units
                    .iter()
                    .filter(|unit| unit.video == video)
                    .copied()
                    .collect()
            };
            TrackComparison::of(&of(clip), &of(received))
        };
        let (video, audio) = (track(true), track(false));
        let av_offset_ms = (audio.shift - video.shift) / TICKS_PER_MILLISECOND;
        Self {
            video,
            audio,
            av_offset_ms,
        }
    }

    /// What is wrong, for a clip of which at least `frames` pictures should have come; `None`
    /// when all is well: no frame lost, doubled or moved, times that rise, and picture and
    /// sound within 20 ms of where they were.
    #[must_use]
    pub fn fault(&self, frames: usize) -> Option<String> {
        let strange = self.video.strange + self.audio.strange;
        let stray_ms = self.video.stray_ms.max(self.audio.stray_ms);
        if strange > 0 || stray_ms > STRAY_MAX_MS {
            return Some(self.to_string());
        }
        self.fault_of_part(frames)
    }

    /// The same where the clip is one part among others: where it begins, sound may be moved by
    /// less than a frame.
    #[must_use]
    pub fn fault_of_part(&self, frames: usize) -> Option<String> {
        let whole = |track: &TrackComparison| {
            track.missing + track.misplaced + track.steps_back == 0 && track.stray_ms <= TOGETHER_MS
        };
        let fine = self.video.frames >= frames
            && self.audio.frames >= frames
            && whole(&self.video)
            && whole(&self.audio)
            && self.av_offset_ms.abs() <= TOGETHER_MS;
        (!fine).then(|| self.to_string())
    }
}

impl TrackComparison {
    fn of(clip: &[Unit], received: &[Unit]) -> Self {
        let places: HashMap<u64, usize> = clip.iter().map(|unit| unit.hash).zip(0..).collect();
        assert!(places.len() == clip.len(), "frames of the clip are alike");
        let mut found = Self::default();
        let mut shifts = Vec::new();
        let (mut first, mut last) = (None, None);
        for unit in received {
            let Some(&place) = places.get(&unit.hash) else {
                found.strange += 1;
                continue;
            };
            found.frames += 1;
            shifts.push((unit.pts - clip[place].pts) as f64);
            found.misplaced += usize::from(last.is_some_and(|last| place <= last));
            first = first.or(Some(place));
            last = last.max(Some(place));
        }
        if let (Some(first), Some(last)) = (first, last) {
            found.missing = (last - first + 1).saturating_sub(found.frames - found.misplaced);
        }
        let steps = received.windows(2);
        found.steps_back = steps.filter(|pair| pair[1].dts <= pair[0].dts).count();
        shifts.sort_by(f64::total_cmp);
        found.shift = shifts.get(shifts.len() / 2).copied().unwrap_or_default();
        let strays = shifts.iter().map(|shift| (shift - found.shift).abs());
        found.stray_ms = strays.fold(0.0, f64::max) / TICKS_PER_MILLISECOND;
        found
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, track) in [("video", &self.video), ("audio", &self.audio)] {
            write!(
                f,
                "{name}: {} frames, {} missing, {} misplaced, {} strange, {} steps back, {:.1} ms astray; ",
                track.frames,
                track.missing,
                track.misplaced,
                track.strange,
                track.steps_back,
                track.stray_ms
            )?;
        }
        write!(f, "sound {:.1} ms off", self.av_offset_ms)
    }
}
