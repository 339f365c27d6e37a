//! H.264 (AVC): units, parameter sets, entry points, the `avcC` record.

mod avcc;
mod opening;
mod pps;
mod slice;
mod sps;

pub use avcc::{avcc, parse_avcc};
pub use opening::{Change, Opened, Opening, Opens, opens};
pub use sps::Sps;

use crate::bits::BitReader;
use crate::nal;

/// Bytes of a slice header or SEI message that are looked at.
const GLANCE_BYTES: usize = 64;
/// SEI messages looked at in one unit.
const MAX_SEI_MESSAGES: usize = 32;
const SEI_RECOVERY_POINT: u32 = 6;

/// The NAL unit types a gateway acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitType {
    /// A slice of a picture that needs others.
    Slice,
    /// A slice of an IDR picture.
    Idr,
    /// Supplemental enhancement information.
    Sei,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Access unit delimiter.
    Delimiter,
    /// Anything else, by its number.
    Other(u8),
}

impl UnitType {
    /// The type of a NAL unit; `None` for an empty one.
    #[must_use]
    pub fn of(unit: &[u8]) -> Option<Self> {
        Some(match unit.first()? & 0x1F {
            1 | 2 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Delimiter,
            other => Self::Other(other),
        })
    }

    /// Whether it carries picture data.
    #[must_use]
    pub const fn is_slice(self) -> bool {
        matches!(self, Self::Slice | Self::Idr)
    }
}

/// Whether a slice is coded without reference to other pictures.
#[must_use]
pub fn is_intra_slice(unit: &[u8]) -> bool {
    let header = nal::unescape(unit.get(1..).unwrap_or_default(), GLANCE_BYTES);
    let mut reader = BitReader::new(&header);
    let slice_type = reader.ue().and_then(|_first_macroblock| reader.ue());
    matches!(slice_type, Some(2 | 4 | 7 | 9))
}

/// Whether an SEI unit announces a recovery point: decoding can begin here although the
/// picture is no IDR (open groups of pictures, gradual refresh).
#[must_use]
pub fn has_recovery_point(unit: &[u8]) -> bool {
    let payload = nal::unescape(unit.get(1..).unwrap_or_default(), GLANCE_BYTES);
    let mut rest = &payload[..];
    for _ in 0..MAX_SEI_MESSAGES {
        let Some(kind) = sei_number(&mut rest) else {
            return false;
        };
        let Some(size) = sei_number(&mut rest) else {
            return false;
        };
        if kind == SEI_RECOVERY_POINT {
            return true;
        }
        let Some(next) = rest.get(size as usize..) else {
            return false;
        };
        rest = next;
    }
    false
}

/// A number in an SEI header: bytes of 255 add up until one is smaller.
fn sei_number(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    loop {
        let (&byte, next) = rest.split_first()?;
        *rest = next;
        number += u32::from(byte);
        if byte != 0xFF {
            return Some(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_point_is_found_behind_another_message() {
        assert!(has_recovery_point(&[
            0x06, 0x01, 0x02, 0xAA, 0xBB, 0x06, 0x01, 0xC4, 0x80
        ]));
        assert!(!has_recovery_point(&[0x06, 0x05, 0xFF, 0x10, 0x00]));
        assert!(!has_recovery_point(&[]));
    }

    #[test]
    fn slice_types_two_and_seven_are_intra() {
        // first_mb 0 = "1", slice_type 7 = "0001000"
        assert!(is_intra_slice(&[0x41, 0b1000_1000]));
        // slice_type 5 = "00110"
        assert!(!is_intra_slice(&[0x41, 0b1001_1000]));
    }
}
