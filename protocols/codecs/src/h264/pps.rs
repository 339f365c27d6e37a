//! The picture parameter set of H.264, as far as slice headers are read with it.

use crate::bits::BitReader;
use crate::nal;

/// A picture parameter set is never longer in practice, up to what is read of it.
const MAX_PPS_BYTES: usize = 64;
const MAX_PPS_ID: u32 = 255;
const MAX_SPS_ID: u32 = 31;
/// References of a frame in one list.
pub(super) const MAX_LISTED: u32 = 32;

/// What a picture parameter set says of slice headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps_id: u32,
    /// Slices are coded arithmetically, and their data begin with a byte.
    pub(super) arithmetic: bool,
    /// Slices of frames say how far the second field is shown behind the first.
    pub(super) has_bottom_order: bool,
    /// References in each list where a slice does not say.
    pub(super) listed: [u32; 2],
    pub(super) weighted: bool,
    pub(super) weighted_both: u32,
    pub(super) has_deblocking: bool,
    pub(super) has_redundant: bool,
}

impl Pps {
    /// Reads a NAL unit of type 8, its one-byte header included. `None` also for pictures in groups
    /// of slices, which only the Baseline profile has.
    pub(super) fn parse(unit: &[u8]) -> Option<Self> {
        let payload = nal::unescape(unit.get(1..)?, MAX_PPS_BYTES);
        let mut reader = BitReader::new(&payload);
        let id = reader.ue().filter(|&id| id <= MAX_PPS_ID)?;
        let sps_id = reader.ue().filter(|&id| id <= MAX_SPS_ID)?;
        let arithmetic = reader.bit()?;
        let has_bottom_order = reader.bit()?;
        reader.ue().filter(|&groups| groups == 0)?;
        let mut listed = || {
            let listed = reader.ue()?.checked_add(1)?;
            (listed <= MAX_LISTED).then_some(listed)
        };
        let listed = [listed()?, listed()?];
        let weighted = reader.bit()?;
        let weighted_both = reader.bits(2)?;
        for _ in 0..3 {
            reader.se()?; // quantisers
        }
        let has_deblocking = reader.bit()?;
        reader.bit()?; // constrained intra prediction
        let has_redundant = reader.bit()?;
        Some(Self {
            id,
            sps_id,
            arithmetic,
            has_bottom_order,
            listed,
            weighted,
            weighted_both,
            has_deblocking,
            has_redundant,
        })
    }
}
