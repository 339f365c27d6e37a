use core::fmt;

use aes::cipher::{
    Array, BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper,
    consts::U16,
};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;

use super::CryptoError;
use crate::wire::{KeyLength, SALT_BYTES, SequenceNumber};

/// AES in counter mode over packet payloads, with one key.
///
/// The counter block of a packet is the first 14 bytes of the salt, with the packet's
/// sequence number XORed into bytes 10 to 13, followed by a 16-bit block counter.
/// Encrypting and decrypting are the same operation.
pub(super) struct CounterCipher {
    key: ExpandedKey,
    salt: [u8; SALT_BYTES],
}

/// The encryption half of a key schedule is all counter mode needs.
enum ExpandedKey {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

const SEQUENCE_START: usize = 10;
const COUNTER_START: usize = 14;

impl CounterCipher {
    /// Expands `key`, whose length must be `length`.
    pub(super) fn new(length: KeyLength, key: &[u8], salt: &[u8; SALT_BYTES]) -> Option<Self> {
        let key = match length {
            KeyLength::Aes128 => ExpandedKey::Aes128(Aes128Enc::new_from_slice(key).ok()?),
            KeyLength::Aes192 => ExpandedKey::Aes192(Aes192Enc::new_from_slice(key).ok()?),
            KeyLength::Aes256 => ExpandedKey::Aes256(Aes256Enc::new_from_slice(key).ok()?),
        };
        Some(Self { key, salt: *salt })
    }

    /// Writes `source` XOR key stream into `out`, which is as long, in one pass.
    pub(super) fn apply(
        &self,
        sequence: SequenceNumber,
        source: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        if source.len() != out.len() {
            return Err(CryptoError::Length);
        }
        self.apply_from(&counter_block(&self.salt, sequence), source, out);
        Ok(())
    }

    fn apply_from(&self, block: &[u8; 16], source: &[u8], out: &mut [u8]) {
        match &self.key {
            ExpandedKey::Aes128(key) => apply_with(key, block, source, out),
            ExpandedKey::Aes192(key) => apply_with(key, block, source, out),
            ExpandedKey::Aes256(key) => apply_with(key, block, source, out),
        }
    }
}

/// 1456 bytes are 91 blocks, so the 16-bit block counter never carries into the sequence
/// number, and counting in 32 bits gives the same key stream.
fn apply_with<C: BlockCipherEncrypt<BlockSize = U16>>(
    key: &C,
    block: &[u8; 16],
    source: &[u8],
    out: &mut [u8],
) {
    let counter: CtrCore<_, Ctr32BE> = CtrCore::inner_iv_init(key, &Array(*block));
    StreamCipherCoreWrapper::from_core(counter).apply_keystream_b2b(source, out);
}

fn counter_block(salt: &[u8; SALT_BYTES], sequence: SequenceNumber) -> [u8; 16] {
    let mut block = *salt;
    for (byte, number) in block[SEQUENCE_START..]
        .iter_mut()
        .zip(sequence.value().to_be_bytes())
    {
        *byte ^= number;
    }
    block[COUNTER_START..].fill(0);
    block
}

impl fmt::Debug for CounterCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterCipher(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unhex;

    /// NIST SP 800-38A, F.1: a counter block is AES of it. Our blocks end in a counter
    /// that starts at zero, which leaves AES of zero-ended blocks to compare with.
    #[test]
    fn the_key_stream_is_aes_of_consecutive_counter_blocks() {
        let (key, salt) = ([0x2b; 16], [0xf0; SALT_BYTES]);
        let cipher = CounterCipher::new(KeyLength::Aes128, &key, &salt).unwrap();
        let mut stream = [0; 1456];
        cipher
            .apply(SequenceNumber::new(5), &[0; 1456], &mut stream)
            .unwrap();
        for (number, block) in stream.chunks_exact(16).enumerate() {
            let mut expected = Array(counter_block(&salt, SequenceNumber::new(5)));
            expected[COUNTER_START..].copy_from_slice(&(number as u16).to_be_bytes());
            Aes128Enc::new(&Array(key)).encrypt_block(&mut expected);
            assert_eq!(block, &expected[..]);
        }
    }

    /// NIST SP 800-38A, F.5.1, F.5.3 and F.5.5: the first block of CTR-AES.
    #[test]
    fn the_ciphers_agree_with_the_standard_vectors() {
        let vectors = [
            (
                KeyLength::Aes128,
                "2b7e151628aed2a6abf7158809cf4f3c",
                "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
            ),
            (
                KeyLength::Aes192,
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94",
            ),
            (
                KeyLength::Aes256,
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
            ),
        ];
        let plain = unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let block: [u8; 16] = unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
            .try_into()
            .unwrap();
        for (length, key, expected) in vectors {
            let cipher = CounterCipher::new(length, &unhex(key), &[0; 16]).unwrap();
            let mut secret = [0; 32];
            cipher.apply_from(&block, &plain, &mut secret);
            assert_eq!(secret[..], unhex(expected));
        }
    }

    #[test]
    fn the_sequence_number_is_xored_into_bytes_ten_to_thirteen() {
        let block = counter_block(&[0xFF; 16], SequenceNumber::new(0x0102_0304));
        assert_eq!(block[10..], [0xFE, 0xFD, 0xFC, 0xFB, 0, 0]);
    }

    #[test]
    fn applying_twice_gives_the_payload_back() {
        let cipher = CounterCipher::new(KeyLength::Aes256, &[7; 32], &[9; 16]).unwrap();
        let plain: Vec<u8> = (0..1316_u32).map(|byte| byte as u8).collect();
        let (mut secret, mut back) = (vec![0; 1316], vec![0; 1316]);
        let number = SequenceNumber::new(77);
        cipher.apply(number, &plain, &mut secret).unwrap();
        cipher.apply(number, &secret, &mut back).unwrap();
        assert_ne!(secret, plain);
        assert_eq!(back, plain);
    }

    #[test]
    fn it_prints_nothing_secret() {
        let cipher = CounterCipher::new(KeyLength::Aes128, &[7; 16], &[9; 16]).unwrap();
        assert_eq!(format!("{cipher:?}"), "CounterCipher(…)");
    }
}
