//! How an input comes on air.

use super::fill::CLOCK_TICKS;
use super::tables::TableWriter;
use super::{Playing, Seam};
use crate::seam::intake::{Intake, KeyFrame, Unit};
use std::sync::Arc;
use tidegate_codecs::Kind;

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
        let Some(map) = intake.map_at(key.first) else {
            return;
        };
        let is_first = self.tables.is_none();
        let tables = self.tables.get_or_insert_with(|| TableWriter::new(map));
        let is_other = tables.follow(map);
        if is_first {
            self.pcr_pid = map.pcr_pid;
        }
        let lead = intake.lead().zip(self.lead);
        let leads = lead.map_or(0, |(its, ours)| its - ours);
        let begin = key.begins + offset;
        let is_leap = |end: i64| begin > end + ROUNDING_TICKS;
        let mut playing = Playing {
            map: Arc::clone(map),
            followed: None,
            next: key.first,
            offset,
            clock_offset: (offset + leads) * CLOCK_TICKS,
            delay_micros,
            entry: key,
            leapt_to: self.left_at.is_some_and(is_leap).then_some(begin),
            leading: true,
            opening: None,
            is_moved: !is_first,
            parts: Vec::new(),
            highest: None,
            main_due: None,
            near: key.dts,
        };
        self.cut_counters();
        self.fill = None;
        let is_changed = self.map_parts(intake, &mut playing) || is_other;
        if !is_first {
            if is_changed {
                self.tables_changed();
            }
            for slot in 0..playing.parts.len() {
                self.find_sound(intake, &mut playing, slot);
            }
            if playing.leapt_to.is_none() {
                self.begin_fill(intake, &mut playing);
            }
        }
        self.last_tables = None;
        self.playing = Some(playing);
    }

    /// Where the sound of a stream begins: where that of what was on air before ends.
    fn find_sound(&self, intake: &Intake, playing: &mut Playing, slot: usize) {
        let stream = &intake.streams()[slot];
        let key = playing.entry;
        let part = &mut playing.parts[slot];
        if stream.kind() != Kind::Audio || intake.main_slot() == Some(slot) || part.is_closed {
            return;
        }
        let ends = self.streams[part.out].ends;
        let from = ends.map_or(key.begins, |ends| ends - playing.offset);
        // What was on air may have had sound without sense: then it begins with the picture.
        let is_near = from.abs_diff(key.begins) <= FILL_MAX_TICKS.unsigned_abs();
        let from = if is_near { from } else { key.begins };
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
