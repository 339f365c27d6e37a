//! Where frames begin in one packet of audio, for who cuts between them.

use super::parse::{Parse, parse_header};
use crate::opus::OpusInfo;
use crate::{Codec, StreamConfig};

/// More frames than one packet of audio can sensibly hold.
const MAX_SPANS: usize = 512;

/// A frame that begins in a packet. The last one may go on in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSpan {
    /// Where it begins.
    pub at: usize,
    /// Samples per channel.
    pub samples: u32,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
}

/// The frames that begin in a packet, behind the rest of one that began before. None where the
/// codec's frames are not told apart here, or do not say how long they last.
#[must_use]
pub fn frames_in(
    codec: Codec,
    packet: &[u8],
    opus: Option<OpusInfo>,
    known: Option<&StreamConfig>,
) -> Vec<FrameSpan> {
    let parse = |at: usize| {
        let rest = packet.get(at..).filter(|rest| !rest.is_empty())?;
        Some(parse_header(codec, rest, opus, known))
    };
    let mut spans: Vec<FrameSpan> = Vec::new();
    let (mut at, mut aligned) = (0, false);
    while let Some(parsed) = parse(at).filter(|_| spans.len() < MAX_SPANS) {
        let frame = match parsed {
            Parse::Frame {
                frame_bytes,
                samples,
                config,
                ..
            } => Some((frame_bytes.max(1), samples, config.format.sample_rate_hz)),
            Parse::NeedMore if aligned => spans
                .last()
                .map(|last| (packet.len() - at, last.samples, last.sample_rate_hz)),
            Parse::NeedMore | Parse::Garbage => None,
        };
        // What looks like a header may be payload, until a second one stands where it ends.
        let is_sure = |bytes: usize| aligned || !matches!(parse(at + bytes), Some(Parse::Garbage));
        match frame.filter(|&(bytes, ..)| is_sure(bytes)) {
            Some((bytes, samples, sample_rate_hz)) => {
                aligned = true;
                if samples == 0 || sample_rate_hz == 0 {
                    return Vec::new();
                }
                spans.push(FrameSpan {
                    at,
                    samples,
                    sample_rate_hz,
                });
                at += bytes;
            }
            None => {
                aligned = false;
                at += 1;
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aac;

    /// A frame of 200 bytes in ADTS, 48 kHz.
    fn frame() -> Vec<u8> {
        let mut frame = vec![0xFF, 0xF1, 0x4C, 0x80, 0x19, 0x1F, 0xFC];
        frame.resize(200, 0x21);
        assert_eq!(aac::adts_header(&frame).map(|it| it.frame_bytes), Some(200));
        frame
    }

    fn begins(packet: &[u8]) -> Vec<usize> {
        let spans = frames_in(Codec::Aac, packet, None, None);
        assert!(spans.iter().all(|span| span.samples == 1024));
        spans.iter().map(|span| span.at).collect()
    }

    #[test]
    fn frames_are_found_one_after_another() {
        assert_eq!(begins(&frame().repeat(3)), [0, 200, 400]);
    }

    #[test]
    fn the_rest_of_a_frame_in_front_is_no_frame_and_one_that_goes_on_is() {
        let packet = [&[0x21; 90][..], &frame(), &frame()[..50]].concat();
        assert_eq!(begins(&packet), [90, 290]);
    }

    #[test]
    fn what_is_no_audio_has_no_frames() {
        assert!(begins(&[0x21; 500]).is_empty());
        assert!(frames_in(Codec::Smpte302, &frame(), None, None).is_empty());
    }
}
