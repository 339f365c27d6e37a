//! H.265 (HEVC): units, parameter sets, entry points, the `hvcC` record.

mod hvcc;
mod sps;
mod structure;

pub use hvcc::{HvccSets, hvcc, parse_hvcc};
pub use sps::Sps;
pub use structure::ProfileTierLevel;

/// The NAL unit types a gateway acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitType {
    /// A slice of a picture that needs others.
    Slice,
    /// A slice of a picture at which decoding can begin (IDR, CRA, BLA).
    RandomAccess,
    /// Video parameter set.
    Vps,
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
    /// The type of a NAL unit; `None` where the two-byte header is incomplete.
    #[must_use]
    pub fn of(unit: &[u8]) -> Option<Self> {
        let [first, _, ..] = unit else { return None };
        Some(match first >> 1 & 0x3F {
            0..=15 => Self::Slice,
            16..=23 => Self::RandomAccess,
            32 => Self::Vps,
            33 => Self::Sps,
            34 => Self::Pps,
            35 => Self::Delimiter,
            other => Self::Other(other),
        })
    }

    /// Whether it carries picture data.
    #[must_use]
    pub const fn is_slice(self) -> bool {
        matches!(self, Self::Slice | Self::RandomAccess)
    }
}
