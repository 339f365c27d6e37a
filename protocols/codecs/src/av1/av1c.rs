use bytes::{BufMut, Bytes, BytesMut};

use super::{SEQUENCE_HEADER, SequenceHeader, first_obu, obus, put_sized};

/// Marker and version of the record.
const MARKER: u8 = 0x81;
const RECORD_HEADER_BYTES: usize = 4;

/// The body of `av1C` for this sequence header, given as a whole OBU.
#[must_use]
pub fn av1c(sequence_header: &[u8]) -> Option<Bytes> {
    let obu = first_obu(sequence_header)?;
    let header = SequenceHeader::parse(obu.payload)?;
    let mut record = BytesMut::with_capacity(RECORD_HEADER_BYTES + sequence_header.len());
    record.put_u8(MARKER);
    record.put_u8(header.profile << 5 | header.level_index);
    record.put_u8(
        u8::from(header.high_tier) << 7
            | u8::from(header.bit_depth > 8) << 6
            | u8::from(header.bit_depth == 12) << 5
            | u8::from(header.monochrome) << 4
            | u8::from(header.subsampling_x) << 3
            | u8::from(header.subsampling_y) << 2
            | header.chroma_position,
    );
    record.put_u8(0); // presentation delay unknown
    record.put_slice(sequence_header);
    Some(record.freeze())
}

/// The sequence header inside the body of `av1C`, as a whole OBU with its size.
#[must_use]
pub fn parse_av1c(record: &[u8]) -> Option<Bytes> {
    if *record.first()? != MARKER {
        return None;
    }
    let mut found = obus(record.get(RECORD_HEADER_BYTES..)?);
    let obu = found.find(|obu| obu.kind == SEQUENCE_HEADER)?;
    let mut header = BytesMut::with_capacity(obu.whole.len() + 1);
    put_sized(&mut header, &obu);
    Some(header.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SVT-AV1, 640x360, 8 bits, Main, level 2.1, as ffmpeg 9 writes it to MP4.
    const RECORD: [u8; 18] = [
        0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38, 0x05,
        0xF0, 0x00, 0x80,
    ];

    #[test]
    fn a_record_reads_and_is_written_the_same() {
        let header = parse_av1c(&RECORD).expect("a sequence header");
        let written = av1c(&header).expect("a valid header");
        assert_eq!(written[..], RECORD);
    }

    #[test]
    fn a_record_without_a_sequence_header_is_refused() {
        assert_eq!(parse_av1c(&RECORD[..4]), None);
        assert_eq!(parse_av1c(&[0x01]), None);
    }
}
