use super::key_encryption_key::KeyEncryptionKey;
use super::session_keys::SessionKeys;
use super::stream_key::SlotPair;
use super::{KeyError, Suite};
use crate::wire::{CipherMode, KeyLength, KeyMaterialMessage, WireError};

/// A caller's key material, kept until somebody knows the passphrase that opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial {
    bytes: Box<[u8]>,
}

impl KeyMaterial {
    /// Copies a key material message out of its datagram.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(KeyMaterialMessage::parse(bytes)?.into())
    }

    /// Opens the keys. Slow: PBKDF2 belongs to the key pool.
    ///
    /// # Errors
    /// If the passphrase is not the caller's.
    pub fn open(&self, passphrase: &[u8]) -> Result<SessionKeys, KeyError> {
        let message = KeyMaterialMessage::parse(&self.bytes).map_err(|_| KeyError::Internal)?;
        let suite = Suite {
            mode: message.cipher(),
            length: message.key_length(),
        };
        let salt = message.salt();
        let kek = KeyEncryptionKey::derive(passphrase, &salt, suite.length)?;
        let keys = kek.unwrap(message.wrapped())?;
        let slots = SlotPair::split(&*keys, message.keys(), suite, &salt)?;
        Ok(SessionKeys::opened(
            kek,
            suite.mode,
            salt,
            slots,
            self.bytes.to_vec(),
        ))
    }

    /// The length of the keys.
    #[must_use]
    pub fn key_length(&self) -> KeyLength {
        KeyMaterialMessage::parse(&self.bytes).map_or(KeyLength::Aes128, |km| km.key_length())
    }

    /// The cipher mode the caller encrypts with.
    #[must_use]
    pub fn cipher(&self) -> CipherMode {
        KeyMaterialMessage::parse(&self.bytes).map_or(CipherMode::Ctr, |km| km.cipher())
    }
}

impl From<KeyMaterialMessage<'_>> for KeyMaterial {
    fn from(message: KeyMaterialMessage<'_>) -> Self {
        Self {
            bytes: message.as_bytes().into(),
        }
    }
}

impl core::fmt::Debug for KeyMaterial {
    /// The wrapped keys stay out of logs: they can be attacked offline.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyMaterial")
            .field("key_length", &self.key_length())
            .finish_non_exhaustive()
    }
}
