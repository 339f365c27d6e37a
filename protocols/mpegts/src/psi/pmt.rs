use core::fmt;

use tidegate_codecs::Codec;
use tidegate_codecs::opus::OpusInfo;

use super::descriptor::{self, Descriptors};

/// Elementary streams of one transport stream that are followed.
pub const MAX_PIDS: usize = 256;

const TABLE_ID: u8 = 0x02;
const HEADER_BYTES: usize = 12;
const CRC_BYTES: usize = 4;

/// A program map table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pmt {
    /// program_number.
    pub program: u16,
    /// The PID that carries the program's clock.
    pub pcr_pid: u16,
    /// The streams, in the table's order.
    pub streams: Vec<ElementaryStream>,
}

/// One elementary stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementaryStream {
    /// Its PID.
    pub pid: u16,
    /// stream_type.
    pub stream_type: u8,
    /// What the type and the descriptors say it is.
    pub codec: Codec,
    /// Its language, where one is told.
    pub language: Option<Language>,
    /// What is told about an Opus stream.
    pub opus: Option<OpusInfo>,
}

/// An ISO 639-2 language code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language([u8; 3]);

impl Language {
    /// A code of three letters; `None` for anything else, "und" included.
    #[must_use]
    pub fn new(code: [u8; 3]) -> Option<Self> {
        let code = code.map(|letter| letter.to_ascii_lowercase());
        (code.iter().all(u8::is_ascii_lowercase) && code != *b"und").then_some(Self(code))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("und")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Pmt {
    /// Reads a section whose CRC was right; `None` when it is no PMT that applies now.
    #[must_use]
    pub fn parse(section: &[u8]) -> Option<Self> {
        let [
            TABLE_ID,
            _,
            _,
            high,
            low,
            version,
            _,
            _,
            pcr_high,
            pcr_low,
            ..,
        ] = *section
        else {
            return None;
        };
        if version & 1 == 0 {
            return None; // announced for later
        }
        let body = section.get(HEADER_BYTES..section.len().checked_sub(CRC_BYTES)?)?;
        let info_bytes = twelve_bits(section[10], section[11]);
        let program_descriptors = Descriptors::new(body.get(..info_bytes)?);
        let format = descriptor::registration(program_descriptors);
        let mut rest = &body[info_bytes..];
        let mut streams = Vec::new();
        while let [stream_type, pid_high, pid_low, info_high, info_low, ..] = *rest {
            let info_bytes = twelve_bits(info_high, info_low);
            let Some(info) = rest.get(5..5 + info_bytes) else {
                break;
            };
            if streams.len() < MAX_PIDS {
                let pid = u16::from_be_bytes([pid_high, pid_low]) & 0x1FFF;
                streams.push(stream(stream_type, pid, Descriptors::new(info), format));
            }
            rest = &rest[5 + info_bytes..];
        }
        Some(Self {
            program: u16::from_be_bytes([high, low]),
            pcr_pid: u16::from_be_bytes([pcr_high, pcr_low]) & 0x1FFF,
            streams,
        })
    }
}

fn twelve_bits(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}

fn stream(
    stream_type: u8,
    pid: u16,
    descriptors: Descriptors<'_>,
    program_format: Option<[u8; 4]>,
) -> ElementaryStream {
    ElementaryStream {
        pid,
        stream_type,
        codec: descriptor::codec(stream_type, descriptors, program_format),
        language: descriptor::language(descriptors),
        opus: descriptor::opus(descriptors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_descriptors_name_the_codecs() {
        let mut section = vec![2, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0x00, 0xF0, 6];
        section.extend([5, 4, b'C', b'U', b'E', b'I']);
        section.extend([0x1B, 0xE1, 0x00, 0xF0, 0]);
        section.extend([0x0F, 0xE1, 0x01, 0xF0, 6, 10, 4, b'd', b'e', b'u', 0]);
        section.extend([0x06, 0xE1, 0x02, 0xF0, 3, 0x6A, 1, 0]);
        section.extend([
            0x06, 0xE1, 0x03, 0xF0, 7, 0x56, 5, b'e', b'n', b'g', 0x11, 0,
        ]);
        section.extend([0x86, 0xE1, 0x04, 0xF0, 0]);
        section.extend([0, 0, 0, 0]);
        let pmt = Pmt::parse(&section).expect("a table");
        assert_eq!(pmt.pcr_pid, 0x100);
        let codecs: Vec<_> = pmt.streams.iter().map(|stream| stream.codec).collect();
        let expected = [
            Codec::H264,
            Codec::Aac,
            Codec::Ac3,
            Codec::Teletext,
            Codec::Scte35,
        ];
        assert_eq!(codecs, expected);
        assert_eq!(pmt.streams[1].language, Language::new(*b"deu"));
    }

    #[test]
    fn lengths_that_overrun_the_table_end_it() {
        let section = [
            2, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0, 0xF0, 0, 0x1B, 0xE1, 0, 0xFF, 0xFF, 0, 0, 0, 0,
        ];
        assert_eq!(Pmt::parse(&section).map(|pmt| pmt.streams.len()), Some(0));
        let section = [
            2, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0, 0xFF, 0xFF, 0, 0, 0, 0,
        ];
        assert_eq!(Pmt::parse(&section), None);
    }
}
