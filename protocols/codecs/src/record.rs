//! Decoder configuration that comes outside the stream, as MP4 and FLV carry it.

use std::sync::Arc;

use bytes::Bytes;

use crate::opus::{self, OpusInfo};
use crate::sample::NAL_LENGTH_BYTES;
use crate::{AudioHeaders, Codec, StreamConfig, VideoConfig, VideoHeaders, aac, av1, h264, h265};

/// No AudioSpecificConfig is longer in practice.
const MAX_ASC_BYTES: usize = 256;

/// What a decoder configuration record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The stream.
    pub config: Arc<StreamConfig>,
    /// Bytes of a NAL unit's length in its samples; 4 where there are none.
    pub nal_length_bytes: u8,
}

impl Record {
    /// Reads the body of `avcC`, `hvcC`, `av1C` or `dOps`, an AudioSpecificConfig, or the
    /// identification header of Opus (RFC 7845, section 5.1).
    #[must_use]
    pub fn parse(codec: Codec, record: &[u8]) -> Option<Self> {
        let mut nal_length_bytes = NAL_LENGTH_BYTES as u8;
        let config = match codec {
            Codec::H264 => {
                let (sps, pps, length) = h264::parse_avcc(record)?;
                nal_length_bytes = length;
                video(
                    h264::Sps::parse(sps.first()?)?.format(),
                    VideoHeaders::H264 { sps, pps },
                )
            }
            Codec::H265 => {
                let h265::HvccSets {
                    vps,
                    sps,
                    pps,
                    nal_length_bytes: length,
                } = h265::parse_hvcc(record)?;
                nal_length_bytes = length;
                video(
                    h265::Sps::parse(sps.first()?)?.format(),
                    VideoHeaders::H265 { vps, sps, pps },
                )
            }
            Codec::Av1 => av1_config(&av1::parse_av1c(record)?)?,
            Codec::Aac => {
                let record = record.get(..record.len().min(MAX_ASC_BYTES))?;
                let config = aac::AudioSpecificConfig::parse(record)?;
                let record = Bytes::copy_from_slice(record);
                StreamConfig::Audio(config.stream_config(codec, record))
            }
            Codec::Opus => {
                let info = OpusInfo::parse_head(record).or_else(|| OpusInfo::parse_dops(record))?;
                StreamConfig::Audio(info.stream_config())
            }
            _ => return None,
        };
        (nal_length_bytes != 3).then(|| Self {
            config: Arc::new(config),
            nal_length_bytes,
        })
    }
}

impl StreamConfig {
    /// The record that [`Record::parse`] reads, with NAL unit lengths of four bytes; for Opus
    /// the identification header. `None` for codecs that have none, and while parameter sets
    /// are missing.
    #[must_use]
    pub fn record(&self) -> Option<Bytes> {
        match self {
            Self::Video(video) => match &video.headers {
                VideoHeaders::H264 { sps, pps } if !pps.is_empty() => h264::avcc(sps, pps),
                VideoHeaders::H265 { vps, sps, pps } if !pps.is_empty() && !vps.is_empty() => {
                    h265::hvcc(vps, sps, pps)
                }
                VideoHeaders::Av1 { sequence_header } => av1::av1c(sequence_header),
                _ => None,
            },
            Self::Audio(audio) => match &audio.headers {
                AudioHeaders::Aac {
                    audio_specific_config,
                } => Some(audio_specific_config.clone()),
                AudioHeaders::Opus(info) => Some(opus::head(info)),
                _ => None,
            },
        }
    }
}

/// The configuration of an AV1 stream with this sequence header, a whole OBU.
pub(crate) fn av1_config(sequence_header: &Bytes) -> Option<StreamConfig> {
    let obu = av1::obus(sequence_header).next()?;
    let format = av1::SequenceHeader::parse(obu.payload)?.format();
    let headers = VideoHeaders::Av1 {
        sequence_header: sequence_header.clone(),
    };
    Some(video(format, headers))
}

const fn video(format: crate::VideoFormat, headers: VideoHeaders) -> StreamConfig {
    StreamConfig::Video(VideoConfig { format, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(codec: Codec, record: &[u8]) -> Arc<StreamConfig> {
        let read = Record::parse(codec, record).expect("a valid record");
        assert_eq!(read.nal_length_bytes, 4);
        let written = read.config.record().expect("a record can be written");
        assert_eq!(written[..], *record);
        read.config
    }

    #[test]
    fn records_of_real_encoders_are_written_as_they_were_read() {
        // x264, 1920x1080, High 4.0
        let avc = [
            0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9,
            0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB, 0xFD,
            0xF8, 0xF8, 0x00,
        ];
        let config = both_ways(Codec::H264, &avc);
        assert_eq!(config.rfc6381().as_deref(), Some("avc1.640028"));
        let av1 = [
            0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38,
            0x05, 0xF0, 0x00, 0x80,
        ];
        let config = both_ways(Codec::Av1, &av1);
        assert_eq!(config.rfc6381().as_deref(), Some("av01.0.01M.08"));
        both_ways(Codec::Aac, &[0x11, 0x90]);
        both_ways(Codec::Aac, &[0x2B, 0x11, 0x88, 0x00]);
        both_ways(Codec::Opus, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0");
    }

    #[test]
    fn the_opus_box_of_mp4_says_the_same_as_the_header_of_ogg() {
        let of_mp4 = Record::parse(Codec::Opus, &[0, 2, 1, 0x38, 0, 0, 0xBB, 0x80, 0, 0, 0]);
        let of_ogg = Record::parse(Codec::Opus, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0");
        assert!(of_mp4.is_some());
        assert_eq!(of_mp4, of_ogg);
    }

    #[test]
    fn impossible_lengths_of_nal_units_are_refused() {
        let mut avc = vec![
            0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9,
            0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB,
        ];
        assert!(Record::parse(Codec::H264, &avc).is_some());
        avc[4] = 0xFE;
        assert_eq!(Record::parse(Codec::H264, &avc), None);
    }
}
