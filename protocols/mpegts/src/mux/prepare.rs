//! What a unit needs around it in a transport stream.

use bytes::Bytes;
use tidegate_codecs::{
    AudioHeaders, Codec, Kind, StreamConfig, VideoHeaders, aac, h264, h265, nal,
};

use super::MuxUnit;

const VIDEO_STREAM: u8 = 0xE0;
const AUDIO_STREAM: u8 = 0xC0;
const PRIVATE_STREAM: u8 = 0xBD;
const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// A delimiter that allows every kind of picture behind it.
const H264_DELIMITER: [u8; 6] = [0, 0, 0, 1, 0x09, 0xF0];
const H265_DELIMITER: [u8; 7] = [0, 0, 0, 1, 0x46, 0x01, 0x50];
/// Units in front of the first slice that are looked at.
const MAX_LEADING_UNITS: usize = 16;
const ADTS_BYTES: usize = 7;
const EXPLICIT_RATE: u8 = 15;

/// A unit as it is carried.
pub(super) struct Prepared {
    pub(super) stream_id: u8,
    pub(super) parts: Vec<Bytes>,
}

pub(super) fn unit(config: &StreamConfig, unit: &MuxUnit) -> Prepared {
    let stream_id = match config.codec() {
        codec if codec.kind() == Kind::Video => VIDEO_STREAM,
        Codec::Aac | Codec::AacLatm | Codec::MpegAudio => AUDIO_STREAM,
        _ => PRIVATE_STREAM,
    };
    let front = match config {
        StreamConfig::Video(video) => match &video.headers {
            VideoHeaders::H264 { sps, pps } => h264_front(sps, pps, unit),
            VideoHeaders::H265 { vps, sps, pps } => h265_front([vps, sps, pps], unit),
            VideoHeaders::Av1 { .. } | VideoHeaders::InBand => Vec::new(),
        },
        StreamConfig::Audio(audio) => match &audio.headers {
            AudioHeaders::Aac {
                audio_specific_config,
            } => adts_header(audio_specific_config, unit.data.len()).unwrap_or_default(),
            AudioHeaders::Opus(_) => opus_control(unit.data.len()),
            _ => Vec::new(),
        },
    };
    Prepared {
        stream_id,
        parts: vec![front.into(), unit.data.clone()],
    }
}

/// The delimiter, and in front of a key frame the parameter sets, where they are missing.
fn h264_front(sps: &[Bytes], pps: &[Bytes], unit: &MuxUnit) -> Vec<u8> {
    let leading = || {
        nal::split(&unit.data)
            .take(MAX_LEADING_UNITS)
            .filter_map(h264::UnitType::of)
    };
    let mut front = Vec::new();
    if leading().next() != Some(h264::UnitType::Delimiter) {
        front.extend(H264_DELIMITER);
    }
    let mut headers = leading().take_while(|kind| !kind.is_slice());
    if unit.key && !headers.any(|kind| kind == h264::UnitType::Sps) {
        put_sets(&mut front, sps.iter().chain(pps));
    }
    front
}

fn h265_front(sets: [&[Bytes]; 3], unit: &MuxUnit) -> Vec<u8> {
    let leading = || {
        nal::split(&unit.data)
            .take(MAX_LEADING_UNITS)
            .filter_map(h265::UnitType::of)
    };
    let mut front = Vec::new();
    if leading().next() != Some(h265::UnitType::Delimiter) {
        front.extend(H265_DELIMITER);
    }
    let mut headers = leading().take_while(|kind| !kind.is_slice());
    if unit.key && !headers.any(|kind| kind == h265::UnitType::Sps) {
        put_sets(&mut front, sets.into_iter().flatten());
    }
    front
}

fn put_sets<'a>(front: &mut Vec<u8>, sets: impl Iterator<Item = &'a Bytes>) {
    for set in sets {
        front.extend(START_CODE);
        front.extend_from_slice(set);
    }
}

/// An ADTS header; `None` for configurations ADTS cannot say.
fn adts_header(audio_specific_config: &[u8], frame_bytes: usize) -> Option<Vec<u8>> {
    let config = aac::AudioSpecificConfig::parse(audio_specific_config)?;
    if !(1..=4).contains(&config.core_object_type) || config.rate_index == EXPLICIT_RATE {
        return None;
    }
    let length = u16::try_from(ADTS_BYTES + frame_bytes)
        .ok()
        .filter(|&length| length < 1 << 13)?;
    let channels = config.channel_configuration & 7;
    Some(vec![
        0xFF,
        0xF1,
        (config.core_object_type - 1) << 6 | config.rate_index << 2 | channels >> 2,
        (channels & 3) << 6 | (length >> 11) as u8,
        (length >> 3) as u8,
        ((length & 7) << 5) as u8 | 0x1F,
        0xFC,
    ])
}

fn opus_control(packet_bytes: usize) -> Vec<u8> {
    let mut control = vec![0x7F, 0xE0];
    control.extend(core::iter::repeat_n(0xFF, packet_bytes / 255));
    control.push((packet_bytes % 255) as u8);
    control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_adts_header_reads_back() {
        let config = aac::AudioSpecificConfig::plain(2, 4, 2).expect("a rate");
        let mut frame = adts_header(&config.to_bytes(), 300).expect("sayable");
        frame.resize(307, 0);
        let header = aac::adts_header(&frame).expect("a header");
        assert_eq!((header.frame_bytes, header.config), (307, config));
    }
}
