//! LATM in LOAS: AAC frames that lie at any bit, configured in the stream itself.

use bytes::{BufMut, Bytes, BytesMut};

use super::AudioSpecificConfig;
use crate::bits::BitReader;

const SYNC: u16 = 0x2B7;
const HEADER_BYTES: usize = 3;
/// Bytes of a length written as bytes of 255 and one smaller.
const MAX_LENGTH_BYTES: usize = 64;

/// The length of the LOAS frame that starts here, its header included.
#[must_use]
pub fn loas_frame_bytes(data: &[u8]) -> Option<usize> {
    let [a, b, c, ..] = *data else { return None };
    let sync = u16::from(a) << 3 | u16::from(b >> 5);
    let length = usize::from(b & 0x1F) << 8 | usize::from(c);
    (sync == SYNC && length > 0).then_some(HEADER_BYTES + length)
}

/// Takes raw AAC frames out of LOAS frames, remembering the configuration between them.
///
/// One program with one layer and one frame per element, which is what broadcasters send.
#[derive(Clone, Debug, Default)]
pub struct LatmReader {
    mux: Option<(AudioSpecificConfig, Bytes)>,
}

impl LatmReader {
    /// The configuration seen last, and its record.
    #[must_use]
    pub fn config(&self) -> Option<&(AudioSpecificConfig, Bytes)> {
        self.mux.as_ref()
    }

    /// The raw AAC frame inside a LOAS frame.
    pub fn frame(&mut self, loas: &[u8]) -> Option<Bytes> {
        let element = loas.get(HEADER_BYTES..)?;
        let mut reader = BitReader::new(element);
        let same_mux = reader.bit()?;
        if !same_mux {
            self.mux = Some(read_mux_config(&mut reader, element)?);
        }
        self.mux.as_ref()?;
        let mut length = 0;
        for _ in 0..MAX_LENGTH_BYTES {
            let byte = reader.byte(8)?;
            length += usize::from(byte);
            if byte != 0xFF {
                return copy_bits(element, reader.position_bits(), length * 8);
            }
        }
        None
    }
}

fn read_mux_config(
    reader: &mut BitReader<'_>,
    element: &[u8],
) -> Option<(AudioSpecificConfig, Bytes)> {
    let version_one = reader.bit()?;
    if version_one && reader.bit()? {
        return None; // reserved syntax
    }
    if version_one {
        read_value(reader)?; // buffer fullness
    }
    reader.bit()?; // same time framing
    let (sub_frames, programs, layers) = (reader.bits(6)?, reader.bits(4)?, reader.bits(3)?);
    if (sub_frames, programs, layers) != (0, 0, 0) {
        return None;
    }
    let told_bits = if version_one {
        Some(read_value(reader)? as usize)
    } else {
        None
    };
    let begin = reader.position_bits();
    let config = AudioSpecificConfig::read(reader)?;
    skip_general_audio(reader, &config)?;
    if let Some(bits) = told_bits {
        reader.skip(bits.checked_sub(reader.position_bits() - begin)?)?;
    }
    let record = copy_bits(element, begin, reader.position_bits() - begin)?;
    if reader.bits(3)? != 0 {
        return None; // frames of a fixed length
    }
    reader.skip(8)?; // buffer fullness
    if reader.bit()? {
        skip_other_data(reader, version_one)?;
    }
    if reader.bit()? {
        reader.skip(8)?; // CRC
    }
    Some((config, record))
}

/// GASpecificConfig, which ends the record of the usual object types.
fn skip_general_audio(reader: &mut BitReader<'_>, config: &AudioSpecificConfig) -> Option<()> {
    if config.channel_configuration == 0 || !matches!(config.core_object_type, 1..=4) {
        return None;
    }
    reader.bit()?; // 960 samples per frame
    if reader.bit()? {
        reader.skip(14)?; // core coder delay
    }
    reader.bit().map(|_extension| ())
}

fn skip_other_data(reader: &mut BitReader<'_>, version_one: bool) -> Option<()> {
    if version_one {
        read_value(reader)?;
        return Some(());
    }
    for _ in 0..4 {
        let more = reader.bit()?;
        reader.skip(8)?;
        if !more {
            return Some(());
        }
    }
    None
}

fn read_value(reader: &mut BitReader<'_>) -> Option<u32> {
    let bytes = reader.bits(2)? + 1;
    reader.bits(bytes * 8)
}

/// Copies bits that start anywhere into whole bytes, padded with zeros.
fn copy_bits(data: &[u8], begin: usize, count: usize) -> Option<Bytes> {
    if begin.checked_add(count)? > data.len() * 8 {
        return None;
    }
    let mut reader = BitReader::new(data);
    reader.skip(begin)?;
    let mut copy = BytesMut::with_capacity(count.div_ceil(8));
    for _ in 0..count / 8 {
        copy.put_u8(reader.byte(8)?);
    }
    let rest = (count % 8) as u32;
    if rest > 0 {
        copy.put_u8(reader.byte(rest)? << (8 - rest));
    }
    Some(copy.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_copied_from_any_position() {
        assert_eq!(copy_bits(&[0x0F, 0xF0], 4, 8).as_deref(), Some(&[0xFF][..]));
        assert_eq!(copy_bits(&[0x0F, 0xF0], 4, 5).as_deref(), Some(&[0xF8][..]));
        assert_eq!(copy_bits(&[0x0F, 0xF0], 10, 8), None);
    }

    #[test]
    fn a_loas_header_tells_the_length_of_its_frame() {
        assert_eq!(loas_frame_bytes(&[0x56, 0xE0, 0x10]), Some(19));
        assert_eq!(loas_frame_bytes(&[0x56, 0xC0, 0x10]), None);
    }
}
