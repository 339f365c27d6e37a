//! Start codes to lengths.

use tidegate_codecs::{Codec, h264, h265, nal};

/// NAL units that only separate or fill.
const H264_END_OF_SEQUENCE: u8 = 10;
const H264_END_OF_STREAM: u8 = 11;
const H264_FILLER: u8 = 12;
const H265_END_OF_SEQUENCE: u8 = 36;
const H265_END_OF_STREAM: u8 = 37;
const H265_FILLER: u8 = 38;

/// The units of an access unit that go into a file. Parameter sets are left out, they are in
/// the initialisation segment; so are delimiters and filling.
pub(crate) fn kept(codec: Codec, unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    nal::split(unit).filter(move |nal| is_kept(codec, nal))
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
        let kept: Vec<_> = kept(Codec::H264, &unit).collect();
        assert_eq!(kept, [&[0x65, 4, 5][..], &[0x65, 6]]);
    }
}
