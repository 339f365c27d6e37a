//! Times where they stand in a packet.

use crate::packet::{PACKET_BYTES, Packet, Pcr};
use crate::timeline::Timeline;

const PCR_AT: usize = 6;
/// Where the optional part of a PES header begins, with its times.
const OPTIONAL_AT: usize = 9;
const TIME_BYTES: usize = 5;

/// Writes the clock of a packet that has one.
pub(crate) fn write_pcr(packet: &mut [u8; PACKET_BYTES], pcr: Pcr) {
    let (base, extension) = (pcr.0 / 300, pcr.0 % 300);
    let field = &mut packet[PCR_AT..PCR_AT + 6];
    field[..4].copy_from_slice(&((base >> 1) as u32).to_be_bytes());
    // Six reserved bits between the two numbers stay as they are.
    field[4] = ((base & 1) as u8) << 7 | field[4] & 0x7E | (extension >> 8) as u8;
    field[5] = extension as u8;
}

/// The times of a PES header that begins in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PesTimes {
    /// There are none.
    None,
    /// The header is longer than the packet.
    CutOff,
    /// Here.
    At(Times),
}

/// Where they are in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pts_at: usize,
    dts_at: Option<usize>,
}

impl PesTimes {
    pub(crate) fn find(packet: &[u8; PACKET_BYTES]) -> Self {
        let Some(view) = Packet::new(packet) else {
            return Self::None;
        };
        let payload = view.payload();
        if !view.unit_start() || view.scrambled() || !payload.starts_with(&[0, 0, 1]) {
            return Self::None;
        }
        let begin = PACKET_BYTES - payload.len();
        let has_times = payload.get(3).is_some_and(|&stream| {
            !matches!(
                stream,
                0xBC | 0xBE | 0xBF | 0xF0 | 0xF1 | 0xF2 | 0xF8 | 0xFF
            )
        });
        if !has_times {
            return Self::None;
        }
        let Some(&flags) = payload.get(7) else {
            return Self::CutOff;
        };
        let times = match flags >> 6 {
            2 => 1,
            3 => 2,
            _ => return Self::None,
        };
        if payload.len() < OPTIONAL_AT + times * TIME_BYTES {
            return Self::CutOff;
        }
        let pts_at = begin + OPTIONAL_AT;
        Self::At(Times {
            pts_at,
            dts_at: (times == 2).then_some(pts_at + TIME_BYTES),
        })
    }
}

impl Times {
    /// The decoding time, which is the presentation time where only that is told.
    pub(crate) fn decoding(self, packet: &[u8; PACKET_BYTES]) -> u64 {
        read_time(packet, self.dts_at.unwrap_or(self.pts_at))
    }

    /// Writes another decoding time, where one is told beside the presentation time.
    pub(crate) fn set_decoding(self, packet: &mut [u8; PACKET_BYTES], time: i64) {
        if let Some(at) = self.dts_at {
            let time = time.rem_euclid(Timeline::PERIOD).cast_unsigned();
            write_time(packet, at, time);
        }
    }

    /// Moves both.
    pub(crate) fn shift(self, packet: &mut [u8; PACKET_BYTES], ticks: i64) {
        for at in [Some(self.pts_at), self.dts_at].into_iter().flatten() {
            let time = read_time(packet, at).cast_signed().saturating_add(ticks);
            write_time(
                packet,
                at,
                time.rem_euclid(Timeline::PERIOD).cast_unsigned(),
            );
        }
    }
}

fn read_time(packet: &[u8; PACKET_BYTES], at: usize) -> u64 {
    let byte = |offset: usize| u64::from(packet[at + offset]);
    (byte(0) >> 1 & 7) << 30 | byte(1) << 22 | (byte(2) >> 1) << 15 | byte(3) << 7 | byte(4) >> 1
}

/// The four bits in front and the three markers stay as they are.
fn write_time(packet: &mut [u8; PACKET_BYTES], at: usize, time: u64) {
    let field = &mut packet[at..at + TIME_BYTES];
    field[0] = field[0] & 0xF1 | (time >> 29) as u8 & 0x0E;
    field[1] = (time >> 22) as u8;
    field[2] = field[2] & 1 | (time >> 14) as u8 & 0xFE;
    field[3] = (time >> 7) as u8;
    field[4] = field[4] & 1 | (time << 1) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PesHeader;

    #[test]
    fn both_times_move_and_wrap_and_all_else_stays() {
        let mut packet = [0xAA; PACKET_BYTES];
        packet[..23].copy_from_slice(&[
            0x47, 0x41, 0x00, 0x10, 0, 0, 1, 0xE0, 0, 0, 0x80, 0xC0, 10, // header
            0x31, 0x00, 0x01, 0x00, 0x03, // 1
            0x1F, 0xFF, 0xFF, 0xFF, 0xFF, // 2^33 - 1
        ]);
        let before = packet;
        let PesTimes::At(times) = PesTimes::find(&packet) else {
            panic!("there are times");
        };
        assert_eq!(times.decoding(&packet), (1 << 33) - 1);
        times.shift(&mut packet, 3_000_000_001);
        let header = PesHeader::parse(&packet[4..]).expect("a header");
        assert_eq!(
            (header.pts, header.dts),
            (Some(3_000_000_002), Some(3_000_000_000))
        );
        times.shift(&mut packet, -3_000_000_001);
        assert_eq!(packet, before);
    }

    #[test]
    fn a_clock_is_read_back_as_it_was_written() {
        let mut packet = [0xFF; PACKET_BYTES];
        packet[..6].copy_from_slice(&[0x47, 0x01, 0x00, 0x20, 183, 0x10]);
        for pcr in [0, 299, 300, 27_000_123, Pcr::PERIOD - 1] {
            write_pcr(&mut packet, Pcr(pcr));
            let read = Packet::new(&packet).and_then(|packet| packet.adaptation()?.pcr);
            assert_eq!(read, Some(Pcr(pcr)));
        }
    }

    #[test]
    fn a_header_that_goes_on_in_the_next_packet_is_noticed() {
        let mut packet = [0xFF; PACKET_BYTES];
        packet[..5].copy_from_slice(&[0x47, 0x41, 0x00, 0x30, 170]);
        packet[175..].copy_from_slice(&[0, 0, 1, 0xE0, 0, 0, 0x80, 0xC0, 10, 0x31, 0, 1, 0]);
        assert_eq!(PesTimes::find(&packet), PesTimes::CutOff);
    }
}
