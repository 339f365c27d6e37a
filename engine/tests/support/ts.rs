//! A transport stream made by hand: one program with one MPEG audio track.

use tidegate_mpegts::crc32;

pub(crate) const AUDIO_PID: u16 = 0x101;
const PMT_PID: u16 = 0x100;

/// Ticks of the 90 kHz clock per frame of 1152 samples at 48 kHz.
const FRAME_90KHZ: u64 = 2160;

/// MPEG-1 layer II at 32 kbit/s and 48 kHz, mono: 96 bytes a frame.
fn audio_frame() -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFD, 0x14, 0xC0];
    frame.resize(96, 0);
    frame
}

/// Tables and `frames` audio frames, from frame number `first` on.
pub(crate) fn audio_stream(first: u64, frames: u64) -> Vec<u8> {
    let mut counters = Counters::default();
    let mut stream = packet(0, true, counters.next(0), &section(&pat()));
    stream.extend(packet(PMT_PID, true, counters.next(1), &section(&pmt())));
    for number in first..first + frames {
        let pes = pes(number * FRAME_90KHZ + 90_000);
        stream.extend(packet(AUDIO_PID, true, counters.next(2), &pes));
    }
    stream
}

#[derive(Default)]
struct Counters([u8; 3]);

impl Counters {
    fn next(&mut self, which: usize) -> u8 {
        let now = self.0[which];
        self.0[which] = (now + 1) & 15;
        now
    }
}

fn pat() -> Vec<u8> {
    let [high, low] = PMT_PID.to_be_bytes();
    vec![0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xE0 | high, low]
}

fn pmt() -> Vec<u8> {
    let [high, low] = AUDIO_PID.to_be_bytes();
    let mut table = vec![0x02, 0xB0, 18, 0, 1, 0xC1, 0, 0, 0xE0 | high, low, 0xF0, 0];
    table.extend([0x03, 0xE0 | high, low, 0xF0, 0]);
    table
}

fn section(table: &[u8]) -> Vec<u8> {
    let mut section = vec![0];
    section.extend(table);
    section.extend(crc32(table).to_be_bytes());
    section
}

fn pes(pts: u64) -> Vec<u8> {
    let frame = audio_frame();
    let length = u16::try_from(frame.len() + 8).unwrap();
    let mut pes = vec![0, 0, 1, 0xC0];
    pes.extend(length.to_be_bytes());
    pes.extend([0x80, 0x80, 5]);
    let byte = |shift: u64| u8::try_from(pts >> shift & 0xFF).unwrap();
    pes.push(0x21 | byte(29) & 0x0E);
    pes.push(byte(22));
    pes.push(byte(14) | 1);
    pes.push(byte(7));
    pes.push(byte(0) << 1 | 1);
    pes.extend(frame);
    pes
}

/// One packet, filled up: a section with 0xFF, anything else by its adaptation field.
fn packet(pid: u16, start: bool, counter: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = pid.to_be_bytes();
    let start = if start { 0x40 } else { 0 };
    let is_section = pid != AUDIO_PID;
    let mut packet = vec![0x47, start | high, low];
    if is_section {
        packet.push(0x10 | counter);
    } else {
        packet.push(0x30 | counter);
        let room = 183 - payload.len();
        packet.push(u8::try_from(room).unwrap());
        packet.push(0);
        packet.resize(4 + 1 + room, 0xFF);
    }
    packet.extend(payload);
    packet.resize(188, 0xFF);
    packet
}
