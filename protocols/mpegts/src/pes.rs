//! The header of a PES packet (ISO/IEC 13818-1, section 2.4.3.6).

/// Bytes up to and including the length field.
pub(crate) const FIXED_BYTES: usize = 6;
/// Bytes up to and including the length of the optional part.
const EXTENDED_BYTES: usize = 9;

/// A PES header, its times still 33 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PesHeader {
    /// stream_id.
    pub stream_id: u8,
    /// Bytes of the whole packet where its length is told; video may leave it open.
    pub packet_bytes: Option<usize>,
    /// Where the payload begins.
    pub payload_offset: usize,
    /// Presentation time.
    pub pts: Option<u64>,
    /// Decoding time, where it differs.
    pub dts: Option<u64>,
}

impl PesHeader {
    /// Reads a header; `None` when this is none, or not all of it is there.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [0, 0, 1, stream_id, high, low, ..] = *data else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut header = Self {
            stream_id,
            packet_bytes: (length > 0).then_some(FIXED_BYTES + length),
            payload_offset: FIXED_BYTES,
            pts: None,
            dts: None,
        };
        if !has_extension(stream_id) {
            return Some(header);
        }
        let [flags, optional] = *data.get(7..EXTENDED_BYTES)? else {
            return None;
        };
        header.payload_offset = EXTENDED_BYTES + usize::from(optional);
        let optional = data.get(EXTENDED_BYTES..header.payload_offset)?;
        if flags & 0x80 != 0 {
            header.pts = optional.get(..5).and_then(read_time);
        }
        if flags & 0xC0 == 0xC0 {
            header.dts = optional.get(5..10).and_then(read_time);
        }
        Some(header)
    }

    /// Whether the packet only fills.
    #[must_use]
    pub const fn is_padding(&self) -> bool {
        self.stream_id == 0xBE
    }

    /// The length field of a packet that begins here, before the whole header is there.
    #[must_use]
    pub fn told_packet_bytes(data: &[u8]) -> Option<usize> {
        let [0, 0, 1, _, high, low, ..] = *data else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length > 0).then_some(FIXED_BYTES + length)
    }
}

/// Streams whose packets carry flags and times.
const fn has_extension(stream_id: u8) -> bool {
    !matches!(
        stream_id,
        0xBC | 0xBE | 0xBF | 0xF0 | 0xF1 | 0xF2 | 0xF8 | 0xFF
    )
}

/// 33 bits in five bytes. Marker bits are not insisted on.
fn read_time(field: &[u8]) -> Option<u64> {
    let [a, b, c, d, e] = *field else { return None };
    let high = u64::from(a >> 1 & 7) << 30;
    let middle = u64::from(u16::from_be_bytes([b, c]) >> 1) << 15;
    let low = u64::from(u16::from_be_bytes([d, e]) >> 1);
    Some(high | middle | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_read() {
        let data = [
            0, 0, 1, 0xE0, 0, 0, 0x80, 0xC0, 10, // open length
            0x31, 0x00, 0x01, 0x00, 0x03, // 1
            0x1F, 0xFF, 0xFF, 0xFF, 0xFF, // 2^33 - 1
            0xAA,
        ];
        let header = PesHeader::parse(&data).expect("a header");
        assert_eq!(header.pts, Some(1));
        assert_eq!(header.dts, Some((1 << 33) - 1));
        assert_eq!(header.payload_offset, 19);
        assert_eq!(header.packet_bytes, None);
    }

    #[test]
    fn a_header_that_is_not_all_there_is_none() {
        assert_eq!(
            PesHeader::parse(&[0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5, 0x21]),
            None
        );
        assert_eq!(PesHeader::parse(&[0, 0, 2, 0xE0, 0, 0]), None);
    }
}
