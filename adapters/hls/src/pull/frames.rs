//! Frames out of segments of one or two playlists, in one order.
//!
//! ```text
//!  video segments ─▶ Leg ─▶ frames ─┐
//!                                   ├─▶ by decoding time ─▶ one timeline ─▶ feed
//!  audio segments ─▶ Leg ─▶ frames ─┘
//! ```

use super::fetch::Piece;
use super::stream::StreamLine;
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
}

/// Reads the segments of one playlist.
struct Leg {
    first_track: u16,
    reader: Reader,
    tracks: Vec<Track>,
    waiting: VecDeque<Placed>,
    /// What was lost is not said yet.
    broken: bool,
    ended: bool,
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
    end: i64,
}

impl FrameLine {
    pub(super) fn new(legs: usize) -> Self {
        let leg = |index| Leg {
            first_track: u16::try_from(index).unwrap_or(0) * TRACKS_OF_A_LEG,
            reader: Reader::None,
            tracks: Vec::new(),
            waiting: VecDeque::new(),
            broken: false,
            ended: false,
        };
        Self {
            legs: (0..legs).map(leg).collect(),
            timeline: Timeline::new(),
            tracks_changed: false,
            breaks: Vec::new(),
            problem: None,
            end: 0,
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
        let first = |leg: &&mut Leg| leg.waiting.front().map_or(i64::MAX, |frame| frame.dts);
        let leg = self.legs.iter_mut().min_by_key(first)?;
        let mut frame = leg.waiting.pop_front()?;
        // By the stream's own time: when segments came says nothing about their frames.
        let placed = self.timeline.place(
            frame.track,
            frame.pts,
            frame.dts,
            Instant::from_micros(u64::try_from(micros(frame.dts)).unwrap_or(0)),
        );
        if let Some(broke) = placed.broke {
            self.breaks.push(broke.to_string());
            frame.discontinuity = true;
        }
        (frame.pts, frame.dts) = (placed.pts, placed.dts);
        self.end = self.end.max(placed.dts);
        Some(frame)
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

    /// How much waits, on the leg that has least.
    pub(super) fn buffered(&self) -> Duration {
        let of = |leg: &Leg| {
            let (first, last) = (leg.waiting.front(), leg.waiting.back());
            let span = last
                .zip(first)
                .map_or(0, |(last, first)| last.dts - first.dts);
            u64::try_from(micros(span)).unwrap_or(0)
        };
        Duration::from_micros(self.legs.iter().map(of).min().unwrap_or(0))
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
                    let track = self.first_track + unit.pid;
                    self.waiting.push_back(Placed {
                        track,
                        pts: unit.pts,
                        dts: unit.dts,
                        key: unit.random_access,
                        video: is_video(&self.tracks, track),
                        discontinuity: unit.discontinuity,
                        data: unit.data,
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
                    self.waiting.push_back(Placed {
                        track,
                        pts: sample.pts,
                        dts: sample.dts,
                        key: sample.key,
                        video: is_video(&self.tracks, track),
                        discontinuity: sample.discontinuity || lost,
                        data: sample.data,
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
