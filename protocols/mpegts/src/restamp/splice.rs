//! Splice times (SCTE 35), moved with the clock they refer to.
//!
//! ```text
//!  FC │ length │ version │ … pts_adjustment │ tier, command, descriptors │ CRC
//!                              + offset ──────────── the difference ──────► ^
//! ```
//!
//! What a command says stays as it is: the field in front of it is added to all its times, also
//! where the command is encrypted. The CRC is corrected by what the change makes of it, so that
//! a section may go on in the packets behind.

use crate::packet::{PACKET_BYTES, Packet};
use crate::psi;
use crate::timeline::Timeline;

const TABLE_ID: u8 = 0xFC;
const STUFFING: u8 = 0xFF;
/// Table, and how long what follows is.
const HEAD_BYTES: usize = 3;
/// Where the field stands, and where it ends.
const ADJUSTMENT_AT: usize = 4;
const ADJUSTMENT_END: usize = 9;
const CRC_BYTES: usize = 4;
/// A section without a command.
const SECTION_BYTES_MIN: usize = 20;

/// The section of one PID that goes on in the next packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Splice {
    left: usize,
    /// What its CRC is to be changed by.
    correction: u32,
}

impl Splice {
    /// Moves the times of the sections in a packet. False: one could not be moved, because its
    /// head is cut in two.
    pub(crate) fn shift(&mut self, packet: &mut [u8; PACKET_BYTES], ticks: i64) -> bool {
        let Some(view) = Packet::new(packet).filter(|packet| !packet.scrambled()) else {
            return true;
        };
        let (starts, payload) = (view.unit_start(), view.payload());
        let begin = PACKET_BYTES - payload.len();
        if !starts {
            self.go_on(&mut packet[begin..]);
            return true;
        }
        let Some(&pointer) = payload.first() else {
            return true;
        };
        let first = (begin + 1 + usize::from(pointer)).min(PACKET_BYTES);
        self.go_on(&mut packet[begin + 1..first]);
        self.left = 0;
        self.sections(&mut packet[first..], ticks)
    }

    /// Corrects what of a CRC is here.
    fn go_on(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.left == 0 {
                return;
            }
            if let Some(index) = CRC_BYTES.checked_sub(self.left) {
                *byte ^= self.correction.to_be_bytes()[index];
            }
            self.left -= 1;
        }
    }

    fn sections(&mut self, mut bytes: &mut [u8], ticks: i64) -> bool {
        let mut all = true;
        while let [table, high, low, ..] = *bytes {
            if table == STUFFING {
                break;
            }
            let length = HEAD_BYTES + (usize::from(high & 0x0F) << 8 | usize::from(low));
            self.correction = 0;
            if table == TABLE_ID && length >= SECTION_BYTES_MIN {
                match bytes.get_mut(ADJUSTMENT_AT..ADJUSTMENT_END) {
                    Some(field) => self.correction = correction(adjust(field, ticks), length),
                    None => all = false,
                }
            }
            self.left = length;
            self.go_on(bytes);
            bytes = core::mem::take(&mut bytes)
                .get_mut(length..)
                .unwrap_or_default();
        }
        all && !matches!(bytes, [TABLE_ID] | [TABLE_ID, _])
    }
}

/// Adds to the 33 bits; in which of them it differs now.
fn adjust(field: &mut [u8], ticks: i64) -> [u8; ADJUSTMENT_END - ADJUSTMENT_AT] {
    let mut before = [0; ADJUSTMENT_END - ADJUSTMENT_AT];
    before.copy_from_slice(field);
    let value = before[1..]
        .iter()
        .fold(i64::from(before[0] & 1), |value, &byte| {
            value << 8 | i64::from(byte)
        });
    let moved = (value + ticks.rem_euclid(Timeline::PERIOD)).rem_euclid(Timeline::PERIOD);
    let [_, _, _, high, rest @ ..] = moved.to_be_bytes();
    field[0] = before[0] & 0xFE | high;
    field[1..].copy_from_slice(&rest);
    let mut difference = before;
    difference
        .iter_mut()
        .zip(field)
        .for_each(|(difference, after)| *difference ^= *after);
    difference
}

/// What a difference there makes of the CRC at the end.
fn correction(difference: [u8; ADJUSTMENT_END - ADJUSTMENT_AT], length: usize) -> u32 {
    let behind = length.saturating_sub(ADJUSTMENT_END + CRC_BYTES);
    let zeros = [0; 64];
    let mut crc = psi::update(0, &difference);
    let mut left = behind;
    while left > 0 {
        let some = left.min(zeros.len());
        crc = psi::update(crc, &zeros[..some]);
        left -= some;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SectionReader, crc32};
    use proptest::prelude::*;

    /// A section with so many bytes of descriptors, whose splice is adjusted by `adjustment`.
    fn section(adjustment: u64, more: usize) -> Vec<u8> {
        let length = SECTION_BYTES_MIN - HEAD_BYTES + more;
        let mut section = vec![TABLE_ID, 0x30 | (length >> 8) as u8, length as u8, 0];
        section.extend(&adjustment.to_be_bytes()[3..]);
        section.resize(HEAD_BYTES + length - CRC_BYTES, 0x5A);
        let crc = crc32(&section).to_be_bytes();
        section.extend(crc);
        section
    }

    fn packets(sections: &[Vec<u8>]) -> Vec<[u8; PACKET_BYTES]> {
        let bytes = [vec![0], sections.concat()].concat();
        let packet = |(number, chunk): (u8, &[u8])| {
            let mut packet = [0xFF; PACKET_BYTES];
            packet[..4].copy_from_slice(&[0x47, u8::from(number == 0) << 6 | 1, 0, 0x10 | number]);
            packet[4..4 + chunk.len()].copy_from_slice(chunk);
            packet
        };
        (0..).zip(bytes.chunks(184)).map(packet).collect()
    }

    /// The sections behind a shift, all of whose CRCs are right.
    fn shifted(sections: &[Vec<u8>], ticks: i64) -> Vec<Vec<u8>> {
        let (mut splice, mut reader, mut found) =
            (Splice::default(), SectionReader::new(), Vec::new());
        for mut packet in packets(sections) {
            assert!(splice.shift(&mut packet, ticks));
            let view = Packet::new(&packet).expect("a packet");
            reader.push(view.payload(), view.unit_start(), |section| {
                found.push(section.to_vec());
            });
        }
        assert_eq!(reader.crc_errors(), 0);
        found
    }

    #[test]
    fn the_adjustment_moves_and_wraps_and_the_crc_is_right_however_long_the_section() {
        let end = Timeline::PERIOD.cast_unsigned() - 1;
        for more in [0, 100, 159, 160, 161, 162, 163, 164, 500, 4000] {
            for (before, ticks, after) in [(5, 900_000, 900_005), (end, 2, 1), (1, -3, end - 1)] {
                let found = shifted(&[section(before, more)], ticks);
                assert_eq!(found, [section(after, more)], "{more} {ticks}");
            }
        }
    }

    #[test]
    fn every_section_of_a_packet_moves_and_those_of_other_tables_do_not() {
        let mut other = section(5, 0);
        other[0] = 0xC0;
        let end = other.len() - CRC_BYTES;
        let crc = crc32(&other[..end]).to_be_bytes();
        other[end..].copy_from_slice(&crc);
        let found = shifted(&[section(1, 0), other.clone(), section(2, 0)], 10);
        assert_eq!(found, [section(11, 0), other, section(12, 0)]);
    }

    proptest! {
        #[test]
        fn no_packets_break_it(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 184), 1..8),
            heads in proptest::collection::vec((any::<bool>(), 0_u8..4, 0_u8..=183), 8),
            ticks in any::<i64>(),
        ) {
            let mut splice = Splice::default();
            for (payload, (starts, control, pointer)) in packets.iter().zip(heads) {
                let mut packet = [0; PACKET_BYTES];
                packet[..4].copy_from_slice(&[0x47, u8::from(starts) << 6 | 1, 0, control << 4]);
                packet[4..].copy_from_slice(payload);
                // As often as not a section begins where the packet says.
                packet[4] = pointer;
                if let Some(table) = packet.get_mut(5 + usize::from(pointer)) {
                    *table = TABLE_ID;
                }
                let head = packet[..4].to_vec();
                splice.shift(&mut packet, ticks);
                prop_assert_eq!(&packet[..4], &head[..], "the packet's own head stays");
            }
        }
    }

    #[test]
    fn a_head_that_is_cut_in_two_is_noticed() {
        let first = section(1, 160);
        let mut all = packets(&[first, section(2, 0)]);
        assert!(!Splice::default().shift(&mut all[0], 10));
    }
}
