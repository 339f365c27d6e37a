//! A program map whose sound is said to be something else.

use super::super::tables;
use crate::psi::{Pmt, crc32};
use tidegate_codecs::Codec;

const HEADER_BYTES: usize = 12;
const STREAM_BYTES: usize = 5;
const CRC_BYTES: usize = 4;
/// The most that a section of a program map may say of its own length.
const LENGTH_MAX: usize = 1021;
const LENGTH_FROM: usize = 3;
/// Descriptors that are true of any sound: language, number of the component.
const KEPT_DESCRIPTORS: [u8; 2] = [0x0A, 0x52];

/// What sound becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSound {
    codec: Codec,
    channels: u8,
}

impl NewSound {
    /// Sound of this codec. One that cannot be carried leaves program maps as they are.
    #[must_use]
    pub const fn of(codec: Codec, channels: u8) -> Self {
        Self { codec, channels }
    }

    /// Whether sound of this codec is taken apart into frames, and put together again.
    #[must_use]
    pub const fn can_be_made_of(codec: Codec) -> bool {
        matches!(
            codec,
            Codec::MpegAudio | Codec::Aac | Codec::AacLatm | Codec::Ac3 | Codec::Eac3 | Codec::Opus
        )
    }
}

/// The section with other sound on the PIDs that are swapped; `None` if it is no program map,
/// or none that can be understood: it stays as it is.
pub(super) fn sound_in(
    section: &[u8],
    sound: NewSound,
    is_swapped: impl Fn(u16) -> bool,
) -> Option<Vec<u8>> {
    let map = Pmt::parse(section)?;
    let body = section.get(..section.len() - CRC_BYTES)?;
    let streams_at = HEADER_BYTES + twelve_bits(body[10], body[11]);
    let mut renamed = body.get(..streams_at)?.to_vec();
    let mut rest = &body[streams_at..];
    while !rest.is_empty() {
        let (head, tail) = rest.split_first_chunk::<STREAM_BYTES>()?;
        let info_bytes = twelve_bits(head[3], head[4]);
        let (info, tail) = tail.split_at_checked(info_bytes)?;
        rest = tail;
        let pid = u16::from_be_bytes([head[1], head[2]]) & 0x1FFF;
        let is_read = map.streams.iter().any(|stream| stream.pid == pid);
        if !is_read || !is_swapped(pid) {
            renamed.extend_from_slice(head);
            renamed.extend_from_slice(info);
            continue;
        }
        let mut info = kept(info);
        info.extend(tables::codec_descriptors(sound.codec, sound.channels));
        renamed.push(tables::stream_type(sound.codec)?);
        renamed.extend_from_slice(&head[1..3]);
        renamed.extend((0xF000 | info.len() as u16).to_be_bytes());
        renamed.extend(info);
    }
    finish(renamed)
}

/// Puts the length and the checksum right.
fn finish(mut section: Vec<u8>) -> Option<Vec<u8>> {
    let length = section.len() + CRC_BYTES - LENGTH_FROM;
    if length > LENGTH_MAX {
        return None;
    }
    section[1] = section[1] & 0xF0 | (length >> 8) as u8;
    section[2] = length as u8;
    let crc = crc32(&section);
    section.extend(crc.to_be_bytes());
    Some(section)
}

fn kept(mut descriptors: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while let [tag, length, ..] = *descriptors {
        let Some((descriptor, rest)) = descriptors.split_at_checked(2 + usize::from(length)) else {
            break;
        };
        if KEPT_DESCRIPTORS.contains(&tag) {
            kept.extend_from_slice(descriptor);
        }
        descriptors = rest;
    }
    kept
}

fn twelve_bits(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}
