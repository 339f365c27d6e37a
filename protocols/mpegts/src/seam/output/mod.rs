//! What is on air, packet by packet.
//!
//! ```text
//!            enter(A)              finish(A)  enter(B)
//!               │  play play play play │         │  play play …
//! NOTHING ──────┴─────── A ON AIR ─────┴─────────┴── B ON AIR
//! ```
//!
//! The first input passes as it is, to the bit, but for its tables. Behind the first cut times are
//! moved, counters counted on, and PIDs are those of the first input.

mod clock;
mod counter;
mod enter;
mod fill;
mod finish;
mod open;
mod parts;
mod pass;
mod streams;
mod tables;
mod told;

use super::intake::{Carries, Intake, KeyFrame, Ready, Unit};
use super::{MapStream, ProgramMap};
use crate::packet::{PACKET_BYTES, Packet};
use crate::psi::ElementaryStream;
use crate::restamp::splice::Splice;
use bytes::{Bytes, BytesMut};
use counter::Counter;
use fill::Fill;
use std::sync::Arc;
use tables::TableWriter;
use tidegate_codecs::Kind;
use tidegate_codecs::h264::Opening;
use tidegate_units::{Duration, Instant};

/// The tables are repeated so often at least.
const TABLES_EVERY: Duration = Duration::from_millis(80);
/// The input's own tables are not replaced more often …
const TABLES_APART: Duration = Duration::from_millis(20);
/// … and what they say anew is not followed more often.
const MAP_FOLLOWED_APART: Duration = Duration::from_millis(80);
/// What is played late is not said to be due longer ago.
const LATE_MAX: Duration = Duration::from_millis(100);
/// Memory is taken for so many bytes of packets at once.
const BLOCK_BYTES: usize = 64 * 1024;
/// PIDs below are those of tables that everybody knows.
const FIRST_FREE_PID: u16 = 0x20;
/// Other PIDs whose counters are followed; they are 32 at most.
const MAX_OTHERS: usize = FIRST_FREE_PID as usize;

/// One stream out of several, one after another.
#[derive(Clone, Debug, Default)]
pub struct Seam {
    tables: Option<TableWriter>,
    streams: Vec<Out>,
    others: Vec<(u16, Counter)>,
    pcr_pid: u16,
    /// Where the clock has a PID of its own.
    clock_counter: Counter,
    /// The clock that went out last, unwrapped, in ticks of 27 MHz.
    last_clock: Option<i64>,
    /// It is told with what comes until what is on air tells it, for a while.
    fill: Option<Fill>,
    /// How far decoding times are ahead of the clock, since the first input.
    lead: Option<i64>,
    playing: Option<Playing>,
    /// Where the pictures that were on air before end.
    left_at: Option<i64>,
    last_tables: Option<Instant>,
    last_due: Instant,
    buffer: BytesMut,
}

/// One stream of the output.
#[derive(Clone, Debug)]
struct Out {
    pid: u16,
    /// The first stream that was here.
    home: MapStream,
    stream: ElementaryStream,
    /// Its descriptors, as they are told.
    info: Vec<u8>,
    counter: Counter,
    splice: Splice,
    last_dts: Option<i64>,
    /// Where its sound ends, if it was left.
    ends: Option<i64>,
    /// What is changed in the unit that passes.
    patch: open::Patch,
}

/// What is on air.
#[derive(Clone, Debug)]
struct Playing {
    /// The map as it was followed last, and when another one was.
    map: Arc<ProgramMap>,
    followed: Option<Instant>,
    /// The index of the packet that comes next.
    next: u64,
    /// Added to its times.
    offset: i64,
    /// Added to its clock, in ticks of 27 MHz.
    clock_offset: i64,
    delay_micros: i64,
    entry: KeyFrame,
    /// Times leapt to here when it came on air, by the output's time.
    leapt_to: Option<i64>,
    /// Pictures shown before the key frame may still come.
    leading: bool,
    /// It was entered in an open group.
    opening: Option<Opening>,
    /// Its times and PIDs are not those of the output.
    is_moved: bool,
    /// One for each of its streams.
    parts: Vec<Part>,
    /// The highest presentation time of its main stream so far.
    highest: Option<i64>,
    /// When the newest unit of its main stream was due, by its own time.
    main_due: Option<Instant>,
    near: i64,
}

/// One stream of what is on air.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Its place in the output.
    out: usize,
    /// It is not in the map, and has no place.
    is_closed: bool,
    verdict: Verdict,
    /// It has been begun with.
    has_begun: bool,
    /// The first packet of the unit that went out last.
    last: Option<u64>,
    /// Sound goes out from this time on, in the input's own.
    sound_from: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// Nothing of it but its clock.
    Skip,
    /// Nothing at all: it was waited for, and its clock would be late by that.
    Forget,
}

/// Up to where something is played.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// What is due up to here, by the output's time.
    pub due: Instant,
    /// In front of this packet.
    pub index: u64,
    /// What is on air is about to be left: sound that is not whole when it is due is dropped.
    pub gives_up: bool,
}

/// Why no more is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is on air.
    Dark,
    /// The next packet is due then, by the output's time.
    NotDue(Instant),
    /// The index has been reached.
    AtIndex,
    /// The next unit is not whole yet.
    Waiting,
    /// There are no more packets.
    Dry,
}

impl Seam {
    /// A stream that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of the packet that is played next.
    #[must_use]
    pub fn next_index(&self) -> Option<u64> {
        self.playing.as_ref().map(|playing| playing.next)
    }

    /// What is added to the times of what is on air, in ticks.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.playing.as_ref().map_or(0, |playing| playing.offset)
    }

    /// What is on air is held so long.
    #[must_use]
    pub fn delay_micros(&self) -> i64 {
        let playing = self.playing.as_ref();
        playing.map_or(0, |playing| playing.delay_micros)
    }

    /// Whether what comes next of what is on air is not there, or not whole.
    #[must_use]
    pub fn is_stuck(&self, intake: &Intake) -> bool {
        let Some(next) = self.next_index() else {
            return true;
        };
        let chunk = intake.chunks_from(next).next();
        let packet = chunk.and_then(|chunk| chunk.packet(next.max(chunk.first)));
        let Some(packet) = packet.and_then(Packet::new) else {
            return next >= intake.next_index();
        };
        let Carries::Stream(slot) = intake.carries(packet.pid()) else {
            return false;
        };
        let unit = intake.streams()[slot].unit_at(next);
        unit.is_some_and(|unit| intake.ready(unit) == Ready::Later)
    }

    /// Where what was played of the main stream ends, by the output's time.
    #[must_use]
    pub fn end(&self, intake: &Intake) -> Option<i64> {
        let playing = self.playing.as_ref()?;
        let main = intake.main_slot()?;
        if intake
            .main_stream()
            .is_some_and(|main| main.kind() == Kind::Audio)
        {
            let last = playing.parts.get(main)?.last?;
            let unit = intake.main_stream()?.unit_at(last)?;
            return Some(intake.sound_end(main, unit)? + playing.offset);
        }
        Some(playing.highest? + intake.picture() + playing.offset)
    }

    /// When the newest unit of the main stream was due, by the output's time.
    #[must_use]
    pub fn main_due(&self) -> Option<Instant> {
        let playing = self.playing.as_ref()?;
        Some(playing.main_due?.offset_micros(playing.delay_micros))
    }

    /// Plays what is due. `hand` gets packets that are due at the same moment.
    pub fn play(
        &mut self,
        intake: &Intake,
        until: Until,
        now: Instant,
        mut hand: impl FnMut(Bytes, Instant),
    ) -> Stopped {
        let Some(mut playing) = self.playing.take() else {
            return Stopped::Dark;
        };
        let stopped = self.play_chunks(intake, &mut playing, until, now, &mut hand);
        self.playing = Some(playing);
        stopped
    }

    fn play_chunks(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        until: Until,
        now: Instant,
        hand: &mut impl FnMut(Bytes, Instant),
    ) -> Stopped {
        // The clock may have been told when it came on air.
        self.hand_over(self.last_due, hand);
        for chunk in intake.chunks_from(playing.next) {
            let due = chunk.due.offset_micros(playing.delay_micros);
            if due > until.due {
                return Stopped::NotDue(due);
            }
            if chunk.first > playing.next {
                // So much was held that the oldest had to go.
                self.cut_counters();
            }
            let due = self.begin(due, now);
            for index in playing.next.max(chunk.first)..chunk.end() {
                if index >= until.index {
                    self.hand_over(due, hand);
                    return Stopped::AtIndex;
                }
                let packet = chunk.packet(index);
                if packet.is_some_and(|it| !self.step(intake, playing, it, (index, due), until)) {
                    self.hand_over(due, hand);
                    return Stopped::Waiting;
                }
                playing.next = index + 1;
            }
            self.hand_over(due, hand);
        }
        if playing.next >= until.index {
            Stopped::AtIndex
        } else {
            Stopped::Dry
        }
    }

    /// Packets follow that are due then; the tables come first, if it is time.
    fn begin(&mut self, due: Instant, now: Instant) -> Instant {
        let due = due.max(now - LATE_MAX).max(self.last_due);
        self.last_due = due;
        if self.buffer.capacity() < BLOCK_BYTES / 16 {
            self.buffer.reserve(BLOCK_BYTES);
        }
        if self
            .last_tables
            .is_none_or(|last| due >= last + TABLES_EVERY)
        {
            self.write_tables(due);
        }
        self.fill_clock(due);
        due
    }

    fn hand_over(&mut self, due: Instant, hand: &mut impl FnMut(Bytes, Instant)) {
        if !self.buffer.is_empty() {
            hand(self.buffer.split().freeze(), due);
        }
    }

    fn write_tables(&mut self, due: Instant) {
        let Self {
            tables,
            streams,
            buffer,
            ..
        } = self;
        if let Some(tables) = tables {
            tables.write(self.pcr_pid, streams, buffer);
            self.last_tables = Some(due);
        }
    }

    fn cut_counters(&mut self) {
        for out in &mut self.streams {
            out.counter.cut();
        }
        for (_, counter) in &mut self.others {
            counter.cut();
        }
        self.clock_counter.cut();
    }

    /// Plays one packet; whether that could be done.
    fn step(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        packet: &[u8; PACKET_BYTES],
        (index, due): (u64, Instant),
        until: Until,
    ) -> bool {
        let Some(view) = Packet::new(packet).filter(|packet| !packet.transport_error()) else {
            return true;
        };
        match intake.carries(view.pid()) {
            Carries::Pat => {
                if self
                    .last_tables
                    .is_some_and(|last| due >= last + TABLES_APART)
                {
                    self.write_tables(due);
                }
            }
            Carries::Map => {
                if playing.may_follow(due) {
                    self.follow_map(intake, playing, due);
                }
            }
            Carries::Other => self.other(intake, playing, view, index),
            Carries::Stream(slot) => {
                if view.unit_start()
                    && let Some(unit) = intake.streams()[slot].unit_at(index)
                {
                    // Nothing but sound goes out from in front of the key frame.
                    let is_before =
                        index < playing.entry.first && intake.streams()[slot].kind() != Kind::Audio;
                    let gives_up = until.gives_up && intake.main_slot() != Some(slot);
                    let is_dropped = is_before || gives_up;
                    let verdict = match intake.ready(unit) {
                        Ready::Later if !is_dropped => return false,
                        Ready::Never => Verdict::Forget,
                        Ready::Later => Verdict::Skip,
                        Ready::Now => self.judge(intake, playing, slot, *unit, view, due),
                    };
                    if let Some(part) = playing.parts.get_mut(slot) {
                        part.verdict = verdict;
                    }
                }
                self.play_part(intake, playing, slot, view, index);
            }
        }
        true
    }

    fn play_part(
        &mut self,
        intake: &Intake,
        playing: &Playing,
        slot: usize,
        view: Packet<'_>,
        index: u64,
    ) {
        let Some(part) = playing.parts.get(slot).copied() else {
            return;
        };
        if part.verdict == Verdict::Pass {
            self.pass(intake, playing, part.out, view, true);
            return;
        }
        if view.has_payload() && !part.is_closed {
            self.streams[part.out].counter.cut();
        }
        if part.verdict == Verdict::Skip && index >= playing.entry.first {
            self.clock_of(intake, playing, view);
        }
    }

    /// Whether a unit goes out. What goes out changed is written at once, and its packets do not.
    fn judge(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        slot: usize,
        unit: Unit,
        view: Packet<'_>,
        due: Instant,
    ) -> Verdict {
        if !self.has_part(intake, playing, slot, due) {
            return Verdict::Skip;
        }
        let is_main = intake.main_slot() == Some(slot);
        let kind = intake.streams()[slot].kind();
        let is_behind = unit.first >= playing.entry.first;
        let Some(part) = playing.parts.get(slot).copied() else {
            return Verdict::Skip;
        };
        let goes = match kind {
            Kind::Video => self.judge_picture(playing, part, &unit, is_main),
            Kind::Audio if is_main => is_behind,
            Kind::Audio if part.has_begun => true,
            Kind::Audio => match part.sound_from {
                None => is_behind,
                Some(from) => match self.begin_sound(intake, playing, slot, &unit, from) {
                    enter::Sound::Whole => true,
                    enter::Sound::Trimmed => {
                        playing.parts[slot].has_begun = true;
                        playing.parts[slot].last = Some(unit.first);
                        return Verdict::Skip;
                    }
                    enter::Sound::TooEarly => false,
                },
            },
            Kind::Data => is_behind,
        };
        if !goes {
            return Verdict::Skip;
        }
        let part = &mut playing.parts[slot];
        part.has_begun = true;
        part.last = Some(unit.first);
        if is_main {
            playing.highest = playing.highest.max(unit.pts);
            playing.main_due = Some(unit.due);
            playing.near = unit.dts.unwrap_or(playing.near);
        }
        let is_entry = is_main && unit.first == playing.entry.first;
        let is_changed = self.change(intake, playing, slot, &unit, view, is_entry);
        if is_changed {
            Verdict::Skip
        } else {
            Verdict::Pass
        }
    }

    fn judge_picture(&self, playing: &mut Playing, part: Part, unit: &Unit, is_main: bool) -> bool {
        let entry = playing.entry;
        if unit.first < entry.first {
            return false;
        }
        if !is_main {
            return part.has_begun || unit.key;
        }
        if unit.first == entry.first {
            return true;
        }
        let Some(pts) = unit.pts else {
            return part.verdict == Verdict::Pass; // the second field of a picture
        };
        if playing.leading && pts < entry.pts {
            return false;
        }
        // Leading pictures come right behind the key frame.
        playing.leading = false;
        true
    }
}
