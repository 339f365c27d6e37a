//! The sequence header (AV1 specification, section 5.5).

use crate::bits::BitReader;
use crate::{Codec, FrameRate, VideoFormat};

/// seq_level_idx without a limit.
const LEVEL_MAXIMUM: u8 = 31;
/// Levels from 4.0 on have two tiers.
const LAST_LEVEL_OF_ONE_TIER: u8 = 7;
const BT709: u32 = 1;
const SRGB: u32 = 13;
const IDENTITY: u32 = 0;
const UNSPECIFIED: u32 = 2;

/// What a sequence header says, as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceHeader {
    /// seq_profile: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// seq_level_idx of the first operating point.
    pub level_index: u8,
    /// seq_tier of the first operating point.
    pub high_tier: bool,
    /// Largest width in pixels.
    pub width: u32,
    /// Largest height in pixels.
    pub height: u32,
    /// Bits per sample.
    pub bit_depth: u8,
    /// Without colour.
    pub monochrome: bool,
    /// Colour has half the width.
    pub subsampling_x: bool,
    /// Colour has half the height.
    pub subsampling_y: bool,
    /// chroma_sample_position.
    pub chroma_position: u8,
    /// The frame rate of the timing information.
    pub fps: Option<FrameRate>,
}

impl SequenceHeader {
    /// Reads the payload of an OBU of type 1.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(payload);
        let mut header = Self {
            profile: reader.byte(3).filter(|&profile| profile <= 2)?,
            level_index: 0,
            high_tier: false,
            width: 0,
            height: 0,
            bit_depth: 8,
            monochrome: false,
            subsampling_x: true,
            subsampling_y: true,
            chroma_position: 0,
            fps: None,
        };
        reader.bit()?; // still picture
        let reduced = reader.bit()?;
        if reduced {
            header.level_index = reader.byte(5)?;
        } else {
            header.read_operating_points(&mut reader)?;
        }
        let (width_bits, height_bits) = (reader.bits(4)? + 1, reader.bits(4)? + 1);
        header.width = reader.bits(width_bits)? + 1;
        header.height = reader.bits(height_bits)? + 1;
        if !reduced && reader.bit()? {
            reader.skip(7)?; // frame numbers
        }
        reader.skip(3)?; // block size, intra tools
        if !reduced {
            skip_inter_tools(&mut reader)?;
        }
        reader.skip(3)?; // super-resolution, filters
        header.read_colour(&mut reader)?;
        header.format().is_plausible().then_some(header)
    }

    /// The header as a format.
    #[must_use]
    pub fn format(&self) -> VideoFormat {
        let level = (self.level_index < LEVEL_MAXIMUM)
            .then(|| format!("{}.{}", 2 + (self.level_index >> 2), self.level_index & 3));
        VideoFormat {
            codec: Codec::Av1,
            profile: Some(["Main", "High", "Professional"][usize::from(self.profile.min(2))]),
            level,
            width: self.width,
            height: self.height,
            fps: self.fps,
            interlaced: false,
            bit_depth: self.bit_depth,
        }
    }

    fn read_operating_points(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let mut delay_bits = None;
        if reader.bit()? {
            self.read_timing(reader)?;
            if reader.bit()? {
                delay_bits = Some(reader.bits(5)? as usize + 1);
                reader.skip(32 + 5 + 5)?; // decoder model
            }
        }
        let has_display_delay = reader.bit()?;
        for point in 0..=reader.bits(5)? {
            reader.skip(12)?; // layers
            let level = reader.byte(5)?;
            let high_tier = level > LAST_LEVEL_OF_ONE_TIER && reader.bit()?;
            if point == 0 {
                (self.level_index, self.high_tier) = (level, high_tier);
            }
            if let Some(bits) = delay_bits
                && reader.bit()?
            {
                reader.skip(2 * bits + 1)?;
            }
            if has_display_delay && reader.bit()? {
                reader.skip(4)?;
            }
        }
        Some(())
    }

    fn read_timing(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let units_in_tick = reader.bits(32)?;
        let time_scale = reader.bits(32)?;
        if reader.bit()? {
            let ticks = reader.ue()?.checked_add(1)?;
            self.fps = units_in_tick
                .checked_mul(ticks)
                .and_then(|units| FrameRate::new(time_scale, units));
        }
        Some(())
    }

    fn read_colour(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let high = reader.bit()?;
        let twelve = self.profile == 2 && high && reader.bit()?;
        self.bit_depth = [8, 10, 12][usize::from(high) + usize::from(twelve)];
        self.monochrome = self.profile != 1 && reader.bit()?;
        let mut description = [UNSPECIFIED; 3];
        if reader.bit()? {
            for part in &mut description {
                *part = reader.bits(8)?;
            }
        }
        if self.monochrome {
            return Some(());
        }
        if description == [BT709, SRGB, IDENTITY] {
            (self.subsampling_x, self.subsampling_y) = (false, false);
            return Some(());
        }
        reader.bit()?; // range
        match self.profile {
            0 => {}
            1 => (self.subsampling_x, self.subsampling_y) = (false, false),
            _ if self.bit_depth == 12 => {
                self.subsampling_x = reader.bit()?;
                self.subsampling_y = self.subsampling_x && reader.bit()?;
            }
            _ => self.subsampling_y = false,
        }
        if self.subsampling_x && self.subsampling_y {
            self.chroma_position = reader.byte(2)?;
        }
        Some(())
    }
}

fn skip_inter_tools(reader: &mut BitReader<'_>) -> Option<()> {
    reader.skip(4)?; // compound prediction, warped motion, filters
    let order_hint = reader.bit()?;
    if order_hint {
        reader.skip(2)?;
    }
    let screen_content = reader.bit()? || reader.bit()?;
    if screen_content && !reader.bit()? {
        reader.bit()?; // integer motion vectors
    }
    if order_hint {
        reader.skip(3)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_header_is_read() {
        // SVT-AV1, 640x360, 8 bits, 4:2:0
        let payload = [
            0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38, 0x05, 0xF0, 0x00, 0x80,
        ];
        let header = SequenceHeader::parse(&payload).expect("a valid header");
        assert_eq!((header.width, header.height), (640, 360));
        assert_eq!((header.bit_depth, header.monochrome), (8, false));
        let format = header.format();
        assert_eq!(format.profile, Some("Main"));
        assert_eq!(format.level.as_deref(), Some("2.1"));
        assert_eq!(SequenceHeader::parse(&payload[..7]), None);
    }
}
