//! AC-3 and E-AC-3 (ETSI TS 102 366).

use crate::bits::BitReader;
use crate::{AudioFormat, AudioHeaders, Codec};

/// Bytes that have to be there before a header can be read.
pub const HEADER_BYTES: usize = 8;
const SAMPLES_PER_BLOCK: u32 = 256;
/// Above this, a bit stream identification means E-AC-3.
const LAST_AC3_BSID: u8 = 10;
const LAST_EAC3_BSID: u8 = 16;

const BITRATES_KBPS: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
const SAMPLE_RATES_HZ: [u32; 3] = [48_000, 44_100, 32_000];
/// Full-range channels of an audio coding mode.
const CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// What `dac3` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the fields of ETSI TS 102 366")]
pub struct Ac3Info {
    pub fscod: u8,
    pub bsid: u8,
    pub bsmod: u8,
    pub acmod: u8,
    pub lfeon: bool,
    pub bit_rate_code: u8,
}

/// What `dec3` says, for one independent substream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the fields of ETSI TS 102 366")]
pub struct Eac3Info {
    pub data_rate_kbps: u16,
    pub fscod: u8,
    pub bsid: u8,
    pub bsmod: u8,
    pub acmod: u8,
    pub lfeon: bool,
}

/// Which of the two a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info {
    /// AC-3.
    Ac3(Ac3Info),
    /// E-AC-3.
    Eac3(Eac3Info),
}

/// One frame, as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the stream is.
    pub format: AudioFormat,
    /// What a container must be told.
    pub info: Info,
    /// The whole frame, header included.
    pub frame_bytes: usize,
    /// Whether the frame only adds to the one before (further substreams of E-AC-3).
    pub continues: bool,
}

impl Header {
    /// What a container must be told.
    #[must_use]
    pub const fn audio_headers(&self) -> AudioHeaders {
        match self.info {
            Info::Ac3(info) => AudioHeaders::Ac3(info),
            Info::Eac3(info) => AudioHeaders::Eac3(info),
        }
    }
}

/// Reads the header of either.
#[must_use]
pub fn header(data: &[u8]) -> Option<Header> {
    let [0x0B, 0x77, _, _, _, f, ..] = *data else {
        return None;
    };
    match f >> 3 {
        0..=LAST_AC3_BSID => ac3(data),
        11..=LAST_EAC3_BSID => eac3(data),
        _ => None,
    }
}

fn ac3(data: &[u8]) -> Option<Header> {
    let mut reader = BitReader::new(data);
    reader.skip(32)?;
    let fscod = reader.byte(2)?;
    let size_code = reader.byte(6)?;
    let (bsid, bsmod, acmod) = (reader.byte(5)?, reader.byte(3)?, reader.byte(3)?);
    let mix_levels = usize::from(acmod & 1 == 1 && acmod != 1)
        + usize::from(acmod & 4 != 0)
        + usize::from(acmod == 2);
    reader.skip(2 * mix_levels)?;
    let lfeon = reader.bit()?;
    let sample_rate_hz = *SAMPLE_RATES_HZ.get(usize::from(fscod))?;
    let bit_rate_code = size_code >> 1;
    let kbps = *BITRATES_KBPS.get(usize::from(bit_rate_code))?;
    let words = match fscod {
        0 => kbps * 2,
        1 => kbps * 320 / 147 + u32::from(size_code & 1),
        _ => kbps * 3,
    };
    let info = Ac3Info {
        fscod,
        bsid,
        bsmod,
        acmod,
        lfeon,
        bit_rate_code,
    };
    Some(Header {
        format: format(Codec::Ac3, sample_rate_hz, acmod, lfeon, 6),
        info: Info::Ac3(info),
        frame_bytes: words as usize * 2,
        continues: false,
    })
}

fn eac3(data: &[u8]) -> Option<Header> {
    let mut reader = BitReader::new(data);
    reader.skip(16)?;
    let stream_type = reader.byte(2)?;
    let substream = reader.byte(3)?;
    let frame_bytes = (reader.bits(11)? as usize + 1) * 2;
    let fscod = reader.byte(2)?;
    let second = usize::from(reader.byte(2)?);
    let (sample_rate_hz, blocks) = if fscod == 3 {
        (SAMPLE_RATES_HZ.get(second)? / 2, 6)
    } else {
        (SAMPLE_RATES_HZ[usize::from(fscod)], [1, 2, 3, 6][second])
    };
    let acmod = reader.byte(3)?;
    let lfeon = reader.bit()?;
    let bsid = reader.byte(5)?;
    if stream_type == 3 || frame_bytes < HEADER_BYTES {
        return None;
    }
    let samples = u64::from(blocks * SAMPLES_PER_BLOCK);
    let kbps = frame_bytes as u64 * 8 * u64::from(sample_rate_hz) / samples / 1000;
    let data_rate_kbps = u16::try_from(kbps).unwrap_or(u16::MAX);
    Some(Header {
        format: format(Codec::Eac3, sample_rate_hz, acmod, lfeon, blocks),
        info: Info::Eac3(Eac3Info {
            data_rate_kbps,
            fscod,
            bsid,
            bsmod: 0,
            acmod,
            lfeon,
        }),
        frame_bytes,
        continues: stream_type == 1 || substream > 0,
    })
}

fn format(codec: Codec, sample_rate_hz: u32, acmod: u8, lfeon: bool, blocks: u32) -> AudioFormat {
    AudioFormat {
        codec,
        name: codec.name(),
        profile: None,
        sample_rate_hz,
        channels: CHANNELS[usize::from(acmod & 7)] + u8::from(lfeon),
        samples_per_frame: blocks * SAMPLES_PER_BLOCK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_five_point_one_frame_at_448_kbps_has_1792_bytes() {
        // 48 kHz, size code 30, bsid 8, acmod 7, LFE on
        let header = header(&[0x0B, 0x77, 0, 0, 30, 0x40, 0xE1, 0, 0]).expect("a header");
        assert_eq!(header.frame_bytes, 1792);
        assert_eq!(header.format.channels, 6);
        assert_eq!(header.format.samples_per_frame, 1536);
    }

    #[test]
    fn a_dependent_substream_continues_the_frame_before() {
        let header = header(&[0x0B, 0x77, 0x40, 0xFF, 0x34, 0x86, 0, 0]).expect("a header");
        assert!(header.continues);
        assert_eq!(header.frame_bytes, 512);
        assert!(matches!(header.info, Info::Eac3(_)));
    }
}
