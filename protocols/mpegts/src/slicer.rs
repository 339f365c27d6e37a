//! Bytes of any division to packets, finding the packet grid.
//!
//! ```text
//!             sync byte where expected
//!              ┌────────┐
//!              ▼        │         sync byte missing
//!   start ─► LOCKED ────┘ ───────────────────────────► HUNTING
//!              ▲                                          │
//!              └── three sync bytes, one stride apart ────┘
//! ```

use crate::packet::{PACKET_BYTES, Packet, SYNC_BYTE};

/// Plain packets, packets behind a 4-byte time code (M2TS), packets with 16 bytes of
/// Reed-Solomon code.
const STRIDES: [usize; 3] = [PACKET_BYTES, 192, 204];
/// Bytes taken from the input at a time while earlier bytes are left over.
const CARRY_STEP_BYTES: usize = 4 * 204;

/// Finds packets in a stream of bytes.
#[derive(Clone, Debug)]
pub struct Slicer {
    /// Bytes that did not make a packet yet: less than two strides and a packet.
    carry: Vec<u8>,
    stride: usize,
    locked: bool,
    seen_any: bool,
    sync_losses: u64,
    /// Bytes passed over since the last sync byte that was missing.
    hunted: usize,
    grid_losses: u64,
}

/// Where a search for the grid ended.
enum Hunt {
    Found {
        at: usize,
        stride: usize,
    },
    /// Nothing before `at` can be a packet; from there more bytes are needed.
    Wait {
        at: usize,
    },
}

impl Default for Slicer {
    fn default() -> Self {
        Self::new()
    }
}

impl Slicer {
    /// A slicer that expects a packet first.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            carry: Vec::new(),
            stride: PACKET_BYTES,
            locked: true,
            seen_any: false,
            sync_losses: 0,
            hunted: 0,
            grid_losses: 0,
        }
    }

    /// Whether what comes next begins a packet, unless the grid is lost.
    #[must_use]
    pub fn is_between_packets(&self) -> bool {
        self.locked && self.stride == PACKET_BYTES && self.carry.is_empty()
    }

    /// How often a sync byte was missing where one was due.
    #[must_use]
    pub const fn sync_losses(&self) -> u64 {
        self.sync_losses
    }

    /// How often the grid was lost: more than one sync byte was missing, or packets began
    /// somewhere else from there on.
    #[must_use]
    pub const fn grid_losses(&self) -> u64 {
        // The one that lasts still counts: nobody knows when it will end.
        let lasts = !self.locked && self.seen_any && self.hunted > self.stride;
        self.grid_losses + lasts as u64
    }

    /// Forgets left-over bytes: what follows does not continue them.
    pub fn restart(&mut self) {
        self.carry.clear();
        self.locked = true;
        self.stride = PACKET_BYTES;
        self.seen_any = false;
    }

    /// Calls `on_packet` for every packet completed by these bytes. The packets do not
    /// depend on how the stream was divided into pushes.
    pub fn push(&mut self, mut bytes: &[u8], mut on_packet: impl FnMut(Packet<'_>)) {
        while !bytes.is_empty() {
            if self.carry.is_empty() {
                let used = self.slice(bytes, &mut on_packet);
                self.carry.extend_from_slice(&bytes[used..]);
                return;
            }
            let mut carry = core::mem::take(&mut self.carry);
            let before = carry.len();
            let taken = bytes.len().min(CARRY_STEP_BYTES);
            carry.extend_from_slice(&bytes[..taken]);
            let used = self.slice(&carry, &mut on_packet);
            if used >= before {
                // Nothing old is left: the rest can be read where it lies.
                bytes = &bytes[used - before..];
                carry.clear();
            } else {
                bytes = &bytes[taken..];
                carry.drain(..used);
            }
            self.carry = carry;
        }
    }

    #[cold]
    fn lose(&mut self) {
        self.locked = false;
        self.hunted = 0;
        self.sync_losses += u64::from(self.seen_any);
    }

    /// The grid goes on `skip` bytes further, if it is the one before at all.
    #[cold]
    fn lock(&mut self, skip: usize, stride: usize) {
        let one_byte = self.hunted + skip == self.stride && stride == self.stride;
        self.grid_losses += u64::from(self.seen_any && !one_byte);
        self.stride = stride;
        self.locked = true;
    }

    /// Handles the packets in `data` and returns how many bytes are done with.
    fn slice(&mut self, data: &[u8], on_packet: &mut impl FnMut(Packet<'_>)) -> usize {
        let mut at = 0;
        loop {
            if !self.locked {
                match hunt(&data[at..]) {
                    Hunt::Wait { at: skip } => {
                        self.hunted += skip;
                        return at + skip;
                    }
                    Hunt::Found { at: skip, stride } => {
                        at += skip;
                        self.lock(skip, stride);
                    }
                }
            }
            let Some(window) = data.get(at..at + self.stride) else {
                return at;
            };
            let packet = window.first_chunk::<PACKET_BYTES>().and_then(Packet::new);
            let Some(packet) = packet else {
                self.lose();
                continue;
            };
            self.seen_any = true;
            on_packet(packet);
            at += self.stride;
        }
    }
}

fn hunt(data: &[u8]) -> Hunt {
    for at in 0..data.len() {
        if data[at] != SYNC_BYTE {
            continue;
        }
        for stride in STRIDES {
            let follows = |packets: usize| data.get(at + packets * stride).map(|&b| b == SYNC_BYTE);
            match (follows(1), follows(2)) {
                (Some(true), Some(true)) => return Hunt::Found { at, stride },
                (Some(false), _) | (_, Some(false)) => {}
                _ => return Hunt::Wait { at },
            }
        }
    }
    Hunt::Wait { at: data.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(number: u8) -> Vec<u8> {
        let mut bytes = vec![number; PACKET_BYTES];
        bytes[..4].copy_from_slice(&[SYNC_BYTE, 0, number, 0x10]);
        bytes
    }

    fn pids(slicer: &mut Slicer, bytes: &[u8]) -> Vec<u16> {
        let mut pids = Vec::new();
        slicer.push(bytes, |packet| pids.push(packet.pid()));
        pids
    }

    #[test]
    fn garbage_between_packets_costs_one_sync_loss() {
        let mut stream: Vec<u8> = (0..3).flat_map(packet).collect();
        stream.extend([1, 2, SYNC_BYTE, 3]);
        stream.extend((3..6).flat_map(packet));
        let mut slicer = Slicer::new();
        assert_eq!(pids(&mut slicer, &stream), [0, 1, 2, 3, 4, 5]);
        assert_eq!((slicer.sync_losses(), slicer.grid_losses()), (1, 1));
    }

    #[test]
    fn one_damaged_sync_byte_does_not_lose_the_grid_and_two_do() {
        for (damaged, losses) in [(1, 0), (2, 1)] {
            let mut packets: Vec<Vec<u8>> = (0..8).map(packet).collect();
            for packet in &mut packets[3..3 + damaged] {
                packet[0] = 0;
            }
            let mut slicer = Slicer::new();
            assert_eq!(pids(&mut slicer, &packets.concat()).len(), 8 - damaged);
            assert_eq!((slicer.sync_losses(), slicer.grid_losses()), (1, losses));
        }
    }

    #[test]
    fn a_grid_that_does_not_come_back_is_lost_once() {
        let mut slicer = Slicer::new();
        pids(&mut slicer, &packet(1));
        for _ in 0..10 {
            pids(&mut slicer, &[0; 1000]);
            assert_eq!(slicer.grid_losses(), 1);
        }
        pids(&mut slicer, &(0..5).flat_map(packet).collect::<Vec<_>>());
        assert_eq!(slicer.grid_losses(), 1);
    }

    #[test]
    fn packets_with_time_codes_and_with_error_codes_are_found() {
        for (prefix, suffix) in [(4, 0), (0, 16)] {
            let mut stream = Vec::new();
            for number in 0..6 {
                stream.extend(vec![0xAA; prefix]);
                stream.extend(packet(number));
                stream.extend(vec![0x55; suffix]);
            }
            stream.extend([0xAA; 4]);
            assert_eq!(pids(&mut Slicer::new(), &stream), [0, 1, 2, 3, 4, 5]);
        }
    }

    proptest! {
        #[test]
        fn the_division_into_chunks_makes_no_difference(
            pieces in prop::collection::vec(
                prop_oneof![
                    5 => any::<u8>().prop_map(packet),
                    1 => prop::collection::vec(
                        prop_oneof![Just(SYNC_BYTE), any::<u8>()], 1..400),
                ], 1..12),
            cuts in prop::collection::vec(1_usize..700, 1..40),
        ) {
            let stream = pieces.concat();
            let mut whole = Slicer::new();
            let expected = pids(&mut whole, &stream);
            let mut chunked = Slicer::new();
            let mut found = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                let (chunk, after) = rest.split_at(rest.len().min(*cut));
                found.extend(pids(&mut chunked, chunk));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(chunked.sync_losses(), whole.sync_losses());
            prop_assert_eq!(chunked.grid_losses(), whole.grid_losses());
            prop_assert!(chunked.carry.len() <= 2 * 204 + PACKET_BYTES);
        }
    }
}
