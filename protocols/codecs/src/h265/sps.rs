//! The sequence parameter set of H.265 up to the timing information.

use super::structure::{ProfileTierLevel, skip_reference_sets, skip_scaling_lists};
use crate::bits::BitReader;
use crate::{Codec, FrameRate, VideoFormat, nal};

/// A sequence parameter set is never longer in practice.
const MAX_SPS_BYTES: usize = 4096;
/// Long-term reference pictures listed in the set.
const MAX_LONG_TERM: u32 = 32;
const ASPECT_RATIO_EXTENDED: u32 = 255;
/// A decoder holds back at most this many pictures.
const MAX_REORDERED: u32 = 16;

/// What a sequence parameter set says, as far as it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sps {
    /// sps_max_sub_layers.
    pub sub_layers: u8,
    /// sps_temporal_id_nesting_flag.
    pub temporal_nesting: bool,
    /// Profile, tier and level.
    pub general: ProfileTierLevel,
    /// sps_seq_parameter_set_id.
    pub id: u32,
    /// chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits per luma sample.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample.
    pub bit_depth_chroma: u8,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Whether pictures are fields.
    pub fields: bool,
    /// The picture rate of the timing information.
    pub fps: Option<FrameRate>,
    /// How many pictures at most are decoded before one that is shown before them; `None`
    /// where the set is broken.
    pub reordered: Option<u8>,
}

impl Sps {
    /// Reads a NAL unit of type 33, its two-byte header included.
    #[must_use]
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let payload = nal::unescape(unit.get(2..)?, MAX_SPS_BYTES);
        let mut reader = BitReader::new(&payload);
        reader.skip(4)?; // video parameter set
        let max_sub_layers_minus1 = reader.bits(3).filter(|&layers| layers <= 6)?;
        let temporal_nesting = reader.bit()?;
        let general = ProfileTierLevel::read(&mut reader, max_sub_layers_minus1)?;
        let id = reader.ue()?;
        let chroma_format = reader.ue().filter(|&format| format <= 3)? as u8;
        let separate_planes = chroma_format == 3 && reader.bit()?;
        let chroma_sampling = if separate_planes { 0 } else { chroma_format };
        let (width, height) = read_size(&mut reader, chroma_sampling)?;
        let mut depth = || {
            reader
                .ue()
                .filter(|&extra| extra <= 8)
                .map(|extra| 8 + extra as u8)
        };
        let mut sps = Self {
            sub_layers: max_sub_layers_minus1 as u8 + 1,
            temporal_nesting,
            general,
            id,
            chroma_format,
            bit_depth_luma: depth()?,
            bit_depth_chroma: depth()?,
            width,
            height,
            fields: false,
            fps: None,
            reordered: None,
        };
        // The picture is known; a broken tail only costs what the tail says.
        if sps
            .read_coding_tools(&mut reader, max_sub_layers_minus1)
            .is_some()
        {
            sps.read_usability(&mut reader);
        }
        sps.format().is_plausible().then_some(sps)
    }

    /// The set as a format.
    #[must_use]
    pub fn format(&self) -> VideoFormat {
        VideoFormat {
            codec: Codec::H265,
            profile: self.general.profile(),
            level: Some(self.general.level()),
            width: self.width,
            height: self.height,
            fps: self.fps,
            interlaced: self.fields,
            bit_depth: self.bit_depth_luma,
        }
    }

    /// Everything between the bit depths and the usability information.
    fn read_coding_tools(
        &mut self,
        reader: &mut BitReader<'_>,
        max_sub_layers_minus1: u32,
    ) -> Option<()> {
        let order_count_bits = reader.ue().filter(|&bits| bits <= 12)? + 4;
        let layers = if reader.bit()? {
            max_sub_layers_minus1 + 1
        } else {
            1
        };
        for _ in 0..layers {
            reader.ue()?; // picture buffer
            let reordered = reader.ue().filter(|&pictures| pictures <= MAX_REORDERED)?;
            self.reordered = Some(reordered as u8); // of the highest layer, in the end
            reader.ue()?; // latency
        }
        for _ in 0..6 {
            reader.ue()?; // block sizes and depths
        }
        if reader.bit()? && reader.bit()? {
            skip_scaling_lists(reader)?;
        }
        reader.skip(2)?; // asymmetric partitions, adaptive offset
        if reader.bit()? {
            reader.skip(8)?; // PCM sample depths
            reader.ue()?;
            reader.ue()?;
            reader.bit()?;
        }
        skip_reference_sets(reader)?;
        if reader.bit()? {
            for _ in 0..reader.ue().filter(|&pictures| pictures <= MAX_LONG_TERM)? {
                reader.skip(order_count_bits as usize + 1)?;
            }
        }
        reader.skip(2) // temporal motion vectors, strong intra smoothing
    }

    fn read_usability(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if !reader.bit()? {
            return None;
        }
        if reader.bit()? && reader.bits(8)? == ASPECT_RATIO_EXTENDED {
            reader.skip(32)?;
        }
        if reader.bit()? {
            reader.bit()?; // overscan
        }
        if reader.bit()? {
            reader.skip(4)?; // video format, range
            if reader.bit()? {
                reader.skip(24)?; // colour description
            }
        }
        if reader.bit()? {
            reader.ue()?; // chroma location
            reader.ue()?;
        }
        reader.bit()?; // neutral chroma
        self.fields = reader.bit()?;
        reader.bit()?; // frame or field information in SEI
        if reader.bit()? {
            for _ in 0..4 {
                reader.ue()?; // default display window
            }
        }
        if reader.bit()? {
            let units_in_tick = reader.bits(32)?;
            let time_scale = reader.bits(32)?;
            self.fps = FrameRate::new(time_scale, units_in_tick);
        }
        Some(())
    }
}

fn read_size(reader: &mut BitReader<'_>, chroma_sampling: u8) -> Option<(u32, u32)> {
    let width = reader.ue()?;
    let height = reader.ue()?;
    if !reader.bit()? {
        return Some((width, height));
    }
    let unit_x = if matches!(chroma_sampling, 1 | 2) {
        2
    } else {
        1
    };
    let unit_y = if chroma_sampling == 1 { 2 } else { 1 };
    let mut sides = [0_u32; 4];
    for side in &mut sides {
        *side = reader.ue()?;
    }
    let [left, right, top, bottom] = sides;
    Some((
        width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?,
        height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_x265_is_read_with_its_frame_rate() {
        // x265, 640x360 (cropped from 368), 25 frames per second, Main
        let unit = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
            0x00, 0x03, 0x00, 0x3F, 0xA0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9A, 0x49, 0x32,
            0xBC, 0x05, 0xA0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
        ];
        let sps = Sps::parse(&unit).expect("a valid set");
        assert_eq!((sps.width, sps.height), (640, 360));
        assert_eq!(sps.fps.map(FrameRate::as_f64), Some(25.0));
        assert_eq!(sps.format().profile, Some("Main"));
        assert_eq!(sps.format().level.as_deref(), Some("2.1"));
        assert!(
            sps.reordered.is_some_and(|pictures| pictures <= 4),
            "x265 says it"
        );
    }
}
