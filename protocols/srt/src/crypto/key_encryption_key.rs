use core::fmt;

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::KeyError;
use crate::wire::{KeyLength, SALT_BYTES, WRAP_BYTES};

/// The key derived from a passphrase and a salt that wraps stream keys (RFC 3394).
///
/// Deriving it is expensive on purpose; it is kept so that a key refresh is not.
#[derive(Clone)]
pub(crate) struct KeyEncryptionKey {
    bytes: Zeroizing<[u8; KeyLength::MAX_BYTES]>,
    length: KeyLength,
}

/// Rounds of PBKDF2-HMAC-SHA1.
const DERIVATION_ROUNDS: u32 = 2048;
/// Only the end of the salt goes into the derivation.
const DERIVATION_SALT: core::ops::Range<usize> = 8..SALT_BYTES;
/// What SRT allows as a passphrase, in bytes.
const PASSPHRASE_BYTES: core::ops::RangeInclusive<usize> = 10..=80;

/// Room for two unwrapped keys of any length.
pub(crate) type UnwrappedKeys = Zeroizing<[u8; 2 * KeyLength::MAX_BYTES]>;

impl KeyEncryptionKey {
    /// Derives the key: up to a millisecond of work.
    pub(crate) fn derive(
        passphrase: &[u8],
        salt: &[u8; SALT_BYTES],
        length: KeyLength,
    ) -> Result<Self, KeyError> {
        if !PASSPHRASE_BYTES.contains(&passphrase.len()) {
            return Err(KeyError::PassphraseLength {
                bytes: passphrase.len(),
            });
        }
        let mut bytes = Zeroizing::new([0; KeyLength::MAX_BYTES]);
        pbkdf2::pbkdf2_hmac::<Sha1>(
            passphrase,
            &salt[DERIVATION_SALT],
            DERIVATION_ROUNDS,
            &mut bytes[..length.bytes()],
        );
        Ok(Self { bytes, length })
    }

    /// The length of the key, and of the keys it wraps.
    pub(crate) const fn length(&self) -> KeyLength {
        self.length
    }

    /// Wraps one or two keys laid end to end.
    pub(crate) fn wrap(&self, keys: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut wrapped = vec![0; keys.len() + WRAP_BYTES];
        let key = self.as_bytes();
        match self.length {
            KeyLength::Aes128 => new::<KwAes128>(key)?.wrap_key(keys, &mut wrapped),
            KeyLength::Aes192 => new::<KwAes192>(key)?.wrap_key(keys, &mut wrapped),
            KeyLength::Aes256 => new::<KwAes256>(key)?.wrap_key(keys, &mut wrapped),
        }
        .map_err(|_| KeyError::Internal)?;
        Ok(wrapped)
    }

    /// Unwraps them; a wrong passphrase shows here.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Result<UnwrappedKeys, KeyError> {
        let mut keys = UnwrappedKeys::new([0; 2 * KeyLength::MAX_BYTES]);
        let key = self.as_bytes();
        match self.length {
            KeyLength::Aes128 => new::<KwAes128>(key)?.unwrap_key(wrapped, &mut *keys),
            KeyLength::Aes192 => new::<KwAes192>(key)?.unwrap_key(wrapped, &mut *keys),
            KeyLength::Aes256 => new::<KwAes256>(key)?.unwrap_key(wrapped, &mut *keys),
        }
        .map_err(|_| KeyError::WrongPassphrase)?;
        Ok(keys)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.bytes()]
    }
}

fn new<K: KeyInit>(key: &[u8]) -> Result<K, KeyError> {
    K::new_from_slice(key).map_err(|_| KeyError::Internal)
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unhex;

    fn kek(hex: &str, length: KeyLength) -> KeyEncryptionKey {
        let mut bytes = Zeroizing::new([0; KeyLength::MAX_BYTES]);
        bytes[..length.bytes()].copy_from_slice(&unhex(hex));
        KeyEncryptionKey { bytes, length }
    }

    /// RFC 3394, sections 4.1, 4.3 and 4.6.
    #[test]
    fn keys_are_wrapped_as_rfc_3394_says() {
        let vectors = [
            (
                KeyLength::Aes128,
                "000102030405060708090A0B0C0D0E0F",
                "00112233445566778899AABBCCDDEEFF",
                "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
            ),
            (
                KeyLength::Aes192,
                "000102030405060708090A0B0C0D0E0F1011121314151617",
                "00112233445566778899AABBCCDDEEFF0001020304050607",
                "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2",
            ),
            (
                KeyLength::Aes256,
                "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ];
        for (length, key, plain, wrapped) in vectors {
            let kek = kek(key, length);
            assert_eq!(kek.wrap(&unhex(plain)).unwrap(), unhex(wrapped));
            let back = kek.unwrap(&unhex(wrapped)).unwrap();
            assert_eq!(back[..length.bytes()], unhex(plain));
        }
    }

    #[test]
    fn a_changed_bit_does_not_unwrap() {
        let kek = kek("000102030405060708090A0B0C0D0E0F", KeyLength::Aes128);
        let mut wrapped = unhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5");
        wrapped[9] ^= 1;
        assert_eq!(kek.unwrap(&wrapped).unwrap_err(), KeyError::WrongPassphrase);
    }

    /// Passphrase, the last 8 bytes of the salt, 2048 rounds of HMAC-SHA1; the expected
    /// keys come from Python's `hashlib.pbkdf2_hmac`.
    #[test]
    fn the_key_is_derived_with_the_end_of_the_salt() {
        let salt: [u8; SALT_BYTES] = core::array::from_fn(|index| index as u8);
        let derived = KeyEncryptionKey::derive(b"correct-horse-battery", &salt, KeyLength::Aes256);
        assert_eq!(
            derived.unwrap().as_bytes(),
            unhex("7edf7de7e4d7d1667f7eb18f7ea601da6eb59c620f3cfc133bfdef940f0b4289")
        );
    }

    #[test]
    fn passphrases_outside_ten_to_eighty_bytes_are_refused() {
        for bytes in [0, 9, 81] {
            let error = KeyEncryptionKey::derive(&vec![b'x'; bytes], &[0; 16], KeyLength::Aes128);
            assert_eq!(error.unwrap_err(), KeyError::PassphraseLength { bytes });
        }
    }
}
