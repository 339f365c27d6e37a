use crate::gap::{Break, Cause};
use crate::track::Track;
use crate::{TICKS_PER_SECOND, TRACKS_MAX};
use tidegate_units::Instant;

/// A step ahead beyond this is a jump, unless as much time has passed …
const AHEAD_MAX_TICKS: i64 = 2 * TICKS_PER_SECOND;

/// … give or take this.
const PAUSE_TOLERANCE_TICKS: i64 = TICKS_PER_SECOND;

/// A step back within this is an encoder's carelessness, beyond it a jump.
const BACK_MAX_TICKS: i64 = TICKS_PER_SECOND / 2;

/// Tracks further apart than this do not share a clock.
const APART_MAX_TICKS: i64 = 10 * TICKS_PER_SECOND;

/// Frames of one track are apart by this at least: RTMP counts in milliseconds, and players refuse
/// two frames of the same time.
const STEP_MIN_TICKS: i64 = TICKS_PER_SECOND / 1000;

/// Waiting for the first frame after a break up to this is part of a normal cadence.
const CADENCE_TICKS: i64 = TICKS_PER_SECOND / 2;

/// Places the frames of one feed on a timeline that goes on, whatever their own times do.
///
/// ```text
///              frame continues its track ──▶ same offset as before
/// place() ─┬──────────────────────────────
///          └── does not ─┬─ fits the offset that another track broke to ──▶ that offset
///                        └─ does not ──▶ a new offset: the frame comes after all that was
///                                        placed, by as much time as has passed  (Break)
/// ```
///
/// All times are ticks of the 90 kHz clock, without wraps.
#[derive(Clone, Debug)]
pub struct Timeline {
    tracks: Vec<Track>,
    /// The offset that tracks are moved to when they break.
    offset: Option<i64>,
    start: Option<i64>,
    restarted: bool,
}

/// Where a frame belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// When it is presented.
    pub pts: i64,
    /// When it is decoded: a millisecond or more after every frame of its track before it.
    pub dts: i64,
    /// It lies before the end of what was placed on its track, by more than half a frame: sound
    /// is better left out, a picture may be needed by those that follow.
    pub overlaps: bool,
    /// The input broke here.
    pub broke: Option<Break>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// A timeline that takes over the times of the first frame.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tracks: Vec::new(),
            offset: None,
            start: None,
            restarted: false,
        }
    }

    /// A timeline whose first frame is decoded at `ticks`. Frames of other tracks that come
    /// after it may belong before it.
    #[must_use]
    pub const fn starting_at(ticks: i64) -> Self {
        let mut timeline = Self::new();
        timeline.start = Some(ticks);
        timeline
    }

    /// The next frame is of another connection, or another source.
    pub fn restart(&mut self) {
        self.restarted = !self.tracks.is_empty();
        for track in &mut self.tracks {
            track.offset = None;
        }
    }

    /// Where a frame belongs that arrived at `arrived`.
    pub fn place(&mut self, track: u16, pts: i64, dts: i64, arrived: Instant) -> Placed {
        let index = self.tracks.iter().position(|known| known.id == track);
        let continued = index.and_then(|index| continues(&self.tracks[index], dts, arrived));
        let (offset, broke) = match continued {
            Some(offset) => (offset, None),
            None => self.move_to(track, index, dts, arrived),
        };
        let wanted = dts.saturating_add(offset);
        let known = index.map(|index| &self.tracks[index]);
        let floor = known.map_or(i64::MIN, |track| {
            track.last_out.saturating_add(STEP_MIN_TICKS)
        });
        let overlap = floor.saturating_sub(wanted);
        let overlaps = known.is_some_and(|track| overlap > track.step / 2);
        let placed_dts = wanted.max(floor);
        let placed = Placed {
            pts: pts.saturating_add(offset).max(placed_dts),
            dts: placed_dts,
            overlaps,
            broke,
        };
        match index {
            Some(index) => {
                let track = &mut self.tracks[index];
                track.advance(dts, placed_dts, arrived, continued.is_some());
                track.offset = Some(offset);
            }
            None => self.add(Track::new(track, offset, dts, placed_dts, arrived)),
        }
        placed
    }

    /// The offset of a frame that does not continue its track.
    fn move_to(
        &mut self,
        track: u16,
        index: Option<usize>,
        dts: i64,
        arrived: Instant,
    ) -> (i64, Option<Break>) {
        let Some(end) = self.tracks.iter().map(Track::next_out).max() else {
            let offset = self.start.map_or(0, |start| start.saturating_sub(dts));
            self.offset = Some(offset);
            return (offset, None);
        };
        if let Some(offset) = self.offset.filter(|_| !self.restarted) {
            let away = dts.saturating_add(offset).saturating_sub(end);
            let is_settled = index.is_some_and(|at| self.tracks[at].offset == Some(offset));
            if away.saturating_abs() <= APART_MAX_TICKS && !is_settled {
                return (offset, None);
            }
        }
        let cause = self.cause(index, dts, arrived);
        let last = self.tracks.iter().map(|track| track.arrived).max();
        let waited = last.map_or(0, |last| ticks_between(last, arrived));
        let pause = if waited > CADENCE_TICKS { waited } else { 0 };
        let offset = end.saturating_add(pause).saturating_sub(dts);
        // Those that come next may have the same new clock, also when all of them are new.
        self.offset = Some(offset);
        self.restarted = false;
        (offset, Some(Break { track, cause }))
    }

    fn cause(&self, index: Option<usize>, dts: i64, arrived: Instant) -> Cause {
        if self.restarted {
            return Cause::Restarted;
        }
        let Some(track) = index.map(|index| &self.tracks[index]) else {
            return Cause::Apart;
        };
        let step = dts.saturating_sub(track.last_in);
        if step < 0 {
            Cause::Back(step.saturating_neg())
        } else {
            Cause::Ahead(step.saturating_sub(ticks_between(track.arrived, arrived)))
        }
    }

    fn add(&mut self, track: Track) {
        if self.tracks.len() >= TRACKS_MAX {
            let silent = (0..self.tracks.len()).min_by_key(|&at| self.tracks[at].arrived);
            self.tracks.swap_remove(silent.unwrap_or(0));
        }
        self.tracks.push(track);
    }
}

/// The offset of a track that a frame continues.
fn continues(track: &Track, dts: i64, arrived: Instant) -> Option<i64> {
    let offset = track.offset?;
    let step = dts.saturating_sub(track.last_in);
    let is_near = (-BACK_MAX_TICKS..=AHEAD_MAX_TICKS).contains(&step);
    let is_pause = || {
        let late = step.saturating_sub(ticks_between(track.arrived, arrived));
        step > 0 && late.saturating_abs() <= PAUSE_TOLERANCE_TICKS
    };
    (is_near || is_pause()).then_some(offset)
}

fn ticks_between(earlier: Instant, later: Instant) -> i64 {
    let micros = later.saturating_since(earlier).as_micros();
    i64::try_from(micros * 9 / 100).unwrap_or(i64::MAX)
}
