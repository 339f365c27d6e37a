//! One input's packets, and the units that they make.
//!
//! ```text
//! index    100 101 102 103 104 105 106 107 108 …   rises by one with each packet
//! packets  PAT PMT V── V── A── V── V── A── V── …   as they came, in chunks that share memory
//! units            └─ picture ───┘└─ picture ─     first packet, times, key frame, whole or not
//! ```

mod align;
mod astray;
mod drift;
mod head;
mod order;
mod payload;
mod query;
mod sections;
mod stream;
mod unit;

pub use align::aligned;
pub(crate) use payload::Pes;
pub(crate) use query::{Carries, Ready};
pub(crate) use stream::Stream;
pub use unit::Unit;

use super::map::{MapReader, ProgramMap};
use crate::packet::{PACKET_BYTES, PAT_PID, Packet};
use crate::psi::ElementaryStream;
use crate::timeline::Timeline;
use astray::{LEAP_TICKS, begins_anew};
use bytes::Bytes;
use drift::Smoothed;
use std::collections::VecDeque;
use std::sync::Arc;
use stream::Meant;
use tidegate_codecs::Kind;
use tidegate_codecs::h264::Opens;
use tidegate_units::{Duration, Instant};
use unit::Times;

/// Streams of one program that are followed; further ones are left out.
pub const MAX_STREAMS: usize = 64;
/// Maps of one input that are held for the packets they are of.
const MAX_MAPS_HELD: usize = 16;
/// Bytes of packets that one input holds; the oldest go first, even if they are not played yet.
pub const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;
/// Packets of an input that is not on air are held so long behind play-out at most …
pub const HELD_MAX: Duration = Duration::from_secs(12);
/// … so many key frames at most …
const KEYS_HELD: usize = 2;
/// … with what was sent so long before them, as sound may be …
const HELD_BEFORE_KEY: Duration = Duration::from_millis(1_500);
/// … and so long where there are no key frames.
const HELD_WITHOUT_KEYS: Duration = Duration::from_secs(3);
/// A unit is not waited for any more when what is due so much later has come.
const GIVE_UP: Duration = Duration::from_millis(500);
const SLOT_NONE: u8 = u8::MAX;
const SLOT_TABLE: u8 = u8::MAX - 1;
const PIDS: usize = 8192;

/// One input from one beginning to the next: its times and counters go on.
#[derive(Clone, Debug)]
pub struct Intake {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    next: u64,
    latest_due: Instant,
    is_ended: bool,
    /// It ended because the program has other streams now.
    is_another: bool,
    tables: MapReader,
    /// The maps that are of what is held, each with the index of the packet it came with; the last
    /// is the newest.
    maps: VecDeque<(u64, Arc<ProgramMap>)>,
    slots: Box<[u8; PIDS]>,
    streams: Vec<Stream>,
    /// The stream whose times count: the first picture, else the first sound.
    main: Option<usize>,
    keys: VecDeque<KeyFrame>,
    /// The decoding time that others are near to.
    last_time: Option<i64>,
    /// From here on times of other streams do not go on, and the main one has said nothing since.
    doubted_from: Option<u64>,
    /// Decoding times minus play-out times.
    ahead: Smoothed,
    /// Decoding times minus the program clock.
    lead: Smoothed,
    /// The program clock in ticks of 90 kHz as it was sent, and when it was due.
    clock: Option<(u64, Instant)>,
}

/// Packets that came together.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The packets.
    pub bytes: Bytes,
    /// The index of the first.
    pub first: u64,
    /// When they are due; not before the chunk in front.
    pub due: Instant,
}

/// A picture that decoding can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFrame {
    /// The index of its first packet.
    pub first: u64,
    /// When that is due.
    pub due: Instant,
    /// Presentation time, 90 kHz, unwrapped.
    pub pts: i64,
    /// Decoding time, likewise.
    pub dts: i64,
    /// From when on something is shown: a picture earlier where behind another stream one has to
    /// be put in front of it (see [`Opens`]).
    pub begins: i64,
}

/// A place where the main stream can be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The index of the first packet behind it.
    pub first: u64,
    /// When that is due, or was to be if it had come.
    pub due: Instant,
    /// Where the presentation of what is before it ends.
    pub end: i64,
    /// Everything before it is presented before everything behind, and nothing is missing.
    pub clean: bool,
}

impl Chunk {
    /// Behind the last packet.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + (self.bytes.len() / PACKET_BYTES) as u64
    }

    /// The packet of an index.
    #[must_use]
    pub fn packet(&self, index: u64) -> Option<&[u8; PACKET_BYTES]> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()? * PACKET_BYTES;
        self.bytes.get(at..)?.first_chunk()
    }
}

impl Intake {
    /// An input of which nothing is known. `first`: the index of its first packet.
    #[must_use]
    pub fn new(first: u64) -> Self {
        let mut slots = Box::new([SLOT_NONE; PIDS]);
        slots[usize::from(PAT_PID)] = SLOT_TABLE;
        Self {
            chunks: VecDeque::new(),
            bytes: 0,
            next: first,
            latest_due: Instant::ZERO,
            is_ended: false,
            is_another: false,
            tables: MapReader::default(),
            maps: VecDeque::new(),
            slots,
            streams: Vec::new(),
            main: None,
            keys: VecDeque::new(),
            last_time: None,
            doubted_from: None,
            ahead: Smoothed::default(),
            lead: Smoothed::default(),
            clock: None,
        }
    }

    /// An input for what [`push`](Self::push) gave back: where the tables stand is known.
    #[must_use]
    pub fn following(&self) -> Self {
        let mut next = Self::new(self.next);
        next.tables = self.tables.anew();
        if let Some(pid) = next.tables.map_pid() {
            next.slots[usize::from(pid)] = SLOT_TABLE;
        }
        if let Some(map) = self.map().cloned().filter(|_| !self.is_another) {
            next.follow(map, self.next);
            // Its headers may be told once and never again.
            for stream in &mut next.streams {
                let known = self
                    .streams
                    .iter()
                    .find(|known| known.stream.pid == stream.stream.pid);
                known.into_iter().for_each(|known| stream.inherit(known));
            }
        }
        next
    }

    /// Takes whole packets (see [`aligned`]). What is given back begins anew: its times do not
    /// go on, and it belongs into another intake.
    #[must_use]
    pub fn push(&mut self, mut bytes: Bytes, due: Instant) -> Option<Bytes> {
        let due = due.max(self.latest_due);
        let mut anew = None;
        let mut index = self.next;
        for (number, packet) in bytes.as_chunks::<PACKET_BYTES>().0.iter().enumerate() {
            let packet = Packet::new(packet).filter(|packet| !packet.transport_error());
            if packet.is_some_and(|packet| !self.scan(packet, index, due)) {
                anew = Some(number * PACKET_BYTES);
                break;
            }
            index += 1;
        }
        let rest = anew.map(|at| bytes.split_off(at));
        if index > self.next {
            self.bytes += bytes.len();
            let first = self.next;
            self.chunks.push_back(Chunk { bytes, first, due });
            (self.next, self.latest_due) = (index, due);
        }
        while self.bytes > MAX_HELD_BYTES {
            self.drop_oldest();
        }
        if rest.is_some() {
            self.is_ended = true;
        }
        rest
    }

    /// Packets were lost here and will not come.
    pub fn lost(&mut self) {
        self.tables.lost();
        self.streams.iter_mut().for_each(Stream::lost);
    }

    /// Nothing more comes: what is not whole will not become it.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether nothing more comes.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Looks at a packet; whether it goes on with what there was.
    fn scan(&mut self, packet: Packet<'_>, index: u64, due: Instant) -> bool {
        let pid = packet.pid();
        if packet.has_adaptation() {
            self.see_clock(packet, due);
        }
        let slot = self.slots[usize::from(pid)];
        if slot == SLOT_NONE {
            return true;
        }
        if slot == SLOT_TABLE {
            return packet.scrambled() || self.see_table(packet, index);
        }
        let slot = usize::from(slot);
        let Some(stream) = self.streams.get_mut(slot) else {
            return true;
        };
        if stream.goes_on(packet, index) {
            return true;
        }
        let begins = stream.begins(packet, self.last_time);
        let times = begins.flatten();
        if let Some(times) = times.filter(|_| stream.kind() != Kind::Data)
            && !self.see_times(slot, times, index, due)
        {
            return false;
        }
        let stream = &mut self.streams[slot];
        let mut meant = stream.packet(packet, index, due, begins);
        // Each unit of sound can be begun with.
        if stream.kind() == Kind::Audio && begins.is_some() && self.main == Some(slot) {
            meant = Meant::Key;
        }
        if meant == Meant::Key && self.main == Some(slot) {
            self.see_key(slot);
        }
        true
    }

    /// A unit begins at these times; whether they go on with what there was.
    fn see_times(&mut self, slot: usize, times: Times, index: u64, due: Instant) -> bool {
        let is_main = self.main == Some(slot);
        let stream = &self.streams[slot];
        let ahead = self.ahead.get();
        let goes_on = !begins_anew(stream.last_dts, times.dts, ticks(due), ahead);
        if !is_main {
            let has_main = self.main_stream().is_some_and(|it| it.last_dts.is_some());
            let doubted = self.doubted_from.filter(|_| has_main);
            let stream = &mut self.streams[slot];
            stream.astray.unit(index, times.dts, goes_on, doubted);
            if stream.astray.is_so() {
                self.doubted_from.get_or_insert(index);
            } else if !has_main {
                self.last_time = Some(times.dts);
            }
            return true;
        }
        if !goes_on {
            return false;
        }
        if stream.last_dts.is_none() {
            self.main_begins(slot, times.dts);
        }
        (self.last_time, self.doubted_from) = (Some(times.dts), None);
        let ahead = times.dts.saturating_sub(ticks(due));
        let known = self.ahead.get().unwrap_or(ahead);
        if ahead.abs_diff(known) > LEAP_TICKS.unsigned_abs() {
            // It paused, and its times did not: what was averaged is of before.
            (self.ahead, self.lead) = (Smoothed::default(), Smoothed::default());
        }
        self.ahead.add(ahead);
        if let Some((clock, seen)) = self.clock {
            let now = clock.wrapping_add((ticks(due) - ticks(seen)).cast_unsigned());
            let now = Timeline::nearest(now, times.dts);
            self.lead.add(times.dts.saturating_sub(now));
        }
        true
    }

    /// The newest key frame becomes known with a packet of its own, or of the next unit.
    fn see_key(&mut self, slot: usize) {
        let known = self.keys.back().map(|key| key.first);
        let is_sound = self.streams[slot].kind() == Kind::Audio;
        let picture = self.streams[slot].order.picture();
        let newest = self.streams[slot].units.iter_mut().rev().take(2);
        let mut newest: Vec<&mut Unit> = newest.collect();
        for unit in newest.iter_mut().rev() {
            unit.key |= is_sound;
            if let (true, Some(pts), Some(dts)) = (unit.key, unit.pts, unit.dts)
                && known.is_none_or(|known| known < unit.first)
                && self.keys.back().is_none_or(|key| key.first < unit.first)
            {
                let (first, due) = (unit.first, unit.due);
                let begins = match unit.opens {
                    Opens::Behind => pts - picture,
                    Opens::AsItIs | Opens::AsInstantaneous => pts,
                };
                self.keys.push_back(KeyFrame {
                    first,
                    due,
                    pts,
                    dts,
                    begins,
                });
            }
        }
    }

    fn see_clock(&mut self, packet: Packet<'_>, due: Instant) {
        if let Some(pcr) = self.clock_in(packet) {
            self.clock = Some((pcr.0 / 300, due));
        }
    }

    /// Takes a packet of a table; whether what it says goes on with what there was.
    fn see_table(&mut self, packet: Packet<'_>, index: u64) -> bool {
        let before = self.tables.map_pid();
        let map = self.tables.push(packet);
        let pid = self.tables.map_pid();
        if pid != before {
            for (pid, slot) in [(before, SLOT_NONE), (pid, SLOT_TABLE)] {
                if let Some(pid) = pid {
                    self.slots[usize::from(pid)] = slot;
                }
            }
            self.slots[usize::from(PAT_PID)] = SLOT_TABLE;
        }
        map.is_none_or(|map| self.follow(map, index))
    }

    /// Streams that are new are added; those that are gone just do not come any more.
    fn follow(&mut self, map: Arc<ProgramMap>, index: u64) -> bool {
        let has = |pid: u16| map.streams.iter().any(|it| it.stream.pid == pid);
        let is_gone = |main: &Stream| !has(main.stream.pid);
        let has_video = map
            .streams
            .iter()
            .any(|it| it.stream.codec.kind() == Kind::Video);
        let gets_video = |main: &Stream| has_video && main.kind() != Kind::Video;
        if self
            .main_stream()
            .is_some_and(|main| is_gone(main) || gets_video(main))
        {
            self.is_another = true;
            return false;
        }
        let changes = |known: &Stream| {
            let of = map
                .streams
                .iter()
                .find(|it| it.stream.pid == known.stream.pid);
            of.is_some_and(|it| it.stream.codec != known.stream.codec)
        };
        if self.streams.iter().any(changes) {
            self.is_another = true;
            return false;
        }
        let mut told: Vec<&ElementaryStream> = map.streams.iter().map(|it| &it.stream).collect();
        if told.len() > MAX_STREAMS {
            // Pictures and sound are not left out for the sake of anything else.
            told.sort_by_key(|stream| match stream.codec.kind() {
                Kind::Video => 0,
                Kind::Audio => 1,
                Kind::Data => 2,
            });
        }
        for stream in told {
            let slot = &mut self.slots[usize::from(stream.pid)];
            if *slot == SLOT_NONE && self.streams.len() < MAX_STREAMS {
                *slot = self.streams.len() as u8;
                self.streams.push(Stream::new(stream));
            }
        }
        if self.main.is_none() {
            let first = |kind| self.streams.iter().position(|it| it.kind() == kind);
            self.main = first(Kind::Video).or_else(|| first(Kind::Audio));
        }
        if self.maps.len() == MAX_MAPS_HELD {
            self.maps.pop_front();
        }
        self.maps.push_back((index, map));
        true
    }

    fn drop_oldest(&mut self) {
        let Some(chunk) = self.chunks.pop_front() else {
            self.bytes = 0;
            return;
        };
        self.bytes -= chunk.bytes.len();
        let first = self.chunks.front().map_or(self.next, |chunk| chunk.first);
        for stream in &mut self.streams {
            while stream.units.front().is_some_and(|unit| unit.first < first) {
                stream.units.pop_front();
            }
        }
        while self.keys.front().is_some_and(|key| key.first < first) {
            self.keys.pop_front();
        }
        while self.maps.get(1).is_some_and(|(from, _)| *from <= first) {
            self.maps.pop_front();
        }
    }

    /// Lets go what nobody can need any more: what was due long before, up to `playing`, the
    /// index of the packet that is played next.
    pub fn trim(&mut self, now: Instant, playing: Option<u64>) {
        let mut played = self.keys.iter().rev().filter(|key| key.due <= now);
        let from = match played.nth(KEYS_HELD - 1) {
            Some(key) => key.due - HELD_BEFORE_KEY,
            None if self.keys.is_empty() => now - HELD_WITHOUT_KEYS,
            None => now - HELD_MAX,
        };
        let from = from.max(now - HELD_MAX);
        let is_old = |chunk: &Chunk| {
            chunk.due < from && playing.is_none_or(|playing| chunk.end() <= playing)
        };
        while self.chunks.front().is_some_and(is_old) {
            self.drop_oldest();
        }
    }
}

/// A moment in ticks of 90 kHz.
#[must_use]
pub const fn ticks(moment: Instant) -> i64 {
    (moment.as_micros() as i128 * 9 / 100) as i64
}
