use core::fmt;
use std::sync::Arc;

use rand_core::RngCore;
use zeroize::Zeroizing;

use super::payload_cipher::PayloadCipher;
use super::{KeyError, Suite};
use crate::wire::{DataKey, KeyLength, KeySlots, SALT_BYTES};

/// One stream key, expanded for use and as it is wrapped.
pub(crate) struct StreamKey {
    bytes: Zeroizing<Vec<u8>>,
    pub(super) cipher: PayloadCipher,
}

impl StreamKey {
    pub(super) fn new(
        bytes: &[u8],
        suite: Suite,
        salt: &[u8; SALT_BYTES],
    ) -> Result<Arc<Self>, KeyError> {
        let cipher = PayloadCipher::new(suite, bytes, salt).ok_or(KeyError::Internal)?;
        Ok(Arc::new(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
            cipher,
        }))
    }

    pub(super) fn random(
        suite: Suite,
        salt: &[u8; SALT_BYTES],
        random: &mut impl RngCore,
    ) -> Result<Arc<Self>, KeyError> {
        let mut bytes = Zeroizing::new([0; KeyLength::MAX_BYTES]);
        random.fill_bytes(&mut *bytes);
        Self::new(&bytes[..suite.length.bytes()], suite, salt)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

/// The slot a key sits in; the KK bits of a packet name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Even,
    Odd,
}

impl Slot {
    pub(crate) const BOTH: [Self; 2] = [Self::Even, Self::Odd];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Even => 0,
            Self::Odd => 1,
        }
    }

    pub(crate) const fn data_key(self) -> DataKey {
        match self {
            Self::Even => DataKey::Even,
            Self::Odd => DataKey::Odd,
        }
    }
}

/// The even and the odd key of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlotPair([Option<Arc<StreamKey>>; 2]);

impl SlotPair {
    /// The keys of a message, which are laid end to end, the even one first.
    pub(super) fn split(
        keys: &[u8],
        slots: KeySlots,
        suite: Suite,
        salt: &[u8; SALT_BYTES],
    ) -> Result<Self, KeyError> {
        let mut pair = Self::default();
        let filled: &[Slot] = match slots {
            KeySlots::Even => &[Slot::Even],
            KeySlots::Odd => &[Slot::Odd],
            KeySlots::Both => &Slot::BOTH,
        };
        for (slot, bytes) in filled.iter().zip(keys.chunks_exact(suite.length.bytes())) {
            pair.put(*slot, StreamKey::new(bytes, suite, salt)?);
        }
        Ok(pair)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Arc<StreamKey>> {
        self.0[slot.index()].as_ref()
    }

    pub(crate) fn put(&mut self, slot: Slot, key: Arc<StreamKey>) {
        self.0[slot.index()] = Some(key);
    }

    /// The slot a sender starts with.
    pub(crate) fn first_filled(&self) -> Option<Slot> {
        Slot::BOTH
            .into_iter()
            .find(|slot| self.get(*slot).is_some())
    }

    /// Which slots are filled, and their keys laid end to end.
    pub(crate) fn joined(&self) -> Option<(KeySlots, Zeroizing<Vec<u8>>)> {
        let slots = match (self.get(Slot::Even), self.get(Slot::Odd)) {
            (Some(_), Some(_)) => KeySlots::Both,
            (Some(_), None) => KeySlots::Even,
            (None, Some(_)) => KeySlots::Odd,
            (None, None) => return None,
        };
        let mut keys = Zeroizing::new(Vec::with_capacity(2 * KeyLength::MAX_BYTES));
        for key in self.0.iter().flatten() {
            keys.extend_from_slice(key.as_bytes());
        }
        Some((slots, keys))
    }
}
