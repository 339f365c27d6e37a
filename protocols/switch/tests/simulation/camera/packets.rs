//! Transport packets, written the plain way.

pub const PACKET: usize = 188;
pub const PERIOD: i64 = 1 << 33;

/// Counts and cuts for one stream.
#[derive(Clone, Debug, Default)]
pub struct Counters([u8; 32], Vec<u16>);

impl Counters {
    fn next(&mut self, pid: u16, counts: bool) -> u8 {
        let known = self.1.iter().position(|known| *known == pid);
        let at = known.unwrap_or_else(|| {
            self.1.push(pid);
            self.1.len() - 1
        });
        if counts {
            self.0[at] = (self.0[at] + 1) & 0x0F;
        }
        self.0[at]
    }

    /// A PES packet in transport packets.
    pub fn pes(&mut self, pid: u16, pes: &[u8], pcr: Option<u64>, is_key: bool) -> Vec<[u8; 188]> {
        let mut out = Vec::new();
        let mut rest = pes;
        let mut first = true;
        while first || !rest.is_empty() {
            let mut field = Vec::new();
            if first && (pcr.is_some() || is_key) {
                field.push(u8::from(is_key) << 6 | u8::from(pcr.is_some()) << 4);
                field.extend(pcr.iter().flat_map(|pcr| clock(*pcr)));
            }
            let overhead = usize::from(!field.is_empty());
            let room = PACKET - 4 - overhead - field.len();
            let taken = rest.len().min(room);
            // What is left over is filled up inside an adaptation field.
            let mut stuffing = room - taken;
            let mut packet = vec![0x47, 0, 0, 0];
            packet[1] = u8::from(first) << 6 | (pid >> 8) as u8;
            packet[2] = pid as u8;
            let has_field = !field.is_empty() || stuffing > 0;
            packet[3] = 0x10 | u8::from(has_field) << 5 | self.next(pid, true);
            if has_field {
                if field.is_empty() {
                    stuffing -= 1;
                    if stuffing > 0 {
                        field.push(0);
                        stuffing -= 1;
                    }
                }
                packet.push((field.len() + stuffing) as u8);
                packet.extend(&field);
                packet.extend(vec![0xFF; stuffing]);
            }
            packet.extend(&rest[..taken]);
            rest = &rest[taken..];
            first = false;
            out.push(packet.try_into().expect("a packet has 188 bytes"));
        }
        out
    }

    /// A clock alone.
    pub fn clock(&mut self, pid: u16, pcr: u64) -> [u8; 188] {
        let mut packet = [0xFF; PACKET];
        packet[..6].copy_from_slice(&[0x47, (pid >> 8) as u8, pid as u8, 0x20, 183, 0x10]);
        packet[3] |= self.next(pid, false);
        packet[6..12].copy_from_slice(&clock(pcr));
        packet
    }

    /// A section of a table.
    pub fn section(&mut self, pid: u16, section: &[u8]) -> [u8; 188] {
        let mut packet = [0xFF; PACKET];
        packet[..5].copy_from_slice(&[0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10, 0]);
        packet[3] |= self.next(pid, true);
        packet[5..5 + section.len()].copy_from_slice(section);
        packet
    }
}

fn clock(pcr: u64) -> [u8; 6] {
    let pcr = pcr % (PERIOD as u64 * 300);
    let field = (pcr / 300) << 15 | 0x7E00 | (pcr % 300);
    let bytes = field.to_be_bytes();
    core::array::from_fn(|at| bytes[at + 2])
}

/// A PES packet; video leaves its length open.
pub fn pes(stream_id: u8, pts: i64, dts: Option<i64>, payload: &[u8]) -> Vec<u8> {
    let dts = dts.filter(|dts| *dts != pts);
    let times = if dts.is_some() { 10 } else { 5 };
    let length = if stream_id == 0xE0 {
        0
    } else {
        payload.len() + 3 + times
    };
    let mut out = vec![0, 0, 1, stream_id];
    out.extend((length as u16).to_be_bytes());
    let flags = if dts.is_some() { 0xC0 } else { 0x80 };
    out.extend([0x80, flags, times as u8]);
    out.extend(time(if dts.is_some() { 3 } else { 2 }, pts));
    out.extend(dts.iter().flat_map(|dts| time(1, *dts)));
    out.extend(payload);
    out
}

fn time(mark: u8, ticks: i64) -> [u8; 5] {
    let ticks = ticks.rem_euclid(PERIOD);
    [
        mark << 4 | ((ticks >> 30) as u8 & 7) << 1 | 1,
        (ticks >> 22) as u8,
        (ticks >> 14) as u8 & 0xFE | 1,
        (ticks >> 7) as u8,
        (ticks << 1) as u8 | 1,
    ]
}

/// PAT of one program.
pub fn pat(program: u16, pmt_pid: u16) -> Vec<u8> {
    let mut body = program.to_be_bytes().to_vec();
    body.extend((0xE000 | pmt_pid).to_be_bytes());
    table(0x00, 1, 0, &body)
}

/// PMT: stream types, PIDs and languages.
pub fn pmt(program: u16, pcr_pid: u16, streams: &[(u8, u16, Option<[u8; 3]>)]) -> Vec<u8> {
    let mut body = (0xE000 | pcr_pid).to_be_bytes().to_vec();
    body.extend([0xF0, 0]);
    for (kind, pid, language) in streams {
        body.push(*kind);
        body.extend((0xE000 | pid).to_be_bytes());
        match language {
            Some(language) => {
                body.extend([0xF0, 6, 0x0A, 4]);
                body.extend(language);
                body.push(0);
            }
            None => body.extend([0xF0, 0]),
        }
    }
    table(0x02, program, 0, &body)
}

fn table(id: u8, extension: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = (5 + body.len() + 4) as u16;
    let mut out = vec![id];
    out.extend((0xB000 | length).to_be_bytes());
    out.extend(extension.to_be_bytes());
    out.extend([0xC1 | version << 1, 0, 0]);
    out.extend(body);
    let sum = checksum(&out);
    out.extend(sum.to_be_bytes());
    out
}

/// CRC-32 of MPEG-2, bit by bit.
pub fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            let carry = crc & 0x8000_0000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x04C1_1DB7;
            }
        }
    }
    crc
}
