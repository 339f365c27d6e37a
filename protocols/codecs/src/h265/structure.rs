//! Parts of H.265 parameter sets that must be read in order to get past them.

use crate::bits::BitReader;

/// Short-term reference picture sets in one sequence parameter set.
const MAX_REFERENCE_SETS: u32 = 64;
/// Pictures in one reference picture set.
const MAX_REFERENCES: u32 = 16;

/// profile_tier_level(): the general part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// general_profile_space.
    pub profile_space: u8,
    /// general_tier_flag.
    pub high_tier: bool,
    /// general_profile_idc.
    pub profile_idc: u8,
    /// general_profile_compatibility_flags, the first flag in the highest bit.
    pub compatibility_flags: u32,
    /// The 48 bits from progressive_source to the inbld flag.
    pub constraints: [u8; 6],
    /// general_level_idc: thirty times the level.
    pub level_idc: u8,
}

impl ProfileTierLevel {
    /// Reads the general part and gets past the sub-layers.
    pub(super) fn read(reader: &mut BitReader<'_>, max_sub_layers_minus1: u32) -> Option<Self> {
        let mut general = Self {
            profile_space: reader.byte(2)?,
            high_tier: reader.bit()?,
            profile_idc: reader.byte(5)?,
            compatibility_flags: reader.bits(32)?,
            constraints: [0; 6],
            level_idc: 0,
        };
        for byte in &mut general.constraints {
            *byte = reader.byte(8)?;
        }
        general.level_idc = reader.byte(8)?;
        let mut sub_layer_bits = 0;
        for _ in 0..max_sub_layers_minus1 {
            let profile_present = reader.bit()?;
            let level_present = reader.bit()?;
            sub_layer_bits += if profile_present { 88 } else { 0 };
            sub_layer_bits += if level_present { 8 } else { 0 };
        }
        if max_sub_layers_minus1 > 0 {
            reader.skip(2 * (8_usize.saturating_sub(max_sub_layers_minus1 as usize)))?;
        }
        reader.skip(sub_layer_bits)?;
        Some(general)
    }

    pub(super) fn profile(&self) -> Option<&'static str> {
        Some(match self.profile_idc {
            1 => "Main",
            2 => "Main 10",
            3 => "Main Still Picture",
            4 => "Rext",
            9 => "Screen",
            _ => return None,
        })
    }

    pub(super) fn level(&self) -> String {
        format!("{}.{}", self.level_idc / 30, self.level_idc % 30 / 3)
    }
}

/// Gets past scaling_list_data().
pub(super) fn skip_scaling_lists(reader: &mut BitReader<'_>) -> Option<()> {
    for size in 0..4 {
        let mut matrix = 0;
        while matrix < 6 {
            if reader.bit()? {
                if size > 1 {
                    reader.se()?;
                }
                for _ in 0..64.min(1 << (4 + (size << 1))) {
                    reader.se()?;
                }
            } else {
                reader.ue()?;
            }
            matrix += if size == 3 { 3 } else { 1 };
        }
    }
    Some(())
}

/// Gets past the short-term reference picture sets. A set may be predicted from the one
/// before, so the number of pictures in each has to be followed.
pub(super) fn skip_reference_sets(reader: &mut BitReader<'_>) -> Option<()> {
    let sets = reader.ue().filter(|&sets| sets <= MAX_REFERENCE_SETS)?;
    let mut previous_pictures = 0;
    for set in 0..sets {
        previous_pictures = if set > 0 && reader.bit()? {
            skip_predicted_set(reader, previous_pictures)?
        } else {
            skip_explicit_set(reader)?
        };
    }
    Some(())
}

fn skip_predicted_set(reader: &mut BitReader<'_>, previous_pictures: u32) -> Option<u32> {
    reader.bit()?; // sign
    reader.ue()?; // distance
    let mut pictures = 0;
    for _ in 0..=previous_pictures {
        let used = reader.bit()?;
        let kept = used || reader.bit()?;
        pictures += u32::from(kept);
    }
    Some(pictures).filter(|&pictures| pictures <= MAX_REFERENCES)
}

fn skip_explicit_set(reader: &mut BitReader<'_>) -> Option<u32> {
    let negative = reader.ue().filter(|&pictures| pictures <= MAX_REFERENCES)?;
    let positive = reader.ue().filter(|&pictures| pictures <= MAX_REFERENCES)?;
    for _ in 0..negative + positive {
        reader.ue()?;
        reader.bit()?;
    }
    Some(negative + positive)
}
