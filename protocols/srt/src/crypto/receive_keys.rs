use std::sync::Arc;

use super::CryptoError;
use super::stream_key::{Slot, SlotPair, StreamKey};
use crate::wire::{DataHeader, DataKey, SequenceNumber};

/// More packets than any receive buffer holds: repetitions older than this are not wanted.
const REPLACED_KEPT_PACKETS: i32 = 1 << 17;

/// The keys of the receiving direction.
///
/// A refresh puts a new key where the one before last was. Repetitions of packets from that
/// time may still be on their way, so the replaced key is kept for them: the sender cannot
/// have used the new one up to the newest packet seen when it was announced.
#[derive(Debug)]
pub(super) struct ReceiveKeys {
    slots: SlotPair,
    replaced: [Option<Replaced>; 2],
    /// Slots that still hold what the handshake put there.
    initial: [bool; 2],
    newest: Option<Newest>,
}

/// A key whose slot was given to another.
#[derive(Debug)]
struct Replaced {
    key: Arc<StreamKey>,
    /// The last packet that can have been encrypted with it.
    until: SequenceNumber,
}

/// The newest packet opened, and its slot: the one the sender uses now.
#[derive(Clone, Copy, Debug)]
struct Newest {
    sequence: SequenceNumber,
    slot: Slot,
}

impl ReceiveKeys {
    pub(super) const fn new(slots: SlotPair) -> Self {
        Self {
            slots,
            replaced: [None, None],
            initial: [true; 2],
            newest: None,
        }
    }

    pub(super) fn open(
        &mut self,
        header: &DataHeader,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let (slot, sequence) = (slot_of(header.key)?, header.sequence);
        let stream_key = self
            .key_for(slot, sequence)
            .ok_or(CryptoError::UnknownKey)?;
        stream_key.cipher.open(header, secret, out)?;
        self.note(slot, sequence);
        Ok(())
    }

    fn key_for(&self, slot: Slot, sequence: SequenceNumber) -> Option<&Arc<StreamKey>> {
        match &self.replaced[slot.index()] {
            Some(old) if sequence.distance_to(old.until) >= 0 => Some(&old.key),
            _ => self.slots.get(slot),
        }
    }

    fn note(&mut self, slot: Slot, sequence: SequenceNumber) {
        let is_newest = |newest: Newest| newest.sequence.distance_to(sequence) > 0;
        if !self.newest.is_none_or(is_newest) {
            return;
        }
        self.newest = Some(Newest { sequence, slot });
        for replaced in &mut self.replaced {
            let is_over =
                |old: &mut Replaced| old.until.distance_to(sequence) > REPLACED_KEPT_PACKETS;
            replaced.take_if(is_over);
        }
    }

    /// Takes the keys of a refresh. The key in use cannot be exchanged under the packets
    /// that are encrypted with it: such a message is stale or forged.
    pub(super) fn install(&mut self, announced: &SlotPair) -> Result<(), CryptoError> {
        if let Some(Newest { slot, .. }) = self.newest
            && self.would_replace(slot, announced)
        {
            return Err(CryptoError::UnknownKey);
        }
        for slot in Slot::BOTH {
            if let Some(key) = announced.get(slot) {
                if self
                    .slots
                    .get(slot)
                    .is_none_or(|old| old.as_bytes() != key.as_bytes())
                {
                    self.replace(slot);
                }
                self.slots.put(slot, Arc::clone(key));
            }
        }
        Ok(())
    }

    fn would_replace(&self, slot: Slot, announced: &SlotPair) -> bool {
        let keys = self.slots.get(slot).zip(announced.get(slot));
        keys.is_some_and(|(old, new)| old.as_bytes() != new.as_bytes())
    }

    fn replace(&mut self, slot: Slot) {
        self.initial[slot.index()] = false;
        let old = self.slots.get(slot).cloned().zip(self.newest);
        self.replaced[slot.index()] = old.map(|(key, newest)| Replaced {
            key,
            until: newest.sequence,
        });
    }

    /// Whether packets with this key use what both directions start with.
    pub(super) fn is_initial(&self, key: DataKey) -> bool {
        slot_of(key).is_ok_and(|slot| self.initial[slot.index()])
    }
}

const fn slot_of(key: DataKey) -> Result<Slot, CryptoError> {
    match key {
        DataKey::Even => Ok(Slot::Even),
        DataKey::Odd => Ok(Slot::Odd),
        DataKey::Clear => Err(CryptoError::ClearOnEncrypted),
        DataKey::Both => Err(CryptoError::UnknownKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Suite;
    use crate::wire::{MessageNumber, SocketId, Timestamp};

    fn slots(even: u8, odd: Option<u8>) -> SlotPair {
        let key = |fill: u8| StreamKey::new(&[fill; 16], Suite::default(), &[9; 16]).unwrap();
        let mut slots = SlotPair::default();
        slots.put(Slot::Even, key(even));
        if let Some(odd) = odd {
            slots.put(Slot::Odd, key(odd));
        }
        slots
    }

    fn opened(keys: &mut ReceiveKeys, key: DataKey, sequence: u32) -> [u8; 8] {
        let mut out = [0; 8];
        let header = DataHeader {
            key,
            ..DataHeader::live(
                SequenceNumber::new(sequence),
                MessageNumber::new(1),
                Timestamp::new(0),
                SocketId::new(1),
            )
        };
        keys.open(&header, &[0; 8], &mut out).unwrap();
        out
    }

    #[test]
    fn a_late_packet_is_opened_with_the_key_its_slot_held_then() {
        let mut keys = ReceiveKeys::new(slots(1, None));
        let before = opened(&mut keys, DataKey::Even, 100);
        keys.install(&slots(1, Some(2))).unwrap();
        opened(&mut keys, DataKey::Odd, 200);
        keys.install(&slots(3, Some(2))).unwrap();
        assert_eq!(opened(&mut keys, DataKey::Even, 100), before);
        let mut fresh = ReceiveKeys::new(slots(3, None));
        assert_eq!(
            opened(&mut keys, DataKey::Even, 300),
            opened(&mut fresh, DataKey::Even, 300)
        );
    }

    #[test]
    fn a_late_packet_does_not_keep_its_slot_from_a_new_key() {
        let mut keys = ReceiveKeys::new(slots(1, Some(2)));
        opened(&mut keys, DataKey::Odd, 200);
        opened(&mut keys, DataKey::Even, 100);
        assert_eq!(keys.install(&slots(3, Some(2))), Ok(()));
        assert!(
            keys.install(&slots(3, Some(4))).is_err(),
            "the odd key is in use"
        );
    }

    #[test]
    fn a_replaced_key_is_wiped_when_nothing_of_its_time_is_wanted() {
        let mut keys = ReceiveKeys::new(slots(1, Some(2)));
        opened(&mut keys, DataKey::Odd, 200);
        keys.install(&slots(3, Some(2))).unwrap();
        assert!(keys.replaced[Slot::Even.index()].is_some());
        opened(
            &mut keys,
            DataKey::Odd,
            201 + REPLACED_KEPT_PACKETS.unsigned_abs(),
        );
        assert!(keys.replaced[Slot::Even.index()].is_none());
    }
}
