//! The places that the streams of what is on air have in the output.

use super::streams::{free_pid, matched, spare};
use super::tables::TableWriter;
use super::told::told;
use super::{MAP_FOLLOWED_APART, Out, Part, Playing, Seam, Verdict, clock};
use crate::psi::ElementaryStream;
use crate::restamp::splice::Splice;
use crate::seam::intake::{Intake, MAX_STREAMS};
use crate::seam::{MapStream, ProgramMap};
use std::sync::Arc;
use tidegate_units::Instant;

impl Seam {
    /// A unit of a stream that has no place has come; whether it has one now.
    pub(super) fn has_part(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        slot: usize,
        due: Instant,
    ) -> bool {
        // An input brings so many new streams and no more, but the same ones again and again.
        let is_new = playing.parts.len() <= slot;
        if is_new || playing.parts[slot].is_closed && playing.may_follow(due) {
            self.follow_map(intake, playing, due);
        }
        playing.parts.get(slot).is_some_and(|part| !part.is_closed)
    }

    /// The map of what is on air may tell something else of its streams from here on.
    pub(super) fn follow_map(&mut self, intake: &Intake, playing: &mut Playing, due: Instant) {
        let map = intake.map_at(playing.next);
        let Some(map) = map.filter(|map| !Arc::ptr_eq(map, &playing.map)) else {
            return;
        };
        (playing.map, playing.followed) = (Arc::clone(map), Some(due));
        let is_other = self.tables.as_mut().is_some_and(|it| it.follow(map));
        if self.map_parts(intake, playing) || is_other {
            self.tables_changed();
            self.write_tables(due);
        }
    }

    pub(super) fn tables_changed(&mut self) {
        if let Some(tables) = &mut self.tables {
            tables.changed();
        }
    }

    /// Finds places for the streams that are in the map; whether the output's map is another then.
    pub(super) fn map_parts(&mut self, intake: &Intake, playing: &mut Playing) -> bool {
        let map = Arc::clone(&playing.map);
        let mut is_changed = false;
        let mut used = Vec::new();
        let mut placeless = Vec::new();
        for (slot, stream) in intake.streams().iter().enumerate() {
            let entry = named(&map, &stream.stream);
            if playing.parts.len() == slot {
                playing.parts.push(Part::CLOSED);
            }
            let part = &mut playing.parts[slot];
            match entry {
                None => *part = Part::CLOSED,
                Some(entry) if part.is_closed => placeless.push((slot, entry.clone())),
                Some(entry) => {
                    used.push(part.out);
                    is_changed |= self.take_over(part.out, entry);
                }
            }
        }
        let (slots, streams): (Vec<usize>, Vec<MapStream>) = placeless.into_iter().unzip();
        let found = matched(&self.streams, &used, &streams);
        used.extend(found.iter().flatten());
        for ((slot, entry), place) in slots.into_iter().zip(&streams).zip(found) {
            let out = match place {
                Some(place) => {
                    is_changed |= self.take_over(place, entry);
                    place
                }
                None => {
                    // An input has no more streams than there are places.
                    let Some(place) = self.open(entry, &used) else {
                        continue;
                    };
                    is_changed = true;
                    used.push(place);
                    place
                }
            };
            // Whatever was there before, the counter goes on.
            self.streams[out].counter.cut();
            let is_closed = false;
            playing.parts[slot] = Part {
                out,
                is_closed,
                ..Part::CLOSED
            };
        }
        is_changed
    }

    /// A stream goes on the PID of another, or tells something else of itself; whether the map has
    /// to say so.
    fn take_over(&mut self, place: usize, entry: &MapStream) -> bool {
        let out = &mut self.streams[place];
        let info = told(&out.home, entry);
        let is_other_kind = out.stream.stream_type != entry.stream.stream_type
            || out.stream.codec != entry.stream.codec;
        let is_changed = is_other_kind || out.info != info;
        (out.stream, out.info) = (entry.stream, info);
        if is_other_kind {
            let mut packet = clock::bare(out.pid, None, true);
            out.counter.still(&mut packet);
            self.buffer.extend_from_slice(&packet);
        }
        is_changed
    }

    /// A place for a stream that is like none there was: a new one, or one that nobody needs now.
    fn open(&mut self, entry: &MapStream, used: &[usize]) -> Option<usize> {
        if self.streams.len() < MAX_STREAMS {
            return Some(self.add_stream(entry));
        }
        let place = spare(&self.streams, used)?;
        let out = &mut self.streams[place];
        out.home.clone_from(entry);
        (out.splice, out.last_dts, out.ends) = (Splice::default(), None, None);
        self.take_over(place, entry);
        Some(place)
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
            home: entry.clone(),
            stream: entry.stream,
            info: entry.info.clone(),
            counter: super::Counter::default(),
            splice: Splice::default(),
            last_dts: None,
            ends: None,
            patch: super::open::Patch::default(),
        });
        self.streams.len() - 1
    }

    /// Whether something else was on air before.
    const fn is_cut(&self) -> bool {
        self.last_clock.is_some()
    }
}

impl Playing {
    /// Whether it was long enough ago that another map was followed.
    pub(super) fn may_follow(&self, due: Instant) -> bool {
        self.followed
            .is_none_or(|last| due >= last + MAP_FOLLOWED_APART)
    }
}

impl Part {
    const CLOSED: Self = Self {
        out: 0,
        is_closed: true,
        verdict: Verdict::Skip,
        has_begun: false,
        last: None,
        sound_from: None,
    };
}

/// What a map tells of a stream.
fn named<'a>(map: &'a ProgramMap, stream: &ElementaryStream) -> Option<&'a MapStream> {
    map.streams.iter().find(|it| it.stream.pid == stream.pid)
}
