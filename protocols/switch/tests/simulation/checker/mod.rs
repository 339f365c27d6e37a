//! Looks at what a program sends, with eyes of its own, and at what it was made from.
//!
//! ```text
//!  emitted ──▶ packets   counters, tables, sync
//!               ├──────▶ clock     interval, step against play-out
//!               └──────▶ units     by number: bytes, order, times, sound against picture
//! ```

mod clock;
mod packets;
mod units;

use std::collections::BTreeMap;

use tidegate_switch::{Emitted, Switched};
use tidegate_units::{Duration, Instant};

use crate::camera::Registry;
use crate::camera::make::Format;
use clock::Clock;
use packets::{Packets, Seen};
use units::Track;

/// Times may be off by this from rounding, in ticks of 90 kHz.
pub const ROUNDING_TICKS: f64 = 4.0;
/// The clock may be off against play-out by this: a key frame that comes so little late is taken.
const CLOCK_TOLERANCE_MICROS: i64 = 5_100;
/// What goes out behind a silence is late by so much at most: beyond, times leap.
const CATCH_UP_MAX: Duration = Duration::from_millis(200);
/// Problems kept of one run.
const PROBLEMS_MAX: usize = 50;

/// What came out so far, in figures.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub packets: u64,
    pub pictures: u64,
    pub sounds: u64,
    /// Boundaries seen in the pictures.
    pub cuts: u64,
    /// The most that sound moved against the picture, in ticks of 90 kHz.
    pub worst_offset: f64,
    /// The longest hole in the sound that no reported gap explains, in ticks.
    pub worst_sound_gap: f64,
    /// The longest time between two packets, by play-out and by hand-over.
    pub worst_silence: Duration,
    pub worst_handover: Duration,
    /// From one picture's first packet to the next one's.
    pub worst_picture_wait: Duration,
    /// The most the output is behind what it is made from, and how much that is now.
    pub worst_delay: Duration,
    pub last_delay: Duration,
    /// The most that was handed over after it was due.
    pub worst_lateness: Duration,
    /// The most that the clock moved against play-out, in microseconds.
    pub worst_clock_step: i64,
    /// The most that was seen again, and that was never seen, at one cut: by when it was filmed.
    pub worst_repeat: Duration,
    pub worst_skip: Duration,
    /// The most that times leapt at one cut, as the program tells it, in ticks.
    pub worst_gap: f64,
}

/// Checks one program's output.
pub struct Checker {
    registry: Registry,
    packets: Packets,
    clock: Clock,
    /// By PID.
    tracks: BTreeMap<u16, Track>,
    last: Option<(Instant, Instant)>,
    last_picture: Option<Instant>,
    /// When anything but tables was handed over.
    last_unit: Option<Instant>,
    pub figures: Figures,
    pub problems: Vec<(Instant, String)>,
    /// What is on air has lost packets on its way, and there was nothing better: until then holes
    /// are its own.
    pub lossy_until: Instant,
    /// Problems that are its own.
    pub excused: u64,
}

impl Checker {
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            packets: Packets::default(),
            clock: Clock::default(),
            tracks: BTreeMap::new(),
            last: None,
            last_picture: None,
            last_unit: None,
            figures: Figures::default(),
            problems: Vec::new(),
            lossy_until: Instant::ZERO,
            excused: 0,
        }
    }

    /// Cameras stop in the middle of pictures that are decoded together, before anybody can know.
    pub fn stops_in_groups(&mut self, format: &Format) {
        let ticks = i64::from(format.between) * format.frame_ticks;
        self.clock.slack = ticks.unsigned_abs() * 100 / 9;
    }

    /// What the program says of a switch, as it says it: before what comes of it is seen.
    pub fn switched(&mut self, now: Instant, switched: &Switched) {
        let gap = switched.gap.as_secs_f64() * 90_000.0;
        let is_same = switched.from == switched.to;
        self.figures.worst_gap = self.figures.worst_gap.max(gap);
        // What stopped had ended in the middle of something.
        let missing = if is_same || gap > 0.0 { 18_000.0 } else { 0.0 };
        self.clock.allow(gap + missing);
        // What should have gone out while nothing did comes at once, and catches up with that.
        let silence = self.last_unit.map(|last| now.saturating_since(last));
        let late = silence.unwrap_or_default().min(CATCH_UP_MAX);
        self.clock.catches_up(now, late);
        for track in self.tracks.values_mut() {
            track.allow(switched.at, gap, is_same);
        }
    }

    /// What was handed over at `now`.
    pub fn emitted(&mut self, now: Instant, emitted: &Emitted) {
        self.times(now, emitted.due);
        if !emitted.bytes.len().is_multiple_of(188) {
            self.problem(now, format!("{} bytes are no packets", emitted.bytes.len()));
        }
        for packet in emitted.bytes.chunks_exact(188) {
            self.figures.packets += 1;
            let seen = self.packets.push(packet, emitted.due);
            for problem in core::mem::take(&mut self.packets.problems) {
                self.problem(now, problem);
            }
            if let Some(seen) = seen {
                self.look(now, emitted.due, &seen);
            }
        }
    }

    fn look(&mut self, now: Instant, due: Instant, seen: &Seen<'_>) {
        if let Some(pcr) = seen.pcr {
            let result = self.clock.push(now, pcr, due, CLOCK_TOLERANCE_MICROS);
            self.figures.worst_clock_step = self.figures.worst_clock_step.max(self.clock.worst);
            if let Err(problem) = result {
                self.problem(now, problem);
            }
        }
        let Some(stream) = seen.stream else { return };
        self.last_unit = Some(now);
        if stream == 0x1B && seen.starts {
            let waited = self.last_picture.map(|last| due.saturating_since(last));
            let worst = &mut self.figures.worst_picture_wait;
            *worst = (*worst).max(waited.unwrap_or_default());
            self.last_picture = Some(due);
        }
        let clock = self.clock.last(due);
        let track = self.tracks.entry(seen.pid);
        let track = track.or_insert_with(|| Track::new(stream));
        let problems = track.push(seen, due, clock, &self.registry, &mut self.figures);
        for problem in problems {
            self.problem(now, format!("PID {:#x}: {problem}", seen.pid));
        }
        if seen.starts {
            self.sound_against_picture(now);
        }
    }

    /// All tracks that come of one start of one camera are moved by the same amount.
    fn sound_against_picture(&mut self, now: Instant) {
        let moved: Vec<_> = self
            .tracks
            .values()
            .filter_map(|track| track.moved)
            .collect();
        for (place, (of, by)) in moved.iter().enumerate() {
            for (other, against) in &moved[place + 1..] {
                if of != other {
                    continue;
                }
                let offset = units::signed((by - against).rem_euclid(1 << 33)).abs() as f64;
                self.figures.worst_offset = self.figures.worst_offset.max(offset);
                if offset > ROUNDING_TICKS {
                    self.problem(now, format!("sound moved by {offset} ticks: {moved:?}"));
                }
            }
        }
    }

    fn times(&mut self, now: Instant, due: Instant) {
        let late = now.saturating_since(due);
        self.figures.worst_lateness = self.figures.worst_lateness.max(late);
        if let Some((last_now, last_due)) = self.last {
            if due < last_due {
                self.problem(now, format!("due falls from {last_due} to {due}"));
            }
            let silence = due.saturating_since(last_due);
            self.figures.worst_silence = self.figures.worst_silence.max(silence);
            let handover = now.saturating_since(last_now);
            self.figures.worst_handover = self.figures.worst_handover.max(handover);
        }
        self.last = Some((now, due));
    }

    fn problem(&mut self, now: Instant, problem: String) {
        if now < self.lossy_until {
            self.excused += 1;
        } else if self.problems.len() < PROBLEMS_MAX {
            self.problems.push((now, problem));
        }
    }
}
