//! PES packets and sections to transport packets of one PID.

use bytes::{BufMut, BytesMut};

use crate::packet::{PAYLOAD_BYTES, Pcr, SYNC_BYTE};
use crate::timeline::Timeline;

const STUFFING: u8 = 0xFF;
/// Bytes behind the length field up to the payload: flags and up to two times.
const LONGEST_PES_HEADER_BYTES: usize = 19;

/// Writes the packets of one PID.
#[derive(Clone, Debug)]
pub(crate) struct Packetizer {
    pid: u16,
    continuity: u8,
}

/// What is said about a unit in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) stream_id: u8,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) random_access: bool,
    pub(crate) discontinuity: bool,
    pub(crate) pcr: Option<Pcr>,
}

/// The adaptation field of a packet, before stuffing.
#[derive(Clone, Copy, Default)]
struct Field {
    flags: u8,
    pcr: Option<Pcr>,
}

impl Packetizer {
    pub(crate) const fn new(pid: u16) -> Self {
        Self { pid, continuity: 0 }
    }

    pub(crate) const fn pid(&self) -> u16 {
        self.pid
    }

    /// One PES packet with a unit that lies in several parts.
    pub(crate) fn pes(&mut self, head: &Head, parts: &[&[u8]], out: &mut BytesMut) {
        let unit_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let header = pes_header(head, unit_bytes);
        let mut field = Field {
            flags: 0,
            pcr: head.pcr,
        };
        field.flags |= if head.discontinuity { 0x80 } else { 0 };
        field.flags |= if head.random_access { 0x40 } else { 0 };
        let mut pieces: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
        pieces.push(&header);
        pieces.extend(parts.iter().filter(|part| !part.is_empty()));
        self.payload(field, &pieces, header.len() + unit_bytes, out);
    }

    /// One section, in packets of its own.
    pub(crate) fn section(&mut self, section: &[u8], out: &mut BytesMut) {
        // Sections are filled up behind, not in front.
        let bytes = 1 + section.len();
        let padding = vec![STUFFING; bytes.next_multiple_of(PAYLOAD_BYTES) - bytes];
        let pieces = [&[0][..], section, &padding];
        self.payload(Field::default(), &pieces, bytes + padding.len(), out);
    }

    /// A packet without payload that tells the time.
    pub(crate) fn clock_only(&self, pcr: Pcr, discontinuity: bool, out: &mut BytesMut) {
        self.header(false, 0x20, self.continuity.wrapping_sub(1), out);
        let field = Field {
            flags: if discontinuity { 0x80 } else { 0 },
            pcr: Some(pcr),
        };
        field.write(PAYLOAD_BYTES, out);
    }

    fn payload(&mut self, field: Field, pieces: &[&[u8]], total: usize, out: &mut BytesMut) {
        let mut field = Some(field).filter(|field| field.flags != 0 || field.pcr.is_some());
        let mut pieces = pieces.iter().copied();
        let mut piece = pieces.next().unwrap_or_default();
        let mut left = total;
        let mut start = true;
        while left > 0 {
            let wanted = field.map_or(0, |field| field.bytes());
            let room = PAYLOAD_BYTES - wanted;
            let taken = left.min(room);
            // What is left over at the end becomes stuffing in the adaptation field.
            let field_bytes = PAYLOAD_BYTES - taken;
            let control = if field_bytes > 0 { 0x30 } else { 0x10 };
            self.header(start, control, self.continuity, out);
            self.continuity = self.continuity.wrapping_add(1);
            field.take().unwrap_or_default().write(field_bytes, out);
            let mut open = taken;
            while open > 0 {
                let (now, later) = piece.split_at(piece.len().min(open));
                out.put_slice(now);
                open -= now.len();
                piece = if later.is_empty() {
                    pieces.next().unwrap_or_default()
                } else {
                    later
                };
                if piece.is_empty() && open > 0 {
                    out.put_bytes(STUFFING, open); // cannot be: the pieces make up the total
                    open = 0;
                }
            }
            left -= taken;
            start = false;
        }
    }

    fn header(&self, start: bool, control: u8, continuity: u8, out: &mut BytesMut) {
        out.put_u8(SYNC_BYTE);
        out.put_u16(self.pid | if start { 0x4000 } else { 0 });
        out.put_u8(control | continuity & 0x0F);
    }
}

impl Field {
    /// Bytes without stuffing, the length byte included.
    const fn bytes(&self) -> usize {
        2 + if self.pcr.is_some() { 6 } else { 0 }
    }

    /// Writes exactly `bytes`, the length byte included.
    fn write(self, bytes: usize, out: &mut BytesMut) {
        if bytes == 0 {
            return;
        }
        out.put_u8((bytes - 1) as u8);
        if bytes == 1 {
            return;
        }
        out.put_u8(self.flags | if self.pcr.is_some() { 0x10 } else { 0 });
        if let Some(pcr) = self.pcr {
            let (base, extension) = (pcr.0 / 300, pcr.0 % 300);
            out.put_u32((base >> 1) as u32);
            out.put_u16((base as u16 & 1) << 15 | 0x7E00 | extension as u16);
        }
        out.put_bytes(STUFFING, bytes - self.bytes());
    }
}

fn pes_header(head: &Head, unit_bytes: usize) -> Vec<u8> {
    let with_dts = head.dts != head.pts;
    let times = if with_dts { 10 } else { 5 };
    let mut header = Vec::with_capacity(LONGEST_PES_HEADER_BYTES);
    header.extend([0, 0, 1, head.stream_id]);
    // A length that does not fit is left open, which only video may do.
    let length = u16::try_from(3 + times + unit_bytes).unwrap_or(0);
    header.extend(length.to_be_bytes());
    header.extend([0x84, if with_dts { 0xC0 } else { 0x80 }, times as u8]);
    put_time(&mut header, if with_dts { 0x30 } else { 0x20 }, head.pts);
    if with_dts {
        put_time(&mut header, 0x10, head.dts);
    }
    header
}

fn put_time(header: &mut Vec<u8>, prefix: u8, time: i64) {
    let time = time.rem_euclid(Timeline::PERIOD).unsigned_abs();
    header.push(prefix | (time >> 29) as u8 & 0x0E | 1);
    header.extend(((time >> 14) as u16 | 1).to_be_bytes());
    header.extend(((time << 1) as u16 | 1).to_be_bytes());
}
