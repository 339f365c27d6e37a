use crate::wire::{DataHeader, DataKey};

/// The XOR of packets: their lengths, key flags, timestamps and payloads, the shorter
/// payloads filled up with zeros.
///
/// The buffer is allocated when the first packet is added, and used again afterwards.
#[derive(Debug, Default)]
pub(super) struct Clip {
    pub(super) length: u16,
    pub(super) flags: u8,
    pub(super) timestamp: u32,
    payload: Vec<u8>,
}

impl Clip {
    /// Back to no packets. The buffer stays.
    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.flags = 0;
        self.timestamp = 0;
        self.payload.clear();
    }

    /// Adds a packet, or takes it away again; it fits into `room_bytes`.
    pub(super) fn add(&mut self, header: &DataHeader, payload: &[u8], room_bytes: usize) {
        self.add_clipped(
            u16::try_from(payload.len()).unwrap_or(u16::MAX),
            bits_of(header.key),
            header.timestamp.as_micros(),
        );
        self.add_payload(payload, room_bytes);
    }

    /// Adds what a FEC packet says of its group.
    pub(super) fn add_clipped(&mut self, length: u16, flags: u8, timestamp: u32) {
        self.length ^= length;
        self.flags ^= flags;
        self.timestamp ^= timestamp;
    }

    pub(super) fn add_payload(&mut self, payload: &[u8], room_bytes: usize) {
        if self.payload.capacity() == 0 {
            self.payload.reserve_exact(room_bytes);
        }
        let known = self.payload.len().min(payload.len());
        for (sum, byte) in self.payload.iter_mut().zip(payload) {
            *sum ^= byte;
        }
        self.payload.extend_from_slice(&payload[known..]);
    }

    /// As long as the longest packet that was added.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key flag when this is what one packet is left with.
    pub(super) const fn key(&self) -> Option<DataKey> {
        match self.flags {
            0 => Some(DataKey::Clear),
            1 => Some(DataKey::Even),
            2 => Some(DataKey::Odd),
            _ => None,
        }
    }
}

const fn bits_of(key: DataKey) -> u8 {
    match key {
        DataKey::Clear => 0,
        DataKey::Even => 1,
        DataKey::Odd => 2,
        DataKey::Both => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MessageNumber, SequenceNumber, SocketId, Timestamp};

    fn header(micros: u32, key: DataKey) -> DataHeader {
        let sequence = SequenceNumber::new(1);
        let stamp = Timestamp::new(micros);
        let socket = SocketId::new(7);
        DataHeader {
            key,
            ..DataHeader::live(sequence, MessageNumber::FIRST, stamp, socket)
        }
    }

    #[test]
    fn what_is_added_twice_is_gone_and_the_other_packet_is_left() {
        let mut clip = Clip::default();
        clip.add(&header(500, DataKey::Even), b"longer payload", 64);
        clip.add(&header(700, DataKey::Odd), b"short", 64);
        clip.add(&header(500, DataKey::Even), b"longer payload", 64);
        assert_eq!((clip.length, clip.timestamp), (5, 700));
        assert_eq!(clip.key(), Some(DataKey::Odd));
        assert_eq!(&clip.payload()[..5], b"short");
        assert!(clip.payload()[5..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_buffer_is_allocated_once() {
        let mut clip = Clip::default();
        clip.add(&header(1, DataKey::Clear), b"a", 64);
        let place = clip.payload.as_ptr();
        for _ in 0..10 {
            clip.clear();
            clip.add(&header(1, DataKey::Clear), &[1; 64], 64);
            assert_eq!(clip.payload.as_ptr(), place);
        }
    }
}
