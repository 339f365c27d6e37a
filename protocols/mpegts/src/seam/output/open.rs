//! Inputs with open groups: an entry that is no IDR picture gets one in front of it, and what
//! follows is told of it (see [`Opening`]).

use super::{Playing, Seam};
use crate::packet::{PACKET_BYTES, Packet};
use crate::seam::intake::{Pes, Unit};
use tidegate_codecs::h264::{Change, Opening, Opens};

impl Playing {
    /// Whether pictures are to be changed for how they were entered: this one, the entry or not,
    /// of the main stream or not.
    pub(super) fn is_open_at(&self, unit: &Unit, is_entry: bool, is_main: bool) -> bool {
        if is_entry {
            return self.is_moved && unit.opens != Opens::AsItIs && !unit.damaged;
        }
        let opening = self.opening.as_ref().filter(|_| is_main);
        opening.is_some_and(|opening| opening.follows(unit.headers))
    }
}

impl Seam {
    /// Writes the entry, and what has to be in front of it; whether it was.
    pub(super) fn begin_open(
        &mut self,
        playing: &mut Playing,
        out: usize,
        pes: &Pes,
        unit: &Unit,
    ) -> bool {
        let (Some(opened), Some(pts), Some(dts)) =
            (Opening::begin(&pes.payload), unit.pts, unit.dts)
        else {
            return false;
        };
        let begins = playing.entry.begins;
        let mut entry_dts = dts;
        if let Some(front) = opened.front {
            let front_dts = dts.min(begins);
            if front_dts == dts {
                // Between it and what comes next.
                entry_dts += (pts - begins) / 2;
            }
            let front_pes = Pes {
                random_access: true,
                payload: Vec::new(),
                ..*pes
            };
            self.rebuild(playing, out, &front_pes, (begins, front_dts), &[&front]);
        }
        self.rebuild(playing, out, pes, (pts, entry_dts), &[&opened.entry]);
        playing.opening = Some(opened.opening);
        true
    }

    /// Writes a picture behind the entry, if it has to be another; whether it was. Where it is the
    /// same but for some bytes, these are changed as its packets pass.
    pub(super) fn follow_open(
        &mut self,
        playing: &mut Playing,
        out: usize,
        pes: &mut Pes,
        unit: &Unit,
    ) -> bool {
        let opening = playing.opening.as_mut();
        let change = opening.and_then(|opening| opening.picture(&pes.payload, unit.key));
        // What is damaged is to look like that.
        let (Some(change), Some(pts), Some(dts)) =
            (change.filter(|_| !unit.damaged), unit.pts, unit.dts)
        else {
            return false;
        };
        match change {
            Change::Unit(other) => {
                self.rebuild(playing, out, pes, (pts, dts), &[&other]);
                true
            }
            Change::Bytes(bytes) => {
                self.streams[out].patch = Patch::new(&bytes, pes.header.payload_offset);
                pes.payload = Change::Bytes(bytes).of(&pes.payload);
                false
            }
        }
    }
}

/// Bytes of one unit that are changed as its packets pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    /// By their places in the PES packet.
    bytes: Vec<(usize, u8)>,
    /// How much of that was in the packets before, and the counter of the last.
    passed: usize,
    last: Option<(u8, usize)>,
}

impl Patch {
    fn new(bytes: &[(usize, u8)], header: usize) -> Self {
        let bytes = bytes.iter().map(|&(at, byte)| (at + header, byte));
        Self {
            bytes: bytes.collect(),
            ..Self::default()
        }
    }

    /// Changes a packet. `view`: as it came.
    pub(super) fn apply(&mut self, view: Packet<'_>, packet: &mut [u8; PACKET_BYTES]) {
        if self.bytes.is_empty() || !view.has_payload() {
            return;
        }
        let length = view.payload().len();
        let counter = view.continuity();
        // A packet may come twice.
        let begins = match self.last {
            Some((last, begins)) if last == counter => begins,
            _ => self.passed,
        };
        self.last = Some((counter, begins));
        self.passed = begins + length;
        let at = PACKET_BYTES - length;
        for &(place, byte) in &self.bytes {
            let place = place.checked_sub(begins).filter(|place| *place < length);
            if let Some(place) = place {
                packet[at + place] = byte;
            }
        }
        if self.bytes.iter().all(|(place, _)| *place < begins) {
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_change_in_the_packets_they_are_in_also_where_one_comes_twice() {
        let packet = |counter: u8, first: bool| {
            let mut packet = [0xFF; PACKET_BYTES];
            packet[..4].copy_from_slice(&[0x47, 0x40 * u8::from(first), 0x40, 0x30 | counter]);
            packet[4] = 1; // two bytes of adaptation field
            packet[5] = 0;
            packet
        };
        // 182 bytes of payload in each.
        let mut patch = Patch::new(&[(3, 1), (181, 2), (190, 3)], 10);
        let mut changed = Vec::new();
        for (number, counter) in [7, 7, 8, 8, 9].into_iter().enumerate() {
            let packet = packet(counter, number == 0);
            let mut copy = packet;
            patch.apply(Packet::new(&packet).expect("a packet"), &mut copy);
            let places = copy.iter().zip(&packet).enumerate();
            let places = places.filter(|(_, (copy, packet))| copy != packet);
            changed.push(
                places
                    .map(|(at, (byte, _))| (at, *byte))
                    .collect::<Vec<_>>(),
            );
        }
        let (first, second) = (vec![(6 + 13, 1)], vec![(6 + 9, 2), (6 + 18, 3)]);
        assert_eq!(
            changed,
            [first.clone(), first, second.clone(), second, vec![]]
        );
    }
}
