use bytes::{BufMut, Bytes, BytesMut};

use super::sps::Sps;

const VPS_TYPE: u8 = 32;
const SPS_TYPE: u8 = 33;
const PPS_TYPE: u8 = 34;
/// Lengths of samples are written in four bytes.
const LENGTH_SIZE_MINUS_ONE: u8 = 3;

/// The HEVCDecoderConfigurationRecord (body of `hvcC`) for these parameter sets.
#[must_use]
pub fn hvcc(vps: &[Bytes], sps: &[Bytes], pps: &[Bytes]) -> Option<Bytes> {
    let header = Sps::parse(sps.first()?)?;
    let general = &header.general;
    let mut record = BytesMut::new();
    record.put_u8(1);
    record.put_u8(
        general.profile_space << 6 | u8::from(general.high_tier) << 5 | general.profile_idc,
    );
    record.put_u32(general.compatibility_flags);
    record.put_slice(&general.constraints);
    record.put_u8(general.level_idc);
    record.put_u16(0xF000); // spatial segmentation unknown
    record.put_u8(0xFC); // parallelism unknown
    record.put_u8(0xFC | header.chroma_format);
    record.put_u8(0xF8 | (header.bit_depth_luma - 8) & 7);
    record.put_u8(0xF8 | (header.bit_depth_chroma - 8) & 7);
    record.put_u16(0); // average frame rate unknown
    record.put_u8(
        header.sub_layers << 3 | u8::from(header.temporal_nesting) << 2 | LENGTH_SIZE_MINUS_ONE,
    );
    let arrays = [(VPS_TYPE, vps), (SPS_TYPE, sps), (PPS_TYPE, pps)];
    record.put_u8(arrays.len() as u8);
    for (kind, units) in arrays {
        record.put_u8(0x80 | kind); // complete: hvc1 repeats no sets in the samples
        record.put_u16(u16::try_from(units.len()).ok()?);
        for unit in units {
            record.put_u16(u16::try_from(unit.len()).ok()?);
            record.put_slice(unit);
        }
    }
    Some(record.freeze())
}
