use super::AudioSpecificConfig;

/// Bytes of a header without its optional CRC.
const HEADER_BYTES: usize = 7;
const HEADER_WITH_CRC_BYTES: usize = 9;

/// An ADTS header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdtsHeader {
    /// The configuration it implies.
    pub config: AudioSpecificConfig,
    /// Bytes of the header, its CRC included.
    pub header_bytes: usize,
    /// Bytes of the whole frame, header included.
    pub frame_bytes: usize,
    /// Raw AAC frames inside: nearly always one.
    pub raw_blocks: u32,
}

/// Reads an ADTS header.
#[must_use]
pub fn adts_header(data: &[u8]) -> Option<AdtsHeader> {
    let [0xFF, b, c, d, e, f, g, ..] = *data else {
        return None;
    };
    if b & 0xF6 != 0xF0 {
        return None;
    }
    let header_bytes = if b & 1 == 1 {
        HEADER_BYTES
    } else {
        HEADER_WITH_CRC_BYTES
    };
    let frame_bytes = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
    let config = AudioSpecificConfig::plain(1 + (c >> 6), c >> 2 & 0x0F, (c & 1) << 2 | d >> 6)?;
    (frame_bytes > header_bytes).then_some(AdtsHeader {
        config,
        header_bytes,
        frame_bytes,
        raw_blocks: u32::from(g & 3) + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stereo_header_at_48_khz_is_read() {
        let header = adts_header(&[0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC]).expect("a header");
        assert_eq!(header.frame_bytes, 0x173);
        assert_eq!(header.header_bytes, 7);
        assert_eq!(header.config.sample_rate_hz, 48_000);
        assert_eq!(header.config.channels, 2);
        assert_eq!(header.config.profile(), Some("LC"));
    }

    #[test]
    fn a_frame_shorter_than_its_header_is_refused() {
        assert_eq!(
            adts_header(&[0xFF, 0xF1, 0x4C, 0x80, 0x00, 0x7F, 0xFC]),
            None
        );
    }
}
