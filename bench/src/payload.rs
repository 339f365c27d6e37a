//! The bytes that are sent: a transport stream as an encoder makes it, with a number and a
//! time in every SRT packet.
//!
//! ```text
//! every packet        six packets of H.264 video, one null packet with the mark
//! every 24th packet   a frame begins: PES header with a time stamp, clock reference
//! every 48th packet   the tables instead of the first two
//! every 576th packet  the frame is a key frame, with its parameter sets
//! ```
//!
//! At 6 Mbit/s that is a frame every 42 ms, tables every 84 ms and a key frame a second.

use bytes::Bytes;
use std::sync::LazyLock;
use tidegate_mpegts::{NULL_PID, PACKET_BYTES, PAT_PID, SYNC_BYTE, crc32};
use tidegate_units::Instant;

/// Transport stream packets in one SRT packet.
const TS_PACKETS: usize = 7;
/// Bytes in one SRT packet.
pub(crate) const PAYLOAD_BYTES: usize = TS_PACKETS * PACKET_BYTES;

const MAGIC: u32 = 0x7469_6465;
/// The null packet with the mark is the last one.
const MARK_AT: usize = (TS_PACKETS - 1) * PACKET_BYTES;
const VIDEO_PER_PACKET: u64 = TS_PACKETS as u64 - 1;

const PACKETS_PER_FRAME: u64 = 24;
const PACKETS_PER_TABLES: u64 = 2 * PACKETS_PER_FRAME;
const PACKETS_PER_KEY_FRAME: u64 = 24 * PACKETS_PER_FRAME;

const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x0100;
const H264: u8 = 0x1B;
/// Time stamps are so far ahead of the clock reference.
const AHEAD_TICKS: u64 = 45_000;

/// An access unit delimiter, x264's parameter sets of 1920 × 1080 at 25 frames a second, and
/// the beginning of a slice.
const KEY_FRAME: &[u8] = &[
    0, 0, 0, 1, 0x09, 0x10, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27,
    0xE5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xC8, 0x3C, 0x60, 0xC6, 0x58,
    0, 0, 0, 1, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0, 0, 1, 0x65, 0x88, 0x84,
];
const FRAME: &[u8] = &[0, 0, 0, 1, 0x09, 0x30, 0, 0, 1, 0x41, 0x9A, 0x02];

static PAT: LazyLock<[u8; PACKET_BYTES]> = LazyLock::new(|| {
    let [high, low] = PMT_PID.to_be_bytes();
    table(PAT_PID, 0x00, &[0, 1, 0xE0 | high, low])
});
static PMT: LazyLock<[u8; PACKET_BYTES]> = LazyLock::new(|| {
    let [high, low] = VIDEO_PID.to_be_bytes();
    let (high, video) = (0xE0 | high, H264);
    table(
        PMT_PID,
        0x02,
        &[high, low, 0xF0, 0, video, high, low, 0xF0, 0],
    )
});

/// A packet's number and the moment it was sent.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) number: u64,
    pub(crate) sent: Instant,
}

/// The `number`th packet of a stream.
pub(crate) fn packet(number: u64, sent: Instant) -> Bytes {
    let mut bytes = vec![0xFF; PAYLOAD_BYTES];
    let tables = number / PACKETS_PER_TABLES;
    // Each time the tables were sent they took the place of two packets of video.
    let mut video = number * VIDEO_PER_PACKET - 2 * number.div_ceil(PACKETS_PER_TABLES);
    let mut first_video = true;
    for (slot, ts) in bytes.chunks_exact_mut(PACKET_BYTES).enumerate() {
        match (slot, number % PACKETS_PER_TABLES) {
            (0, 0) => put_table(ts, &PAT, tables),
            (1, 0) => put_table(ts, &PMT, tables),
            _ if slot == TS_PACKETS - 1 => put_mark(ts, number, sent),
            _ => {
                put_header(ts, VIDEO_PID, video);
                if first_video && number.is_multiple_of(PACKETS_PER_FRAME) {
                    begin_frame(ts, number.is_multiple_of(PACKETS_PER_KEY_FRAME), sent);
                }
                first_video = false;
                video += 1;
            }
        }
    }
    bytes.into()
}

/// Reads the mark back; `None` for anything that [`packet`] did not make.
pub(crate) fn mark(bytes: &[u8]) -> Option<Mark> {
    let mark = bytes.get(MARK_AT..)?;
    let word = |at: usize| Some(u64::from_be_bytes(mark.get(at..at + 8)?.try_into().ok()?));
    let magic = u32::from_be_bytes(mark.get(4..8)?.try_into().ok()?);
    (magic == MAGIC).then_some(())?;
    Some(Mark {
        number: word(8)?,
        sent: Instant::from_micros(word(16)?),
    })
}

fn put_header(ts: &mut [u8], pid: u16, counter: u64) {
    let [high, low] = pid.to_be_bytes();
    ts[..4].copy_from_slice(&[SYNC_BYTE, high, low, 0x10 | (counter & 0x0F) as u8]);
}

fn put_table(ts: &mut [u8], table: &[u8; PACKET_BYTES], counter: u64) {
    ts.copy_from_slice(table);
    ts[3] |= (counter & 0x0F) as u8;
}

fn put_mark(ts: &mut [u8], number: u64, sent: Instant) {
    put_header(ts, NULL_PID, 0);
    ts[4..8].copy_from_slice(&MAGIC.to_be_bytes());
    ts[8..16].copy_from_slice(&number.to_be_bytes());
    ts[16..24].copy_from_slice(&sent.as_micros().to_be_bytes());
}

/// Makes the first video packet of a frame of it: clock reference, PES header, first bytes.
fn begin_frame(ts: &mut [u8], is_key: bool, sent: Instant) {
    let micros = sent.as_micros();
    let (base, extension) = (micros * 9 / 100, micros * 27 % 300);
    ts[1] |= 0x40;
    ts[3] |= 0x20;
    let clock = (base & ((1 << 33) - 1)) << 15 | 0x3F << 9 | extension;
    let random_access = if is_key { 0x40 } else { 0 };
    ts[4..6].copy_from_slice(&[7, 0x10 | random_access]);
    ts[6..12].copy_from_slice(&clock.to_be_bytes()[2..]);
    let stamp = base + AHEAD_TICKS;
    let pes = [0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5];
    // Three, fifteen and fifteen bits of it, each with a marker bit behind.
    let [high, middle, low] = [30, 15, 0].map(|shift| (stamp >> shift & 0x7FFF) as u16);
    let [middle, low] = [middle, low].map(|bits| (bits << 1 | 1).to_be_bytes());
    let top = 0x21 | (high as u8 & 7) << 1;
    let time = [top, middle[0], middle[1], low[0], low[1]];
    ts[12..21].copy_from_slice(&pes);
    ts[21..26].copy_from_slice(&time);
    let begins = if is_key { KEY_FRAME } else { FRAME };
    ts[26..26 + begins.len()].copy_from_slice(begins);
}

/// A packet with a section about program 1 of stream 1: `body` is what follows its header.
fn table(pid: u16, id: u8, body: &[u8]) -> [u8; PACKET_BYTES] {
    let mut ts = [0xFF; PACKET_BYTES];
    put_header(&mut ts, pid, 0);
    ts[1] |= 0x40;
    // Behind the length come five bytes of header and four of CRC.
    let length = (body.len() + 9) as u8;
    let mut section = vec![id, 0xB0, length, 0, 1, 0xC1, 0, 0];
    section.extend_from_slice(body);
    let crc = crc32(&section);
    section.extend_from_slice(&crc.to_be_bytes());
    ts[4] = 0;
    ts[5..5 + section.len()].copy_from_slice(&section);
    ts
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_mpegts::Inspector;

    /// Two seconds of 6 Mbit/s.
    fn inspected() -> tidegate_mpegts::MediaReport {
        let mut inspector = Inspector::new();
        let at = |number: u64| Instant::from_micros(1_000_000 + number * 1755);
        for number in 0..1140 {
            inspector.push(at(number), &packet(number, at(number)));
        }
        inspector.report(at(1140))
    }

    #[test]
    fn it_is_a_transport_stream_without_a_fault() {
        let report = inspected();
        assert!(report.has_pat && report.has_pmt);
        assert_eq!(report.continuity_errors, 0);
        assert_eq!((report.table_errors, report.sync_losses), (0, 0));
        assert_eq!(report.packets, 1140 * 7);
        let video = report.video.expect("a video track");
        assert_eq!((video.width, video.height), (Some(1920), Some(1080)));
    }

    #[test]
    fn the_mark_is_read_back_from_every_packet() {
        for number in [0, 1, 24, 48, 576, u64::from(u32::MAX) + 5] {
            let sent = Instant::from_micros(77 + number);
            let mark = mark(&packet(number, sent)).expect("a mark");
            assert_eq!((mark.number, mark.sent), (number, sent));
        }
        assert!(mark(&[0; PAYLOAD_BYTES]).is_none());
        assert!(mark(&[]).is_none());
    }
}
