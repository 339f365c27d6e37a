//! Rounds of MP4 files.

use crate::failure;
use crate::limits::SHORTEST;
use crate::pace::{self, Pace};
use crate::rounds::Rounds;
use bytes::BytesMut;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use tidegate_engine::{Clock, Feed, FeedWriter, Frame, Parking, RunError, Track};
use tidegate_mp4::{Event, FileReader, Mp4Error, Sample, Step};

/// Ticks of 27 MHz in one of 90 kHz.
const PACE_TICKS: i64 = 300;
const PROGRAM: u16 = 1;
const TICKS_PER_MILLI: u128 = 90;

/// Plays MP4 files one after another, on one timeline.
#[derive(Debug)]
pub(crate) struct Mp4Player {
    writer: FeedWriter<Frame>,
    tracks: Arc<[Track]>,
    pace: Pace,
    clock: Clock,
    rounds: Rounds,
    /// The tracks changed in this round.
    is_other: bool,
}

impl Mp4Player {
    pub(crate) fn new(feed: &Feed, clock: Clock) -> Self {
        Self {
            writer: feed.frame_writer(),
            tracks: Arc::new([]),
            pace: Pace::default(),
            clock,
            rounds: Rounds::default(),
            is_other: false,
        }
    }

    /// Plays the file once. False if it must stop. `opened` is told what is left out.
    pub(crate) fn round(
        &mut self,
        file: &File,
        path: &Path,
        parking: &Parking,
        opened: impl Fn(&[String]),
    ) -> Result<bool, RunError> {
        let unreadable = |error: &io::Error| failure::unreadable(path, error);
        let file_bytes = file.metadata().map_err(|error| unreadable(&error))?.len();
        let mut reader = FileReader::new(file_bytes);
        self.rounds.restart();
        self.is_other = false;
        loop {
            match reader.step().map_err(|error| failure::mp4(path, &error))? {
                Step::Read { at, bytes } => {
                    let mut buffer = BytesMut::zeroed(bytes);
                    match file.read_exact_at(&mut buffer, at) {
                        Ok(()) => reader.supply(buffer.freeze()),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                            return Err(failure::mp4(path, &Mp4Error::Truncated));
                        }
                        Err(error) => return Err(unreadable(&error)),
                    }
                }
                Step::Event(Event::Tracks(tracks)) => self.take_tracks(&tracks),
                Step::Event(Event::Sample(sample)) => {
                    opened(reader.left_out());
                    if !self.play(sample, parking) {
                        return Ok(false);
                    }
                }
                Step::End if self.rounds.length() < shortest_ticks() => {
                    return Err(failure::too_short(path));
                }
                Step::End => return Ok(true),
            }
        }
    }

    pub(crate) const fn delays(&self) -> u64 {
        self.pace.delays()
    }

    fn take_tracks(&mut self, tracks: &[tidegate_mp4::Track]) {
        // What only samples tell is known from the round before.
        let known = |new: &tidegate_mp4::Track| {
            let same = |old: &&Track| old.id == new.id && old.codec == new.codec;
            self.tracks.iter().find(same)?.config.clone()
        };
        let track = |track: &tidegate_mp4::Track| Track {
            id: track.id,
            program: PROGRAM,
            codec: track.codec,
            language: track.language.clone(),
            config: track.config.clone().or_else(|| known(track)),
        };
        let tracks: Arc<[Track]> = tracks.iter().map(track).collect();
        if tracks != self.tracks {
            self.writer.set_tracks(Arc::clone(&tracks));
            self.tracks = tracks;
            self.is_other = true;
        }
    }

    fn play(&mut self, sample: Sample, parking: &Parking) -> bool {
        let offset = self.rounds.place(&sample, !self.is_other);
        let dts = sample.dts.saturating_add(offset);
        let due = self
            .pace
            .due(dts.saturating_mul(PACE_TICKS), self.clock.now());
        if due > self.clock.now() {
            self.writer.seal();
        }
        if !pace::wait(due, self.clock, parking) {
            return false;
        }
        let video = (self.tracks.iter()).any(|track| track.id == sample.track && track.is_video());
        self.writer.push(Frame {
            track: sample.track,
            pts_90khz: sample.pts.saturating_add(offset),
            dts_90khz: dts,
            key: sample.key,
            video,
            discontinuity: sample.discontinuity,
            data: sample.data,
            arrived: self.clock.now(),
            due,
        });
        self.writer.is_current()
    }
}

const fn shortest_ticks() -> i64 {
    (SHORTEST.as_millis() * TICKS_PER_MILLI) as i64
}

impl Drop for Mp4Player {
    fn drop(&mut self) {
        self.writer.seal();
    }
}
