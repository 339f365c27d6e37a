//! Codec strings (RFC 6381, ISO/IEC 14496-15 annex E).

use crate::{AudioHeaders, Codec, StreamConfig, VideoHeaders, aac, av1, h265};

pub(crate) fn codec_string(config: &StreamConfig) -> Option<String> {
    match config {
        StreamConfig::Video(video) => match &video.headers {
            VideoHeaders::H264 { sps, .. } => {
                let [_, profile, constraints, level, ..] = sps.first()?[..] else {
                    return None;
                };
                Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
            }
            VideoHeaders::H265 { sps, .. } => {
                Some(h265_string(&h265::Sps::parse(sps.first()?)?.general))
            }
            VideoHeaders::Av1 { sequence_header } => av1_string(sequence_header),
            VideoHeaders::InBand => None,
        },
        StreamConfig::Audio(audio) => match &audio.headers {
            AudioHeaders::Aac {
                audio_specific_config,
            } => {
                let config = aac::AudioSpecificConfig::parse(audio_specific_config)?;
                Some(format!("mp4a.40.{}", config.object_type))
            }
            AudioHeaders::Ac3(_) => Some("ac-3".into()),
            AudioHeaders::Eac3(_) => Some("ec-3".into()),
            AudioHeaders::Opus(_) => Some("opus".into()),
            AudioHeaders::InBand if audio.format.codec == Codec::MpegAudio => {
                Some("mp4a.40.34".into()).filter(|_| audio.format.name == "mp3")
            }
            AudioHeaders::InBand => None,
        },
    }
}

/// AV1 in ISOBMFF, section 5.
fn av1_string(sequence_header: &[u8]) -> Option<String> {
    let obu = av1::obus(sequence_header).next()?;
    let header = av1::SequenceHeader::parse(obu.payload)?;
    let tier = if header.high_tier { 'H' } else { 'M' };
    Some(format!(
        "av01.{}.{:02}{tier}.{:02}",
        header.profile, header.level_index, header.bit_depth
    ))
}

fn h265_string(general: &h265::ProfileTierLevel) -> String {
    let space = ["", "A", "B", "C"][usize::from(general.profile_space & 3)];
    let tier = if general.high_tier { 'H' } else { 'L' };
    let compatibility = general.compatibility_flags.reverse_bits();
    let mut text = format!(
        "hvc1.{space}{}.{compatibility:X}.{tier}{}",
        general.profile_idc, general.level_idc
    );
    let used = general
        .constraints
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    for byte in &general.constraints[..used] {
        text.push_str(&format!(".{byte:X}"));
    }
    text
}
