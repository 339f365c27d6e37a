//! Where one input stands in a lane.

use super::chain::NodeId;
use super::{DISPUTED, PATIENCE};
use tidegate_units::{Duration, Instant};

/// Distinct PIDs that are judged; what comes on others is taken as it is.
const JUDGED_PIDS: usize = 32;
/// Both scores are halved here, so that old merits fade.
const SCORE_CEILING: u32 = 512;
/// What nobody else has is taken from a leg for so long.
const TRUSTED_FOR: Duration = Duration::from_millis(500);
/// So many clock references in a row that are not what they were set anew from.
const CLOCKS_OFF: u8 = 4;
/// A new offset counts for this part of the one that is kept.
const OFFSET_WEIGHT: i64 = 16;

/// One input's place in the row of packets, and how well it fits there.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    /// The packet of the row that its last matched one is; `None` until one has been found.
    pub(super) cursor: Option<NodeId>,
    /// Its first packet whose place is not known. From there on it has what the row has not.
    pub(super) next: u64,
    /// What has to be added to its times, in microseconds.
    pub(super) offset: i64,
    pub(super) offset_known: bool,
    pub(super) came: Option<Instant>,
    /// Since when nothing that it brought was known, although others bring something.
    pub(super) strange_since: Option<Instant>,
    /// Something of it was known since it came (back).
    pub(super) is_known: bool,
    scores: Vec<Score>,
    /// Some score was once worth a look.
    is_disputed: bool,
    /// Clock references of late that were far from those of the row.
    clocks_off: u8,
}

/// How often packets of a PID were the same and how often there were others instead.
#[derive(Clone, Debug)]
struct Score {
    pid: u16,
    same: u32,
    disputed: u32,
}

impl Leg {
    pub(super) const fn new() -> Self {
        Self {
            cursor: None,
            next: 0,
            offset: 0,
            offset_known: false,
            came: None,
            strange_since: None,
            is_known: false,
            scores: Vec::new(),
            is_disputed: false,
            clocks_off: 0,
        }
    }

    /// Whether it brought anything of late.
    pub(super) fn is_alive(&self, now: Instant, patience: Duration) -> bool {
        self.came.is_some_and(|came| now < came + patience)
    }

    /// It has brought something.
    pub(super) fn note(&mut self, now: Instant) {
        self.is_known &= self.is_alive(now, PATIENCE);
        self.came = Some(now);
    }

    /// Whether what it brings can be taken for the row although nobody else has it: it may have
    /// come back with another stream.
    pub(super) fn is_trusted(&self, now: Instant) -> bool {
        let strange = self.strange_since.map(|since| now.saturating_since(since));
        self.is_known && strange.is_none_or(|strange| strange < TRUSTED_FOR)
    }

    /// Its times moved to the row's.
    pub(super) const fn due(&self, due: Instant) -> Instant {
        due.offset_micros(self.offset)
    }

    pub(super) const fn learn_offset(&mut self, micros: i64) {
        if self.offset_known {
            self.offset += (micros - self.offset) / OFFSET_WEIGHT;
        } else {
            self.offset = micros;
            self.offset_known = true;
        }
    }

    pub(super) fn agree(&mut self, pid: u16) {
        self.strange_since = None;
        self.is_known = true;
        if let Some(score) = self.score(pid) {
            score.same += 1;
            if score.same >= SCORE_CEILING {
                score.same /= 2;
                score.disputed /= 2;
            }
        }
    }

    /// Row and input have so many different packets of a PID between two that are the same.
    pub(super) fn dispute(&mut self, pid: u16, packets: u32) {
        if let Some(score) = self.score(pid) {
            score.disputed = score.disputed.saturating_add(packets);
            let is_disputed = score.disputed > DISPUTED;
            self.is_disputed |= is_disputed;
        }
    }

    /// Row and input have both a clock reference at some place.
    pub(super) const fn compare_clocks(&mut self, is_near: bool) {
        self.clocks_off = if is_near {
            0
        } else {
            self.clocks_off.saturating_add(1)
        };
    }

    /// Whether there was ever something in common on a PID.
    pub(super) fn knows(&self, pid: u16) -> bool {
        let mut scores = self.scores.iter();
        scores.any(|score| score.pid == pid && score.same > 0)
    }

    /// Whether it is another stream after all.
    pub(super) fn is_stranger(&self) -> bool {
        let disputed = |score: &Score| score.disputed > DISPUTED && score.disputed > score.same / 2;
        self.has_other_clock() || self.is_disputed && self.scores.iter().any(disputed)
    }

    /// Whether its clock is not that of the row, although its packets are.
    pub(super) const fn has_other_clock(&self) -> bool {
        self.clocks_off >= CLOCKS_OFF
    }

    fn score(&mut self, pid: u16) -> Option<&mut Score> {
        let at = self.scores.iter().position(|score| score.pid == pid);
        if at.is_none() && self.scores.len() < JUDGED_PIDS {
            self.scores.push(Score {
                pid,
                same: 0,
                disputed: 0,
            });
        }
        let last = self.scores.len() - 1;
        match at {
            Some(at) => self.scores.get_mut(at),
            None => self.scores.get_mut(last).filter(|score| score.pid == pid),
        }
    }
}
