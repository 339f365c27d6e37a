//! Writing PAT and PMT.

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_codecs::{AudioHeaders, Codec, StreamConfig};

use super::MuxTrack;
use crate::psi::crc32;

pub(super) const MAP_PID: u16 = 0x1000;
const TRANSPORT_STREAM: u16 = 1;
const PROGRAM: u16 = 1;
const PAT_TABLE: u8 = 0x00;
const PMT_TABLE: u8 = 0x02;
const PRIVATE_PES: u8 = 0x06;
const CRC_BYTES: usize = 4;

/// stream_type of a codec that can be carried.
pub(super) const fn stream_type(codec: Codec) -> Option<u8> {
    Some(match codec {
        Codec::Mpeg1Video => 0x01,
        Codec::Mpeg2Video => 0x02,
        Codec::H264 => 0x1B,
        Codec::H265 => 0x24,
        // LATM frames arrive without their framing and leave in ADTS.
        Codec::Aac | Codec::AacLatm => 0x0F,
        Codec::MpegAudio => 0x03,
        Codec::Ac3 => 0x81,
        Codec::Eac3 => 0x87,
        Codec::Opus => PRIVATE_PES,
        _ => return None,
    })
}

pub(super) fn pat(version: u8) -> Bytes {
    section(PAT_TABLE, TRANSPORT_STREAM, version, |body| {
        body.put_u16(PROGRAM);
        body.put_u16(0xE000 | MAP_PID);
    })
}

pub(super) fn pmt<'a>(
    version: u8,
    clock_pid: u16,
    streams: impl Iterator<Item = (u16, &'a MuxTrack)>,
) -> Bytes {
    section(PMT_TABLE, PROGRAM, version, |body| {
        body.put_u16(0xE000 | clock_pid);
        body.put_u16(0xF000); // no descriptors of the program
        for (pid, track) in streams {
            let descriptors = descriptors(track);
            body.put_u8(stream_type(track.config.codec()).unwrap_or(PRIVATE_PES));
            body.put_u16(0xE000 | pid);
            body.put_u16(0xF000 | descriptors.len() as u16);
            body.put_slice(&descriptors);
        }
    })
}

fn descriptors(track: &MuxTrack) -> Vec<u8> {
    let mut descriptors = Vec::new();
    if let Some(language) = track.language {
        descriptors.extend([0x0A, 4]);
        descriptors.extend(language.as_str().bytes());
        descriptors.push(0);
    }
    let opus_channels = opus_channels(&track.config);
    descriptors.extend(codec_descriptors(track.config.codec(), opus_channels));
    descriptors
}

/// What says more than the stream type; only Opus tells its channels.
pub(super) fn codec_descriptors(codec: Codec, opus_channels: u8) -> Vec<u8> {
    let mut descriptors = Vec::new();
    match codec {
        Codec::Ac3 => descriptors.extend(*b"\x05\x04AC-3"),
        Codec::Eac3 => descriptors.extend(*b"\x05\x04EAC3"),
        Codec::H265 => descriptors.extend(*b"\x05\x04HEVC"),
        Codec::Opus => {
            descriptors.extend(*b"\x05\x04Opus");
            descriptors.extend([0x7F, 2, 0x80, opus_channels]);
        }
        _ => {}
    }
    descriptors
}

fn opus_channels(config: &StreamConfig) -> u8 {
    match config.audio().map(|audio| &audio.headers) {
        Some(AudioHeaders::Opus(info)) => info.channels,
        _ => 2,
    }
}

pub(crate) fn section(
    table: u8,
    extension: u16,
    version: u8,
    write: impl FnOnce(&mut BytesMut),
) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u16(extension);
    body.put_u8(0xC1 | version << 1); // applies now
    body.put_u16(0); // the only section
    write(&mut body);
    let mut section = BytesMut::with_capacity(body.len() + 7);
    section.put_u8(table);
    section.put_u16(0xB000 | (body.len() + CRC_BYTES) as u16);
    section.put_slice(&body);
    let crc = crc32(&section);
    section.put_u32(crc);
    section.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psi::Pat;

    #[test]
    fn the_written_table_reads_back() {
        let section = pat(3);
        assert_eq!(crc32(&section), 0);
        let pat = Pat::parse(&section).expect("a table");
        assert_eq!(pat.programs[0].pmt_pid, MAP_PID);
    }
}
