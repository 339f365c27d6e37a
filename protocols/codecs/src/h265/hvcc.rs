use bytes::{BufMut, Bytes, BytesMut};

use super::sps::Sps;
use crate::parameter_sets::take_sets;

const VPS_TYPE: u8 = 32;
const SPS_TYPE: u8 = 33;
const PPS_TYPE: u8 = 34;
/// Lengths of samples are written in four bytes.
const LENGTH_SIZE_MINUS_ONE: u8 = 3;
/// Where the byte with the length size and the number of arrays begin.
const LENGTHS_AT: usize = 21;

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

/// What an HEVCDecoderConfigurationRecord holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HvccSets {
    /// Video parameter sets.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets.
    pub pps: Vec<Bytes>,
    /// Bytes of a NAL unit's length in the samples.
    pub nal_length_bytes: u8,
}

/// Reads an HEVCDecoderConfigurationRecord. Encoders that send none of its newer fields
/// write version 0.
#[must_use]
pub fn parse_hvcc(record: &[u8]) -> Option<HvccSets> {
    if *record.first()? > 1 {
        return None;
    }
    let [lengths, arrays, rest @ ..] = record.get(LENGTHS_AT..)? else {
        return None;
    };
    let mut sets = HvccSets {
        nal_length_bytes: (lengths & 3) + 1,
        ..HvccSets::default()
    };
    let mut rest = rest;
    for _ in 0..*arrays {
        let [kind, high, low, behind @ ..] = rest else {
            return None;
        };
        rest = behind;
        let units = take_sets(&mut rest, usize::from(u16::from_be_bytes([*high, *low])))?;
        match kind & 0x3F {
            VPS_TYPE => sets.vps = units,
            SPS_TYPE => sets.sps = units,
            PPS_TYPE => sets.pps = units,
            _ => {}
        }
    }
    Some(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_the_sets_it_was_made_of() {
        let sets = HvccSets {
            vps: vec![Bytes::from_static(&[0x40, 1, 2])],
            sps: vec![Bytes::from_static(&[
                0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
                0x00, 0x03, 0x00, 0x3F, 0xA0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9A, 0x49, 0x32,
                0xBC, 0x05, 0xA0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
            ])],
            pps: vec![Bytes::from_static(&[0x44, 1, 3])],
            nal_length_bytes: 4,
        };
        let record = hvcc(&sets.vps, &sets.sps, &sets.pps).expect("valid sets");
        assert_eq!(parse_hvcc(&record), Some(sets));
        for end in 0..record.len() {
            assert_eq!(parse_hvcc(&record[..end]), None);
        }
    }
}
