//! MPEG-1 and MPEG-2 video: sequence header, its extension, picture type.

use crate::{Codec, FrameRate, VideoFormat, nal};

const PICTURE: u8 = 0x00;
const SEQUENCE_HEADER: u8 = 0xB3;
const EXTENSION: u8 = 0xB5;
const SEQUENCE_EXTENSION_ID: u8 = 1;
const INTRA_PICTURE: u8 = 1;

/// What the headers in front of a picture say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers {
    /// The sequence, where a sequence header precedes the picture.
    pub sequence: Option<VideoFormat>,
    /// Whether the picture is coded without reference to others; `None` if no picture
    /// header was found.
    pub intra: Option<bool>,
}

/// Reads the headers up to the first picture header.
#[must_use]
pub fn headers(data: &[u8]) -> Headers {
    let mut headers = Headers::default();
    let mut at = 0;
    while let Some(code) = nal::find_start_code(data, at) {
        at = code + 3;
        let Some((&kind, body)) = data.get(at..).and_then(<[u8]>::split_first) else {
            break;
        };
        match kind {
            SEQUENCE_HEADER => headers.sequence = sequence_header(body),
            EXTENSION => {
                if let Some(sequence) = &mut headers.sequence {
                    extend(sequence, body);
                }
            }
            PICTURE => {
                headers.intra = body.get(1).map(|byte| byte >> 3 & 7 == INTRA_PICTURE);
                break;
            }
            _ => {}
        }
    }
    headers.sequence = headers.sequence.filter(VideoFormat::is_plausible);
    headers
}

fn sequence_header(body: &[u8]) -> Option<VideoFormat> {
    let [a, b, c, rates, ..] = *body else {
        return None;
    };
    let fps = match rates & 0x0F {
        1 => FrameRate::new(24_000, 1001),
        2 => FrameRate::new(24, 1),
        3 => FrameRate::new(25, 1),
        4 => FrameRate::new(30_000, 1001),
        5 => FrameRate::new(30, 1),
        6 => FrameRate::new(50, 1),
        7 => FrameRate::new(60_000, 1001),
        8 => FrameRate::new(60, 1),
        _ => None,
    };
    Some(VideoFormat {
        codec: Codec::Mpeg1Video,
        profile: None,
        level: None,
        width: u32::from(a) << 4 | u32::from(b >> 4),
        height: u32::from(b & 0x0F) << 8 | u32::from(c),
        fps,
        interlaced: false,
        bit_depth: 8,
    })
}

/// Adds what the sequence extension of MPEG-2 says.
fn extend(sequence: &mut VideoFormat, body: &[u8]) -> Option<()> {
    let [a, b, c, _, _, rate, ..] = *body else {
        return None;
    };
    if a >> 4 != SEQUENCE_EXTENSION_ID {
        return None;
    }
    sequence.codec = Codec::Mpeg2Video;
    let profile_and_level = a << 4 | b >> 4;
    sequence.profile = match profile_and_level >> 4 & 7 {
        _ if profile_and_level & 0x80 != 0 => Some("4:2:2"),
        1 => Some("High"),
        2 => Some("Spatially Scalable"),
        3 => Some("SNR Scalable"),
        4 => Some("Main"),
        5 => Some("Simple"),
        _ => None,
    };
    sequence.level = match profile_and_level & 0x0F {
        4 => Some("High".into()),
        6 => Some("High 1440".into()),
        8 => Some("Main".into()),
        10 => Some("Low".into()),
        _ => None,
    };
    sequence.interlaced = b & 0x08 == 0;
    sequence.width |= u32::from(b & 1) << 13 | u32::from(c >> 7) << 12;
    sequence.height |= u32::from(c >> 5 & 3) << 12;
    let factor = FrameRate::new(u32::from(rate >> 5 & 3) + 1, u32::from(rate & 0x1F) + 1)?;
    sequence.fps = sequence.fps.and_then(|fps| {
        FrameRate::new(
            fps.numerator.checked_mul(factor.numerator)?,
            fps.denominator.checked_mul(factor.denominator)?,
        )
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_with_its_extension_and_an_intra_picture_is_read() {
        let data = [
            0, 0, 1, 0xB3, 0x2D, 0x02, 0x40, 0x33, 0x24, 0x9F, 0x23, 0x81, // 720x576, 25
            0, 0, 1, 0xB5, 0x14, 0x82, 0x00, 0x01, 0x00, 0x00, // Main at Main, interlaced
            0, 0, 1, 0x00, 0x00, 0x0F, 0xFF, 0xF8,
        ];
        let headers = headers(&data);
        let sequence = headers.sequence.expect("a sequence header");
        assert_eq!((sequence.width, sequence.height), (720, 576));
        assert_eq!(sequence.profile, Some("Main"));
        assert!(sequence.interlaced);
        assert_eq!(sequence.fps.map(FrameRate::as_f64), Some(25.0));
        assert_eq!(headers.intra, Some(true));
    }
}
