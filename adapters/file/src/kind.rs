//! What a file is, by its first bytes; names do not count.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use tidegate_ffmpeg::slate;
use tidegate_mpegts::Slicer;

/// Enough for three packets of the longest kind behind some bytes of another.
const GLANCE_BYTES: usize = 4096;
/// Packets in a row that make a transport stream.
const PACKETS_MIN: usize = 3;

/// What can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ts,
    Mp4,
    /// A still picture, from which a slate is made.
    Picture,
}

/// Looks at a file; `None` if it is nothing that can be played.
pub(crate) fn of(file: &File) -> io::Result<Option<Kind>> {
    let mut bytes = [0; GLANCE_BYTES];
    let mut count = 0;
    while count < bytes.len() {
        match file.read_at(&mut bytes[count..], count as u64)? {
            0 => break,
            more => count += more,
        }
    }
    Ok(look(&bytes[..count]))
}

fn look(bytes: &[u8]) -> Option<Kind> {
    let is_mp4 = matches!(
        bytes.get(4..8),
        Some(b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"styp")
    );
    if is_mp4 {
        return Some(Kind::Mp4);
    }
    if slate::is_picture(bytes) {
        return Some(Kind::Picture);
    }
    let mut packets = 0;
    let mut slicer = Slicer::new();
    slicer.push(bytes, |_| packets += 1);
    (packets >= PACKETS_MIN && slicer.sync_losses() == 0).then_some(Kind::Ts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let mut ts = vec![0xFF; 4 * 188];
        for packet in ts.chunks_mut(188) {
            packet[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        }
        assert_eq!(look(&ts), Some(Kind::Ts));
        let with_time_codes: Vec<u8> = (ts
            .chunks(188)
            .flat_map(|packet| [&[0; 4][..], packet].concat()))
        .collect();
        assert_eq!(look(&with_time_codes), Some(Kind::Ts));
        assert_eq!(look(b"\0\0\0\x18ftypisom"), Some(Kind::Mp4));
        assert_eq!(look(b"\x89PNG\r\n\x1a\n"), Some(Kind::Picture));
        assert_eq!(look(b"G is the first letter of this text"), None);
        assert_eq!(look(b""), None);
    }
}
