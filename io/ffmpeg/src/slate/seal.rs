//! What is kept ends with a seal: the hash of what is in front, in a place that players skip.
//! A disk that has lost or changed something of it is found out that way.
//!
//! ```text
//!  transport stream ─ … packets … ─ null packet with the hash
//!  MP4              ─ … boxes …   ─ "free" box with the hash
//! ```

use sha1::{Digest, Sha1};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

const MARK: &[u8; 8] = b"TIDEGATE";
const HASH_BYTES: usize = 20;
const PACKET_BYTES: usize = 188;
/// A packet with payload on PID 8191, which means nothing (ISO/IEC 13818-1, 2.4.3.3).
const NULL_PACKET: [u8; 4] = [0x47, 0x1F, 0xFF, 0x10];
const BOX_BYTES: usize = 4 + 4 + MARK.len() + HASH_BYTES;

/// Puts a seal on a file that is whole.
pub(super) fn put(path: &Path, extension: &str) -> io::Result<()> {
    let seal = seal(&fs::read(path)?, extension);
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(&seal)?;
    file.sync_all()
}

/// Whether a file is what was sealed.
pub(super) fn holds(path: &Path, extension: &str) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    let length = if extension == "mp4" {
        BOX_BYTES
    } else {
        PACKET_BYTES
    };
    let Some(at) = bytes.len().checked_sub(length) else {
        return Ok(false);
    };
    let (content, sealed) = bytes.split_at(at);
    Ok(!content.is_empty() && sealed == seal(content, extension))
}

fn seal(content: &[u8], extension: &str) -> Vec<u8> {
    let hash = Sha1::digest(content);
    if extension == "mp4" {
        let length = (BOX_BYTES as u32).to_be_bytes();
        return [&length[..], b"free", MARK, &hash].concat();
    }
    let mut packet = [&NULL_PACKET[..], MARK, &hash].concat();
    packet.resize(PACKET_BYTES, 0xFF);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_happens_to_a_sealed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        for extension in ["ts", "mp4"] {
            let path = folder.path().join("kept").with_extension(extension);
            fs::write(&path, "media").unwrap();
            assert!(!holds(&path, extension).unwrap(), "it has no seal");
            put(&path, extension).unwrap();
            assert!(holds(&path, extension).unwrap());
            let whole = fs::read(&path).unwrap();
            for at in 0..whole.len() {
                fs::write(&path, &whole[..at]).unwrap();
                assert!(!holds(&path, extension).unwrap(), "{at} bytes are left");
                let mut changed = whole.clone();
                changed[at] ^= 1;
                fs::write(&path, changed).unwrap();
                assert!(!holds(&path, extension).unwrap(), "byte {at} is another");
            }
        }
    }
}
