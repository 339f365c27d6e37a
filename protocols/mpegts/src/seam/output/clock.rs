//! Program clocks in packets, and packets that carry nothing else.

use crate::packet::{PACKET_BYTES, Pcr, SYNC_BYTE};

const PCR_FLAG: u8 = 0x10;
const PRIVATE_FLAG: u8 = 0x02;
/// What says that more than flags follows.
const OPTIONAL_FLAGS: u8 = 0x1F;
const PCR_AT: usize = 6;
const PCR_BYTES: usize = 6;
const STUFFING: u8 = 0xFF;

/// The clock of so many ticks of 27 MHz.
pub(super) fn wrapped(ticks: i64) -> Pcr {
    Pcr(ticks.rem_euclid(Pcr::PERIOD.cast_signed()).cast_unsigned())
}

/// Takes the clock out of a packet that has one. Where that is all its field has, private data
/// that nobody reads takes its place: a packet that is filled up in the middle of a picture would
/// look like the last one.
pub(super) fn remove(packet: &mut [u8; PACKET_BYTES]) {
    let end = 5 + usize::from(packet[4]);
    let flags = packet[5];
    let Some(rest) = packet
        .get_mut(PCR_AT..end)
        .filter(|it| it.len() >= PCR_BYTES)
    else {
        return;
    };
    if flags & OPTIONAL_FLAGS == PCR_FLAG {
        rest[..PCR_BYTES].fill(STUFFING);
        rest[0] = PCR_BYTES as u8 - 1;
        packet[5] = flags & !PCR_FLAG | PRIVATE_FLAG;
        return;
    }
    rest.copy_within(PCR_BYTES.., 0);
    let kept = rest.len() - PCR_BYTES;
    rest[kept..].fill(STUFFING);
    packet[5] = flags & !PCR_FLAG;
}

/// A packet without payload. Its counter is still to be set.
pub(super) fn bare(pid: u16, pcr: Option<Pcr>, discontinuity: bool) -> [u8; PACKET_BYTES] {
    let mut packet = [STUFFING; PACKET_BYTES];
    let [high, low] = pid.to_be_bytes();
    let flags = if discontinuity { 0x80 } else { 0 };
    packet[..6].copy_from_slice(&[SYNC_BYTE, high & 0x1F, low, 0x20, 183, flags]);
    if let Some(pcr) = pcr {
        packet[5] |= PCR_FLAG;
        pcr.write(&mut packet);
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;

    #[test]
    fn a_clock_that_is_taken_out_leaves_the_rest_as_it_was() {
        let mut packet = bare(0x100, Some(Pcr(12_345)), false);
        packet[3] = 0x30;
        packet[4] = 9;
        packet[5] |= 0x04;
        packet[12..14].copy_from_slice(&[7, STUFFING]);
        let payload = packet[14..].to_vec();
        remove(&mut packet);
        let view = Packet::new(&packet).expect("a packet");
        assert_eq!(view.adaptation().and_then(|field| field.pcr), None);
        assert_eq!(packet[6..8], [7, STUFFING]);
        assert_eq!(view.payload(), payload);
    }

    #[test]
    fn a_packet_whose_clock_is_taken_out_is_not_filled_up() {
        let mut packet = bare(0x100, Some(Pcr(12_345)), false);
        (packet[3], packet[4]) = (0x30, 7);
        let payload = packet[12..].to_vec();
        remove(&mut packet);
        let view = Packet::new(&packet).expect("a packet");
        assert_eq!(view.adaptation().map(|field| field.pcr), Some(None));
        assert_eq!(view.payload(), payload);
        assert!(!view.filled_up());
    }

    #[test]
    fn a_bare_packet_has_a_clock_and_no_payload() {
        let packet = bare(0x1ABC, Some(wrapped(-1)), true);
        let view = Packet::new(&packet).expect("a packet");
        let field = view.adaptation().expect("a field");
        assert_eq!((view.pid(), view.payload()), (0x1ABC, &[][..]));
        assert_eq!(field.pcr, Some(Pcr(Pcr::PERIOD - 1)));
        assert!(field.discontinuity && !field.random_access);
    }
}
