use super::counter_cipher::CounterCipher;
use super::galois_cipher::GaloisCipher;
use super::{CryptoError, Suite};
use crate::wire::{CipherMode, DataHeader, SALT_BYTES};

/// What encrypts and decrypts payloads with one key.
#[derive(Debug)]
pub(super) enum PayloadCipher {
    Counter(CounterCipher),
    Galois(GaloisCipher),
}

impl PayloadCipher {
    /// Expands `key`, which must be as long as the suite says.
    pub(super) fn new(suite: Suite, key: &[u8], salt: &[u8; SALT_BYTES]) -> Option<Self> {
        match suite.mode {
            CipherMode::Ctr => CounterCipher::new(suite.length, key, salt).map(Self::Counter),
            CipherMode::Gcm => GaloisCipher::new(suite.length, key, salt).map(Self::Galois),
        }
    }

    /// Encrypts `plain` into `out`, which has room for the tag as well.
    pub(super) fn seal(
        &self,
        header: &DataHeader,
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        match self {
            Self::Counter(cipher) => cipher.apply(header.sequence, plain, out),
            Self::Galois(cipher) => cipher.seal(header, plain, out),
        }
    }

    /// Decrypts `secret` into `out`, which is shorter by the tag.
    pub(super) fn open(
        &self,
        header: &DataHeader,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        match self {
            Self::Counter(cipher) => cipher.apply(header.sequence, secret, out),
            Self::Galois(cipher) => cipher.open(header, secret, out),
        }
    }
}
