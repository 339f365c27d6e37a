//! What the bytes at the start of a framer's buffer are.

use crate::aac::{self, LatmReader};
use crate::opus::{self, OpusInfo};
use crate::{AudioConfig, AudioHeaders, Codec, StreamConfig, ac3, mpeg_audio};

/// What the start of the buffer is.
pub(super) enum Parse {
    Frame {
        header_bytes: usize,
        frame_bytes: usize,
        samples: u32,
        config: AudioConfig,
    },
    NeedMore,
    Garbage,
}

/// Reads the frame header there.
pub(super) fn parse_header(
    codec: Codec,
    data: &[u8],
    opus: Option<OpusInfo>,
    known: Option<&StreamConfig>,
) -> Parse {
    match codec {
        Codec::Aac => parse_adts(data),
        Codec::AacLatm => parse_latm(data, known),
        Codec::MpegAudio => parse_mpeg(data),
        Codec::Ac3 | Codec::Eac3 => parse_ac3(data),
        Codec::Opus => parse_opus(data, opus),
        _ => Parse::Garbage,
    }
}

/// Whether too little is there to tell: what is there must begin as a frame begins.
fn undecided(data: &[u8], needed: usize, first: u8) -> Parse {
    match data.first() {
        None => Parse::NeedMore,
        Some(&byte) if byte == first && data.len() < needed => Parse::NeedMore,
        Some(_) => Parse::Garbage,
    }
}

fn parse_adts(data: &[u8]) -> Parse {
    let Some(header) = aac::adts_header(data) else {
        return undecided(data, 7, 0xFF);
    };
    Parse::Frame {
        header_bytes: header.header_bytes,
        frame_bytes: header.frame_bytes,
        samples: header.raw_blocks * aac::SAMPLES_PER_FRAME,
        config: header
            .config
            .stream_config(Codec::Aac, header.config.to_bytes()),
    }
}

fn parse_latm(data: &[u8], known: Option<&StreamConfig>) -> Parse {
    let Some(frame_bytes) = aac::loas_frame_bytes(data) else {
        return undecided(data, 3, 0x56);
    };
    let Some(loas) = data.get(..frame_bytes) else {
        return Parse::NeedMore;
    };
    let mut latm = LatmReader::default();
    // A frame that repeats its configuration shows it; others go by the known one.
    latm.frame(loas);
    let config = match (latm.config(), known) {
        (Some((asc, record)), _) => asc.stream_config(Codec::AacLatm, record.clone()),
        (None, Some(StreamConfig::Audio(known))) => known.clone(),
        _ => {
            return Parse::Frame {
                header_bytes: 0,
                frame_bytes,
                samples: 0,
                config: silent(),
            };
        }
    };
    let samples = config.format.samples_per_frame;
    Parse::Frame {
        header_bytes: 0,
        frame_bytes,
        samples,
        config,
    }
}

/// Stands in for a LATM stream's configuration until the stream tells it.
fn silent() -> AudioConfig {
    OpusInfo {
        channels: 0,
        pre_skip: 0,
    }
    .stream_config()
}

fn parse_mpeg(data: &[u8]) -> Parse {
    let Some(header) = mpeg_audio::header(data) else {
        return undecided(data, mpeg_audio::HEADER_BYTES, 0xFF);
    };
    let samples = header.format.samples_per_frame;
    let config = AudioConfig {
        format: header.format,
        headers: AudioHeaders::InBand,
    };
    Parse::Frame {
        header_bytes: 0,
        frame_bytes: header.frame_bytes.max(4),
        samples,
        config,
    }
}

fn parse_ac3(data: &[u8]) -> Parse {
    let Some(header) = ac3::header(data) else {
        return undecided(data, ac3::HEADER_BYTES, 0x0B);
    };
    let mut frame_bytes = header.frame_bytes;
    if let ac3::Info::Eac3(_) = header.info {
        // Further substreams belong to the same frame.
        loop {
            let Some(rest) = data.get(frame_bytes..) else {
                return Parse::NeedMore;
            };
            match ac3::header(rest) {
                Some(next) if next.continues => frame_bytes += next.frame_bytes,
                None if !rest.is_empty() && rest.len() < ac3::HEADER_BYTES => {
                    return Parse::NeedMore;
                }
                _ => break,
            }
        }
    }
    let samples = header.format.samples_per_frame;
    let config = AudioConfig {
        headers: header.audio_headers(),
        format: header.format,
    };
    Parse::Frame {
        header_bytes: 0,
        frame_bytes,
        samples,
        config,
    }
}

fn parse_opus(data: &[u8], info: Option<OpusInfo>) -> Parse {
    let control = match opus::control(data) {
        Ok(control) => control,
        Err(true) => return Parse::NeedMore,
        Err(false) => return Parse::Garbage,
    };
    let frame_bytes = control.header_bytes + control.packet_bytes;
    let Some(packet) = data.get(control.header_bytes..frame_bytes) else {
        return Parse::NeedMore;
    };
    let Some(samples) = opus::packet_samples(packet) else {
        return Parse::Garbage;
    };
    let info = info.unwrap_or_else(|| OpusInfo::of_packet(packet));
    Parse::Frame {
        header_bytes: control.header_bytes,
        frame_bytes,
        samples,
        config: info.stream_config(),
    }
}
