//! How an input comes on air.

use super::streams::{free_pid, matched};
use super::tables::TableWriter;
use super::{Out, Part, Playing, Seam, Verdict, clock};
use crate::restamp::splice::Splice;
use crate::seam::intake::{Intake, KeyFrame, MAX_STREAMS, Unit};
use crate::seam::{MapStream, ProgramMap};
use tidegate_codecs::Kind;
use tidegate_units::Instant;

/// Ticks of the program clock in one of 90 kHz.
const CLOCK_TICKS: i64 = 300;
/// Sound that was left longer before the cut is not filled up to it.
const FILL_MAX_TICKS: i64 = 63_000;
/// Frames of sound that begin so much too early still begin in time: times are rounded.
pub(super) const ROUNDING_TICKS: i64 = 3;

/// How a unit of sound relates to where the sound begins.
pub(super) enum Sound {
    /// It begins there or behind.
    Whole,
    /// Part of it did, and was written.
    Trimmed,
    /// It ends before.
    TooEarly,
}

impl Seam {
    /// Something comes on air: from a key frame on, its times moved by `offset`, held for
    /// `delay_micros`.
    pub fn enter(&mut self, intake: &Intake, key: KeyFrame, offset: i64, delay_micros: i64) {
        let Some(map) = intake.map() else {
            return;
        };
        let is_first = self.tables.is_none();
        if is_first {
            self.tables = Some(TableWriter::new(map));
            self.pcr_pid = map.pcr_pid;
        }
        let lead = intake.lead().zip(self.lead);
        let leads = lead.map_or(0, |(its, ours)| its - ours);
        let mut playing = Playing {
            next: key.first,
            offset,
            clock_offset: (offset + leads) * CLOCK_TICKS,
            delay_micros,
            entry: key,
            leading: true,
            is_moved: !is_first,
            parts: Vec::new(),
            highest: None,
            main_due: None,
            near: key.dts,
        };
        self.cut_counters();
        self.map_parts(intake, map, &mut playing);
        if !is_first {
            for slot in 0..playing.parts.len() {
                self.find_sound(intake, &mut playing, slot);
            }
        }
        self.last_tables = None;
        self.playing = Some(playing);
    }

    /// Streams that the input did not have when it came on air.
    pub(super) fn add_parts(&mut self, intake: &Intake, playing: &mut Playing, due: Instant) {
        if let Some(map) = intake.map() {
            self.map_parts(intake, map, playing);
            self.write_tables(due);
        }
    }

    fn map_parts(&mut self, intake: &Intake, map: &ProgramMap, playing: &mut Playing) {
        let known = playing.parts.len();
        let streams: Vec<MapStream> = intake.streams()[known..]
            .iter()
            .map(|it| {
                let is_it = |of: &&MapStream| of.stream.pid == it.stream.pid;
                let gone = || MapStream {
                    stream: it.stream,
                    info: Vec::new(),
                };
                map.streams
                    .iter()
                    .find(is_it)
                    .map_or_else(gone, Clone::clone)
            })
            .collect();
        let taken: Vec<usize> = playing.parts.iter().map(|part| part.out).collect();
        let mut is_changed = false;
        let found = matched(&self.streams, &streams);
        for (entry, place) in streams.iter().zip(found) {
            let place = place.filter(|place| !taken.contains(place));
            let out = match place {
                Some(place) => {
                    is_changed |= self.take_over(place, entry);
                    place
                }
                None if self.streams.len() < MAX_STREAMS => {
                    is_changed = true;
                    self.add_stream(entry)
                }
                None => break,
            };
            playing.parts.push(Part {
                out,
                verdict: Verdict::Skip,
                has_begun: false,
                last: None,
                sound_from: None,
            });
        }
        // The first input's map is the first version.
        if let Some(tables) = self
            .tables
            .as_mut()
            .filter(|_| is_changed && playing.is_moved)
        {
            tables.changed();
        }
    }

    /// Another kind of stream goes on a PID; whether it is another.
    fn take_over(&mut self, place: usize, entry: &MapStream) -> bool {
        let out = &mut self.streams[place];
        if out.stream.stream_type == entry.stream.stream_type
            && out.stream.codec == entry.stream.codec
        {
            return false;
        }
        out.stream = entry.stream;
        out.info.clone_from(&entry.info);
        let mut packet = clock::bare(out.pid, None, true);
        out.counter.still(&mut packet);
        self.buffer.extend_from_slice(&packet);
        true
    }

    fn add_stream(&mut self, entry: &MapStream) -> usize {
        let map_pid = self.tables.as_ref().map(TableWriter::map_pid);
        let is_used = |pid: u16| {
            let is_known = self.streams.iter().any(|out| out.pid == pid);
            let is_first = self.streams.is_empty();
            is_known || map_pid == Some(pid) || !is_first && self.pcr_pid == pid
        };
        let is_clock = self.pcr_pid == entry.stream.pid && !self.is_cut();
        let pid = if is_clock {
            entry.stream.pid
        } else {
            free_pid(entry.stream.pid, is_used)
        };
        self.streams.push(Out {
            pid,
            stream: entry.stream,
            info: entry.info.clone(),
            counter: super::Counter::default(),
            splice: Splice::default(),
            last_dts: None,
            ends: None,
        });
        self.streams.len() - 1
    }

    /// Whether something else was on air before.
    const fn is_cut(&self) -> bool {
        self.last_clock.is_some()
    }

    /// Where the sound of a stream begins: where that of what was on air before ends.
    fn find_sound(&self, intake: &Intake, playing: &mut Playing, slot: usize) {
        let stream = &intake.streams()[slot];
        if stream.kind() != Kind::Audio || intake.main_slot() == Some(slot) {
            return;
        }
        let key = playing.entry;
        let part = &mut playing.parts[slot];
        let ends = self.streams[part.out].ends;
        let from = ends.map_or(key.pts, |ends| ends - playing.offset);
        // What was on air may have had sound without sense: then it begins with the picture.
        let is_near = from.abs_diff(key.pts) <= FILL_MAX_TICKS.unsigned_abs();
        let from = if is_near { from } else { key.pts };
        part.sound_from = Some(from);
        // It may have been sent before the key frame; units are in order.
        let mut units = stream.units.iter().rev();
        let begins_before = |unit: &&Unit| unit.pts.is_some_and(|pts| pts <= from + ROUNDING_TICKS);
        if let Some(unit) = units.find(begins_before).or(stream.units.front()) {
            playing.next = playing.next.min(unit.first);
        }
    }

    /// Looks whether sound begins with a unit, and writes the part of it from there on.
    pub(super) fn begin_sound(
        &mut self,
        intake: &Intake,
        playing: &Playing,
        slot: usize,
        unit: &Unit,
        from: i64,
    ) -> Sound {
        let Some(pts) = unit.pts else {
            return Sound::TooEarly;
        };
        let Some(pes) = intake.pes(slot, unit) else {
            return Sound::TooEarly;
        };
        let is_whole = pts >= from - ROUNDING_TICKS;
        let Some(frames) = intake.frames(slot, unit, &pes) else {
            return if is_whole {
                Sound::Whole
            } else {
                Sound::TooEarly
            };
        };
        let first = frames
            .begin
            .iter()
            .find(|(_, at)| *at >= from - ROUNDING_TICKS);
        let Some(&(at, pts)) = first else {
            return Sound::TooEarly;
        };
        if at == 0 {
            return Sound::Whole;
        }
        let out = playing.parts[slot].out;
        self.rebuild(playing, out, &pes, (pts, pts), &[&pes.payload[at..]]);
        Sound::Trimmed
    }
}
