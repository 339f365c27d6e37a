//! Picture messages taken apart.

use bytes::Bytes;
use tidegate_codecs::Codec;

use crate::multitrack::{TrackPart, parts, take_extensions};
use crate::packet::{Content, Packet, Parts, take_byte, take_i24};
use crate::{COMPOSITION_MAX_MS, FlvError};

const EXTENDED: u8 = 0x80;
const KEY_FRAME: u8 = 1;
const COMMAND_FRAME: u8 = 5;

const LEGACY_AVC: u8 = 7;
/// Not in any specification, but what Chinese platforms and their encoders send.
const LEGACY_HEVC: u8 = 12;
const LEGACY_HEADER: u8 = 0;
const LEGACY_FRAME: u8 = 1;
const LEGACY_END: u8 = 2;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MPEG2_TS_SEQUENCE_START: u8 = 5;
const MULTITRACK: u8 = 6;

/// Takes the body of a video message apart.
pub(crate) fn read(body: &Bytes) -> Result<Parts, FlvError> {
    let mut body = body.clone();
    if body.is_empty() {
        return Ok(Parts::default()); // some encoders send empty messages to keep a line open
    }
    let first = take_byte(&mut body)?;
    let frame_type = first >> 4 & 7;
    if first & EXTENDED == 0 {
        return read_legacy(body, frame_type, first & 0x0F);
    }
    let (kind, nanoseconds) = take_extensions(&mut body, first & 0x0F)?;
    if frame_type == COMMAND_FRAME && kind != METADATA {
        return Ok(Parts::default());
    }
    let parts = parts(body, kind, MULTITRACK)?;
    Ok(Parts::of(parts, nanoseconds, |part| {
        packet(part, frame_type == KEY_FRAME)
    }))
}

fn read_legacy(mut body: Bytes, frame_type: u8, codec: u8) -> Result<Parts, FlvError> {
    if frame_type == COMMAND_FRAME {
        return Ok(Parts::default());
    }
    let codec = match codec {
        LEGACY_AVC => Codec::H264,
        LEGACY_HEVC => Codec::H265,
        other => return Err(FlvError::UnsupportedCodec(legacy_name(other))),
    };
    let kind = take_byte(&mut body)?;
    let composition_ms = composition(&mut body)?;
    let content = match kind {
        LEGACY_HEADER => Content::Header(body),
        LEGACY_FRAME => Content::Frame {
            data: body,
            composition_ms,
            key: frame_type == KEY_FRAME,
        },
        LEGACY_END => Content::Other,
        value => {
            let what = "AVC packet type";
            return Err(FlvError::Unknown { what, value });
        }
    };
    Ok(Parts::one(0, codec, content))
}

fn packet(part: TrackPart, key: bool) -> Result<Packet, FlvError> {
    let TrackPart {
        track,
        fourcc,
        kind,
        mut body,
    } = part;
    let unsupported = || FlvError::UnsupportedCodec(fourcc.name());
    let codec = fourcc.video().ok_or_else(unsupported)?;
    let content = match kind {
        SEQUENCE_START => Content::Header(body),
        CODED_FRAMES | CODED_FRAMES_X => {
            let has_composition = kind == CODED_FRAMES && codec != Codec::Av1;
            let composition_ms = if has_composition {
                composition(&mut body)?
            } else {
                0
            };
            Content::Frame {
                data: body,
                composition_ms,
                key,
            }
        }
        SEQUENCE_END | METADATA | MPEG2_TS_SEQUENCE_START => Content::Other,
        value => {
            let what = "video packet type";
            return Err(FlvError::Unknown { what, value });
        }
    };
    Ok(Packet {
        track,
        codec,
        content,
    })
}

fn composition(body: &mut Bytes) -> Result<i32, FlvError> {
    let told = take_i24(body)?;
    let believable = (-COMPOSITION_MAX_MS..=COMPOSITION_MAX_MS).contains(&told);
    Ok(if believable { told } else { 0 })
}

fn legacy_name(codec: u8) -> String {
    match codec {
        2 => "Sorenson H.263".into(),
        3 | 6 => "Screen video".into(),
        4 | 5 => "VP6".into(),
        other => format!("video codec {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(body: &'static [u8]) -> Content {
        let mut parts = read(&Bytes::from_static(body)).unwrap();
        parts.packets.remove(0).content
    }

    #[test]
    fn composition_times_may_be_negative() {
        let frame = |composition_ms| Content::Frame {
            data: Bytes::from_static(b"x"),
            composition_ms,
            key: false,
        };
        assert_eq!(content(b"\x27\x01\xFF\xFF\xD8x"), frame(-40));
        assert_eq!(content(b"\xA1hvc1\x00\x00\x28x"), frame(40));
        assert_eq!(content(b"\xA3hvc1x"), frame(0));
        assert_eq!(content(b"\xA1av01x"), frame(0));
        assert_eq!(content(b"\x27\x01\x7F\xFF\xFFx"), frame(0));
    }

    #[test]
    fn codecs_that_are_not_carried_are_named() {
        let refused = |body: &'static [u8]| match read(&Bytes::from_static(body)) {
            Ok(parts) => parts.problem.expect("a part is refused"),
            Err(error) => error,
        };
        assert!(refused(b"\x90vp09x").to_string().starts_with("VP9 is not"));
        assert!(refused(b"\x22x").to_string().starts_with("Sorenson H.263"));
        assert!(refused(b"\x90\x00\x01\xFFx").to_string().contains("\\x00"));
    }

    #[test]
    fn a_track_that_is_not_carried_leaves_the_others_alone() {
        let body = b"\x96\x21vp09\x00\x00\x00\x01Ahvc1\x01\x00\x00\x04\x00\x00\x00B";
        let parts = read(&Bytes::from_static(body)).unwrap();
        let seen: Vec<_> = parts.packets.iter().map(|packet| packet.track).collect();
        assert_eq!(seen, [1]);
        let problem = parts.problem.expect("VP9 is refused");
        assert!(problem.to_string().starts_with("VP9 is not"));
    }

    #[test]
    fn commands_and_empty_messages_mean_nothing() {
        assert_eq!(read(&Bytes::new()), Ok(Parts::default()));
        assert_eq!(read(&Bytes::from_static(b"\x57\x00")), Ok(Parts::default()));
        assert_eq!(read(&Bytes::from_static(b"\xD1\x00")), Ok(Parts::default()));
    }
}
