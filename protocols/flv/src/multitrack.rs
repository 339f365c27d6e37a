//! What Enhanced RTMP puts around the packets of sound and picture alike: extensions in
//! front, and several tracks in one message (version 2, "ExVideoTagHeader").

use bytes::Bytes;

use crate::fourcc::FourCc;
use crate::limits::{EXTENSIONS_MAX, PACKETS_MAX};
use crate::packet::{take, take_byte, take_u24};
use crate::{FlvError, TRACKS_MAX};

const MOD_EX: u8 = 7;
const TIMESTAMP_OFFSET_NANO: u8 = 0;
const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;
/// More nanoseconds than that would be the next millisecond.
const NANOSECONDS_MAX: u32 = 999_999;

/// The extensions in front of a packet: what remains is its type, and what its time stamp
/// left out.
pub(crate) fn take_extensions(body: &mut Bytes, kind: u8) -> Result<(u8, u32), FlvError> {
    let (mut kind, mut nanoseconds) = (kind, 0);
    for _ in 0..EXTENSIONS_MAX {
        if kind != MOD_EX {
            return Ok((kind, nanoseconds));
        }
        let mut size = usize::from(take_byte(body)?) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes([take_byte(body)?, take_byte(body)?])) + 1;
        }
        let data = take(body, size)?;
        let types = take_byte(body)?;
        kind = types & 0x0F;
        if let (TIMESTAMP_OFFSET_NANO, [a, b, c, ..]) = (types >> 4, &data[..]) {
            nanoseconds = u32::from_be_bytes([0, *a, *b, *c]).min(NANOSECONDS_MAX);
        }
    }
    Err(FlvError::TooManyParts)
}

/// One track's part of a message.
#[derive(Debug)]
pub(crate) struct TrackPart {
    pub(crate) track: u8,
    pub(crate) fourcc: FourCc,
    pub(crate) kind: u8,
    pub(crate) body: Bytes,
}

/// The parts of a message, behind its first byte and its extensions.
pub(crate) fn parts(
    mut body: Bytes,
    kind: u8,
    multitrack_kind: u8,
) -> Result<Vec<TrackPart>, FlvError> {
    if kind != multitrack_kind {
        let fourcc = take_fourcc(&mut body)?;
        return Ok(vec![TrackPart {
            track: 0,
            fourcc,
            kind,
            body,
        }]);
    }
    let types = take_byte(&mut body)?;
    let (layout, kind) = (types >> 4, types & 0x0F);
    if layout > MANY_TRACKS_MANY_CODECS || kind == multitrack_kind {
        return Err(FlvError::Unknown {
            what: "multitrack type",
            value: types,
        });
    }
    let mut fourcc = match layout {
        ONE_TRACK | MANY_TRACKS => Some(take_fourcc(&mut body)?),
        _ => None,
    };
    let mut parts = Vec::new();
    loop {
        if layout == MANY_TRACKS_MANY_CODECS {
            fourcc = Some(take_fourcc(&mut body)?);
        }
        let track = take_byte(&mut body)?;
        if usize::from(track) >= TRACKS_MAX {
            return Err(FlvError::TooManyTracks);
        }
        let part = if layout == ONE_TRACK {
            core::mem::take(&mut body)
        } else {
            let size = take_u24(&mut body)?;
            take(&mut body, size as usize)?
        };
        parts.push(TrackPart {
            track,
            fourcc: fourcc.ok_or(FlvError::Truncated)?,
            kind,
            body: part,
        });
        if body.is_empty() {
            return Ok(parts);
        }
        if parts.len() == PACKETS_MAX {
            return Err(FlvError::TooManyParts);
        }
    }
}

fn take_fourcc(body: &mut Bytes) -> Result<FourCc, FlvError> {
    let name = take(body, 4)?;
    Ok(FourCc([name[0], name[1], name[2], name[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_carries_nanoseconds() {
        let mut body = Bytes::from_static(&[2, 0x01, 0x02, 0x03, 0x01, 9]);
        assert_eq!(take_extensions(&mut body, MOD_EX), Ok((1, 0x010203)));
        assert_eq!(body[..], [9]);
    }

    #[test]
    fn a_long_extension_of_another_kind_is_passed_over() {
        let mut bytes = vec![0xFF, 0x01, 0x2B];
        bytes.extend([7; 300]);
        bytes.push(0x13);
        let mut body = Bytes::from(bytes);
        assert_eq!(take_extensions(&mut body, MOD_EX), Ok((3, 0)));
        assert!(body.is_empty());
    }

    #[test]
    fn extensions_without_end_are_refused() {
        let mut body = Bytes::from([0, 0, 0x07].repeat(100));
        let refused = take_extensions(&mut body, MOD_EX);
        assert_eq!(refused, Err(FlvError::TooManyParts));
    }

    #[test]
    fn many_tracks_of_many_codecs_are_told_apart() {
        let body = Bytes::from_static(b"\x21avc1\x00\x00\x00\x02AAhvc1\x03\x00\x00\x01B");
        let parts = parts(body, 6, 6).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| (part.track, part.fourcc, part.kind, &part.body[..]))
            .collect();
        assert_eq!(
            seen,
            [
                (0, FourCc::AVC, 1, &b"AA"[..]),
                (3, FourCc::HEVC, 1, &b"B"[..])
            ]
        );
    }

    #[test]
    fn a_track_larger_than_its_message_is_refused() {
        let body = Bytes::from_static(b"\x11avc1\x00\xFF\xFF\xFFAA");
        assert_eq!(parts(body, 6, 6).unwrap_err(), FlvError::Truncated);
    }
}
