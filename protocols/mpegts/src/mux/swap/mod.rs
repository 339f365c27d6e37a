//! Other sound in the place of a stream's own; everything else to the bit.
//!
//! ```text
//! packet ─┬─ PAT ────────────────────────────────────► as it is
//!         ├─ PMT ──► whole section ──► sound renamed ─► packets of its own
//!         ├─ sound ──► its clock, if it carries it ───► a packet without payload
//!         └─ all else ───────────────────────────────► as it is
//! other sound ──► PES on the same PID ───────────────► packets of its own
//! ```
//!
//! Until the tables are known nothing comes out: nobody could say what is sound.

mod map;
mod rename;

pub use map::{MAX_SWAPPED, Role, SoundMap};
pub use rename::NewSound;

use super::packetize::{Head, Packetizer};
use super::{MuxUnit, prepare};
use crate::packet::{PAT_PID, Packet};
use crate::psi::SectionReader;
use bytes::BytesMut;
use std::collections::BTreeMap;
use tidegate_codecs::StreamConfig;

/// Swaps the sound of one stream.
#[derive(Debug)]
pub struct SoundSwap {
    sound: NewSound,
    map: SoundMap,
    /// Writes the new sound, by PID; at most [`MAX_SWAPPED`], as those that go are forgotten.
    tracks: BTreeMap<u16, Packetizer>,
    /// Reads and writes the program maps, by PID; at most as many as there are programs.
    maps: BTreeMap<u16, (SectionReader, Packetizer)>,
}

impl SoundSwap {
    /// For a stream whose sound becomes `sound`.
    #[must_use]
    pub fn new(sound: NewSound) -> Self {
        Self {
            sound,
            map: SoundMap::new(),
            tracks: BTreeMap::new(),
            maps: BTreeMap::new(),
        }
    }

    /// What follows is another stream: its tables are read anew, the counters go on.
    pub fn restart(&mut self) {
        self.map = SoundMap::new();
        for (reader, _) in self.maps.values_mut() {
            reader.reset();
        }
    }

    /// Takes a packet of the stream, and appends what becomes of it.
    pub fn packet(&mut self, packet: Packet<'_>, out: &mut BytesMut) {
        let role = self.map.packet(packet);
        if !self.map.is_complete() {
            // The tables themselves are repeated.
            return;
        }
        match role {
            Role::Other => out.extend_from_slice(packet.bytes()),
            Role::Table if packet.pid() == PAT_PID => out.extend_from_slice(packet.bytes()),
            Role::Table => self.program_map(packet, out),
            Role::Sound => self.clock_of(packet, out),
        }
    }

    /// Appends a frame of the new sound; none if the stream has no such track any more.
    pub fn frame(&mut self, config: &StreamConfig, frame: &MuxUnit, out: &mut BytesMut) {
        if !self.map.is_complete() || !self.map.is_sound(frame.track) {
            return;
        }
        let prepared = prepare::unit(config, frame);
        let head = Head {
            stream_id: prepared.stream_id,
            pts: frame.pts,
            dts: frame.pts,
            random_access: false,
            discontinuity: false,
            pcr: None,
        };
        let parts: Vec<&[u8]> = prepared.parts.iter().map(|part| &part[..]).collect();
        self.writer(frame.track).pes(&head, &parts, out);
    }

    fn program_map(&mut self, packet: Packet<'_>, out: &mut BytesMut) {
        let Self {
            maps, map, sound, ..
        } = self;
        let pid = packet.pid();
        maps.retain(|pid, _| map.is_table(*pid));
        let (reader, writer) = maps
            .entry(pid)
            .or_insert_with(|| (SectionReader::new(), Packetizer::new(pid)));
        reader.push(packet.payload(), packet.unit_start(), |section| {
            let renamed = rename::sound_in(section, *sound, |pid| map.is_sound(pid));
            writer.section(renamed.as_deref().unwrap_or(section), out);
        });
    }

    /// Where the sound carries the program's clock, that has to stay.
    fn clock_of(&mut self, packet: Packet<'_>, out: &mut BytesMut) {
        let Some(field) = packet.adaptation() else {
            return;
        };
        if let Some(pcr) = field.pcr {
            let discontinuity = field.discontinuity;
            self.writer(packet.pid())
                .clock_only(pcr, discontinuity, out);
        }
    }

    fn writer(&mut self, pid: u16) -> &mut Packetizer {
        if !self.tracks.contains_key(&pid) {
            let map = &self.map;
            self.tracks.retain(|pid, _| map.is_sound(*pid));
        }
        let make = || Packetizer::new(pid);
        self.tracks.entry(pid).or_insert_with(make)
    }
}

#[cfg(test)]
mod tests;
