//! Frames out of segments of one or two playlists, in one order.
//!
//! ```text
//!  video segments ─▶ Leg ─▶ frames ─┐
//!                                   ├─▶ by decoding time ─▶ one timeline ─▶ feed
//!  audio segments ─▶ Leg ─▶ frames ─┘
//! ```
//!
//! Legs whose clocks are far apart – one has jumped, and the other has not got there – are
//! played side by side, or one would keep the other waiting for hours.

use super::fetch::Piece;
use super::stream::{StreamLine, WAITED_FOR_MAX};
use bytes::Bytes;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_engine::Track;
use tidegate_mp4::SegmentReader;
use tidegate_mpegts::{Demux, Stamp};
use tidegate_timeline::{TICKS_PER_SECOND, Timeline};
use tidegate_units::Instant;

/// From the numbers of one leg's tracks to the next's: PIDs have 13 bits.
const TRACKS_OF_A_LEG: u16 = 1 << 13;

/// Legs no further apart than this, and some segments, have one clock.
const APART_TICKS: i64 = 10 * TICKS_PER_SECOND;
/// So many segments: each leg is entered at an end of its own.
const APART_SEGMENTS: i64 = 4;

/// A frame in its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) track: u16,
    pub(super) pts: i64,
    pub(super) dts: i64,
    pub(super) key: bool,
    pub(super) video: bool,
    pub(super) discontinuity: bool,
    pub(super) data: Bytes,
    /// When it came, by the playlist.
    came: Instant,
}

/// Reads the segments of one playlist.
struct Leg {
    first_track: u16,
    reader: Reader,
    tracks: Vec<Track>,
    waiting: VecDeque<Placed>,
    listed: Listed,
    /// Where the last frame came to lie.
    played: i64,
    /// What was lost is not said yet.
    broken: bool,
    ended: bool,
}

/// The playlist's own time, which goes on whatever clocks do: a frame that its clock puts far
/// behind the one before was not long in coming.
#[derive(Debug, Default)]
struct Listed {
    /// Where the segment under way begins and ends, in ticks.
    begin: i64,
    end: i64,
    /// The first decoding time in it.
    first: Option<i64>,
}

impl Listed {
    fn begin(&mut self, piece: &Piece) {
        let micros = i64::try_from(piece.duration.as_micros()).unwrap_or(i64::MAX);
        let length = micros.saturating_mul(9) / 100;
        let missing = piece.missed.min(WAITED_FOR_MAX).cast_signed();
        self.begin = self.end.saturating_add(length.saturating_mul(missing));
        self.end = self.begin.saturating_add(length);
        self.first = None;
    }

    const fn length(&self) -> i64 {
        self.end - self.begin
    }

    fn came(&mut self, dts: i64) -> Instant {
        let first = *self.first.get_or_insert(dts);
        let within = dts.saturating_sub(first).clamp(0, self.length());
        let micros = micros(self.begin.saturating_add(within));
        Instant::from_micros(micros.max(0).cast_unsigned())
    }
}

enum Reader {
    Mp4(Box<SegmentReader>),
    Ts(Box<Demux>),
    None,
}

/// Reads the segments of all playlists.
pub(super) struct FrameLine {
    legs: Vec<Leg>,
    timeline: Timeline,
    tracks_changed: bool,
    breaks: Vec<String>,
    problem: Option<String>,
}

impl FrameLine {
    pub(super) fn new(legs: usize) -> Self {
        let leg = |index| Leg {
            first_track: u16::try_from(index).unwrap_or(0) * TRACKS_OF_A_LEG,
            reader: Reader::None,
            tracks: Vec::new(),
            waiting: VecDeque::new(),
            listed: Listed::default(),
            played: i64::MIN,
            broken: false,
            ended: false,
        };
        Self {
            legs: (0..legs).map(leg).collect(),
            timeline: Timeline::new(),
            tracks_changed: false,
            breaks: Vec::new(),
            problem: None,
        }
    }

    /// Takes a segment of a leg.
    ///
    /// # Errors
    /// When it is nothing that can be read.
    pub(super) fn take(&mut self, leg: usize, piece: &Piece) -> Result<(), String> {
        if piece.discontinuity && self.legs.len() == 1 {
            self.timeline.restart();
        }
        let leg = &mut self.legs[leg];
        leg.broken |= piece.missed > 0 || piece.discontinuity;
        leg.listed.begin(piece);
        let damaged = leg.read(piece)?;
        self.problem = damaged.or_else(|| self.problem.take());
        self.tracks_changed = true;
        Ok(())
    }

    /// A leg has no more segments.
    pub(super) fn end(&mut self, leg: usize) {
        self.legs[leg].finish();
    }

    /// The leg that has to have something before the order of frames is known.
    pub(super) fn hungry(&self) -> Option<usize> {
        let is_hungry = |leg: &Leg| leg.waiting.is_empty() && !leg.ended;
        self.legs.iter().position(is_hungry)
    }

    /// The next frame of all legs, by decoding time, on a timeline that never breaks.
    pub(super) fn next(&mut self) -> Option<Placed> {
        if self.hungry().is_some() {
            return None;
        }
        let is_near = self.is_near();
        let legs = self.legs.iter_mut().filter(|leg| !leg.waiting.is_empty());
        let order = |leg: &&mut Leg| match leg.waiting.front() {
            Some(frame) if is_near => frame.dts,
            _ => leg.played,
        };
        let leg = legs.min_by_key(order)?;
        let mut frame = leg.waiting.pop_front()?;
        let (track, came) = (frame.track, frame.came);
        let placed = self.timeline.place(track, frame.pts, frame.dts, came);
        leg.played = placed.dts;
        if let Some(broke) = placed.broke {
            self.breaks.push(broke.to_string());
            frame.discontinuity = true;
        }
        (frame.pts, frame.dts) = (placed.pts, placed.dts);
        Some(frame)
    }

    /// Whether the next frames of all legs are of one clock.
    fn is_near(&self) -> bool {
        let fronts = || self.legs.iter().filter_map(|leg| leg.waiting.front());
        let times = || fronts().map(|frame| frame.dts);
        let longest = self.legs.iter().map(|leg| leg.listed.length()).max();
        let apart = longest
            .unwrap_or(0)
            .saturating_mul(APART_SEGMENTS)
            .saturating_add(APART_TICKS);
        let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        last.saturating_sub(first) <= apart
    }

    /// All tracks, if they may have changed.
    pub(super) fn new_tracks(&mut self) -> Option<Arc<[Track]>> {
        core::mem::take(&mut self.tracks_changed).then(|| {
            let tracks = self.legs.iter().flat_map(|leg| &leg.tracks);
            tracks.cloned().collect()
        })
    }

    /// Where times jumped.
    pub(super) fn take_breaks(&mut self) -> Vec<String> {
        core::mem::take(&mut self.breaks)
    }

    /// What could not be read, and went missing.
    pub(super) const fn take_problem(&mut self) -> Option<String> {
        self.problem.take()
    }

    /// How much waits of the pictures, or of everything: a segment at most.
    pub(super) fn buffered(&self) -> Duration {
        let leg = &self.legs[0];
        let ends = leg.waiting.front().zip(leg.waiting.back());
        let span = ends.map_or(0, |(first, last)| last.dts.saturating_sub(first.dts));
        let span = micros(span.clamp(0, leg.listed.length()));
        Duration::from_micros(span.cast_unsigned())
    }
}

/// Ticks of 90 kHz as microseconds.
pub(super) const fn micros(ticks: i64) -> i64 {
    ticks.saturating_mul(1_000_000 / 10_000) / (TICKS_PER_SECOND / 10_000)
}

impl Leg {
    /// What of it could not be read, if it was not all.
    fn read(&mut self, piece: &Piece) -> Result<Option<String>, String> {
        if piece.init.is_none() && StreamLine::is_stream(&piece.data) {
            self.read_stream(piece);
            return Ok(None);
        }
        self.read_mp4(piece)
    }

    fn read_stream(&mut self, piece: &Piece) {
        if !matches!(self.reader, Reader::Ts(_)) {
            self.reader = Reader::Ts(Box::default());
        }
        let Reader::Ts(demux) = &mut self.reader else {
            return;
        };
        if core::mem::take(&mut self.broken) {
            demux.lost();
        }
        let never = Instant::ZERO;
        let stamp = Stamp {
            arrived: never,
            due: never,
        };
        demux.push(stamp, &piece.data);
        self.drain_stream();
    }

    fn drain_stream(&mut self) {
        let Reader::Ts(demux) = &mut self.reader else {
            return;
        };
        while let Some(event) = demux.next_event() {
            match event {
                tidegate_mpegts::Event::Tracks(tracks) => {
                    let track = |track: &tidegate_mpegts::Track| Track {
                        id: self.first_track + track.pid,
                        program: 1,
                        codec: track.codec,
                        language: track.language.map(|language| language.to_string()),
                        config: track.config.clone(),
                    };
                    self.tracks = tracks.iter().map(track).collect();
                }
                tidegate_mpegts::Event::Unit(unit) => {
                    let came = self.listed.came(unit.dts);
                    let track = self.first_track + unit.pid;
                    self.waiting.push_back(Placed {
                        track,
                        pts: unit.pts,
                        dts: unit.dts,
                        key: unit.random_access,
                        video: is_video(&self.tracks, track),
                        discontinuity: unit.discontinuity,
                        data: unit.data,
                        came,
                    });
                }
            }
        }
    }

    fn read_mp4(&mut self, piece: &Piece) -> Result<Option<String>, String> {
        if !matches!(self.reader, Reader::Mp4(_)) {
            self.reader = Reader::Mp4(Box::default());
        }
        let Reader::Mp4(reader) = &mut self.reader else {
            return Ok(None);
        };
        let unreadable = |error: tidegate_mp4::Mp4Error| error.to_string();
        if let Some(init) = &piece.init {
            reader.init(init).map_err(unreadable)?;
        }
        reader.segment(piece.data.clone()).map_err(unreadable)?;
        loop {
            match reader.next_event() {
                Ok(Some(tidegate_mp4::Event::Tracks(tracks))) => {
                    let track = |track: &tidegate_mp4::Track| Track {
                        id: self.first_track + track.id,
                        program: 1,
                        codec: track.codec,
                        language: track.language.clone(),
                        config: track.config.clone(),
                    };
                    self.tracks = tracks.iter().map(track).collect();
                }
                Ok(Some(tidegate_mp4::Event::Sample(sample))) => {
                    let track = self.first_track + sample.track;
                    let lost = core::mem::take(&mut self.broken);
                    let came = self.listed.came(sample.dts);
                    self.waiting.push_back(Placed {
                        track,
                        pts: sample.pts,
                        dts: sample.dts,
                        key: sample.key,
                        video: is_video(&self.tracks, track),
                        discontinuity: sample.discontinuity || lost,
                        data: sample.data,
                        came,
                    });
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.broken = true;
                    return Ok(Some(error.to_string()));
                }
            }
        }
    }

    fn finish(&mut self) {
        if let Reader::Ts(demux) = &mut self.reader {
            demux.flush();
        }
        self.drain_stream();
        self.ended = true;
    }
}

fn is_video(tracks: &[Track], id: u16) -> bool {
    let track = tracks.iter().find(|track| track.id == id);
    track.is_some_and(Track::is_video)
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
