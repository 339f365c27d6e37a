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
//! latency. A key frame that went out without any delay would be presented at `undelayed`.

use super::lane::KEY_AGE_MAX;
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
/// What begins a program is not older.
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
    pub(super) next: &'a Intake,
    pub(super) how: How,
    /// As it was at the last cut.
    pub(super) clock: Option<i64>,
    pub(super) now: Instant,
    /// Up to when packets are handed on.
    pub(super) until: Instant,
}

impl Scene<'_> {
    /// The cut that is to be made, if there is one.
    pub(super) fn cut(&self) -> Option<Cut> {
        let clock = self.clock()?;
        let ahead = self.next.ahead()?;
        let keys: Vec<(KeyFrame, i64)> = self
            .next
            .keys()
            .map(|key| (key, key.pts + clock - ahead))
            .collect();
        if self.is_dry() {
            return self.after_silence(&keys, clock);
        }
        match self.how {
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
            How::Alive | How::Damaged => PATIENCE,
            How::Starved | How::Gone => Duration::ZERO,
        };
        let picture = self.on_air.picture() * 100 / 9;
        let is_late = |due: Instant| self.until >= due.offset_micros(picture) + patience;
        self.seam.is_stuck(self.on_air) && self.seam.main_due().is_none_or(is_late)
    }

    /// Where what is on air can be left and has not gone out yet, by the output's times.
    fn edges(&self) -> impl DoubleEndedIterator<Item = Edge> {
        let next = self.seam.next_index().unwrap_or(u64::MAX);
        let (offset, delay) = (self.seam.offset(), self.seam.delay_micros());
        self.on_air.edges(next).map(move |edge| Edge {
            first: edge.first,
            due: edge.due.offset_micros(delay),
            end: edge.end + offset,
        })
    }

    /// The last place where it can be left, with all that has come.
    fn last_edge(&self) -> Option<Edge> {
        let (offset, delay) = (self.seam.offset(), self.seam.delay_micros());
        let behind = self.on_air.last_edge().map(|edge| Edge {
            first: edge.first,
            due: edge.due.offset_micros(delay),
            end: edge.end + offset,
        });
        behind.or_else(|| self.edges().next_back())
    }

    /// A key frame is in time that can be shown with so little delay.
    fn most_delay(&self) -> i64 {
        let pictures = if self.on_air.is_reordered() {
            REORDERED_DELAY_MAX_PICTURES
        } else {
            ALIVE_DELAY_MAX_PICTURES
        };
        self.on_air.picture() * pictures
    }

    /// The next key frame, where what is on air can be left next for it.
    fn at_next_key(&self, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        let first = self.edges().next()?;
        let most = self.most_delay();
        let in_time = |(_, undelayed): &&(KeyFrame, i64)| first.end - undelayed <= most;
        let &(key, undelayed) = keys.iter().find(in_time)?;
        let edge = self
            .edges()
            .find(|edge| edge.end >= undelayed - TOLERANCE_TICKS)?;
        Some(self.joined(edge, key, undelayed, clock))
    }

    /// The last key frame for which what is on air can be left in what is still to be played.
    fn at_last_key(&self, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        let first = self.edges().next().or_else(|| self.last_edge())?;
        let edges = || self.edges().chain(self.last_edge());
        keys.iter().rev().find_map(|&(key, undelayed)| {
            let edge = edges().find(|edge| edge.end >= undelayed - TOLERANCE_TICKS)?;
            let is_new = first.end - undelayed <= self.most_delay();
            is_new.then(|| self.joined(edge, key, undelayed, clock))
        })
    }

    /// The next place, with a key frame that was due before.
    fn now(&self, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        let edge = self.edges().next().or_else(|| self.last_edge())?;
        self.with_last_key(edge, keys, clock)
    }

    /// The last place, when all before it has been played.
    fn at_end(&self, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        self.with_last_key(self.last_edge()?, keys, clock)
    }

    fn with_last_key(&self, edge: Edge, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        let &(key, undelayed) = last_key(keys, |_| edge.end)?;
        Some(self.joined(edge, key, undelayed, clock))
    }

    fn joined(&self, edge: Edge, key: KeyFrame, undelayed: i64, clock: i64) -> Cut {
        let delay_micros = (edge.end - undelayed).max(0) * 100 / 9;
        Cut {
            index: edge.first,
            at: edge.due.min(key.due.offset_micros(delay_micros)),
            end: edge.end,
            begin: edge.end,
            key,
            delay_micros,
            clock,
        }
    }

    /// What was on air ran dry: its end is behind us, and what comes next comes at once.
    fn after_silence(&self, keys: &[(KeyFrame, i64)], clock: i64) -> Option<Cut> {
        let end = self.seam.end(self.on_air)?;
        let begin = |key: &KeyFrame| {
            let now = ticks(self.now) + clock + (key.pts - key.dts);
            end.max(now - CATCH_UP_MAX_TICKS)
        };
        let caught = last_key(keys, begin).map(|&(key, undelayed)| (key, undelayed, begin(&key)));
        let leaps = || {
            let due = |(key, undelayed): &&(KeyFrame, i64)| {
                key.due <= self.until && *undelayed > begin(key)
            };
            let &(key, undelayed) = keys.iter().rev().find(due)?;
            Some((key, undelayed, undelayed))
        };
        let (key, undelayed, begin) = caught.or_else(leaps)?;
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

/// The key frame that has to be delayed least to be presented at `begin`.
fn last_key(
    keys: &[(KeyFrame, i64)],
    begin: impl Fn(&KeyFrame) -> i64,
) -> Option<&(KeyFrame, i64)> {
    let most = KEY_AGE_MAX.as_micros() as i64 * 9 / 100;
    let fits = |(key, undelayed): &&(KeyFrame, i64)| {
        (-TOLERANCE_TICKS..=most).contains(&(begin(key) - undelayed))
    };
    keys.iter().rev().find(fits)
}

/// The key frame that a program begins with.
pub(super) fn start(next: &Intake, now: Instant, until: Instant) -> Option<KeyFrame> {
    let oldest = now - START_AGE_MAX;
    next.keys()
        .find(|key| key.due >= oldest && key.due <= until)
}
