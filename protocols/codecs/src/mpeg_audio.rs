//! MPEG-1 and MPEG-2 audio, layers I to III.

use crate::{AudioFormat, Codec};

/// A frame header takes four bytes.
pub const HEADER_BYTES: usize = 4;

/// One frame, as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the stream is.
    pub format: AudioFormat,
    /// The whole frame, header included.
    pub frame_bytes: usize,
}

/// Kilobits per second, by row and bitrate index.
const BITRATES_KBPS: [[u32; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Reads a frame header. Free-format frames, whose length is not told, are refused.
#[must_use]
pub fn header(data: &[u8]) -> Option<Header> {
    let [0xFF, b, c, d, ..] = *data else {
        return None;
    };
    if b & 0xE0 != 0xE0 {
        return None;
    }
    let divider = match b >> 3 & 3 {
        3 => 1, // MPEG-1
        2 => 2, // MPEG-2
        0 => 4, // MPEG-2.5
        _ => return None,
    };
    let layer = 4 - u32::from(b >> 1 & 3);
    let rate_index = usize::from(c >> 2 & 3);
    let sample_rate_hz = [44_100, 48_000, 32_000].get(rate_index)? / divider;
    let row = match (divider, layer) {
        (1, 1) => 0,
        (1, 2) => 1,
        (1, 3) => 2,
        (_, 1) => 3,
        (_, 2 | 3) => 4,
        _ => return None,
    };
    let kbps = *BITRATES_KBPS[row]
        .get(usize::from(c >> 4))
        .filter(|&&kbps| kbps > 0)?;
    let padding = u32::from(c >> 1 & 1);
    let (samples, bytes) = match layer {
        1 => (384, (12_000 * kbps / sample_rate_hz + padding) * 4),
        3 if divider > 1 => (576, 72_000 * kbps / sample_rate_hz + padding),
        _ => (1152, 144_000 * kbps / sample_rate_hz + padding),
    };
    Some(Header {
        format: AudioFormat {
            codec: Codec::MpegAudio,
            name: ["mp1", "mp2", "mp3"][layer as usize - 1],
            profile: None,
            sample_rate_hz,
            channels: if d >> 6 == 3 { 1 } else { 2 },
            samples_per_frame: samples,
        },
        frame_bytes: bytes as usize,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_two_frame_at_192_kbps_has_576_bytes() {
        let header = header(&[0xFF, 0xFD, 0xA4, 0x04]).expect("a valid header");
        assert_eq!(header.frame_bytes, 576);
        assert_eq!(header.format.name, "mp2");
        assert_eq!(header.format.sample_rate_hz, 48_000);
        assert_eq!(header.format.channels, 2);
    }
}
