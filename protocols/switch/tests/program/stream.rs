//! Transport streams made for these tests, with marks by which each frame is known again.

use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_mpegts::crc32;

pub(crate) const PACKET_BYTES: usize = 188;
pub(crate) const AUDIO_FRAME_TICKS: i64 = 1920;
const PMT_PID: u16 = 0x1000;
const AUDIO_FRAME_BYTES: usize = 64;
/// What is so far behind the first PID has a wild time now and then …
pub(crate) const ASTRAY_PID: u16 = 0x40;
/// … which is off by so much.
const ASTRAY_TICKS: i64 = 1 << 31;

/// What a stream is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// In every frame.
    pub(crate) mark: u8,
    pub(crate) picture_ticks: i64,
    pub(crate) gop: i64,
    pub(crate) b_frames: i64,
    pub(crate) frames_per_pes: usize,
    pub(crate) first_pid: u16,
    /// What its clock says at the beginning.
    pub(crate) base: i64,
    /// How far the clock is behind decoding times.
    pub(crate) lead_ticks: i64,
    /// How much later sound is sent than pictures of the same moment.
    pub(crate) audio_late_ticks: i64,
    pub(crate) pcr_alone: bool,
    pub(crate) sets_everywhere: bool,
    pub(crate) splices: bool,
    pub(crate) key_bytes: usize,
    /// In every group the encoder drops a picture: what was shown before it lasts twice as long.
    pub(crate) drops: bool,
    /// Of its sound; empty: none is told.
    pub(crate) language: &'static str,
    /// Streams besides picture and sound.
    pub(crate) more: &'static [More],
}

/// A stream that sends the frames of the sound once more, whatever it says it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct More {
    /// How far its PID is behind the first.
    pub(crate) pid: u16,
    pub(crate) stream_type: u8,
    pub(crate) language: &'static str,
    /// In the map alone: nothing comes of it.
    pub(crate) silent: bool,
}

pub(crate) const SPEC: Spec = Spec {
    mark: b'A',
    picture_ticks: 3600,
    gop: 25,
    b_frames: 0,
    frames_per_pes: 1,
    first_pid: 0x100,
    base: 900_000,
    lead_ticks: 9000,
    audio_late_ticks: 0,
    pcr_alone: false,
    sets_everywhere: true,
    splices: false,
    key_bytes: 6_000,
    drops: false,
    language: "",
    more: &[],
};

/// Makes packets, each with the media time at which it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    spec: Spec,
    /// Media time since the beginning: decoding time of the next picture.
    picture: i64,
    audio: i64,
    counters: std::collections::BTreeMap<u16, u8>,
    tables_at: i64,
    ready: VecDeque<(i64, Vec<u8>)>,
}

impl Stream {
    pub(crate) fn new(spec: Spec) -> Self {
        Self {
            spec,
            picture: 0,
            audio: 0,
            counters: std::collections::BTreeMap::new(),
            tables_at: 0,
            ready: VecDeque::new(),
        }
    }

    /// It goes on, and is something else from here on.
    pub(crate) fn change(&mut self, spec: Spec) {
        self.spec = spec;
    }

    /// The packets up to a media time, in pieces of a network's size.
    pub(crate) fn until(&mut self, time: i64) -> Vec<(i64, Bytes)> {
        while self.slot(self.picture) * self.spec.picture_ticks <= time {
            self.next_picture();
        }
        let mut pieces = Vec::new();
        while self.ready.front().is_some_and(|(at, _)| *at <= time) {
            let (at, packets) = self.ready.pop_front().expect("there is one");
            for piece in packets.chunks(7 * PACKET_BYTES) {
                pieces.push((at, Bytes::copy_from_slice(piece)));
            }
        }
        pieces
    }

    fn next_picture(&mut self) {
        let Spec {
            picture_ticks: step,
            base,
            ..
        } = self.spec;
        let number = self.picture;
        self.picture += 1;
        let dts = self.slot(number) * step;
        let shown = self.slot(self.shown(number));
        let pts = (shown + self.reorder()) * step;
        let mut packets = Vec::new();
        if dts >= self.tables_at {
            self.tables_at = dts + 9000;
            self.tables(&mut packets);
        }
        let in_gop = number % self.spec.gop;
        let unit = self.picture_unit(in_gop == 0, pts);
        let pcr = base + dts - self.spec.lead_ticks;
        let video = self.spec.first_pid;
        if self.spec.pcr_alone {
            self.clock(video + 9, pcr, &mut packets);
        }
        let pcr = (!self.spec.pcr_alone).then_some(pcr);
        self.pes(
            video,
            0xE0,
            (base + pts, base + dts),
            pcr,
            &unit,
            false,
            &mut packets,
        );
        self.ready.push_back((dts, packets));
        if self.spec.splices && in_gop == 5 {
            let mut packets = Vec::new();
            self.splice(pts, &mut packets);
            self.ready.push_back((dts, packets));
        }
        let sent = dts + step - self.spec.audio_late_ticks;
        let pes_ticks = AUDIO_FRAME_TICKS * self.spec.frames_per_pes as i64;
        while self.audio + pes_ticks <= sent + self.reorder() * step {
            let mut packets = Vec::new();
            let mut unit = Vec::new();
            let pts = self.audio;
            for _ in 0..self.spec.frames_per_pes {
                unit.extend(self.audio_frame(self.audio));
                self.audio += AUDIO_FRAME_TICKS;
            }
            let times = (base + pts, base + pts);
            self.pes(video + 1, 0xC0, times, None, &unit, true, &mut packets);
            for more in self.spec.more.iter().filter(|more| !more.silent) {
                let mut pts = base + pts;
                if more.pid == ASTRAY_PID && self.audio / pes_ticks % 40 == 20 {
                    pts += ASTRAY_TICKS;
                }
                let (pid, times) = (video + more.pid, (pts, pts));
                self.pes(pid, 0xC0, times, None, &unit, true, &mut packets);
            }
            self.ready.push_back((dts + step / 2, packets));
        }
    }

    /// When a picture is filmed, counted in pictures.
    const fn slot(&self, number: i64) -> i64 {
        let Spec { gop, drops, .. } = self.spec;
        if drops {
            number + number / gop + (number % gop >= 4) as i64
        } else {
            number
        }
    }

    const fn reorder(&self) -> i64 {
        if self.spec.b_frames > 0 { 1 } else { 0 }
    }

    /// Where the picture decoded as this number is shown: closed groups of I BBP BBP …
    fn shown(&self, number: i64) -> i64 {
        let Spec { gop, b_frames, .. } = self.spec;
        let (first, at) = (number / gop * gop, number % gop);
        if at == 0 || b_frames == 0 {
            return number;
        }
        let group = (at - 1) / (b_frames + 1) * (b_frames + 1);
        let left = (gop - 1 - group).min(b_frames + 1);
        match (at - 1) % (b_frames + 1) {
            0 => first + group + left,
            b => first + group + b,
        }
    }

    fn picture_unit(&self, is_key: bool, pts: i64) -> Vec<u8> {
        let mut unit = vec![0, 0, 0, 1, 0x09, 0xF0];
        if is_key && (self.spec.sets_everywhere || pts < 20 * self.spec.picture_ticks) {
            unit.extend([
                0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x02, 0x80, 0xBF, 0xE5, 0xC0,
            ]);
            unit.extend([0, 0, 0, 1, 0x68, 0xCE, 0x38, 0x80]);
        }
        unit.extend([0, 0, 0, 1, if is_key { 0x65 } else { 0x41 }, 0x9A]);
        unit.extend(self.mark(pts));
        unit.resize(if is_key { self.spec.key_bytes } else { 700 }, 0x55);
        unit
    }

    fn audio_frame(&self, pts: i64) -> Vec<u8> {
        let length = AUDIO_FRAME_BYTES;
        let mut frame = vec![0xFF, 0xF1, 0x4C, 0x80, (length >> 3) as u8, 0x1F, 0xFC];
        frame[5] |= (length as u8 & 7) << 5;
        frame.extend(self.mark(pts));
        frame.resize(length, 0x33);
        frame
    }

    /// Who made it, and for when: never a start code, never a frame's head.
    fn mark(&self, pts: i64) -> Vec<u8> {
        let nibbles = (0..12)
            .rev()
            .map(|at| 0x40 | (pts >> (4 * at)) as u8 & 0x0F);
        [b'#', self.spec.mark].into_iter().chain(nibbles).collect()
    }

    fn tables(&mut self, out: &mut Vec<u8>) {
        let [high, low] = PMT_PID.to_be_bytes();
        let pat = vec![0, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0, 1, 0xE0 | high, low];
        self.section(0, pat, out);
        let pid = self.spec.first_pid;
        let pcr = if self.spec.pcr_alone { pid + 9 } else { pid };
        let mut map = vec![2, 0xB0, 0, 0, 1, 0xC1, 0, 0];
        map.extend((0xE000 | pcr).to_be_bytes());
        map.extend([0xF0, 0]);
        let mut streams = vec![(0x1B, pid, ""), (0x0F, pid + 1, self.spec.language)];
        streams.extend(self.spec.splices.then_some((0x86, pid + 2, "")));
        let more = self.spec.more.iter();
        streams.extend(more.map(|more| (more.stream_type, pid + more.pid, more.language)));
        for (kind, pid, language) in streams {
            map.push(kind);
            map.extend((0xE000 | pid).to_be_bytes());
            if language.is_empty() {
                map.extend([0xF0, 0]);
            } else {
                map.extend([0xF0, 6, 0x0A, 4]);
                map.extend(language.bytes().chain([0]));
            }
        }
        self.section(PMT_PID, map, out);
    }

    /// A splice at a presentation time, which stands in its descriptors too, as it was made.
    fn splice(&mut self, pts: i64, out: &mut Vec<u8>) {
        let mut section = vec![0xFC, 0x30, 0, 0];
        let time = (self.spec.base + pts).rem_euclid(1 << 33);
        section.extend(&time.to_be_bytes()[3..]); // nothing encrypted, and the adjustment
        section.extend([0, 0xFF, 0xF0, 0, 0]);
        let made = pts.to_be_bytes();
        section.extend([0, 8]);
        section.extend(made);
        self.section(self.spec.first_pid + 2, section, out);
    }

    fn section(&mut self, pid: u16, mut section: Vec<u8>, out: &mut Vec<u8>) {
        let [high, low] = ((section.len() + 4 - 3) as u16).to_be_bytes();
        (section[1], section[2]) = (section[1] | high, low);
        let crc = crc32(&section);
        section.extend(crc.to_be_bytes());
        section.insert(0, 0);
        for (number, part) in section.chunks(184).enumerate() {
            let mut packet = self.header(pid, number == 0, 0x10).to_vec();
            packet.extend(part);
            packet.resize(PACKET_BYTES, 0xFF);
            out.extend(packet);
        }
    }

    fn header(&mut self, pid: u16, start: bool, control: u8) -> [u8; 4] {
        let counter = self.counters.entry(pid).or_insert(0);
        let [high, low] = pid.to_be_bytes();
        let header = [0x47, u8::from(start) << 6 | high, low, control | *counter];
        *counter = (*counter + u8::from(control & 0x10 != 0)) & 0x0F;
        header
    }

    fn clock(&mut self, pid: u16, pcr: i64, out: &mut Vec<u8>) {
        let mut packet = self.header(pid, false, 0x20).to_vec();
        packet.extend(field(183, Some(pcr)));
        out.extend(packet);
    }

    #[allow(clippy::too_many_arguments, reason = "a PES packet says that much")]
    fn pes(
        &mut self,
        pid: u16,
        stream: u8,
        (pts, dts): (i64, i64),
        mut pcr: Option<i64>,
        unit: &[u8],
        tells_length: bool,
        out: &mut Vec<u8>,
    ) {
        let with_dts = pts != dts;
        let times = if with_dts { 10 } else { 5 };
        let mut bytes = vec![0, 0, 1, stream];
        let length = if tells_length {
            3 + times + unit.len()
        } else {
            0
        };
        bytes.extend((length as u16).to_be_bytes());
        bytes.extend([0x84, if with_dts { 0xC0 } else { 0x80 }, times as u8]);
        bytes.extend(time(if with_dts { 0x30 } else { 0x20 }, pts));
        if with_dts {
            bytes.extend(time(0x10, dts));
        }
        bytes.extend(unit);
        let (mut rest, mut start) = (&bytes[..], true);
        while !rest.is_empty() {
            let room = 184 - if pcr.is_some() { 8 } else { 0 };
            let taken = rest.len().min(room);
            let control = if taken < 184 { 0x30 } else { 0x10 };
            let mut packet = self.header(pid, start, control).to_vec();
            if taken < 184 {
                packet.extend(field(183 - taken, pcr.take()));
            }
            packet.extend(&rest[..taken]);
            out.extend(packet);
            rest = &rest[taken..];
            start = false;
        }
    }
}

/// An adaptation field of so many bytes behind its length.
fn field(length: usize, pcr: Option<i64>) -> Vec<u8> {
    let mut field = vec![length as u8];
    if length > 0 {
        field.push(if pcr.is_some() { 0x10 } else { 0 });
    }
    if let Some(pcr) = pcr {
        let base = pcr.rem_euclid(1 << 33).cast_unsigned();
        field.extend(((base >> 1) as u32).to_be_bytes());
        field.extend([(base as u8 & 1) << 7 | 0x7E, 0]);
    }
    field.resize(1 + length, 0xFF);
    field
}

fn time(prefix: u8, time: i64) -> [u8; 5] {
    let time = time.rem_euclid(1 << 33).cast_unsigned();
    let [a, b] = ((time >> 14) as u16 | 1).to_be_bytes();
    let [c, d] = ((time << 1) as u16 | 1).to_be_bytes();
    [prefix | (time >> 29) as u8 & 0x0E | 1, a, b, c, d]
}
