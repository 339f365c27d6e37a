//! Transport packets to access units.
//!
//! ```text
//! bytes ─► Slicer ─► packet ─┬─► Tables ─► tracks
//!                            └─► Assembler (one PES packet) ─► Track: unit or audio frames ─► events
//! ```

mod assembler;
mod elementary;
mod ending;
mod event;

use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use ending::{Ending, Said};
pub use event::{AccessUnit, Event, Stamp, Track};

use self::assembler::Assembler;
use self::elementary::Elementary;
use crate::continuity::Verdict;
use crate::packet::{PAYLOAD_BYTES, Packet};
use crate::psi::Tables;
use crate::slicer::Slicer;
use crate::timeline::Timeline;

/// Events kept for a caller that does not fetch them; older ones are dropped.
const MAX_EVENTS: usize = 65_536;
/// Bytes of unfinished PES packets, over all tracks.
const MAX_PENDING_BYTES: usize = 32 * 1024 * 1024;
/// Slots are numbered by PID; the first two are not elementary streams.
const SLOT_NONE: u16 = 0;
const SLOT_TABLE: u16 = 1;
const FIRST_TRACK_SLOT: u16 = 2;
const PIDS: usize = 8192;

/// Takes the bytes of a transport stream, gives its tracks and their access units.
///
/// After every [`push`](Self::push), fetch events until there are none.
#[derive(Debug)]
pub struct Demux {
    slicer: Slicer,
    core: Core,
}

#[derive(Debug)]
struct Core {
    tables: Tables,
    slots: Box<[u16]>,
    entries: Vec<Entry>,
    /// One timeline per program: its tracks share an epoch.
    timelines: Vec<(u16, Timeline)>,
    pending_bytes: usize,
    events: VecDeque<Event>,
    published: Arc<[Track]>,
}

/// One elementary stream.
#[derive(Debug)]
struct Entry {
    assembler: Assembler,
    elementary: Elementary,
}

impl Default for Demux {
    fn default() -> Self {
        Self::new()
    }
}

impl Demux {
    /// A demultiplexer that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut core = Core {
            tables: Tables::default(),
            slots: vec![SLOT_NONE; PIDS].into_boxed_slice(),
            entries: Vec::new(),
            timelines: Vec::new(),
            pending_bytes: 0,
            events: VecDeque::new(),
            published: Arc::new([]),
        };
        core.assign_slots();
        Self {
            slicer: Slicer::new(),
            core,
        }
    }

    /// Takes bytes in order, divided anyhow. `stamp` is theirs; a unit carries the stamp
    /// of the bytes it began with.
    pub fn push(&mut self, stamp: Stamp, bytes: &[u8]) {
        let Self { slicer, core } = self;
        slicer.push(bytes, |packet| core.packet(stamp, packet));
    }

    /// The next event, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// Bytes are missing here: half-built units are dropped, and the next unit of every
    /// track is marked as following a discontinuity.
    pub fn lost(&mut self) {
        self.slicer.restart();
        for entry in &mut self.core.entries {
            entry.assembler.lost();
        }
        self.core.count_pending();
    }

    /// The stream has ended: what is whole comes out.
    pub fn flush(&mut self) {
        for index in 0..self.core.entries.len() {
            self.core.finish_unit(index);
        }
        self.core.count_pending();
    }

    /// The tracks as the last [`Event::Tracks`] told them.
    #[must_use]
    pub fn tracks(&self) -> &Arc<[Track]> {
        &self.core.published
    }
}

impl Core {
    fn packet(&mut self, stamp: Stamp, packet: Packet<'_>) {
        let slot = self.slots[usize::from(packet.pid())];
        if slot == SLOT_NONE || packet.transport_error() {
            return; // a damaged packet shows as a gap in the counter
        }
        if slot == SLOT_TABLE {
            if !packet.scrambled() && self.tables.push(packet) {
                self.follow_tables();
            }
            return;
        }
        let index = usize::from(slot - FIRST_TRACK_SLOT);
        let assembler = &mut self.entries[index].assembler;
        match assembler.check(packet) {
            Verdict::Repeats => return,
            Verdict::Gap => {
                self.pending_bytes -= assembler.len();
                assembler.lost();
            }
            Verdict::Continues => {}
        }
        if packet.scrambled() {
            return;
        }
        if packet.unit_start() {
            self.finish_unit(index);
            let random_access = packet.adaptation().is_some_and(|field| field.random_access);
            self.entries[index].assembler.begin(stamp, random_access);
        }
        let assembler = &mut self.entries[index].assembler;
        if let Some(payload) = packet.only_payload()
            && self.pending_bytes + PAYLOAD_BYTES <= MAX_PENDING_BYTES
            && assembler.add(payload)
        {
            self.pending_bytes += PAYLOAD_BYTES;
            return;
        }
        self.extend(index, packet);
    }

    fn extend(&mut self, index: usize, packet: Packet<'_>) {
        let assembler = &mut self.entries[index].assembler;
        let before = assembler.len();
        if self.pending_bytes + packet.payload().len() > MAX_PENDING_BYTES {
            assembler.lost();
        }
        let whole = assembler.extend(packet);
        self.pending_bytes = self.pending_bytes + assembler.len() - before;
        if whole {
            self.finish_unit(index);
        }
    }

    /// Hands the PES packet under way to its track, whose units become events.
    fn finish_unit(&mut self, index: usize) {
        let Self {
            entries,
            timelines,
            events,
            pending_bytes,
            ..
        } = self;
        let Entry {
            assembler,
            elementary,
        } = &mut entries[index];
        *pending_bytes -= assembler.len();
        let Some(pes) = assembler.take() else { return };
        let program = elementary.track().program;
        let position = timelines.iter().position(|(number, _)| *number == program);
        let position = position.unwrap_or_else(|| {
            timelines.push((program, Timeline::new()));
            timelines.len() - 1
        });
        let first_new = events.len();
        let changed = elementary.take(&pes, &mut timelines[position].1, events);
        assembler.recycle(pes);
        if changed {
            // The tracks are told before the first unit they apply to.
            self.publish_at(first_new);
        }
        while self.events.len() > MAX_EVENTS {
            self.events.pop_front();
        }
    }

    /// Rebuilds the tracks after a table changed; streams that stay keep their state.
    fn follow_tables(&mut self) {
        let mut old: Vec<Option<Entry>> = self.entries.drain(..).map(Some).collect();
        for (program, map) in self.tables.programs() {
            for stream in map.iter().flat_map(|map| &map.streams) {
                if self
                    .entries
                    .iter()
                    .any(|entry| entry.elementary.track().pid == stream.pid)
                {
                    continue; // shared between programs: the first one has it
                }
                let same = |entry: &Entry| entry.elementary.is_for(program.number, stream);
                let kept = old
                    .iter_mut()
                    .find(|entry| entry.as_ref().is_some_and(same));
                let entry = kept.and_then(Option::take).unwrap_or_else(|| Entry {
                    assembler: Assembler::new(),
                    elementary: Elementary::new(program.number, stream),
                });
                self.entries.push(entry);
            }
        }
        let programs: Vec<u16> = self.tables.programs().map(|(p, _)| p.number).collect();
        self.timelines
            .retain(|(number, _)| programs.contains(number));
        self.assign_slots();
        self.count_pending();
        self.publish_at(self.events.len());
    }

    fn assign_slots(&mut self) {
        self.slots.fill(SLOT_NONE);
        for (slot, entry) in (FIRST_TRACK_SLOT..).zip(&self.entries) {
            self.slots[usize::from(entry.elementary.track().pid)] = slot;
        }
        for pid in self.tables.map_pids() {
            self.slots[usize::from(pid)] = SLOT_TABLE;
        }
        self.slots[usize::from(crate::packet::PAT_PID)] = SLOT_TABLE;
    }

    fn publish_at(&mut self, position: usize) {
        let tracks: Arc<[Track]> = self
            .entries
            .iter()
            .map(|entry| entry.elementary.track().clone())
            .collect();
        if *tracks != *self.published {
            self.published = Arc::clone(&tracks);
            self.events.insert(position, Event::Tracks(tracks));
        }
    }

    fn count_pending(&mut self) {
        self.pending_bytes = self.entries.iter().map(|entry| entry.assembler.len()).sum();
    }
}
