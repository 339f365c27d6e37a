//! Sample descriptions: which codec, and what its decoder must be told.

use crate::Mp4Error;
use crate::boxes::{Fields, Kind, child, children};
use crate::limits::DESCRIPTIONS_MAX;
use bytes::Bytes;
use std::sync::Arc;
use tidegate_codecs::{Codec, Record, StreamConfig};

/// Fields of a visual sample entry in front of its boxes.
const VISUAL_BYTES: usize = 78;
/// The same of a sound entry, and what QuickTime's versions add.
const SOUND_BYTES: usize = 28;
const SOUND_VERSION_1_BYTES: usize = 16;
const SOUND_VERSION_2_BYTES: usize = 36;
/// NAL unit lengths where there are none.
const NO_LENGTHS: u8 = 4;

/// One sample description of a track.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) codec: Codec,
    /// What is known without looking at a sample.
    pub(crate) config: Option<Arc<StreamConfig>>,
    /// Bytes of the length in front of each NAL unit.
    pub(crate) nal_length_bytes: u8,
}

/// Reads the body of `stsd`. The inner error is what the track is, if it cannot be carried.
pub(crate) fn descriptions(
    stsd: &Bytes,
    is_video: bool,
) -> Result<Result<Vec<Description>, String>, Mp4Error> {
    let mut fields = Fields(stsd);
    fields.version_and_flags()?;
    let _count = fields.u32()?;
    let mut found = Vec::new();
    for (kind, body) in children(&stsd.slice_ref(fields.rest())).take(DESCRIPTIONS_MAX) {
        let read = if is_video {
            visual(&kind, &body)
        } else {
            sound(&kind, &body)
        };
        match read {
            Some(description) => found.push(description),
            None => return Ok(Err(spelled(&kind))),
        }
    }
    if found.is_empty() {
        return Err(Mp4Error::Damaged("stsd"));
    }
    Ok(Ok(found))
}

/// Four letters as a person can read them.
pub(crate) fn spelled(kind: &Kind) -> String {
    let letters = kind.iter().filter(|letter| letter.is_ascii_graphic());
    let text: String = letters.map(|&letter| char::from(letter)).collect();
    match text.as_str() {
        "encv" | "enca" => "encrypted".to_owned(),
        "sowt" | "twos" | "lpcm" | "in24" | "in32" | "fl32" | "ipcm" | "fpcm" => {
            format!("PCM ({text})")
        }
        _ => text,
    }
}

fn visual(kind: &Kind, body: &Bytes) -> Option<Description> {
    let boxes = body.get(VISUAL_BYTES..).map(|rest| body.slice_ref(rest))?;
    match kind {
        b"avc1" | b"avc3" => recorded(Codec::H264, &child(&boxes, b"avcC")?),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => recorded(Codec::H265, &child(&boxes, b"hvcC")?),
        b"av01" => recorded(Codec::Av1, &child(&boxes, b"av1C")?),
        b"m2v1" | b"mp2v" => Some(told_by_samples(Codec::Mpeg2Video)),
        b"mp4v" => match elementary(&child(&boxes, b"esds")?)?.0 {
            0x60..=0x65 => Some(told_by_samples(Codec::Mpeg2Video)),
            0x6A => Some(told_by_samples(Codec::Mpeg1Video)),
            _ => None,
        },
        _ => None,
    }
}

fn sound(kind: &Kind, body: &Bytes) -> Option<Description> {
    let boxes = sound_boxes(body)?;
    match kind {
        b"mp4a" => {
            // QuickTime puts it one box deeper.
            let deeper = || child(&child(&boxes, b"wave")?, b"esds");
            let esds = child(&boxes, b"esds").or_else(deeper)?;
            let (object_type, specific) = elementary(&esds)?;
            match object_type {
                0x40 | 0x66..=0x68 => recorded(Codec::Aac, &specific?),
                0x69 | 0x6B => Some(told_by_samples(Codec::MpegAudio)),
                0xA5 => Some(told_by_samples(Codec::Ac3)),
                0xA6 => Some(told_by_samples(Codec::Eac3)),
                _ => None,
            }
        }
        b".mp3" => Some(told_by_samples(Codec::MpegAudio)),
        b"ac-3" => Some(told_by_samples(Codec::Ac3)),
        b"ec-3" => Some(told_by_samples(Codec::Eac3)),
        b"Opus" => recorded(Codec::Opus, &child(&boxes, b"dOps")?),
        _ => None,
    }
}

fn sound_boxes(body: &Bytes) -> Option<Bytes> {
    let mut fields = Fields(body);
    fields.skip(8).ok()?;
    let more = match fields.u16().ok()? {
        1 => SOUND_VERSION_1_BYTES,
        2 => SOUND_VERSION_2_BYTES,
        _ => 0,
    };
    body.get(SOUND_BYTES + more..)
        .map(|rest| body.slice_ref(rest))
}

fn recorded(codec: Codec, record: &[u8]) -> Option<Description> {
    let record = Record::parse(codec, record)?;
    Some(Description {
        codec,
        config: Some(record.config),
        nal_length_bytes: record.nal_length_bytes,
    })
}

const fn told_by_samples(codec: Codec) -> Description {
    Description {
        codec,
        config: None,
        nal_length_bytes: NO_LENGTHS,
    }
}

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;

/// Object type and decoder-specific part of an `esds` (ISO/IEC 14496-1, 7.2.6.5).
fn elementary(esds: &Bytes) -> Option<(u8, Option<Bytes>)> {
    let mut fields = Fields(esds);
    fields.version_and_flags().ok()?;
    let es = descriptor(&mut fields, ES_DESCRIPTOR)?;
    let mut es = Fields(es);
    es.skip(2).ok()?;
    let flags = es.u8().ok()?;
    let depends_on = if flags & 0x80 != 0 { 2 } else { 0 };
    es.skip(depends_on).ok()?;
    let url = if flags & 0x40 != 0 {
        usize::from(es.u8().ok()?)
    } else {
        0
    };
    es.skip(url).ok()?;
    es.skip(if flags & 0x20 != 0 { 2 } else { 0 }).ok()?;
    let mut config = Fields(descriptor(&mut es, DECODER_CONFIG)?);
    let object_type = config.u8().ok()?;
    config.skip(12).ok()?;
    let specific = descriptor(&mut config, DECODER_SPECIFIC);
    Some((
        object_type,
        specific.map(|specific| esds.slice_ref(specific)),
    ))
}

/// The body of the descriptor that comes next, if it has that tag.
fn descriptor<'a>(fields: &mut Fields<'a>, wanted: u8) -> Option<&'a [u8]> {
    if fields.u8().ok()? != wanted {
        return None;
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8().ok()?;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let body = fields.rest().get(..length)?;
    fields.skip(length).ok()?;
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_esds_with_long_lengths_gives_its_audio_specific_config() {
        let esds = Bytes::from_static(&[
            0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 25, 0, 1, 0, 4, 0x80, 0x80, 0x80, 17, 0x40, 0x15, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x11, 0x90,
        ]);
        let (object_type, specific) = elementary(&esds).expect("a descriptor");
        assert_eq!(object_type, 0x40);
        assert_eq!(specific.as_deref(), Some(&[0x11, 0x90][..]));
    }

    #[test]
    fn what_cannot_be_carried_is_named() {
        let stsd = Bytes::from_static(b"\0\0\0\0\0\0\0\x01\0\0\0\x08twos");
        let refused = descriptions(&stsd, false).expect("whole");
        assert_eq!(refused.err().as_deref(), Some("PCM (twos)"));
    }
}
