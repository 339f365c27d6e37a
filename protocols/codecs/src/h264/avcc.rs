use bytes::{BufMut, Bytes, BytesMut};

use super::sps::{Sps, has_chroma_information};
use crate::parameter_sets::take_sets;

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

/// The parameter sets in an AVCDecoderConfigurationRecord, and how many bytes the lengths
/// of NAL units take in the samples it describes.
#[must_use]
pub fn parse_avcc(record: &[u8]) -> Option<(Vec<Bytes>, Vec<Bytes>, u8)> {
    let [1, _, _, _, lengths, sps_count, rest @ ..] = record else {
        return None;
    };
    let mut rest = rest;
    let sps = take_sets(&mut rest, usize::from(sps_count & 0x1F))?;
    let (&pps_count, mut rest) = rest.split_first()?;
    let pps = take_sets(&mut rest, usize::from(pps_count))?;
    Some((sps, pps, (lengths & 3) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_the_sets_it_was_made_of() {
        let sps = vec![Bytes::from_static(&[
            0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84,
        ])];
        let pps = vec![Bytes::from_static(&[0x68, 0xEB, 0xE3, 0xCB])];
        let record = avcc(&sps, &pps).expect("valid sets");
        assert_eq!(parse_avcc(&record), Some((sps, pps, 4)));
        for end in 0..record.len() - 4 {
            assert_eq!(parse_avcc(&record[..end]), None);
        }
    }
}
