//! Which cut carries an order out.
//!
//! ```text
//! A, alive     ──P──P──P──║                    cut where its pictures are complete …
//! B            ──────────[K]──P──P──           … and B's next key frame is due: delay ~ 0
//!
//! A, starved   ──P──P──P  (what was received is played) ║
//! B            ───[K]──P──P──P──P──P──P──               its last key frame: delay = its age
//! ```
//!
//! All times are ticks of 90 kHz. The program's clock is how far its decoding times are ahead of
//! the moments at which they go out; it stays what it is over any number of cuts, and with it the
//! latency. A key frame that went out without any delay would be presented at `undelayed`, and one
//! that arrives too slowly for its play-out at `earliest`, so that the next one like it is in time.

use super::lane::{KEY_AGE_MAX, Run};
use tidegate_mpegts::seam::{Edge, Intake, KeyFrame, Seam, ticks};
use tidegate_units::{Duration, Instant};

use crate::How;

/// A key frame that would have had to go out so little earlier is in time.
const TOLERANCE_TICKS: i64 = 450;
/// The clock follows an input's drift that is larger than this.
const CLOCK_SLACK_TICKS: i64 = 1_800;
/// What plays on well is not left for a key frame that has to be delayed by more pictures …
const ALIVE_DELAY_MAX_PICTURES: i64 = 3;
/// … or where pictures are reordered, and can be cut in few places.
const REORDERED_DELAY_MAX_PICTURES: i64 = 6;
/// After so long a silence presentation times leap over it; before, what comes catches up.
const CATCH_UP_MAX_TICKS: i64 = 18_000;
/// What is to play on well may be silent so much longer than a picture lasts.
const PATIENCE: Duration = Duration::from_millis(150);
/// Where pictures are complete only in few places, as behind one that was lost or where they last
/// differently long, a cut waits no longer for such a place: then some pictures before it are missing.
const CLEAN_WAIT_TICKS: i64 = 45_000;
/// What begins a program is not older, beyond the delay that it needs.
const START_AGE_MAX: Duration = Duration::from_millis(250);

/// A cut that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// What is on air is played up to this packet.
    pub(super) index: u64,
    /// When what comes goes out.
    pub(super) at: Instant,
    /// Where what is on air ends, by the output's presentation times.
    pub(super) end: i64,
    /// Where what comes begins.
    pub(super) begin: i64,
    pub(super) key: KeyFrame,
    pub(super) delay_micros: i64,
    /// The program's clock.
    pub(super) clock: i64,
}

/// What a plan is made of.
pub(super) struct Scene<'a> {
    pub(super) seam: &'a Seam,
    pub(super) on_air: &'a Intake,
    pub(super) next: &'a Run,
    pub(super) how: How,
    /// As it was at the last cut.
    pub(super) clock: Option<i64>,
    pub(super) now: Instant,
    /// Up to when packets are handed on.
    pub(super) until: Instant,
}

/// A key frame that can be taken, by the output's presentation times.
struct Candidate {
    key: KeyFrame,
    undelayed: i64,
    earliest: i64,
}

impl Scene<'_> {
    /// The cut that is to be made, if there is one.
    pub(super) fn cut(&self) -> Option<Cut> {
        let clock = self.clock()?;
        let ahead = self.next.intake.ahead()?;
        let candidate = |(key, needs): (KeyFrame, Duration)| {
            let undelayed = key.begins + clock - ahead;
            Candidate {
                key,
                undelayed,
                earliest: undelayed + in_ticks(needs),
            }
        };
        let keys: Vec<Candidate> = self.next.keys().map(candidate).collect();
        if self.is_dry() {
            return self.after_silence(&keys, clock);
        }
        match self.how {
            // It may have begun anew, and plays to its end.
            How::Alive if self.on_air.is_ended() => self
                .at_next_key(&keys, clock)
                .or_else(|| self.at_end(&keys, clock)),
            How::Alive => self.at_next_key(&keys, clock),
            How::Damaged => self
                .at_next_key(&keys, clock)
                .or_else(|| self.now(&keys, clock)),
            How::Gone => self
                .at_last_key(&keys, clock)
                .or_else(|| self.now(&keys, clock)),
            How::Starved => self.at_end(&keys, clock),
        }
    }

    /// The clock that what is on air has now, or that of the program where they hardly differ.
    fn clock(&self) -> Option<i64> {
        let delay = self.seam.delay_micros() * 9 / 100;
        let now = self.on_air.ahead()? + self.seam.offset() - delay;
        let kept = self.clock.unwrap_or(now);
        Some(kept.clamp(now - CLOCK_SLACK_TICKS, now + CLOCK_SLACK_TICKS))
    }

    /// Whether the next picture was to go out by now, and is not there.
    fn is_dry(&self) -> bool {
        let patience = match self.how {
            How::Alive | How::Damaged if !self.on_air.is_ended() => PATIENCE,
            _ => Duration::ZERO,
        };
        let picture = self.on_air.picture() * 100 / 9;
        let is_late = |due: Instant| self.until >= due.offset_micros(picture) + patience;
        self.seam.is_stuck(self.on_air) && self.seam.main_due().is_none_or(is_late)
    }

    /// Where what is on air can be left and has not gone out yet, by the output's times.
    fn places(&self) -> impl Iterator<Item = Edge> {
        let next = self.seam.next_index().unwrap_or(u64::MAX);
        self.on_air.places(next).map(|edge| self.moved(edge))
    }

    fn moved(&self, edge: Edge) -> Edge {
        Edge {
            due: edge.due.offset_micros(self.seam.delay_micros()),
            end: edge.end + self.seam.offset(),
            ..edge
        }
    }

    /// The next place behind a time where all pictures are complete, if that is near, else where
    /// it need not be waited for any more.
    fn place_behind(&self, time: i64) -> Option<Edge> {
        let is_behind = |place: &Edge| {
            let by = place.end - time;
            by >= -TOLERANCE_TICKS && (place.clean || by >= CLEAN_WAIT_TICKS)
        };
        self.places().find(is_behind)
    }

    /// The next place at all, as soon as one is good enough.
    fn next_place(&self) -> Option<Edge> {
        let first = self.places().next()?;
        self.place_behind(first.end)
    }

    /// The last place where it can be left, with all that has come, if that is complete or nearly.
    fn last_place(&self) -> Option<Edge> {
        let last = self.on_air.last_place().map(|edge| self.moved(edge));
        if last.is_some_and(|last| last.clean) {
            return last;
        }
        let clean = self.places().filter(|place| place.clean).last();
        let is_near =
            |clean: &Edge| last.is_none_or(|last| last.end - clean.end <= CLEAN_WAIT_TICKS);
        clean.filter(is_near).or(last)
    }

    /// Whether it could have been left since then, and was not.
    fn was_complete_since(&self, time: i64) -> bool {
        let next = self.seam.next_index().unwrap_or(0);
        let places = self.on_air.places(0).take_while(|edge| edge.first < next);
        let mut places = places.map(|edge| self.moved(edge));
        places.any(|place| place.clean && place.end >= time - TOLERANCE_TICKS)
    }

    /// A key frame is in time that can be shown with so little delay more than it needs.
    fn most_delay(&self, key: &Candidate) -> i64 {
        let pictures = if self.on_air.is_reordered() {
            REORDERED_DELAY_MAX_PICTURES
        } else {
            ALIVE_DELAY_MAX_PICTURES
        };
        let most = self.on_air.picture() * pictures;
        if self.was_complete_since(key.earliest) {
            most
        } else {
            CLEAN_WAIT_TICKS + most
        }
    }

    fn in_time(&self, key: &Candidate, place: Edge, clock: i64) -> Option<Cut> {
        let is_in_time = place.end - key.earliest <= self.most_delay(key);
        is_in_time.then(|| joined(place, key, clock))
    }

    /// The next key frame, where what is on air can be left next for it.
    fn at_next_key(&self, keys: &[Candidate], clock: i64) -> Option<Cut> {
        keys.iter()
            .find_map(|key| self.in_time(key, self.place_behind(key.earliest)?, clock))
    }

    /// The last key frame for which what is on air can be left in what is still to be played.
    fn at_last_key(&self, keys: &[Candidate], clock: i64) -> Option<Cut> {
        let last = self.last_place();
        keys.iter().rev().find_map(|key| {
            let is_behind = |place: &Edge| place.end >= key.earliest - TOLERANCE_TICKS;
            let place = self.place_behind(key.earliest);
            self.in_time(key, place.or(last.filter(is_behind))?, clock)
        })
    }

    /// The next place, with a key frame that was due before.
    fn now(&self, keys: &[Candidate], clock: i64) -> Option<Cut> {
        let place = self.next_place().or_else(|| self.last_place())?;
        with_last_key(place, keys, clock)
    }

    /// The last place, when all before it has been played.
    fn at_end(&self, keys: &[Candidate], clock: i64) -> Option<Cut> {
        with_last_key(self.last_place()?, keys, clock)
    }

    /// What was on air ran dry: its end is behind us, and what comes next comes at once.
    fn after_silence(&self, keys: &[Candidate], clock: i64) -> Option<Cut> {
        let end = self.seam.end(self.on_air)?;
        let begin = |key: &KeyFrame| {
            let now = ticks(self.now) + clock + (key.begins - key.dts);
            end.max(now - CATCH_UP_MAX_TICKS)
        };
        // What arrives slowly would else be late at each of its key frames.
        let when = |it: &Candidate| match begin(&it.key) {
            begin if it.earliest > it.undelayed => begin.max(it.earliest),
            begin => begin,
        };
        let caught = last_key(keys, begin).map(|it| (it, when(it)));
        let leaps = || {
            let is_due =
                |it: &&Candidate| it.key.due <= self.until && it.undelayed > begin(&it.key);
            keys.iter().rev().find(is_due).map(|it| (it, it.earliest))
        };
        let (&Candidate { key, undelayed, .. }, begin) = caught.or_else(leaps)?;
        Some(Cut {
            index: self.seam.next_index()?,
            at: self.now,
            end,
            begin,
            key,
            delay_micros: (begin - undelayed).max(0) * 100 / 9,
            clock,
        })
    }
}

fn with_last_key(edge: Edge, keys: &[Candidate], clock: i64) -> Option<Cut> {
    let key = last_key(keys, |_| edge.end)?;
    Some(joined(edge, key, clock))
}

fn joined(edge: Edge, key: &Candidate, clock: i64) -> Cut {
    let delay_micros = (edge.end - key.undelayed).max(0) * 100 / 9;
    Cut {
        index: edge.first,
        at: edge.due.min(key.key.due.offset_micros(delay_micros)),
        end: edge.end,
        begin: edge.end,
        key: key.key,
        delay_micros,
        clock,
    }
}

/// The key frame that has to be delayed least to be presented at `begin`.
fn last_key(keys: &[Candidate], begin: impl Fn(&KeyFrame) -> i64) -> Option<&Candidate> {
    let fits = |it: &&Candidate| {
        let most = it.earliest - it.undelayed + in_ticks(KEY_AGE_MAX);
        (-TOLERANCE_TICKS..=most).contains(&(begin(&it.key) - it.undelayed))
    };
    keys.iter().rev().find(fits)
}

/// The key frame that a program begins with, and for how long everything is held: what arrives
/// too slowly for its play-out would else be late at every key frame.
pub(super) fn start(next: &Run, now: Instant, until: Instant) -> Option<(KeyFrame, Duration)> {
    let oldest = now - START_AGE_MAX;
    next.keys()
        .find(|(key, needs)| key.due + *needs >= oldest && key.due + *needs <= until)
}

const fn in_ticks(time: Duration) -> i64 {
    (time.as_micros() * 9 / 100) as i64
}
