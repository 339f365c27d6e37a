use super::WireError;
use super::key_length::KeyLength;
use super::word::{put_word, word};

/// A key material message: one or two stream keys, wrapped with a key derived from the
/// passphrase.
///
/// ```text
///  0x12 | 0x2029 'HAI' | KK
///  key encryption key index (0: from the passphrase)
///  cipher | authentication | encapsulation (2) | 0
///  0 | salt length / 4 | key length / 4
///  salt (16 bytes)
///  wrapped keys: 8 + n × key length bytes, the even key first
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyMaterialMessage<'a> {
    bytes: &'a [u8],
    keys: KeySlots,
    cipher: CipherMode,
    key_length: KeyLength,
}

/// Which keys a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySlots {
    /// The even key.
    Even,
    /// The odd key.
    Odd,
    /// Both, the even one first.
    Both,
}

/// How payloads are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CipherMode {
    /// AES in counter mode: secret, but not authenticated.
    #[default]
    Ctr,
    /// AES in Galois/counter mode: secret and authenticated.
    Gcm,
}

/// Bytes of the message's salt.
pub const SALT_BYTES: usize = 16;
/// Bytes that key wrap adds.
pub const WRAP_BYTES: usize = 8;

const SIGNATURE: u32 = 0x1220_2900;
const FIXED_BYTES: usize = 16;
const WRAPPED_START: usize = FIXED_BYTES + SALT_BYTES;
const CIPHER_CTR: u8 = 2;
const CIPHER_GCM: u8 = 4;
const AUTHENTICATION_GCM: u8 = 1;
const ENCAPSULATION_SRT: u8 = 2;

impl<'a> KeyMaterialMessage<'a> {
    /// The longest message: two 256-bit keys.
    pub const MAX_BYTES: usize = WRAPPED_START + 2 * KeyLength::MAX_BYTES + WRAP_BYTES;

    /// Reads a message, which fills `bytes` exactly.
    ///
    /// # Errors
    /// If it is not one, or uses a cipher, salt or key length SRT does not define.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        WireError::need("key material", bytes, WRAPPED_START)?;
        let first = word(bytes, 0);
        if first & 0xFFFF_FF00 != SIGNATURE {
            return Err(forbidden("key material's signature", first));
        }
        let keys = KeySlots::from_bits(first & 0b11)
            .ok_or_else(|| forbidden("key material's key flags", first & 0xFF))?;
        if word(bytes, 1) != 0 {
            return Err(forbidden("key encryption key index", word(bytes, 1)));
        }
        let cipher = CipherMode::parse(bytes[8], bytes[9], bytes[10])?;
        if usize::from(bytes[14]) * 4 != SALT_BYTES {
            return Err(forbidden(
                "key material's salt length",
                u32::from(bytes[14]),
            ));
        }
        let key_length = KeyLength::from_bytes(usize::from(bytes[15]) * 4)
            .ok_or_else(|| forbidden("key material's key length", u32::from(bytes[15])))?;
        let need = Self::bytes_for(keys, key_length);
        WireError::need("key material", bytes, need)?;
        if bytes.len() > need {
            return Err(WireError::TooLong {
                what: "key material",
                limit: need,
                have: bytes.len(),
            });
        }
        Ok(Self {
            bytes,
            keys,
            cipher,
            key_length,
        })
    }

    /// Bytes of a message with these keys.
    #[must_use]
    pub const fn bytes_for(keys: KeySlots, key_length: KeyLength) -> usize {
        WRAPPED_START + keys.count() * key_length.bytes() + WRAP_BYTES
    }

    /// The message's bytes: a responder that takes the keys echoes them.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Which keys it carries.
    #[must_use]
    pub const fn keys(&self) -> KeySlots {
        self.keys
    }

    /// How payloads are encrypted.
    #[must_use]
    pub const fn cipher(&self) -> CipherMode {
        self.cipher
    }

    /// The length of each key.
    #[must_use]
    pub const fn key_length(&self) -> KeyLength {
        self.key_length
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&self.bytes[FIXED_BYTES..WRAPPED_START]);
        salt
    }

    /// The wrapped keys.
    #[must_use]
    pub fn wrapped(&self) -> &'a [u8] {
        &self.bytes[WRAPPED_START..]
    }
}

impl core::fmt::Debug for KeyMaterialMessage<'_> {
    /// The wrapped keys stay out of logs: they can be attacked offline.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyMaterialMessage")
            .field("keys", &self.keys)
            .field("cipher", &self.cipher)
            .field("key_length", &self.key_length)
            .finish_non_exhaustive()
    }
}

/// Encodes a message around keys that are wrapped already.
#[must_use]
pub fn key_material_bytes(
    keys: KeySlots,
    cipher: CipherMode,
    key_length: KeyLength,
    salt: &[u8; SALT_BYTES],
    wrapped: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0; WRAPPED_START];
    put_word(&mut bytes, 0, SIGNATURE | keys.bits());
    let (cipher, authentication) = cipher.wire_values();
    bytes[8] = cipher;
    bytes[9] = authentication;
    bytes[10] = ENCAPSULATION_SRT;
    bytes[14] = (SALT_BYTES / 4) as u8;
    bytes[15] = (key_length.bytes() / 4) as u8;
    bytes[FIXED_BYTES..].copy_from_slice(salt);
    bytes.extend_from_slice(wrapped);
    bytes
}

const fn forbidden(what: &'static str, value: u32) -> WireError {
    WireError::Forbidden { what, value }
}

impl KeySlots {
    /// How many keys these are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Even | Self::Odd => 1,
            Self::Both => 2,
        }
    }

    const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            1 => Some(Self::Even),
            2 => Some(Self::Odd),
            3 => Some(Self::Both),
            _ => None,
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::Even => 1,
            Self::Odd => 2,
            Self::Both => 3,
        }
    }
}

impl CipherMode {
    /// Bytes by which an encrypted payload is longer than what it was made from.
    #[must_use]
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::Ctr => 0,
            Self::Gcm => 16,
        }
    }

    const fn parse(cipher: u8, authentication: u8, encapsulation: u8) -> Result<Self, WireError> {
        if encapsulation != ENCAPSULATION_SRT {
            return Err(forbidden(
                "key material's encapsulation",
                encapsulation as u32,
            ));
        }
        match (cipher, authentication) {
            (CIPHER_CTR, 0) => Ok(Self::Ctr),
            (CIPHER_GCM, AUTHENTICATION_GCM) => Ok(Self::Gcm),
            _ => Err(forbidden("key material's cipher", cipher as u32)),
        }
    }

    const fn wire_values(self) -> (u8, u8) {
        match self {
            Self::Ctr => (CIPHER_CTR, 0),
            Self::Gcm => (CIPHER_GCM, AUTHENTICATION_GCM),
        }
    }
}
