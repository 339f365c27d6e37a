use core::fmt;

use rand_core::RngCore;

use super::key_encryption_key::KeyEncryptionKey;
use super::stream_key::{Slot, SlotPair, StreamKey};
use super::{KeyError, Suite};
use crate::wire::{CipherMode, KeyLength, SALT_BYTES, key_material_bytes};

/// The keys of one connection: what the passphrase opened or what was made from it.
///
/// The passphrase itself is gone; the key derived from it stays, so that a refresh costs
/// microseconds. Memory is wiped when the last owner lets go. Nothing of it is printed.
#[derive(Clone)]
pub struct SessionKeys {
    pub(super) kek: KeyEncryptionKey,
    pub(super) mode: CipherMode,
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) slots: SlotPair,
    message: Vec<u8>,
}

impl SessionKeys {
    /// Makes new keys for a call. Slow: PBKDF2 belongs to the key pool.
    ///
    /// # Errors
    /// If the passphrase is too short or too long.
    pub fn generate(
        passphrase: &[u8],
        length: KeyLength,
        mode: CipherMode,
        random: &mut impl RngCore,
    ) -> Result<Self, KeyError> {
        let mut salt = [0; SALT_BYTES];
        random.fill_bytes(&mut salt);
        let kek = KeyEncryptionKey::derive(passphrase, &salt, length)?;
        let mut slots = SlotPair::default();
        let suite = Suite { mode, length };
        slots.put(Slot::Even, StreamKey::random(suite, &salt, random)?);
        let message = wrapped_message(&kek, mode, &salt, &slots)?;
        Ok(Self {
            kek,
            mode,
            salt,
            slots,
            message,
        })
    }

    /// Keys of the same passphrase for another connection. Quick: what was derived from the
    /// passphrase is kept, only the stream key is new.
    ///
    /// # Errors
    /// If the key cannot be wrapped.
    pub(crate) fn renewed(&self, random: &mut impl RngCore) -> Result<Self, KeyError> {
        let suite = Suite {
            mode: self.mode,
            length: self.key_length(),
        };
        let mut slots = SlotPair::default();
        slots.put(Slot::Even, StreamKey::random(suite, &self.salt, random)?);
        let message = wrapped_message(&self.kek, self.mode, &self.salt, &slots)?;
        Ok(Self {
            kek: self.kek.clone(),
            mode: self.mode,
            salt: self.salt,
            slots,
            message,
        })
    }

    pub(super) const fn opened(
        kek: KeyEncryptionKey,
        mode: CipherMode,
        salt: [u8; SALT_BYTES],
        slots: SlotPair,
        message: Vec<u8>,
    ) -> Self {
        Self {
            kek,
            mode,
            salt,
            slots,
            message,
        }
    }

    /// The key length.
    #[must_use]
    pub const fn key_length(&self) -> KeyLength {
        self.kek.length()
    }

    /// The cipher mode.
    #[must_use]
    pub const fn cipher(&self) -> CipherMode {
        self.mode
    }

    /// The key material message: what a caller sends and a listener echoes.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

/// Wraps the filled slots into a key material message.
pub(super) fn wrapped_message(
    kek: &KeyEncryptionKey,
    mode: CipherMode,
    salt: &[u8; SALT_BYTES],
    slots: &SlotPair,
) -> Result<Vec<u8>, KeyError> {
    let (filled, keys) = slots.joined().ok_or(KeyError::Internal)?;
    let wrapped = kek.wrap(&keys)?;
    Ok(key_material_bytes(
        filled,
        mode,
        kek.length(),
        salt,
        &wrapped,
    ))
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeys")
            .field("length", &self.key_length())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
