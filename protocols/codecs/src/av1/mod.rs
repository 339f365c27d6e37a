//! AV1: open bitstream units, the sequence header, key frames, the `av1C` record.
//!
//! A unit of AV1 is a temporal unit in the low-overhead format (AV1 specification,
//! section 5.2), with or without its delimiter.

mod av1c;
mod sequence;

pub use av1c::{av1c, parse_av1c};
pub use sequence::SequenceHeader;

use bytes::{BufMut, Bytes, BytesMut};

use crate::bits::BitReader;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
/// Bytes of a number in LEB128.
const MAX_LEB128_BYTES: usize = 8;
const KEY_FRAME: u32 = 0;
const HAS_SIZE: u8 = 0x02;
const HAS_EXTENSION: u8 = 0x04;

/// One open bitstream unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obu<'a> {
    /// obu_type.
    pub kind: u8,
    /// What follows its header and size.
    pub payload: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
    /// It says its own size; only the last one of a unit need not.
    pub sized: bool,
}

/// What a temporal unit turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitHeaders<'a> {
    /// The sequence header, as a whole OBU.
    pub sequence: Option<&'a [u8]>,
    /// Whether the first frame is a shown key frame; `None` without a frame.
    pub key: Option<bool>,
}

/// Divides a temporal unit; ends early where it is broken.
pub fn obus(unit: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = unit;
    core::iter::from_fn(move || {
        let obu = first_obu(rest)?;
        rest = &rest[obu.whole.len()..];
        Some(obu)
    })
}

fn first_obu(data: &[u8]) -> Option<Obu<'_>> {
    let &header = data.first()?;
    if header & 0x81 != 0 {
        return None;
    }
    let header_bytes = 1 + usize::from(header & HAS_EXTENSION != 0);
    let behind = data.get(header_bytes..)?;
    let sized = header & HAS_SIZE != 0;
    let (size, size_bytes) = if sized {
        leb128(behind)?
    } else {
        (behind.len(), 0)
    };
    let payload = behind.get(size_bytes..)?.get(..size)?;
    Some(Obu {
        kind: header >> 3 & 0x0F,
        payload,
        whole: &data[..header_bytes + size_bytes + size],
        sized,
    })
}

fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in data.iter().take(MAX_LEB128_BYTES).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

/// Reads the headers up to the first frame.
#[must_use]
pub fn headers(unit: &[u8]) -> UnitHeaders<'_> {
    let mut found = UnitHeaders::default();
    for obu in obus(unit) {
        match obu.kind {
            SEQUENCE_HEADER => found.sequence = Some(obu.whole),
            FRAME | FRAME_HEADER => {
                found.key = Some(is_shown_key_frame(obu.payload));
                break;
            }
            _ => {}
        }
    }
    found
}

/// The start of uncompressed_header() (section 5.9.2).
fn is_shown_key_frame(payload: &[u8]) -> bool {
    let mut reader = BitReader::new(payload);
    let shows_existing = reader.bit();
    let kind = reader.bits(2);
    let shown = reader.bit();
    (shows_existing, kind, shown) == (Some(false), Some(KEY_FRAME), Some(true))
}

/// A temporal unit as containers hold it: without delimiter and padding, every OBU with its
/// size. One that is so already is not copied.
#[must_use]
pub fn sample(unit: &Bytes) -> Bytes {
    let mut clean = true;
    let mut length = 0;
    for obu in obus(unit) {
        clean &= obu.sized && is_kept(obu.kind);
        length += obu.whole.len();
    }
    if clean && length == unit.len() {
        return unit.clone();
    }
    let mut out = BytesMut::with_capacity(unit.len() + MAX_LEB128_BYTES);
    for obu in obus(unit).filter(|obu| is_kept(obu.kind)) {
        put_sized(&mut out, &obu);
    }
    out.freeze()
}

const fn is_kept(kind: u8) -> bool {
    !matches!(kind, TEMPORAL_DELIMITER | TILE_LIST | PADDING)
}

fn put_sized(out: &mut BytesMut, obu: &Obu<'_>) {
    if obu.sized {
        return out.put_slice(obu.whole);
    }
    let header_bytes = obu.whole.len() - obu.payload.len();
    out.put_u8(obu.whole[0] | HAS_SIZE);
    out.put_slice(&obu.whole[1..header_bytes]);
    let mut size = obu.payload.len();
    while size >= 0x80 {
        out.put_u8(size as u8 | 0x80);
        size >>= 7;
    }
    out.put_u8(size as u8);
    out.put_slice(obu.payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_behind_a_sequence_header_is_found() {
        let unit = [0x12, 0, 0x0A, 2, 7, 7, 0x32, 1, 0x10];
        let found = headers(&unit);
        assert_eq!(found.sequence, Some(&[0x0A, 2, 7, 7][..]));
        assert_eq!(found.key, Some(true));
        assert_eq!(headers(&[0x32, 1, 0x30]).key, Some(false));
        assert_eq!(headers(&[0x32, 1, 0x80]).key, Some(false));
    }

    #[test]
    fn a_sample_has_no_delimiter_and_every_size() {
        let unit = Bytes::from_static(&[0x12, 0, 0x0A, 1, 7, 0x30, 0x10, 9]);
        let clean = sample(&unit);
        assert_eq!(clean[..], [0x0A, 1, 7, 0x32, 2, 0x10, 9]);
        assert_eq!(sample(&clean).as_ptr(), clean.as_ptr());
    }

    #[test]
    fn a_size_beyond_the_end_ends_the_unit() {
        assert_eq!(obus(&[0x0A, 0xFF, 0xFF, 0x7F, 1]).count(), 0);
        assert_eq!(obus(&[0x0A, 0xFF]).count(), 0);
    }
}
