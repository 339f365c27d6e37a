//! From frames to messages.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_codecs::{AudioConfig, Codec, Kind, StreamConfig, sample};

use crate::TRACKS_MAX;
use crate::fourcc::FourCc;

const TICKS_PER_MS: i64 = 90;
const KEY_FRAME: u8 = 1;
const INTER_FRAME: u8 = 2;
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const CODED_FRAMES_X: u8 = 3;
const VIDEO_MULTITRACK: u8 = 6;
const AUDIO_MULTITRACK: u8 = 5;
const EXTENDED_VIDEO: u8 = 0x80;
const EXTENDED_AUDIO: u8 = 0x90;
const ONE_TRACK: u8 = 0;
const LEGACY_AVC: u8 = 7;
/// AAC always says 44 kHz, 16 bits, stereo; its header says what is true.
const LEGACY_AAC: u8 = 0xAF;
const LEGACY_MP3: u8 = 0x20;
/// More than any message has in front of its frame.
const HEADER_ROOM_BYTES: usize = 16;

/// What a receiver must understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// RTMP as Adobe left it: H.264, AAC, MP3.
    Legacy,
    /// Enhanced RTMP: HEVC, AV1, Opus, AC-3, E-AC-3, several tracks.
    Enhanced,
}

impl Dialect {
    /// What the receiver of a stream like this must understand; `None` where neither
    /// carries it.
    #[must_use]
    pub fn needed(config: &StreamConfig) -> Option<Self> {
        match config {
            StreamConfig::Video(video) => match video.format.codec {
                Codec::H264 => Some(Self::Legacy),
                codec => FourCc::of_video(codec).map(|_| Self::Enhanced),
            },
            StreamConfig::Audio(audio) => {
                FourCc::of_audio(audio)?;
                let legacy = match audio.format.codec {
                    Codec::Aac | Codec::AacLatm => true,
                    _ => legacy_mp3(audio).is_some(),
                };
                Some(if legacy { Self::Legacy } else { Self::Enhanced })
            }
        }
    }
}

/// Which of RTMP's media messages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Type 8.
    Audio,
    /// Type 9.
    Video,
}

/// One message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: MessageKind,
    /// Its time stamp, which wraps after 49.7 days.
    pub timestamp_ms: u32,
    /// Its body.
    pub body: Bytes,
    /// It must arrive, whatever else is dropped: a sequence header.
    pub header: bool,
}

/// A frame to send.
#[derive(Clone, Debug)]
pub struct OutFrame<'a> {
    /// Its track, as it was told to [`Writer::set_tracks`].
    pub track: u16,
    /// Presentation time, 90 kHz.
    pub pts: i64,
    /// Decoding time, 90 kHz.
    pub dts: i64,
    /// Decoding can begin here.
    pub key: bool,
    /// As a feed holds it: Annex B, OBUs, raw sound.
    pub data: &'a Bytes,
}

/// Writes the media messages of one connection.
///
/// The first picture and the first sound are written as legacy messages where those can carry
/// them; further tracks, which only Enhanced RTMP knows, one to a message.
#[derive(Debug, Default)]
pub struct Writer {
    tracks: Vec<OutTrack>,
}

#[derive(Debug)]
struct OutTrack {
    id: u16,
    /// Its number among its kind.
    number: u8,
    config: Arc<StreamConfig>,
    /// Its sequence header has been written.
    told: bool,
}

impl Writer {
    /// A writer for a connection that begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the tracks, each with the caller's number for it; of each kind the first is the
    /// one that every receiver plays. What is not carried, and what is beyond
    /// [`TRACKS_MAX`] of a kind, is ignored.
    pub fn set_tracks<'a>(
        &mut self,
        tracks: impl IntoIterator<Item = (u16, &'a Arc<StreamConfig>)>,
    ) {
        let old = core::mem::take(&mut self.tracks);
        for (id, config) in tracks {
            if Dialect::needed(config).is_none() {
                continue;
            }
            let kind = config.codec().kind();
            let alike = |track: &&OutTrack| track.config.codec().kind() == kind;
            let number = self.tracks.iter().filter(alike).count();
            if number >= TRACKS_MAX {
                continue;
            }
            let number = number as u8;
            let told = old
                .iter()
                .any(|track| track.told && track.number == number && track.config == *config);
            self.tracks.push(OutTrack {
                id,
                number,
                config: Arc::clone(config),
                told,
            });
        }
    }

    /// Appends the sequence headers that have not been written yet.
    pub fn headers(&mut self, dts: i64, out: &mut Vec<Message>) {
        for track in &mut self.tracks {
            track.tell(dts, out);
        }
    }

    /// Appends a frame, and in front of it the sequence header of its track, if that is new.
    /// Frames of tracks that were not told are ignored, and so are those without content.
    pub fn frame(&mut self, frame: &OutFrame<'_>, out: &mut Vec<Message>) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == frame.track) else {
            return;
        };
        track.tell(frame.dts, out);
        let timestamp_ms = milliseconds(frame.dts);
        let (kind, body) = match &*track.config {
            StreamConfig::Video(_) => (MessageKind::Video, track.picture(frame)),
            StreamConfig::Audio(audio) => (MessageKind::Audio, track.sound(audio, frame.data)),
        };
        let Some(body) = body else { return };
        out.push(Message {
            kind,
            timestamp_ms: wrapped(timestamp_ms),
            body,
            header: false,
        });
    }
}

impl OutTrack {
    /// Appends its sequence header, once.
    fn tell(&mut self, dts: i64, out: &mut Vec<Message>) {
        if core::mem::replace(&mut self.told, true) {
            return;
        }
        let Some(record) = self.config.record() else {
            return; // AC-3, E-AC-3 and MP3 have none
        };
        let mut body = BytesMut::with_capacity(HEADER_ROOM_BYTES + record.len());
        let kind = if self.config.codec().kind() == Kind::Video {
            self.put_picture_header(&mut body, KEY_FRAME, SEQUENCE_START, 0);
            MessageKind::Video
        } else {
            self.put_sound_header(&mut body, SEQUENCE_START);
            MessageKind::Audio
        };
        body.put_slice(&record);
        out.push(Message {
            kind,
            timestamp_ms: wrapped(milliseconds(dts)),
            body: body.freeze(),
            header: true,
        });
    }

    fn picture(&self, frame: &OutFrame<'_>) -> Option<Bytes> {
        let codec = self.config.codec();
        let composition = milliseconds(frame.pts) - milliseconds(frame.dts);
        let composition_ms = i32::try_from(composition).unwrap_or(0);
        let frame_type = if frame.key { KEY_FRAME } else { INTER_FRAME };
        let mut body = BytesMut::with_capacity(HEADER_ROOM_BYTES + frame.data.len());
        self.put_picture_header(&mut body, frame_type, CODED_FRAMES, composition_ms);
        let header_bytes = body.len();
        if sample::is_nal_codec(codec) {
            sample::put_nal_units(codec, frame.data, &mut body);
        } else {
            body.put_slice(&sample::from_unit(codec, frame.data));
        }
        (body.len() > header_bytes).then(|| body.freeze())
    }

    fn put_picture_header(
        &self,
        body: &mut BytesMut,
        frame_type: u8,
        kind: u8,
        composition_ms: i32,
    ) {
        let codec = self.config.codec();
        if codec == Codec::H264 && self.number == 0 {
            body.put_u8(frame_type << 4 | LEGACY_AVC);
            body.put_u8(kind);
            body.put_int(composition_ms.into(), 3);
            return;
        }
        let has_composition = kind == CODED_FRAMES && codec != Codec::Av1;
        let kind = if has_composition && composition_ms == 0 {
            CODED_FRAMES_X
        } else {
            kind
        };
        let first = EXTENDED_VIDEO | frame_type << 4;
        self.put_extended(body, first, kind, VIDEO_MULTITRACK, FourCc::of_video(codec));
        if kind == CODED_FRAMES && has_composition {
            body.put_int(composition_ms.into(), 3);
        }
    }

    fn sound(&self, audio: &AudioConfig, data: &Bytes) -> Option<Bytes> {
        let mut body = BytesMut::with_capacity(HEADER_ROOM_BYTES + data.len());
        match legacy_mp3(audio) {
            Some(first) if self.number == 0 => body.put_u8(first),
            _ => self.put_sound_header(&mut body, CODED_FRAMES),
        }
        body.put_slice(data);
        (!data.is_empty()).then(|| body.freeze())
    }

    fn put_sound_header(&self, body: &mut BytesMut, kind: u8) {
        let audio = self.config.audio();
        let codec = self.config.codec();
        if matches!(codec, Codec::Aac | Codec::AacLatm) && self.number == 0 {
            body.put_u8(LEGACY_AAC);
            body.put_u8(kind);
            return;
        }
        let fourcc = audio.and_then(FourCc::of_audio);
        self.put_extended(body, EXTENDED_AUDIO, kind, AUDIO_MULTITRACK, fourcc);
    }

    fn put_extended(
        &self,
        body: &mut BytesMut,
        first: u8,
        kind: u8,
        multitrack: u8,
        fourcc: Option<FourCc>,
    ) {
        // Tracks without a FourCC are not carried, see `set_tracks`.
        let FourCc(name) = fourcc.unwrap_or(FourCc([0; 4]));
        if self.number == 0 {
            body.put_u8(first | kind);
            body.put_slice(&name);
            return;
        }
        body.put_u8(first | multitrack);
        body.put_u8(ONE_TRACK << 4 | kind);
        body.put_slice(&name);
        body.put_u8(self.number);
    }
}

/// The first byte of legacy MP3, which knows three rates only.
fn legacy_mp3(audio: &AudioConfig) -> Option<u8> {
    if audio.format.name != "mp3" {
        return None;
    }
    let rate = match audio.format.sample_rate_hz {
        44_100 => 3,
        22_050 => 2,
        11_025 => 1,
        _ => return None,
    };
    Some(LEGACY_MP3 | rate << 2 | 0x02 | u8::from(audio.format.channels > 1))
}

/// To the nearest millisecond.
const fn milliseconds(ticks: i64) -> i64 {
    (ticks + TICKS_PER_MS / 2).div_euclid(TICKS_PER_MS)
}

const fn wrapped(milliseconds: i64) -> u32 {
    milliseconds.rem_euclid(1 << 32) as u32
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
