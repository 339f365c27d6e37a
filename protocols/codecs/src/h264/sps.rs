//! The sequence parameter set of H.264, read tolerantly.
//!
//! Only what identifies the picture is read, and reading stops before the parts that
//! real encoders get wrong: a set with a level too low for its picture, or a broken tail, still
//! says how large the picture is. (Strict readers such as h264-reader, the oracle of
//! the tests, refuse the whole set then.)

use crate::bits::BitReader;
use crate::{Codec, FrameRate, VideoFormat, nal};

/// A sequence parameter set is never longer in practice.
const MAX_SPS_BYTES: usize = 4096;
/// pic_order_cnt_type 1 lists at most this many offsets.
const MAX_ORDER_OFFSETS: u32 = 255;
const ASPECT_RATIO_EXTENDED: u32 = 255;
/// Buffers that a hypothetical decoder is described with.
const MAX_BUFFERS: u32 = 32;
/// A decoder holds back at most this many pictures.
const MAX_REORDERED: u32 = 16;
/// pic_order_cnt_type of streams without B pictures.
const SHOWN_AS_DECODED: u32 = 2;
/// The profile that has no B pictures.
const BASELINE: u8 = 66;

/// What a sequence parameter set says, as far as it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sps {
    /// profile_idc.
    pub profile_idc: u8,
    /// The constraint flags, as the byte they are in.
    pub constraints: u8,
    /// level_idc.
    pub level_idc: u8,
    /// seq_parameter_set_id.
    pub id: u32,
    /// chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u32,
    /// Bits per luma sample.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample.
    pub bit_depth_chroma: u8,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Whether fields may occur.
    pub interlaced: bool,
    /// The frame rate of the timing information.
    pub fps: Option<FrameRate>,
    /// How many pictures at most are decoded before one that is shown before them; `None`
    /// where the set does not say.
    pub reordered: Option<u8>,
    /// How pictures are numbered.
    pub(super) numbering: Numbering,
}

/// How the pictures of a sequence are numbered, and what slices say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbering {
    /// Bits of frame_num.
    pub(super) frame_num_bits: u32,
    /// pic_order_cnt_type.
    pub(super) order_type: u32,
    /// Bits of pic_order_cnt_lsb, for type 0.
    pub(super) order_bits: u32,
    /// Pictures that others may refer to at once.
    pub(super) references: u32,
    /// Whether numbers may be left out, and the bit behind the unit's header that says so.
    pub(super) has_gaps: bool,
    gaps_at_bits: usize,
    /// Slices say whether they are of a field.
    pub(super) may_be_fields: bool,
    /// Slices say which colour they are of.
    pub(super) separate_planes: bool,
}

/// A sequence parameter set that allows numbers of pictures to be left out, as the unit `set` does
/// not.
pub(super) fn with_gaps(set: &[u8], numbering: &Numbering) -> Option<Vec<u8>> {
    let (&head, escaped) = set.split_first()?;
    let mut payload = nal::unescape(escaped, MAX_SPS_BYTES);
    if payload.len() == MAX_SPS_BYTES {
        return None;
    }
    let at = numbering.gaps_at_bits;
    *payload.get_mut(at / 8)? |= 0x80 >> (at % 8);
    let mut unit = vec![head];
    nal::escape(&payload, &mut unit);
    Some(unit)
}

impl Sps {
    /// Reads a NAL unit of type 7, its one-byte header included.
    #[must_use]
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let payload = nal::unescape(unit.get(1..)?, MAX_SPS_BYTES);
        let mut reader = BitReader::new(&payload);
        let mut sps = Self {
            profile_idc: reader.byte(8)?,
            constraints: reader.byte(8)?,
            level_idc: reader.byte(8)?,
            id: reader.ue()?,
            chroma_format: 1,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            width: 0,
            height: 0,
            interlaced: false,
            fps: None,
            reordered: None,
            numbering: Numbering::default(),
        };
        let mut separate_planes = false;
        if has_chroma_information(sps.profile_idc) {
            separate_planes = sps.read_chroma(&mut reader)?;
        }
        sps.numbering.separate_planes = separate_planes;
        let order_type = read_picture_order(&mut reader, &mut sps.numbering)?;
        sps.read_size(&mut reader, separate_planes)?;
        // The picture is known; a broken tail only costs what the tail says.
        sps.read_usability(&mut reader);
        if order_type == SHOWN_AS_DECODED || matches!(sps.profile_idc, BASELINE) {
            sps.reordered = Some(0);
        }
        sps.format().is_plausible().then_some(sps)
    }

    /// The set as a format.
    #[must_use]
    pub fn format(&self) -> VideoFormat {
        VideoFormat {
            codec: Codec::H264,
            profile: self.profile(),
            level: Some(self.level()),
            width: self.width,
            height: self.height,
            fps: self.fps,
            interlaced: self.interlaced,
            bit_depth: self.bit_depth_luma,
        }
    }

    fn profile(&self) -> Option<&'static str> {
        let constraint = |index: u8| self.constraints & 0x80 >> index != 0;
        Some(match self.profile_idc {
            66 if constraint(1) => "Constrained Baseline",
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 if constraint(3) => "High 10 Intra",
            110 => "High 10",
            122 if constraint(3) => "High 4:2:2 Intra",
            122 => "High 4:2:2",
            244 if constraint(3) => "High 4:4:4 Intra",
            244 => "High 4:4:4 Predictive",
            44 => "CAVLC 4:4:4",
            118 => "Multiview High",
            128 => "Stereo High",
            _ => return None,
        })
    }

    fn level(&self) -> String {
        if self.level_idc == 11 && self.constraints & 0x10 != 0 || self.level_idc == 9 {
            return "1b".into();
        }
        format!("{}.{}", self.level_idc / 10, self.level_idc % 10)
    }

    /// Returns whether the colour planes are coded apart.
    fn read_chroma(&mut self, reader: &mut BitReader<'_>) -> Option<bool> {
        self.chroma_format = reader.ue().filter(|&format| format <= 3)?;
        let separate_planes = self.chroma_format == 3 && reader.bit()?;
        let mut depth = || {
            reader
                .ue()
                .filter(|&extra| extra <= 6)
                .map(|extra| 8 + extra as u8)
        };
        self.bit_depth_luma = depth()?;
        self.bit_depth_chroma = depth()?;
        reader.bit()?; // transform bypass
        if reader.bit()? {
            skip_scaling_lists(reader, if self.chroma_format == 3 { 12 } else { 8 })?;
        }
        Some(separate_planes)
    }

    fn read_size(&mut self, reader: &mut BitReader<'_>, separate_planes: bool) -> Option<()> {
        self.numbering.references = reader.ue()?;
        self.numbering.gaps_at_bits = reader.position_bits();
        self.numbering.has_gaps = reader.bit()?;
        let width = reader.ue()?.checked_add(1)?.checked_mul(16)?;
        let map_units = reader.ue()?.checked_add(1)?.checked_mul(16)?;
        self.interlaced = !reader.bit()?;
        self.numbering.may_be_fields = self.interlaced;
        let fields = 1 + u32::from(self.interlaced);
        let height = map_units.checked_mul(fields)?;
        if self.interlaced {
            reader.bit()?; // field or frame per macroblock
        }
        reader.bit()?; // direct 8x8 inference
        let mut crop = [0; 4];
        if reader.bit()? {
            for side in &mut crop {
                *side = reader.ue()?;
            }
        }
        let colour = self.chroma_format != 0 && !separate_planes;
        let unit_x = if colour && self.chroma_format < 3 {
            2
        } else {
            1
        };
        let unit_y = fields
            * if colour && self.chroma_format == 1 {
                2
            } else {
                1
            };
        let [left, right, top, bottom] = crop;
        self.width = width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?;
        self.height = height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?;
        Some(())
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
        if reader.bit()? {
            let units_in_tick = reader.bits(32)?;
            let time_scale = reader.bits(32)?;
            self.fps = units_in_tick
                .checked_mul(2)
                .and_then(|units| FrameRate::new(time_scale, units));
            reader.bit()?; // fixed rate
        }
        let described = [
            reader.bit()?.then(|| skip_decoder(reader)),
            reader.bit()?.then(|| skip_decoder(reader)),
        ];
        if described.contains(&Some(None)) {
            return None;
        }
        if described.iter().any(Option::is_some) {
            reader.bit()?; // low delay
        }
        reader.bit()?; // picture structure in SEI
        if reader.bit()? {
            reader.bit()?; // vectors across the picture's edge
            for _ in 0..4 {
                reader.ue()?; // bytes, bits, vector lengths
            }
            let reordered = reader.ue().filter(|&pictures| pictures <= MAX_REORDERED)?;
            self.reordered = Some(reordered as u8);
        }
        Some(())
    }
}

/// Profiles whose sets carry chroma format and bit depth.
pub(super) const fn has_chroma_information(profile_idc: u8) -> bool {
    matches!(
        profile_idc,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    )
}

fn skip_scaling_lists(reader: &mut BitReader<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !reader.bit()? {
            continue;
        }
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + reader.se()?).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// pic_order_cnt_type.
fn read_picture_order(reader: &mut BitReader<'_>, numbering: &mut Numbering) -> Option<u32> {
    numbering.frame_num_bits = reader.ue()?.saturating_add(4);
    let kind = reader.ue()?;
    numbering.order_type = kind;
    match kind {
        0 => numbering.order_bits = reader.ue()?.saturating_add(4),
        1 => {
            reader.bit()?;
            reader.se()?;
            reader.se()?;
            for _ in 0..reader
                .ue()
                .filter(|&offsets| offsets <= MAX_ORDER_OFFSETS)?
            {
                reader.se()?;
            }
        }
        _ => {}
    }
    Some(kind)
}

/// Skips a hypothetical decoder's description.
fn skip_decoder(reader: &mut BitReader<'_>) -> Option<()> {
    let buffers = reader.ue()?.checked_add(1)?;
    reader.skip(8)?; // scales
    for _ in 0..Some(buffers).filter(|&buffers| buffers <= MAX_BUFFERS)? {
        reader.ue()?;
        reader.ue()?;
        reader.bit()?;
    }
    reader.skip(20) // lengths of fields elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_set_reads_as_the_oracle_reads_it() {
        // x264, 1920x1080, 25 frames per second, High 4.0
        let unit = [
            0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x00, 0x00,
            0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xC8, 0x3C, 0x60, 0xC6, 0x58,
        ];
        let sps = Sps::parse(&unit).expect("a valid set");
        let payload = h264_reader::rbsp::decode_nal(&unit).expect("valid escapes");
        let oracle = h264_reader::nal::sps::SeqParameterSet::from_bits(
            h264_reader::rbsp::BitReader::new(&payload[..]),
        )
        .expect("a valid set");
        assert_eq!(
            (sps.width, sps.height),
            oracle.pixel_dimensions().expect("a size")
        );
        assert_eq!((sps.width, sps.height), (1920, 1080));
        assert_eq!(sps.fps.map(FrameRate::as_f64), oracle.fps());
        let restrictions = oracle
            .vui_parameters
            .and_then(|vui| vui.bitstream_restrictions);
        let reordered = restrictions.map(|said| said.max_num_reorder_frames);
        assert_eq!(sps.reordered.map(u32::from), reordered);
        assert_eq!(sps.reordered, Some(2), "x264 with its B pyramid");
        assert_eq!(sps.format().profile, Some("High"));
        assert_eq!(sps.format().level.as_deref(), Some("4.0"));
    }

    #[test]
    fn a_truncated_set_is_none_or_without_frame_rate() {
        let unit = [
            0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84,
        ];
        assert_eq!(Sps::parse(&unit).map(|sps| sps.fps), Some(None));
        assert_eq!(Sps::parse(&unit[..6]), None);
    }
}
