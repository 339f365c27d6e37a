//! One video stream's headers, followed from access unit to access unit.

use std::sync::Arc;

use bytes::Bytes;

use crate::parameter_sets::MAX_SETS;
use crate::record::av1_config;
use crate::{AudioConfig, AudioHeaders};
use crate::{
    Codec, Kind, StreamConfig, VideoConfig, VideoHeaders, aac, ac3, av1, h264, h265, mpeg_audio,
    mpeg2, nal,
};

/// Units in front of the first slice that are looked at.
const MAX_LEADING_UNITS: usize = 64;

/// What one access unit turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitInfo {
    /// Decoding can begin here.
    pub key: bool,
    /// [`StreamReader::config`] is new since the access unit before.
    pub config_changed: bool,
    /// The stream's headers stand in front of it.
    pub headers: bool,
    /// A picture (or an audio frame) was found.
    pub complete: bool,
}

impl UnitInfo {
    /// Whether decoding can begin here, where the transport may claim it too. Streams
    /// that are refreshed gradually have no key frames; there the claim counts, if the
    /// headers a decoder needs are in place.
    #[must_use]
    pub const fn is_entry(&self, transport_claims_it: bool) -> bool {
        self.key || transport_claims_it && self.headers
    }
}

/// Learns a stream's configuration and finds its key frames.
///
/// Only the headers in front of the first slice are read, so a prefix of an access unit
/// is as good as the whole, once it reaches into the first slice.
#[derive(Clone, Debug)]
pub struct StreamReader {
    codec: Codec,
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
    config: Option<Arc<StreamConfig>>,
}

/// Parameter sets found in one access unit.
#[derive(Default)]
struct Found<'a> {
    vps: Vec<&'a [u8]>,
    sps: Vec<&'a [u8]>,
    pps: Vec<&'a [u8]>,
}

impl StreamReader {
    /// A reader for a stream of this codec.
    #[must_use]
    pub const fn new(codec: Codec) -> Self {
        Self {
            codec,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
            config: None,
        }
    }

    /// A reader for a stream whose configuration came outside it, and may change inside.
    #[must_use]
    pub fn with_config(config: Arc<StreamConfig>) -> Self {
        let mut reader = Self::new(config.codec());
        match config.video().map(|video| &video.headers) {
            Some(VideoHeaders::H264 { sps, pps }) => {
                (reader.sps, reader.pps) = (sps.clone(), pps.clone());
            }
            Some(VideoHeaders::H265 { vps, sps, pps }) => {
                (reader.vps, reader.sps, reader.pps) = (vps.clone(), sps.clone(), pps.clone());
            }
            _ => {}
        }
        reader.config = Some(config);
        reader
    }

    /// The configuration, once the stream has told it.
    #[must_use]
    pub const fn config(&self) -> Option<&Arc<StreamConfig>> {
        self.config.as_ref()
    }

    /// Reads an access unit or a prefix of it.
    pub fn read(&mut self, unit: &[u8]) -> UnitInfo {
        match self.codec {
            Codec::H264 => self.read_h264(unit),
            Codec::H265 => self.read_h265(unit),
            Codec::Av1 => self.read_av1(unit),
            Codec::Mpeg1Video | Codec::Mpeg2Video => self.read_mpeg2(unit),
            _ if self.codec.kind() == Kind::Video => UnitInfo {
                headers: true,
                complete: true,
                ..UnitInfo::default()
            },
            _ => self.read_audio(unit),
        }
    }

    fn read_h264(&mut self, unit: &[u8]) -> UnitInfo {
        let mut found = Found::default();
        let mut recovery_point = false;
        let mut info = UnitInfo::default();
        for tail in nal::tails(unit).take(MAX_LEADING_UNITS) {
            match h264::UnitType::of(tail) {
                Some(h264::UnitType::Sps) => found.sps.push(nal::first(tail)),
                Some(h264::UnitType::Pps) => found.pps.push(nal::first(tail)),
                Some(h264::UnitType::Sei) => {
                    recovery_point |= h264::has_recovery_point(nal::first(tail));
                }
                Some(h264::UnitType::Idr) => {
                    (info.key, info.complete) = (true, true);
                    break;
                }
                Some(h264::UnitType::Slice) => {
                    let entry = !found.sps.is_empty() && h264::is_intra_slice(tail);
                    (info.key, info.complete) = (recovery_point || entry, true);
                    break;
                }
                _ => {}
            }
        }
        info.headers = !found.sps.is_empty();
        if info.complete && self.keep(&found) {
            info.config_changed = self.update(h264_config);
        }
        info
    }

    fn read_h265(&mut self, unit: &[u8]) -> UnitInfo {
        let mut found = Found::default();
        let mut info = UnitInfo::default();
        for tail in nal::tails(unit).take(MAX_LEADING_UNITS) {
            match h265::UnitType::of(tail) {
                Some(h265::UnitType::Vps) => found.vps.push(nal::first(tail)),
                Some(h265::UnitType::Sps) => found.sps.push(nal::first(tail)),
                Some(h265::UnitType::Pps) => found.pps.push(nal::first(tail)),
                Some(slice) if slice.is_slice() => {
                    (info.key, info.complete) = (slice == h265::UnitType::RandomAccess, true);
                    break;
                }
                _ => {}
            }
        }
        info.headers = !found.sps.is_empty();
        if info.complete && self.keep(&found) {
            info.config_changed = self.update(h265_config);
        }
        info
    }

    fn read_mpeg2(&mut self, unit: &[u8]) -> UnitInfo {
        let headers = mpeg2::headers(unit);
        let mut info = UnitInfo {
            key: headers.intra == Some(true) && headers.sequence.is_some(),
            config_changed: false,
            headers: headers.sequence.is_some(),
            complete: headers.intra.is_some(),
        };
        if let Some(format) = headers.sequence.filter(|_| info.complete) {
            let config = VideoConfig {
                format,
                headers: VideoHeaders::InBand,
            };
            info.config_changed = self.replace(StreamConfig::Video(config));
        }
        info
    }

    /// What is no AV1 as it is known here counts as any other video.
    fn read_av1(&mut self, unit: &[u8]) -> UnitInfo {
        let found = av1::headers(unit);
        let mut info = UnitInfo {
            key: found.key == Some(true) && (found.sequence.is_some() || self.config.is_some()),
            config_changed: false,
            headers: found.sequence.is_some() || found.key.is_none(),
            complete: true,
        };
        let known = self.config.as_deref().and_then(StreamConfig::video);
        let known = match known.map(|video| &video.headers) {
            Some(VideoHeaders::Av1 { sequence_header }) => Some(&sequence_header[..]),
            _ => None,
        };
        if let Some(header) = found.sequence.filter(|&header| known != Some(header)) {
            let config = av1_config(&Bytes::copy_from_slice(header));
            info.config_changed = config.is_some_and(|config| self.replace(config));
        }
        info
    }

    /// A glance at the frame header an audio packet begins with.
    fn read_audio(&mut self, packet: &[u8]) -> UnitInfo {
        let Some(config) = audio_glance(self.codec, packet) else {
            return UnitInfo::default();
        };
        let config_changed = self.replace(StreamConfig::Audio(config));
        UnitInfo {
            key: true,
            config_changed,
            headers: true,
            complete: true,
        }
    }

    /// Takes over parameter sets; whether any is new.
    fn keep(&mut self, found: &Found<'_>) -> bool {
        if found.sps.is_empty() && found.pps.is_empty() && found.vps.is_empty() {
            return false;
        }
        // Sequence and picture sets together begin afresh: an encoder that came back
        // with other ones leaves nothing of the old behind.
        let afresh = !found.sps.is_empty() && !found.pps.is_empty();
        let mut changed = take_over(&mut self.sps, &found.sps, afresh);
        changed |= take_over(&mut self.pps, &found.pps, afresh);
        changed | take_over(&mut self.vps, &found.vps, afresh && !found.vps.is_empty())
    }

    fn update(&mut self, config: impl Fn(&Self) -> Option<StreamConfig>) -> bool {
        config(self).is_some_and(|config| self.replace(config))
    }

    fn replace(&mut self, config: StreamConfig) -> bool {
        if self.config.as_deref() == Some(&config) {
            return false;
        }
        self.config = Some(Arc::new(config));
        true
    }
}

/// Parameter sets that differ replace the kept ones, or add to them.
fn take_over(kept: &mut Vec<Bytes>, found: &[&[u8]], afresh: bool) -> bool {
    let found = &found[..found.len().min(MAX_SETS)];
    if afresh {
        let mut unique: Vec<&[u8]> = Vec::new();
        for set in found {
            if !unique.contains(set) {
                unique.push(set);
            }
        }
        if unique.iter().eq(kept.iter()) {
            return false;
        }
        *kept = unique.into_iter().map(Bytes::copy_from_slice).collect();
        return true;
    }
    let mut changed = false;
    for &set in found {
        if kept.iter().any(|known| known == set) {
            continue;
        }
        if kept.len() == MAX_SETS {
            kept.remove(0);
        }
        kept.push(Bytes::copy_from_slice(set));
        changed = true;
    }
    changed
}

fn h264_config(reader: &StreamReader) -> Option<StreamConfig> {
    let format = h264::Sps::parse(reader.sps.last()?)?.format();
    let headers = VideoHeaders::H264 {
        sps: reader.sps.clone(),
        pps: reader.pps.clone(),
    };
    Some(StreamConfig::Video(VideoConfig { format, headers }))
}

fn h265_config(reader: &StreamReader) -> Option<StreamConfig> {
    let format = h265::Sps::parse(reader.sps.last()?)?.format();
    let (vps, sps, pps) = (reader.vps.clone(), reader.sps.clone(), reader.pps.clone());
    let headers = VideoHeaders::H265 { vps, sps, pps };
    Some(StreamConfig::Video(VideoConfig { format, headers }))
}

fn audio_glance(codec: Codec, packet: &[u8]) -> Option<AudioConfig> {
    match codec {
        Codec::Aac => {
            let header = aac::adts_header(packet)?;
            Some(header.config.stream_config(codec, header.config.to_bytes()))
        }
        Codec::AacLatm => {
            aac::loas_frame_bytes(packet)?;
            let mut latm = aac::LatmReader::default();
            latm.frame(packet);
            let (config, record) = latm.config()?;
            Some(config.stream_config(codec, record.clone()))
        }
        Codec::MpegAudio => {
            let format = mpeg_audio::header(packet)?.format;
            Some(AudioConfig {
                format,
                headers: AudioHeaders::InBand,
            })
        }
        Codec::Ac3 | Codec::Eac3 => {
            let header = ac3::header(packet)?;
            Some(AudioConfig {
                headers: header.audio_headers(),
                format: header.format,
            })
        }
        _ => None,
    }
}
