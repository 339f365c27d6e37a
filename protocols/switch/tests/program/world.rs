//! Inputs that send, a program, and what is to be said of what comes out.

use crate::stream::{AUDIO_FRAME_TICKS, PACKET_BYTES, Spec, Stream};
use std::collections::{BTreeMap, VecDeque};
use tidegate_codecs::Kind;
use tidegate_mpegts::{Demux, Event as Found, Inspector, Packet, Pmt, SectionReader, Stamp};
use tidegate_switch::{Emitted, Event, How, OnAir, Options, Order, Piece, Program, Switched};
use tidegate_units::{Duration, Instant};

/// One input.
pub(crate) struct Input {
    stream: Stream,
    pub(crate) begins: Instant,
    latency: Duration,
    pub(crate) alive: bool,
    /// What it sends is held up on the way.
    pub(crate) stalled: bool,
    held: Vec<Piece>,
    /// It sends at a constant rate: what is too much for a moment is sent later.
    pub(crate) bits_per_second: Option<u64>,
    sent_until: Instant,
    on_the_way: VecDeque<Piece>,
    restarted: bool,
    /// How much faster its clock runs than ours, in millionths.
    pub(crate) fast: i64,
}

pub(crate) struct World {
    pub(crate) program: Program,
    pub(crate) inputs: Vec<Input>,
    pub(crate) now: Instant,
    pub(crate) out: Vec<(Instant, Emitted)>,
    pub(crate) events: Vec<Event>,
}

impl World {
    pub(crate) fn new(specs: &[(Spec, u64)]) -> Self {
        let now = Instant::from_millis(1_000_000);
        let input = |(spec, latency): &(Spec, u64)| Input {
            stream: Stream::new(*spec),
            begins: now,
            latency: Duration::from_millis(*latency),
            alive: true,
            stalled: false,
            held: Vec::new(),
            bits_per_second: None,
            sent_until: now,
            on_the_way: VecDeque::new(),
            restarted: false,
            fast: 0,
        };
        Self {
            program: Program::new(&Options {
                inputs: specs.len(),
                delay: Duration::ZERO,
            }),
            inputs: specs.iter().map(input).collect(),
            now,
            out: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The input is another encoder from here on.
    pub(crate) fn restart(&mut self, input: usize, spec: Spec, told: bool) {
        let input = &mut self.inputs[input];
        input.stream = Stream::new(spec);
        (input.begins, input.restarted, input.alive) = (self.now, told, true);
    }

    /// The input goes on, and is something else from here on.
    pub(crate) fn change(&mut self, input: usize, spec: Spec) {
        self.inputs[input].stream.change(spec);
    }

    pub(crate) fn order(&mut self, to: usize, how: How) {
        let to = OnAir::Input(to);
        self.program.order(Order::SwitchTo { to, how });
    }

    pub(crate) fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += Duration::from_millis(1);
            for (index, input) in self.inputs.iter_mut().enumerate() {
                let since = self.now.saturating_since(input.begins).as_micros() as i64;
                let million = 1_000_000 + input.fast;
                let media = since * 9 / 100 * million / 1_000_000;
                for (at, bytes) in input.stream.until(media) {
                    if !input.alive {
                        continue;
                    }
                    let at = at * 1_000_000 / million;
                    let made = input.begins + Duration::from_micros((at * 100 / 9) as u64);
                    let arrived = match input.bits_per_second {
                        Some(rate) => {
                            let micros = bytes.len() as u64 * 8_000_000 / rate;
                            made.max(input.sent_until) + Duration::from_micros(micros)
                        }
                        None => made,
                    };
                    input.sent_until = arrived;
                    let piece = Piece {
                        bytes,
                        arrived,
                        due: arrived + input.latency,
                        lost_before: 0,
                    };
                    input.on_the_way.push_back(piece);
                }
                let now = self.now;
                while let Some(piece) = input.on_the_way.pop_front_if(|it| it.arrived <= now) {
                    input.held.push(piece);
                }
                let held = if input.stalled { 0 } else { input.held.len() };
                for mut piece in input.held.drain(..held) {
                    piece.arrived = now;
                    let restarted = std::mem::take(&mut input.restarted);
                    self.program.push(OnAir::Input(index), piece, restarted);
                }
            }
            if self
                .program
                .next_deadline()
                .is_some_and(|at| at <= self.now)
            {
                let mut out = Vec::new();
                self.program.poll(self.now, &mut out);
                self.out.extend(out.into_iter().map(|it| (self.now, it)));
            }
            while let Some(event) = self.program.next_event() {
                self.events.push(event);
            }
        }
    }

    pub(crate) fn switches(&self) -> Vec<Switched> {
        let switched = |event: &Event| match event {
            Event::Switched(it) | Event::Rejoined(it) => Some(*it),
            Event::Averted { .. } => None,
        };
        self.events.iter().filter_map(switched).collect()
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen::of(&self.out)
    }
}

/// A picture or a frame of sound, as it came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) mark: u8,
    /// The time it was made for.
    pub(crate) made: i64,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) key: bool,
    pub(crate) emitted: Instant,
    pub(crate) due: Instant,
}

/// What somebody who watches has seen.
pub(crate) struct Seen {
    pub(crate) pictures: Vec<Frame>,
    pub(crate) sound: Vec<Frame>,
    pub(crate) clocks: Vec<(i64, Instant)>,
    pub(crate) continuity_errors: u64,
    pub(crate) lost_units: usize,
    pub(crate) pids: BTreeMap<u16, usize>,
    pub(crate) map_versions: Vec<u8>,
    /// Each map that is not like the one before, in words: `0x101 Aac deu`.
    pub(crate) maps: Vec<Vec<String>>,
    map_sections: SectionReader,
    /// The first sound of the first map.
    sound_pid: Option<u16>,
    /// What came on further PIDs.
    pub(crate) others: BTreeMap<u16, Vec<Frame>>,
    /// Times of splices, as they came out and as they were made.
    pub(crate) splices: Vec<(i64, i64)>,
    pub(crate) wrong_sections: u64,
}

impl Seen {
    fn of(out: &[(Instant, Emitted)]) -> Self {
        let mut demux = Demux::new();
        let mut inspector = Inspector::new();
        let mut seen = Self {
            pictures: Vec::new(),
            sound: Vec::new(),
            clocks: Vec::new(),
            continuity_errors: 0,
            lost_units: 0,
            pids: BTreeMap::new(),
            map_versions: Vec::new(),
            maps: Vec::new(),
            map_sections: SectionReader::new(),
            sound_pid: None,
            others: BTreeMap::new(),
            splices: Vec::new(),
            wrong_sections: 0,
        };
        let mut last_due = Instant::ZERO;
        for (now, emitted) in out {
            assert!(emitted.due >= last_due, "what is due never falls");
            last_due = emitted.due;
            assert_eq!(emitted.bytes.len() % PACKET_BYTES, 0);
            inspector.push(*now, &emitted.bytes);
            seen.packets(&emitted.bytes, emitted.due);
            // Play-out in `arrived`, the hand-over in `due`: both come back with the unit.
            let stamp = Stamp {
                arrived: *now,
                due: emitted.due,
            };
            demux.push(stamp, &emitted.bytes);
            seen.drain(&mut demux);
        }
        demux.flush();
        seen.drain(&mut demux);
        let end = out.last().map_or(Instant::ZERO, |(now, _)| *now);
        seen.continuity_errors = inspector.report(end).continuity_errors;
        seen
    }

    fn packets(&mut self, bytes: &[u8], due: Instant) {
        for packet in bytes.as_chunks::<PACKET_BYTES>().0 {
            let packet = Packet::new(packet).expect("a packet");
            *self.pids.entry(packet.pid()).or_default() += 1;
            if packet.payload().starts_with(&[0, 0xFC]) && packet.unit_start() {
                self.splice(packet.payload());
            }
            if packet.pid() == 0x1000 {
                self.map(packet);
            }
            if let Some(pcr) = packet.adaptation().and_then(|field| field.pcr) {
                let last = self.clocks.last().map_or(0, |(last, _)| *last);
                let wire = (pcr.0 / 300).cast_signed();
                self.clocks.push((unwrapped(wire, last), due));
            }
        }
    }

    fn map(&mut self, packet: Packet<'_>) {
        let mut found = None;
        let (payload, starts) = (packet.payload(), packet.unit_start());
        self.map_sections.push(payload, starts, |section| {
            found = Pmt::parse(section).map(|map| (section[5] >> 1 & 0x1F, map));
        });
        let Some((version, map)) = found else { return };
        self.map_versions.push(version);
        let mut sound = map
            .streams
            .iter()
            .filter(|it| it.codec.kind() == Kind::Audio);
        self.sound_pid = self.sound_pid.or(sound.next().map(|it| it.pid));
        let words = map.streams.iter().map(|it| {
            let language = it.language.map_or_else(String::new, |it| format!(" {it}"));
            format!("{:#x} {:?}{language}", it.pid, it.codec)
        });
        let words: Vec<String> = words.collect();
        if self.maps.last() != Some(&words) {
            self.maps.push(words);
        }
    }

    fn splice(&mut self, payload: &[u8]) {
        let mut sections = SectionReader::new();
        let splices = &mut self.splices;
        sections.push(payload, true, |section| {
            let number = |bytes: &[u8]| bytes.iter().fold(0, |n, it| n << 8 | i64::from(*it));
            splices.push((number(&section[4..9]), number(&section[16..24])));
        });
        // There is no flag of a checksum in these; it is right if nothing is left over.
        let length = usize::from(payload[3]) + 3;
        self.wrong_sections += u64::from(tidegate_mpegts::crc32(&payload[1..=length]) != 0);
    }

    fn drain(&mut self, demux: &mut Demux) {
        while let Some(event) = demux.next_event() {
            let Found::Unit(unit) = event else { continue };
            self.lost_units += usize::from(unit.discontinuity);
            let at = unit
                .data
                .iter()
                .position(|&byte| byte == b'#')
                .expect("a mark");
            let mark = &unit.data[at + 1..at + 14];
            let made = mark[1..]
                .iter()
                .fold(0, |made, nibble| made << 4 | i64::from(nibble & 0x0F));
            let is_picture = unit.data.starts_with(&[0, 0, 0, 1]);
            let frame = Frame {
                mark: mark[0],
                made,
                pts: unit.pts,
                dts: unit.dts,
                key: unit.random_access && is_picture,
                emitted: unit.stamp.arrived,
                due: unit.stamp.due,
            };
            if is_picture {
                self.pictures.push(frame);
            } else if self.sound_pid == Some(unit.pid) {
                self.sound.push(frame);
            } else {
                self.others.entry(unit.pid).or_default().push(frame);
            }
        }
    }

    /// Nothing is missing or torn, decoding times rise, the clock goes on, sound has no hole of a
    /// frame and no overlap, and picture and sound of one maker stay together.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        for pair in self.clocks.windows(2) {
            let step = pair[1].0 - pair[0].0;
            assert!((1..=9000).contains(&step), "the clock goes on: {pair:?}");
        }
        for pair in self.sound.windows(2) {
            let step = pair[1].pts - pair[0].pts - AUDIO_FRAME_TICKS;
            assert!(
                (-3..AUDIO_FRAME_TICKS).contains(&step),
                "sound goes on: {pair:?}"
            );
        }
        self.is_sound_but_for_a_leap();
    }

    /// The same, where what was on air was gone for a while.
    #[track_caller]
    pub(crate) fn is_sound_but_for_a_leap(&self) {
        assert_eq!((self.continuity_errors, self.lost_units), (0, 0));
        for pair in self.pictures.windows(2) {
            assert!(pair[0].dts < pair[1].dts, "decoding times rise: {pair:?}");
        }
        for frame in &self.pictures {
            assert!(frame.dts <= frame.pts, "{frame:?}");
        }
        for pair in self.clocks.windows(2) {
            assert!(pair[1].0 > pair[0].0, "the clock goes on: {pair:?}");
        }
        for pair in self.sound.windows(2) {
            let step = pair[1].pts - pair[0].pts - AUDIO_FRAME_TICKS;
            assert!(step >= -3, "sound does not overlap: {pair:?}");
        }
        self.is_together();
    }

    /// Between two cuts, pictures and sound are moved by the same.
    #[track_caller]
    fn is_together(&self) {
        let mut moved: BTreeMap<(u8, usize), i64> = BTreeMap::new();
        let stint = |frames: &[Frame]| {
            let mut stint = 0;
            let mut last = None;
            let mut of = Vec::new();
            for frame in frames {
                let by = (frame.mark, frame.pts - frame.made);
                if last.is_some_and(|last| last != by) {
                    stint += 1;
                }
                last = Some(by);
                of.push((frame.mark, stint, by.1));
            }
            of
        };
        for (mark, stint, by) in stint(&self.pictures) {
            moved.insert((mark, stint), by);
        }
        for (mark, stint, by) in stint(&self.sound) {
            let pictures = moved.get(&(mark, stint)).copied();
            let off = pictures.map(|pictures| (pictures - by).abs());
            assert!(off.is_none_or(|off| off <= 90), "{mark} {stint}: {off:?}");
        }
    }

    /// The presentation times of the pictures in order have no step but that of one picture.
    #[track_caller]
    pub(crate) fn has_no_gap(&self, picture_ticks: i64) {
        let mut times: Vec<i64> = self.pictures.iter().map(|frame| frame.pts).collect();
        times.sort_unstable();
        // What is shown before the last may not have been decoded yet.
        times.truncate(times.len() - 4);
        for pair in times.windows(2) {
            assert_eq!(pair[1] - pair[0], picture_ticks, "at {}", pair[0]);
        }
    }

    /// The longest time without a picture being handed on.
    pub(crate) fn longest_silence(&self) -> Duration {
        let pairs = self.pictures.windows(2);
        let silences = pairs.map(|pair| pair[1].emitted.saturating_since(pair[0].emitted));
        silences.max().unwrap_or_default()
    }

    /// From presentation time to play-out, for each picture.
    pub(crate) fn latencies(&self) -> Vec<i64> {
        let micros = |frame: &Frame| frame.due.as_micros() as i64 - frame.dts * 100 / 9;
        self.pictures.iter().map(micros).collect()
    }
}

fn unwrapped(wire: i64, near: i64) -> i64 {
    const PERIOD: i64 = 1 << 33;
    let ahead = (wire - near).rem_euclid(PERIOD);
    near + if ahead >= PERIOD / 2 {
        ahead - PERIOD
    } else {
        ahead
    }
}
