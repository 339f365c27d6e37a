//! Sound messages taken apart.

use bytes::Bytes;
use tidegate_codecs::Codec;

use crate::FlvError;
use crate::multitrack::{TrackPart, parts, take_extensions};
use crate::packet::{Content, Packet, Parts, take_byte};

const EXTENDED: u8 = 9;
const LEGACY_MP3: u8 = 2;
const LEGACY_AAC: u8 = 10;
const LEGACY_MP3_8_KHZ: u8 = 14;
const LEGACY_HEADER: u8 = 0;
const LEGACY_FRAME: u8 = 1;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

/// Takes the body of an audio message apart.
pub(crate) fn read(body: &Bytes) -> Result<Parts, FlvError> {
    let mut body = body.clone();
    if body.is_empty() {
        return Ok(Parts::default()); // the end of sound, for some encoders
    }
    let first = take_byte(&mut body)?;
    if first >> 4 != EXTENDED {
        return read_legacy(body, first >> 4);
    }
    let (kind, nanoseconds) = take_extensions(&mut body, first & 0x0F)?;
    Ok(Parts::of(
        parts(body, kind, MULTITRACK)?,
        nanoseconds,
        packet,
    ))
}

fn read_legacy(mut body: Bytes, format: u8) -> Result<Parts, FlvError> {
    match format {
        LEGACY_AAC => {
            let content = match take_byte(&mut body)? {
                LEGACY_HEADER => Content::Header(body),
                LEGACY_FRAME => frame(body),
                value => {
                    let what = "AAC packet type";
                    return Err(FlvError::Unknown { what, value });
                }
            };
            Ok(Parts::one(0, Codec::Aac, content))
        }
        LEGACY_MP3 | LEGACY_MP3_8_KHZ => Ok(Parts::one(0, Codec::MpegAudio, frame(body))),
        other => Err(FlvError::UnsupportedCodec(legacy_name(other))),
    }
}

fn packet(part: TrackPart) -> Result<Packet, FlvError> {
    let unsupported = || FlvError::UnsupportedCodec(part.fourcc.name());
    let codec = part.fourcc.audio().ok_or_else(unsupported)?;
    let content = match part.kind {
        SEQUENCE_START => Content::Header(part.body),
        CODED_FRAMES => frame(part.body),
        SEQUENCE_END | MULTICHANNEL_CONFIG => Content::Other,
        value => {
            let what = "audio packet type";
            return Err(FlvError::Unknown { what, value });
        }
    };
    Ok(Packet {
        track: part.track,
        codec,
        content,
    })
}

const fn frame(data: Bytes) -> Content {
    Content::Frame {
        data,
        composition_ms: 0,
        key: true,
    }
}

fn legacy_name(format: u8) -> String {
    match format {
        0 | 3 => "uncompressed sound".into(),
        1 => "ADPCM".into(),
        4..=6 => "Nellymoser".into(),
        7 | 8 => "G.711".into(),
        11 => "Speex".into(),
        other => format!("audio codec {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_and_enhanced_aac_read_alike() {
        let legacy = read(&Bytes::from_static(b"\xAF\x01frame")).unwrap();
        let enhanced = read(&Bytes::from_static(b"\x91mp4aframe")).unwrap();
        let multitrack = read(&Bytes::from_static(b"\x95\x01mp4a\x00frame")).unwrap();
        assert_eq!(legacy, enhanced);
        assert_eq!(legacy, multitrack);
        assert_eq!(
            legacy.packets[0].content,
            frame(Bytes::from_static(b"frame"))
        );
    }

    #[test]
    fn codecs_that_are_not_carried_are_named() {
        let legacy = read(&Bytes::from_static(b"\xB6x")).unwrap_err();
        assert!(legacy.to_string().starts_with("Speex is not"));
        let enhanced = read(&Bytes::from_static(b"\x90fLaCx")).unwrap();
        let problem = enhanced.problem.expect("refused");
        assert!(problem.to_string().starts_with("FLAC is not"));
    }
}
