//! What RTP packets carry: access units cut into payloads, one file per payload format.
//!
//! ```text
//!  access unit ──► Packetizer ──► payload, marker ──► (header in front) ──► packet
//!                  (per track)    payload, marker
//! ```
//!
//! A payload is never longer than it may be, except an Opus packet, which cannot be divided.
//! Whoever puts the header in front numbers the packets and says when they belong.

mod aac;
mod ac3;
mod h264;
mod h265;
mod mpeg_audio;
mod nal_units;
mod opus;
#[cfg(test)]
mod tests;

use tidegate_codecs::{AudioHeaders, Codec, StreamConfig, VideoHeaders};

/// The longest payload where a whole IPv6 packet has to fit 1500 bytes with room for a tunnel.
pub const USUAL_PAYLOAD_BYTES: usize = 1380;
/// No payload format works with less.
const SMALLEST_PAYLOAD_BYTES: usize = 64;
/// Video, MPEG audio and transport streams count in this clock.
const VIDEO_CLOCK_HZ: u32 = 90_000;

/// Takes the payloads of one access unit in order; the flag is the packet's marker.
pub trait Sink {
    /// One payload, to be copied.
    fn payload(&mut self, payload: &[u8], marker: bool);
}

impl<F: FnMut(&[u8], bool)> Sink for F {
    fn payload(&mut self, payload: &[u8], marker: bool) {
        self(payload, marker);
    }
}

/// Cuts the access units of one track into payloads.
#[derive(Debug)]
pub struct Packetizer {
    format: Format,
    clock_rate_hz: u32,
    max_bytes: usize,
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Format {
    H264(nal_units::ParameterSets),
    H265(nal_units::ParameterSets),
    Aac,
    Opus,
    MpegAudio,
    Ac3,
}

impl Packetizer {
    /// A packetizer for a track, if RTP can carry it. Payloads have at most `max_bytes`.
    #[must_use]
    pub fn new(config: &StreamConfig, max_bytes: usize) -> Option<Self> {
        let audio = |audio: &tidegate_codecs::AudioConfig| audio.format.sample_rate_hz;
        let (format, clock_rate_hz) = match config {
            StreamConfig::Video(video) => match &video.headers {
                VideoHeaders::H264 { sps, pps } => {
                    let sets = sps.iter().chain(pps).cloned().collect();
                    (Format::H264(sets), VIDEO_CLOCK_HZ)
                }
                VideoHeaders::H265 { vps, sps, pps } => {
                    let sets = vps.iter().chain(sps).chain(pps).cloned().collect();
                    (Format::H265(sets), VIDEO_CLOCK_HZ)
                }
                _ => return None,
            },
            StreamConfig::Audio(config) => match (config.format.codec, &config.headers) {
                (Codec::Aac, AudioHeaders::Aac { .. }) => (Format::Aac, audio(config)),
                (Codec::Opus, _) => (Format::Opus, tidegate_codecs::opus::SAMPLE_RATE_HZ),
                (Codec::MpegAudio, _) => (Format::MpegAudio, VIDEO_CLOCK_HZ),
                (Codec::Ac3, _) => (Format::Ac3, audio(config)),
                _ => return None,
            },
        };
        Some(Self {
            format,
            clock_rate_hz: (clock_rate_hz > 0).then_some(clock_rate_hz)?,
            max_bytes: max_bytes.max(SMALLEST_PAYLOAD_BYTES),
            scratch: Vec::new(),
        })
    }

    /// The clock that the time stamps of its packets count in.
    #[must_use]
    pub const fn clock_rate_hz(&self) -> u32 {
        self.clock_rate_hz
    }

    /// Cuts an access unit: video as Annex B, AAC without ADTS, other sound one frame. A key
    /// frame that comes without its parameter sets gets them.
    pub fn packetize(&mut self, unit: &[u8], key: bool, sink: &mut impl Sink) {
        let (scratch, max_bytes) = (&mut self.scratch, self.max_bytes);
        scratch.clear();
        match &self.format {
            Format::H264(sets) => h264::packetize(unit, sets.wanted(key), max_bytes, scratch, sink),
            Format::H265(sets) => h265::packetize(unit, sets.wanted(key), max_bytes, scratch, sink),
            Format::Aac => aac::packetize(unit, max_bytes, scratch, sink),
            Format::Opus => opus::packetize(unit, sink),
            Format::MpegAudio => mpeg_audio::packetize(unit, max_bytes, scratch, sink),
            Format::Ac3 => ac3::packetize(unit, max_bytes, scratch, sink),
        }
    }
}

/// Cuts `data` into pieces of nearly equal length of at most `max_bytes`, never none.
fn pieces(data: &[u8], max_bytes: usize) -> core::slice::Chunks<'_, u8> {
    let count = data.len().div_ceil(max_bytes.max(1)).max(1);
    data.chunks(data.len().div_ceil(count).max(1))
}
