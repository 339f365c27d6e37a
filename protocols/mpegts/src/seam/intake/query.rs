//! What an intake knows.

use super::{Chunk, Edge, GIVE_UP, Intake, KeyFrame, PAT_PID, ProgramMap, SLOT_TABLE};
use super::{Stream, Unit};
use crate::packet::{Packet, Pcr};
use std::sync::Arc;
use tidegate_codecs::{Kind, StreamConfig};
use tidegate_units::Instant;

/// What a PID carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// The PAT.
    Pat,
    /// The program's map.
    Map,
    /// The stream of this slot.
    Stream(usize),
    /// Nothing of the program.
    Other,
}

/// Whether a unit can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It is whole, or as good as it gets.
    Now,
    /// More of it may come.
    Later,
    /// It will never be whole.
    Never,
}

impl Intake {
    /// The newest map of the program, once one is known.
    #[must_use]
    pub fn map(&self) -> Option<&Arc<ProgramMap>> {
        self.maps.back().map(|(_, map)| map)
    }

    /// The map that holds for a packet: what is held is older than the newest.
    #[must_use]
    pub fn map_at(&self, index: u64) -> Option<&Arc<ProgramMap>> {
        let holds = self.maps.iter().rev().find(|(from, _)| *from <= index);
        holds.or_else(|| self.maps.front()).map(|(_, map)| map)
    }

    /// The index that the next packet gets.
    #[must_use]
    pub const fn next_index(&self) -> u64 {
        self.next
    }

    /// Bytes of packets that are held.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// When the newest packet is due.
    #[must_use]
    pub const fn latest_due(&self) -> Instant {
        self.latest_due
    }

    /// How far decoding times are ahead of play-out times, in ticks.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        self.ahead.get()
    }

    /// How far decoding times are ahead of the program clock, in ticks.
    #[must_use]
    pub fn lead(&self) -> Option<i64> {
        self.lead.get()
    }

    /// How long a picture lasts, in ticks.
    #[must_use]
    pub fn picture(&self) -> i64 {
        self.main_stream().map_or(0, |main| main.order.picture())
    }

    /// Whether pictures are decoded in another order than they are shown.
    #[must_use]
    pub fn is_reordered(&self) -> bool {
        self.main_stream()
            .is_some_and(|main| main.order.is_reordered())
    }

    /// The key frames that are held whole, oldest first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = KeyFrame> + '_ {
        let is_whole = |key: &KeyFrame| {
            let main = self.main_stream();
            main.and_then(|main| main.unit_at(key.first))
                .is_some_and(|unit| unit.whole && !unit.damaged)
        };
        self.keys.iter().copied().filter(is_whole)
    }

    /// The first packet of the newest key frame, whole or not.
    #[must_use]
    pub fn newest_key(&self) -> Option<u64> {
        self.keys.back().map(|key| key.first)
    }

    /// The newest key frames, as far as one is known to have begun: from the last but one to the
    /// last is a group of pictures.
    #[must_use]
    pub fn group(&self) -> Option<i64> {
        let mut newest = self.keys.iter().rev();
        let (last, before) = (newest.next()?, newest.next()?);
        Some(last.dts.saturating_sub(before.dts))
    }

    /// The places from `index` on where the main stream can be left, oldest first: everything
    /// before it is presented before what stands there. Where one is not clean, pictures that are
    /// presented before it may be missing, or come behind it.
    pub fn places(&self, index: u64) -> impl DoubleEndedIterator<Item = Edge> + '_ {
        let picture = self.picture();
        let main = self.main_stream();
        let is_sound = main.is_some_and(|main| main.kind() == Kind::Audio);
        let units = main.map(|main| {
            let from = main.units.partition_point(|unit| unit.first < index);
            main.units.range(from..)
        });
        let edge = move |unit: &Unit| {
            let highest = unit.highest_before?;
            let end = if is_sound {
                unit.pts?
            } else {
                highest.saturating_add(picture)
            };
            let is_place = unit.clean || unit.pts.is_some_and(|pts| pts > highest);
            is_place.then_some(Edge {
                first: unit.first,
                due: unit.due,
                end,
                clean: unit.clean,
            })
        };
        units.into_iter().flatten().filter_map(edge)
    }

    /// The place behind the last picture, if that is whole. It is not clean where one before it is
    /// missing or under way.
    #[must_use]
    pub fn last_place(&self) -> Option<Edge> {
        let main = self.main_stream()?;
        let last = main.units.back().filter(|unit| unit.whole)?;
        let picture = main.order.picture();
        let highest = last.highest_before.max(last.pts)?;
        let is_sound = main.kind() == Kind::Audio;
        let end = if is_sound {
            self.sound_end(self.main?, last)?
        } else {
            highest.saturating_add(picture)
        };
        Some(Edge {
            first: self.next,
            due: last.due.offset_micros(picture * 100 / 9),
            end,
            clean: is_sound || main.order.is_complete(),
        })
    }

    /// The formats of its streams that are known, pictures first.
    #[must_use]
    pub fn formats(&self) -> Vec<Arc<StreamConfig>> {
        let of = |kind| self.streams.iter().filter(move |it| it.kind() == kind);
        let streams = of(Kind::Video).chain(of(Kind::Audio));
        streams.filter_map(Stream::config).cloned().collect()
    }

    /// Whether the program's clock is on this PID.
    pub(crate) fn is_clock(&self, pid: u16) -> bool {
        self.map().is_some_and(|map| map.pcr_pid == pid)
    }

    /// The program clock in a packet.
    pub(crate) fn clock_in(&self, packet: Packet<'_>) -> Option<Pcr> {
        let field = self
            .is_clock(packet.pid())
            .then(|| packet.adaptation())
            .flatten();
        field?.pcr
    }

    pub(crate) const fn main_slot(&self) -> Option<usize> {
        self.main
    }

    pub(crate) fn main_stream(&self) -> Option<&Stream> {
        self.streams.get(self.main?)
    }

    pub(crate) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// The chunks from the one on that has this index.
    pub(crate) fn chunks_from(&self, index: u64) -> impl Iterator<Item = &Chunk> {
        self.chunks.range(self.place_of(index)..)
    }

    /// How many chunks end in front of a packet. Most chunks hold equally many, so it stands
    /// where that says, or next to it; else it is looked for.
    fn place_of(&self, index: u64) -> usize {
        if index >= self.next {
            return self.chunks.len();
        }
        let first = self.chunks.front().map_or(index, |chunk| chunk.first);
        let guess = index.saturating_sub(first) * self.chunks.len() as u64
            / self.next.saturating_sub(first).max(1);
        let guess = usize::try_from(guess).unwrap_or(usize::MAX);
        let is_it = |place: &usize| {
            let chunk = self.chunks.get(*place);
            chunk.is_some_and(|chunk| chunk.first <= index && index < chunk.end())
        };
        let near = [guess, guess.saturating_add(1), guess.saturating_sub(1)];
        let found = near.into_iter().find(is_it);
        found.unwrap_or_else(|| self.chunks.partition_point(|chunk| chunk.end() <= index))
    }

    pub(crate) fn carries(&self, pid: u16) -> Carries {
        match self.slots[usize::from(pid)] {
            SLOT_TABLE if pid == PAT_PID => Carries::Pat,
            SLOT_TABLE => Carries::Map,
            slot if usize::from(slot) < self.streams.len() => Carries::Stream(usize::from(slot)),
            _ => Carries::Other,
        }
    }

    pub(crate) fn ready(&self, unit: &Unit) -> Ready {
        if unit.astray {
            Ready::Never
        } else if unit.whole || unit.damaged {
            Ready::Now
        } else if self.is_ended {
            Ready::Never
        } else if self.latest_due >= unit.due + GIVE_UP {
            Ready::Now
        } else {
            Ready::Later
        }
    }
}
