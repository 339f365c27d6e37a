//! Access units as MP4 and FLV hold them: NAL units behind their lengths instead of start
//! codes, parameter sets apart, AV1 without delimiters.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Codec, av1, h264, h265, nal};

/// Bytes of a NAL unit's length in what is written here.
pub const NAL_LENGTH_BYTES: usize = 4;
const START_CODE: [u8; 4] = [0, 0, 0, 1];
// NAL units that only separate or fill.
const H264_END_OF_SEQUENCE: u8 = 10;
const H264_END_OF_STREAM: u8 = 11;
const H264_FILLER: u8 = 12;
const H265_END_OF_SEQUENCE: u8 = 36;
const H265_END_OF_STREAM: u8 = 37;
const H265_FILLER: u8 = 38;

/// Whether units of a codec are Annex B in a feed and behind lengths in a sample.
#[must_use]
pub const fn is_nal_codec(codec: Codec) -> bool {
    matches!(codec, Codec::H264 | Codec::H265)
}

/// The NAL units of an Annex B access unit that go into a sample. Parameter sets are left
/// out, they are in the decoder configuration; so are delimiters and filling.
pub fn nal_units(codec: Codec, unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    nal::split(unit).filter(move |nal| is_kept(codec, nal))
}

/// One access unit as a sample.
#[must_use]
pub fn from_unit(codec: Codec, unit: &Bytes) -> Bytes {
    match codec {
        Codec::Av1 => av1::sample(unit),
        _ if is_nal_codec(codec) => {
            let mut sample = BytesMut::with_capacity(unit.len() + NAL_LENGTH_BYTES);
            put_nal_units(codec, unit, &mut sample);
            sample.freeze()
        }
        _ => unit.clone(),
    }
}

/// Appends the NAL units of an Annex B access unit, each behind its length.
pub fn put_nal_units(codec: Codec, unit: &[u8], sample: &mut BytesMut) {
    for nal in nal_units(codec, unit) {
        sample.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
        sample.put_slice(nal);
    }
}

/// The access unit in a sample whose NAL units have lengths of `nal_length_bytes` (1, 2 or
/// 4); `None` if they do not add up to the sample.
#[must_use]
pub fn to_unit(codec: Codec, sample: &Bytes, nal_length_bytes: u8) -> Option<Bytes> {
    match codec {
        Codec::Av1 => Some(av1::sample(sample)),
        _ if is_nal_codec(codec) => to_annex_b(sample, usize::from(nal_length_bytes)),
        _ => Some(sample.clone()),
    }
}

fn to_annex_b(sample: &[u8], length_bytes: usize) -> Option<Bytes> {
    if !matches!(length_bytes, 1 | 2 | 4) {
        return None;
    }
    let mut unit = BytesMut::with_capacity(sample.len() + START_CODE.len());
    let mut rest = sample;
    while !rest.is_empty() {
        let (length, behind) = rest.split_at_checked(length_bytes)?;
        let length = length
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (nal, behind) = behind.split_at_checked(length)?;
        if !nal.is_empty() {
            unit.put_slice(&START_CODE);
            unit.put_slice(nal);
        }
        rest = behind;
    }
    Some(unit.freeze())
}

fn is_kept(codec: Codec, nal: &[u8]) -> bool {
    if codec == Codec::H264 {
        return !matches!(
            h264::UnitType::of(nal),
            None | Some(
                h264::UnitType::Sps
                    | h264::UnitType::Pps
                    | h264::UnitType::Delimiter
                    | h264::UnitType::Other(
                        H264_END_OF_SEQUENCE | H264_END_OF_STREAM | H264_FILLER
                    )
            )
        );
    }
    !matches!(
        h265::UnitType::of(nal),
        None | Some(
            h265::UnitType::Vps
                | h265::UnitType::Sps
                | h265::UnitType::Pps
                | h265::UnitType::Delimiter
                | h265::UnitType::Other(H265_END_OF_SEQUENCE | H265_END_OF_STREAM | H265_FILLER)
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameter_sets_and_delimiters_are_left_out() {
        let unit = [
            &[
                0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3,
            ][..],
            &[0, 0, 1, 0x65, 4, 5, 0, 0, 1, 0x65, 6],
        ]
        .concat();
        let kept: Vec<_> = nal_units(Codec::H264, &unit).collect();
        assert_eq!(kept, [&[0x65, 4, 5][..], &[0x65, 6]]);
    }

    #[test]
    fn a_sample_comes_back_as_the_units_it_was_made_of() {
        let unit = Bytes::from_static(&[0, 0, 0, 1, 0x06, 9, 9, 0, 0, 1, 0x65, 4, 5]);
        let sample = from_unit(Codec::H264, &unit);
        assert_eq!(sample[..], [0, 0, 0, 3, 6, 9, 9, 0, 0, 0, 3, 0x65, 4, 5]);
        let back = to_unit(Codec::H264, &sample, 4).expect("a whole sample");
        let units: Vec<_> = nal::split(&back).collect();
        assert_eq!(units, [&[0x06, 9, 9][..], &[0x65, 4, 5]]);
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let sample = Bytes::from_static(&[0, 0, 0, 9, 0x65]);
        assert_eq!(to_unit(Codec::H264, &sample, 4), None);
        assert_eq!(to_unit(Codec::H265, &sample, 3), None);
        let huge = Bytes::from_static(&[0xFF, 0xFF, 0xFF, 0xFF, 0x65]);
        assert_eq!(to_unit(Codec::H264, &huge, 4), None);
    }

    proptest! {
        #[test]
        fn no_sample_becomes_much_larger(
            data in prop::collection::vec(0_u8..4, 0..200),
            bytes in 0_u8..6,
        ) {
            let data = Bytes::from(data);
            for codec in [Codec::H264, Codec::H265, Codec::Av1] {
                if let Some(unit) = to_unit(codec, &data, bytes) {
                    prop_assert!(unit.len() <= data.len() * 5 / 2 + 8);
                }
            }
        }
    }
}
