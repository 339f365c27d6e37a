use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use bytes::Bytes;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 16;

/// A whole segment (RFC 8216, section 4.3.2.4): AES-128 in CBC mode, padded. `None`: it was
/// not encrypted with this key.
pub(super) fn decrypt(key: &[u8], iv: [u8; 16], segment: &Bytes) -> Option<Bytes> {
    let key = UnboundCipherKey::new(&AES_128, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut bytes = segment.to_vec();
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut bytes, context).ok()?.len();
    bytes.truncate(length);
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_encrypted_is_read_and_only_with_its_key() {
        // printf segment | openssl enc -aes-128-cbc -K 000102…0f -iv 00…07
        let sealed = [
            0x8d, 0xbb, 0x5b, 0x34, 0x61, 0x0f, 0xd2, 0xfe, 0xaa, 0x9d, 0x75, 0x00, 0xfd, 0x83,
            0x8f, 0xc9,
        ];
        let key: Vec<u8> = (0..16).collect();
        let iv = 7_u128.to_be_bytes();
        let plain = decrypt(&key, iv, &Bytes::copy_from_slice(&sealed));
        assert_eq!(plain.as_deref(), Some(&b"segment"[..]));
        assert_eq!(
            decrypt(&key[..15], iv, &Bytes::copy_from_slice(&sealed)),
            None
        );
        assert_eq!(
            decrypt(&key, iv, &Bytes::copy_from_slice(&sealed[..15])),
            None
        );
    }
}
