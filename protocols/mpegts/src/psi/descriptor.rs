//! What the descriptors of a program map say about a stream.

use tidegate_codecs::Codec;
use tidegate_codecs::opus::OpusInfo;

use super::Language;

pub(crate) const REGISTRATION: u8 = 0x05;
pub(crate) const LANGUAGE: u8 = 0x0A;
const METADATA: u8 = 0x26;
const TELETEXT: u8 = 0x56;
const SUBTITLING: u8 = 0x59;
const AC3: u8 = 0x6A;
const EAC3: u8 = 0x7A;
const DTS: u8 = 0x7B;
const AAC: u8 = 0x7C;
const EXTENSION: u8 = 0x7F;
const EXTENSION_AC4: u8 = 0x15;
const EXTENSION_DTS_HD: u8 = 0x0E;
const EXTENSION_USER_DEFINED: u8 = 0x80;

/// A loop of descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors<'a>(&'a [u8]);

impl<'a> Descriptors<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn body_of(mut self, wanted: u8) -> Option<&'a [u8]> {
        self.find(|(tag, _)| *tag == wanted).map(|(_, body)| body)
    }
}

impl<'a> Iterator for Descriptors<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [tag, length, ..] = *self.0 else {
            return None;
        };
        let end = 2 + usize::from(length);
        let body = self.0.get(2..end)?;
        self.0 = &self.0[end..];
        Some((tag, body))
    }
}

pub(super) fn registration(descriptors: Descriptors<'_>) -> Option<[u8; 4]> {
    descriptors.body_of(REGISTRATION)?.first_chunk().copied()
}

pub(super) fn language(mut descriptors: Descriptors<'_>) -> Option<Language> {
    descriptors.find_map(|(tag, body)| match tag {
        LANGUAGE | TELETEXT | SUBTITLING => Language::new(*body.first_chunk()?),
        _ => None,
    })
}

pub(super) fn opus(descriptors: Descriptors<'_>) -> Option<OpusInfo> {
    if registration(descriptors) != Some(*b"Opus") {
        return None;
    }
    match *descriptors.body_of(EXTENSION)? {
        [EXTENSION_USER_DEFINED, channels, ..] => OpusInfo::from_channel_code(channels),
        _ => None,
    }
}

/// What a stream is. `program_format` is the registration of the whole program.
pub(super) fn codec(
    stream_type: u8,
    descriptors: Descriptors<'_>,
    program_format: Option<[u8; 4]>,
) -> Codec {
    match stream_type {
        0x01 => Codec::Mpeg1Video,
        0x02 => Codec::Mpeg2Video,
        0x03 | 0x04 => Codec::MpegAudio,
        0x06 => private_data(descriptors),
        0x0F => Codec::Aac,
        0x10 => Codec::Mpeg4Video,
        0x11 => Codec::AacLatm,
        0x15 => metadata(descriptors),
        0x1B => Codec::H264,
        0x24 => Codec::H265,
        0x33 => Codec::H266,
        0x81 => Codec::Ac3,
        0x82 | 0x85 | 0x8A if is_disc(program_format) => Codec::Dts,
        0x8A => Codec::Dts,
        0x84 | 0x87 => Codec::Eac3,
        0x86 if is_disc(program_format) => Codec::Dts,
        0x86 => Codec::Scte35,
        _ => by_registration(descriptors).unwrap_or(Codec::Data),
    }
}

/// Blu-ray uses stream types of its own.
fn is_disc(program_format: Option<[u8; 4]>) -> bool {
    program_format == Some(*b"HDMV")
}

fn metadata(descriptors: Descriptors<'_>) -> Codec {
    let id3 = descriptors
        .body_of(METADATA)
        .is_some_and(|body| body.windows(4).any(|w| w == b"ID3 "));
    if id3 {
        Codec::Id3
    } else {
        by_registration(descriptors).unwrap_or(Codec::Data)
    }
}

fn private_data(descriptors: Descriptors<'_>) -> Codec {
    let by_tag = |(tag, body): (u8, &[u8])| match tag {
        AC3 => Some(Codec::Ac3),
        EAC3 => Some(Codec::Eac3),
        DTS => Some(Codec::Dts),
        AAC => Some(Codec::Aac),
        TELETEXT => Some(Codec::Teletext),
        SUBTITLING => Some(Codec::DvbSubtitle),
        EXTENSION => match body.first() {
            Some(&EXTENSION_AC4) => Some(Codec::Ac4),
            Some(&EXTENSION_DTS_HD) => Some(Codec::Dts),
            _ => None,
        },
        _ => None,
    };
    let mut tags = descriptors;
    tags.find_map(by_tag)
        .or_else(|| by_registration(descriptors))
        .unwrap_or(Codec::Data)
}

fn by_registration(descriptors: Descriptors<'_>) -> Option<Codec> {
    Some(match &registration(descriptors)? {
        b"AC-3" => Codec::Ac3,
        b"EAC3" => Codec::Eac3,
        b"AC-4" => Codec::Ac4,
        b"Opus" => Codec::Opus,
        b"HEVC" => Codec::H265,
        b"VVC " => Codec::H266,
        b"AV01" => Codec::Av1,
        b"BSSD" => Codec::Smpte302,
        b"KLVA" => Codec::Klv,
        b"ID3 " => Codec::Id3,
        b"CUEI" => Codec::Scte35,
        [b'D', b'T', b'S', b'1'..=b'3'] => Codec::Dts,
        _ => return None,
    })
}
