//! From messages to frames.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::{Codec, Kind, StreamConfig};

use crate::clock::Clock;
use crate::packet::{Content, Packet, Parts};
use crate::track::TrackReader;
use crate::{FlvError, audio, video};

/// Where the numbers of picture tracks begin.
const VIDEO_IDS: u16 = 0x100;
/// Where the numbers of sound tracks begin.
const AUDIO_IDS: u16 = 0x200;
const TICKS_PER_MS: i64 = 90;

/// One track.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its number.
    pub id: u16,
    /// What it is.
    pub codec: Codec,
    /// Its configuration, once it is known.
    pub config: Option<Arc<StreamConfig>>,
}

/// One access unit or sound frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// [`Track::id`] of its track.
    pub track: u16,
    /// Presentation time on the 90 kHz clock, without wraps.
    pub pts: i64,
    /// Decoding time on the 90 kHz clock, without wraps.
    pub dts: i64,
    /// Decoding can begin here; always true for sound.
    pub key: bool,
    /// Belongs to a picture track.
    pub video: bool,
    /// H.264 and H.265 as Annex B, AV1 as OBUs, sound as raw frames.
    pub data: Bytes,
}

/// What messages turned out to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// All tracks, when one is new or has changed; just before the first frame they apply to.
    Tracks(Vec<Track>),
    /// One frame.
    Frame(Frame),
}

/// Reads the media messages of one connection.
#[derive(Debug, Default)]
pub struct Reader {
    clock: Clock,
    /// In the order they came.
    tracks: Vec<(u16, TrackReader)>,
    tracks_changed: bool,
    events: VecDeque<Event>,
}

impl Reader {
    /// A reader for a connection that begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the body of a video message (type 9) with its absolute time stamp.
    ///
    /// # Errors
    /// If it cannot be used; what is in it is lost, and the next message can come.
    pub fn video(&mut self, timestamp_ms: u32, body: &Bytes) -> Result<(), FlvError> {
        let parts = video::read(body)?;
        self.take(timestamp_ms, parts, VIDEO_IDS)
    }

    /// Takes the body of an audio message (type 8), as [`Reader::video`].
    ///
    /// # Errors
    /// As [`Reader::video`].
    pub fn audio(&mut self, timestamp_ms: u32, body: &Bytes) -> Result<(), FlvError> {
        let parts = audio::read(body)?;
        self.take(timestamp_ms, parts, AUDIO_IDS)
    }

    /// What the messages so far hold; ask until there is nothing.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn take(&mut self, timestamp_ms: u32, parts: Parts, ids: u16) -> Result<(), FlvError> {
        // Encoders stamp their headers with zero, however far their frames are.
        let is_frame = |packet: &Packet| matches!(packet.content, Content::Frame { .. });
        let time = if parts.packets.iter().any(is_frame) {
            self.clock.ticks(timestamp_ms, parts.nanoseconds)
        } else {
            0
        };
        let mut result = parts.problem.map_or(Ok(()), Err);
        for packet in parts.packets {
            // One track's trouble is not another's.
            let taken = self.take_packet(time, packet, ids);
            result = result.and(taken);
        }
        result
    }

    fn take_packet(&mut self, time: i64, packet: Packet, ids: u16) -> Result<(), FlvError> {
        let id = ids + u16::from(packet.track);
        match packet.content {
            Content::Other => Ok(()),
            Content::Header(record) => {
                let changed = self.track(id, packet.codec).header(&record)?;
                self.tracks_changed |= changed;
                Ok(())
            }
            Content::Frame {
                data,
                composition_ms,
                key,
            } => {
                if data.is_empty() {
                    return Ok(());
                }
                let track = self.track(id, packet.codec);
                let unit = track.frame(&data, key)?;
                let dts = match packet.codec.kind() {
                    Kind::Audio => track.place(time, &unit.data),
                    _ => time,
                };
                self.tracks_changed |= unit.config_changed;
                self.tell_tracks();
                self.events.push_back(Event::Frame(Frame {
                    track: id,
                    pts: dts + i64::from(composition_ms) * TICKS_PER_MS,
                    dts,
                    key: unit.key,
                    video: packet.codec.kind() == Kind::Video,
                    data: unit.data,
                }));
                Ok(())
            }
        }
    }

    /// The track of this number, which begins anew when its codec changes.
    fn track(&mut self, id: u16, codec: Codec) -> &mut TrackReader {
        let index = match self.tracks.iter().position(|(known, _)| *known == id) {
            Some(index) => {
                if self.tracks[index].1.codec != codec {
                    self.tracks[index].1 = TrackReader::new(codec);
                    self.tracks_changed = true;
                }
                index
            }
            None => {
                self.tracks.push((id, TrackReader::new(codec)));
                self.tracks_changed = true;
                self.tracks.len() - 1
            }
        };
        &mut self.tracks[index].1
    }

    fn tell_tracks(&mut self) {
        if !core::mem::take(&mut self.tracks_changed) {
            return;
        }
        let mut tracks: Vec<Track> = self
            .tracks
            .iter()
            .map(|(id, track)| Track {
                id: *id,
                codec: track.codec,
                config: track.config().cloned(),
            })
            .collect();
        tracks.sort_by_key(|track| track.id);
        self.events.push_back(Event::Tracks(tracks));
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
