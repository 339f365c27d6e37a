use core::fmt;

use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag};

use super::CryptoError;
use crate::wire::{CipherMode, DataHeader, KeyLength, SALT_BYTES};

/// AES in Galois/counter mode over packet payloads, with one key: what SRT 1.5.4 and later
/// do. Whoever changes payload or header on the way is found out.
///
/// The nonce of a packet is the first 12 bytes of the salt, with the packet's sequence
/// number XORed into the last four. The header is authenticated as it is sent, but without
/// its retransmission flag, so that a repeated packet carries the same ciphertext and tag.
/// The tag follows the ciphertext.
pub(super) struct GaloisCipher {
    key: ExpandedKey,
    nonce_salt: [u8; NONCE_BYTES],
}

enum ExpandedKey {
    Aes128(AesGcm<Aes128Enc, U12>),
    Aes192(AesGcm<Aes192Enc, U12>),
    Aes256(AesGcm<Aes256Enc, U12>),
}

const NONCE_BYTES: usize = 12;
const SEQUENCE_START: usize = 8;
/// Bytes of the authentication tag at the end of a payload.
const TAG_BYTES: usize = CipherMode::Gcm.tag_bytes();

impl GaloisCipher {
    /// Expands `key`, whose length must be `length`.
    pub(super) fn new(length: KeyLength, key: &[u8], salt: &[u8; SALT_BYTES]) -> Option<Self> {
        let key = match length {
            KeyLength::Aes128 => ExpandedKey::Aes128(AesGcm::new_from_slice(key).ok()?),
            KeyLength::Aes192 => ExpandedKey::Aes192(AesGcm::new_from_slice(key).ok()?),
            KeyLength::Aes256 => ExpandedKey::Aes256(AesGcm::new_from_slice(key).ok()?),
        };
        let mut nonce_salt = [0; NONCE_BYTES];
        nonce_salt.copy_from_slice(&salt[..NONCE_BYTES]);
        Some(Self { key, nonce_salt })
    }

    /// Writes the ciphertext of `plain` and its tag into `out`, in one go.
    pub(super) fn seal(
        &self,
        header: &DataHeader,
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let secret_bytes = out.len().checked_sub(TAG_BYTES);
        let (secret, tag) = out.split_at_mut(secret_bytes.ok_or(CryptoError::Length)?);
        let buffer = InOutBuf::new(plain, secret).map_err(|_| CryptoError::Length)?;
        let (nonce, header) = (self.nonce(header), authenticated(header));
        let made = match &self.key {
            ExpandedKey::Aes128(key) => key.encrypt_inout_detached(&nonce, &header, buffer),
            ExpandedKey::Aes192(key) => key.encrypt_inout_detached(&nonce, &header, buffer),
            ExpandedKey::Aes256(key) => key.encrypt_inout_detached(&nonce, &header, buffer),
        };
        tag.copy_from_slice(&made.map_err(|_| CryptoError::Length)?);
        Ok(())
    }

    /// Writes what `secret`, which ends in its tag, was made from into `out`. Nothing is
    /// written unless the tag is right.
    pub(super) fn open(
        &self,
        header: &DataHeader,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let secret_bytes = secret.len().checked_sub(TAG_BYTES);
        let (secret, tag) = secret.split_at(secret_bytes.ok_or(CryptoError::Length)?);
        let tag = Tag::try_from(tag).map_err(|_| CryptoError::Length)?;
        let buffer = InOutBuf::new(secret, out).map_err(|_| CryptoError::Length)?;
        let (nonce, header) = (self.nonce(header), authenticated(header));
        let verified = match &self.key {
            ExpandedKey::Aes128(key) => key.decrypt_inout_detached(&nonce, &header, buffer, &tag),
            ExpandedKey::Aes192(key) => key.decrypt_inout_detached(&nonce, &header, buffer, &tag),
            ExpandedKey::Aes256(key) => key.decrypt_inout_detached(&nonce, &header, buffer, &tag),
        };
        verified.map_err(|_| CryptoError::NotAuthentic)
    }

    fn nonce(&self, header: &DataHeader) -> Nonce<U12> {
        let mut nonce = self.nonce_salt;
        let number = header.sequence.value().to_be_bytes();
        for (byte, number) in nonce[SEQUENCE_START..].iter_mut().zip(number) {
            *byte ^= number;
        }
        nonce.into()
    }
}

/// The header as it is authenticated.
fn authenticated(header: &DataHeader) -> [u8; DataHeader::BYTES] {
    let first_time = DataHeader {
        retransmitted: false,
        ..*header
    };
    let mut bytes = [0; DataHeader::BYTES];
    first_time.emit(&mut bytes);
    bytes
}

impl fmt::Debug for GaloisCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GaloisCipher(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unhex;
    use crate::wire::{DataKey, MessageNumber, SequenceNumber, SocketId, Timestamp};

    const SALT: [u8; SALT_BYTES] = [0xFF; SALT_BYTES];

    fn header() -> DataHeader {
        DataHeader {
            key: DataKey::Odd,
            ..DataHeader::live(
                SequenceNumber::new(0x0102_0304),
                MessageNumber::new(9),
                Timestamp::new(77),
                SocketId::new(5),
            )
        }
    }

    fn cipher() -> GaloisCipher {
        GaloisCipher::new(KeyLength::Aes192, &[7; 24], &SALT).unwrap()
    }

    fn sealed(header: &DataHeader) -> [u8; 204] {
        let mut out = [0; 204];
        cipher().seal(header, &[3; 188], &mut out).unwrap();
        out
    }

    /// The Galois/Counter Mode of Operation (McGrew, Viega), test case 3 cut to one block
    /// and without associated data: the library underneath does what its name says.
    #[test]
    fn the_library_makes_the_standards_ciphertext() {
        let key = unhex("feffe9928665731c6d6a8f9467308308");
        let nonce: [u8; 12] = unhex("cafebabefacedbaddecaf888").try_into().unwrap();
        let plain = unhex("d9313225f88406e5a55909c5aff5269a");
        let mut secret = [0; 16];
        AesGcm::<Aes128Enc, U12>::new_from_slice(&key)
            .unwrap()
            .encrypt_inout_detached(
                &nonce.into(),
                b"",
                InOutBuf::new(&plain[..], &mut secret).unwrap(),
            )
            .unwrap();
        assert_eq!(secret[..], unhex("42831ec2217774244b7221b784d0d49c"));
    }

    #[test]
    fn the_sequence_number_is_xored_into_the_last_four_bytes_of_the_nonce() {
        let nonce = cipher().nonce(&header());
        assert_eq!(nonce[..8], [0xFF; 8]);
        assert_eq!(nonce[8..], [0xFE, 0xFD, 0xFC, 0xFB]);
    }

    #[test]
    fn a_repeated_packet_has_the_same_ciphertext_and_tag() {
        let again = DataHeader {
            retransmitted: true,
            ..header()
        };
        assert_eq!(sealed(&header()), sealed(&again));
        let mut plain = [0; 188];
        cipher()
            .open(&again, &sealed(&header()), &mut plain)
            .unwrap();
        assert_eq!(plain, [3; 188]);
    }

    #[test]
    fn whatever_is_changed_on_the_way_is_found_out_and_nothing_is_written() {
        let mut out = [0; 188];
        for byte in [0, 100, 187, 188, 203] {
            let mut secret = sealed(&header());
            secret[byte] ^= 1;
            let opened = cipher().open(&header(), &secret, &mut out);
            assert_eq!(opened, Err(CryptoError::NotAuthentic));
        }
        let elsewhere = [
            DataHeader {
                timestamp: Timestamp::new(78),
                ..header()
            },
            DataHeader {
                destination: SocketId::new(6),
                ..header()
            },
            DataHeader {
                key: DataKey::Even,
                ..header()
            },
            DataHeader {
                message: MessageNumber::new(10),
                ..header()
            },
            DataHeader {
                sequence: SequenceNumber::new(1),
                ..header()
            },
        ];
        for changed in elsewhere {
            let opened = cipher().open(&changed, &sealed(&header()), &mut out);
            assert_eq!(opened, Err(CryptoError::NotAuthentic), "{changed:?}");
        }
        assert_eq!(out, [0; 188]);
    }

    #[test]
    fn what_is_too_short_for_a_tag_is_refused() {
        for bytes in 0..16 {
            let opened = cipher().open(&header(), &vec![0; bytes], &mut []);
            assert_eq!(opened, Err(CryptoError::Length));
        }
    }
}
