use super::CryptoError;
use super::stream_key::{Slot, SlotPair};
use crate::wire::{DataKey, SequenceNumber};

/// The keys of the receiving direction.
#[derive(Debug)]
pub(super) struct ReceiveKeys {
    slots: SlotPair,
    /// Slots that still hold what the handshake put there.
    initial: [bool; 2],
    in_use: Option<Slot>,
}

impl ReceiveKeys {
    pub(super) const fn new(slots: SlotPair) -> Self {
        Self {
            slots,
            initial: [true; 2],
            in_use: None,
        }
    }

    pub(super) fn open(
        &mut self,
        key: DataKey,
        sequence: SequenceNumber,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let slot = slot_of(key)?;
        let stream_key = self.slots.get(slot).ok_or(CryptoError::UnknownKey)?;
        if secret.len() != out.len() {
            return Err(CryptoError::Length);
        }
        stream_key.cipher.apply(sequence, secret, out);
        self.in_use = Some(slot);
        Ok(())
    }

    /// Takes the keys of a refresh. The key in use cannot be exchanged under the packets
    /// that are encrypted with it: such a message is stale or forged.
    pub(super) fn install(&mut self, announced: &SlotPair) -> Result<(), CryptoError> {
        if let Some(in_use) = self.in_use {
            let (old, new) = (self.slots.get(in_use), announced.get(in_use));
            if let (Some(old), Some(new)) = (old, new)
                && old.as_bytes() != new.as_bytes()
            {
                return Err(CryptoError::UnknownKey);
            }
        }
        for slot in Slot::BOTH {
            if let Some(key) = announced.get(slot) {
                let same = self
                    .slots
                    .get(slot)
                    .is_some_and(|old| old.as_bytes() == key.as_bytes());
                self.initial[slot.index()] &= same;
                self.slots.put(slot, key.clone());
            }
        }
        Ok(())
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
