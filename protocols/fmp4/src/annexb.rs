//! Start codes to lengths.

use bytes::{BufMut, BytesMut};
use tidegate_codecs::{Codec, h264, h265, nal};

/// NAL units that only separate or fill.
const H264_END_OF_SEQUENCE: u8 = 10;
const H264_END_OF_STREAM: u8 = 11;
const H264_FILLER: u8 = 12;
const H265_END_OF_SEQUENCE: u8 = 36;
const H265_END_OF_STREAM: u8 = 37;
const H265_FILLER: u8 = 38;

/// Appends an access unit with lengths instead of start codes. Parameter sets are left
/// out, they are in the initialisation segment; so are delimiters and filling.
pub(crate) fn append(out: &mut BytesMut, codec: Codec, unit: &[u8]) {
    for nal in nal::split(unit).filter(|nal| is_kept(codec, nal)) {
        out.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
        out.put_slice(nal);
    }
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

    #[test]
    fn parameter_sets_and_delimiters_are_left_out() {
        let unit = [
            &[
                0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3,
            ][..],
            &[0, 0, 1, 0x65, 4, 5, 0, 0, 1, 0x65, 6],
        ]
        .concat();
        let mut out = BytesMut::new();
        append(&mut out, Codec::H264, &unit);
        assert_eq!(out[..], [0, 0, 0, 3, 0x65, 4, 5, 0, 0, 0, 2, 0x65, 6]);
    }
}
