use bytes::{BufMut, Bytes, BytesMut};

use super::sps::{Sps, has_chroma_information};

/// Lengths of samples are written in four bytes.
const LENGTH_SIZE_MINUS_ONE: u8 = 3;
const MAX_SPS: usize = 31;
const MAX_PPS: usize = 255;

/// The AVCDecoderConfigurationRecord (body of `avcC`) for these parameter sets.
#[must_use]
pub fn avcc(sps: &[Bytes], pps: &[Bytes]) -> Option<Bytes> {
    let first = sps.first()?;
    let header = Sps::parse(first)?;
    let mut record = BytesMut::new();
    record.put_u8(1);
    record.put_slice(&first[1..4]);
    record.put_u8(0xFC | LENGTH_SIZE_MINUS_ONE);
    let sps = &sps[..sps.len().min(MAX_SPS)];
    record.put_u8(0xE0 | sps.len() as u8);
    put_sets(&mut record, sps)?;
    let pps = &pps[..pps.len().min(MAX_PPS)];
    record.put_u8(pps.len() as u8);
    put_sets(&mut record, pps)?;
    if has_chroma_information(header.profile_idc) && !matches!(header.profile_idc, 44 | 244) {
        record.put_u8(0xFC | header.chroma_format as u8);
        record.put_u8(0xF8 | (header.bit_depth_luma - 8));
        record.put_u8(0xF8 | (header.bit_depth_chroma - 8));
        record.put_u8(0);
    }
    Some(record.freeze())
}

fn put_sets(record: &mut BytesMut, sets: &[Bytes]) -> Option<()> {
    for set in sets {
        record.put_u16(u16::try_from(set.len()).ok()?);
        record.put_slice(set);
    }
    Some(())
}
