//! What belongs to one input, which does not know which one it is.
//!
//! ```text
//! packets ══════════╪═══════════════╪════════   ╪ it begins anew: restarted, or its times leap
//! runs       1      │       2       │    3
//! ```
//!
//! The run that is on air is played to its end, while the newest one gets ready.

use super::types::LaneStatus;
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_mpegts::Slicer;
use tidegate_mpegts::seam::{Intake, KeyFrame, aligned};
use tidegate_units::{Duration, Instant};

/// Runs of one input that are held: what is on air, and the newest.
const MAX_RUNS: usize = 3;
/// Beginnings in one piece; what is left behind them is dropped.
const MAX_BEGINNINGS: usize = 8;
/// A part of the newest latency that counts for the average.
const LATENCY_PART: i64 = 32;
/// A key frame that is older, beyond the delay that it needs, cannot be switched to.
pub(super) const KEY_AGE_MAX: Duration = Duration::from_secs(1);
/// A key frame that is whole so little after it was due is as good as in time. What is late by less
/// than this is not starved either.
const LATE_IS_USUAL: Duration = Duration::from_millis(50);
/// What arrives at a constant rate, however low, never pauses for so long.
const PAUSE: Duration = Duration::from_millis(150);
/// Key frames of which it is kept how much delay they need.
const SLOW_KEPT: usize = 8;

/// The packets of one input.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    slicer: Slicer,
    /// The newest last; never empty.
    runs: VecDeque<Run>,
    latency_micros: Option<i64>,
    last_arrived: Instant,
    /// When the last pause in what arrives ended.
    resumed: Instant,
}

/// What came between two beginnings.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) intake: Intake,
    /// The first packet of the newest key frame that is whole.
    newest_key: Option<u64>,
    /// Key frames that need a delay, by their first packets.
    slow: VecDeque<(u64, Duration)>,
}

impl Run {
    const fn new(number: u64, intake: Intake) -> Self {
        Self {
            number,
            intake,
            newest_key: None,
            slow: VecDeque::new(),
        }
    }

    /// The key frames that are held whole, oldest first, and how much delay each needs: those of
    /// what is sent at a constant rate arrive for longer than they may wait.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = (KeyFrame, Duration)> + '_ {
        self.intake.keys().map(|key| {
            let mut slow = self.slow.iter();
            let needs = slow.find(|(first, _)| *first == key.first);
            (key, needs.map_or(Duration::ZERO, |(_, needs)| *needs))
        })
    }

    /// Looks which key frames have become whole. `resumed`: when a pause in what arrives ended.
    fn look_at_keys(&mut self, arrived: Instant, resumed: Instant) {
        if self.intake.newest_key() <= self.newest_key {
            return;
        }
        let is_new = |key: &KeyFrame| self.newest_key.is_none_or(|known| known < key.first);
        let new: Vec<KeyFrame> = self.intake.keys().rev().take_while(is_new).collect();
        for key in new.into_iter().rev() {
            self.newest_key = Some(key.first);
            let late = arrived.saturating_since(key.due);
            // One that was held up is late for once: those behind it need no delay for that.
            if late > LATE_IS_USUAL && resumed <= key.due {
                if self.slow.len() == SLOW_KEPT {
                    self.slow.pop_front();
                }
                self.slow.push_back((key.first, late));
            }
        }
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            slicer: Slicer::new(),
            runs: VecDeque::from([Run::new(0, Intake::new(0))]),
            latency_micros: None,
            last_arrived: Instant::ZERO,
            resumed: Instant::ZERO,
        }
    }
}

impl Lane {
    /// What comes begins anew.
    pub(super) fn restart(&mut self) {
        self.slicer.restart();
        self.end();
        let first = self.newest().intake.next_index();
        if self.newest().intake.held_bytes() > 0 {
            self.begin(Intake::new(first));
        } else if let Some(newest) = self.runs.back_mut() {
            *newest = Run::new(newest.number, Intake::new(first));
        }
    }

    /// Takes bytes as they came; whole packets of them are admitted.
    pub(super) fn push(&mut self, bytes: Bytes, arrived: Instant, due: Instant, lost_before: u64) {
        if lost_before > 0 {
            self.slicer.restart();
        }
        let packets = aligned(&mut self.slicer, bytes);
        self.admit(packets, arrived, due, lost_before);
    }

    /// Takes whole packets, in the order of the stream. Nothing is due before what came before.
    pub(super) fn admit(
        &mut self,
        packets: Bytes,
        arrived: Instant,
        due: Instant,
        lost_before: u64,
    ) {
        let latency = due.micros_from(arrived);
        let average = self.latency_micros.unwrap_or(latency);
        self.latency_micros = Some(average + (latency - average) / LATENCY_PART);
        if arrived.saturating_since(self.last_arrived) > PAUSE {
            self.resumed = arrived;
        }
        self.last_arrived = arrived;
        let resumed = self.resumed;
        if self.newest().intake.is_ended() {
            // More came than was said to come.
            self.begin(Intake::new(self.newest().intake.next_index()));
        }
        if lost_before > 0
            && let Some(newest) = self.runs.back_mut()
        {
            newest.intake.lost();
        }
        let mut rest = VecDeque::new();
        let mut next = Some((packets, due));
        let mut beginnings = 0;
        while let Some((packets, due)) = next.take().or_else(|| rest.pop_front())
            && let Some(newest) = self.runs.back_mut()
        {
            let anew = newest.intake.push(packets, due);
            newest.look_at_keys(arrived, resumed);
            let Some(anew) = anew else {
                continue;
            };
            beginnings += 1;
            if beginnings == MAX_BEGINNINGS {
                return;
            }
            rest.push_front((anew, due));
            for taken in newest.intake.take_back().into_iter().rev() {
                rest.push_front(taken);
            }
            self.begin(self.newest().intake.following());
        }
    }

    /// Nothing more comes until it begins anew.
    pub(super) fn end(&mut self) {
        if let Some(newest) = self.runs.back_mut() {
            newest.intake.end();
        }
    }

    fn begin(&mut self, intake: Intake) {
        let number = self.newest().number + 1;
        if self.runs.len() == MAX_RUNS {
            // The oldest may be on air.
            self.runs.remove(1);
        }
        self.runs.push_back(Run::new(number, intake));
    }

    pub(super) fn newest(&self) -> &Run {
        // There always is one; the index says so where `back` would not.
        &self.runs[self.runs.len() - 1]
    }

    pub(super) fn run(&self, number: u64) -> Option<&Intake> {
        let run = self.runs.iter().find(|run| run.number == number)?;
        Some(&run.intake)
    }

    /// Lets go what nobody needs. `playing`: the run on air and its packet that is played next.
    pub(super) fn trim(&mut self, now: Instant, playing: Option<(u64, u64)>) {
        let newest = self.newest().number;
        self.runs.retain(|run| {
            run.number == newest || playing.is_some_and(|(number, _)| number == run.number)
        });
        for run in &mut self.runs {
            let playing = playing.filter(|(number, _)| *number == run.number);
            run.intake.trim(now, playing.map(|(_, index)| index));
        }
    }

    pub(super) fn status(&self, now: Instant) -> LaneStatus {
        let newest = self.newest();
        let intake = &newest.intake;
        let played = newest.keys().rev().find(|(key, _)| key.due <= now);
        let can_be_taken =
            |(key, needs): &(KeyFrame, Duration)| now <= key.due + *needs + KEY_AGE_MAX;
        let played = played.filter(can_be_taken);
        let ticks = |ticks: i64| Duration::from_micros((ticks.max(0) * 100 / 9).cast_unsigned());
        LaneStatus {
            key_frame_age: played.map(|(key, _)| now.saturating_since(key.due)),
            gop: intake.group().map(ticks),
            latency: self
                .latency_micros
                .map(|micros| Duration::from_micros(micros.max(0).cast_unsigned())),
            queue_bytes: self.runs.iter().map(|run| run.intake.held_bytes()).sum(),
            formats: intake.formats(),
        }
    }
}
