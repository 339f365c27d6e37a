//! A movie while it is read: the next sample of all its tracks, and what is known of them.

use crate::cursor::Cursor;
use crate::fragment::{self, Budget, FragmentTrack};
use crate::limits::{EMPTY_SAMPLES_MAX, SAMPLE_BYTES_MAX};
use crate::movie::Movie;
use crate::sample::{SampleRef, to_90khz};
use crate::unpack::Unpacker;
use crate::{Event, Mp4Error, Track};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Common to whole files and to segments.
#[derive(Debug)]
pub(crate) struct Presentation {
    movie: Movie,
    tracks: Vec<TrackState>,
    told: Arc<[Track]>,
    /// A sample, and the tracks in front of it if they are new.
    events: VecDeque<Event>,
}

/// One track while it is read.
#[derive(Debug)]
struct TrackState {
    table: Cursor,
    fragments: FragmentTrack,
    next: Option<SampleRef>,
    unpacker: Unpacker,
}

impl Presentation {
    /// From the body of `moov`.
    pub(crate) fn new(moov: &Bytes) -> Result<Self, Mp4Error> {
        let movie = Movie::read(moov)?;
        let mut tracks = Vec::new();
        for (id, track) in (1..).zip(&movie.tracks) {
            tracks.push(TrackState {
                table: Cursor::new(track.tables.clone(), track.edit, track.is_video)?,
                fragments: FragmentTrack::default(),
                next: None,
                unpacker: Unpacker::new(id, track),
            });
        }
        let told: Arc<[Track]> = movie.told().into();
        Ok(Self {
            movie,
            tracks,
            events: VecDeque::from([Event::Tracks(Arc::clone(&told))]),
            told,
        })
    }

    pub(crate) fn left_out(&self) -> &[String] {
        &self.movie.left_out
    }

    pub(crate) const fn is_fragmented(&self) -> bool {
        self.movie.is_fragmented
    }

    /// The tracks as they were told last.
    pub(crate) const fn told(&self) -> &Arc<[Track]> {
        &self.told
    }

    /// Whether the tables point behind the end of a file of that size.
    pub(crate) fn reaches_beyond(&self, file_bytes: u64) -> bool {
        let last_chunks = self
            .movie
            .tracks
            .iter()
            .map(|track| track.tables.last_chunk());
        last_chunks.flatten().any(|at| at >= file_bytes)
    }

    /// What was found and not told yet.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Adds the samples of a `moof`, of which this is the body.
    pub(crate) fn add_fragment(
        &mut self,
        moof: &Bytes,
        at: u64,
        budget: &mut Budget,
    ) -> Result<(), Mp4Error> {
        let fragments = self.tracks.iter_mut().map(|track| &mut track.fragments);
        let mut fragments = fragments.collect::<Vec<_>>();
        fragment::read(moof, at, budget, &self.movie.tracks, &mut fragments)
    }

    /// Passes the samples that were not read.
    pub(crate) fn forget_samples(&mut self) {
        for track in &mut self.tracks {
            track.next = None;
            track.fragments.forget();
        }
    }

    /// The sample with the earliest decoding time of all tracks, with the place of its track.
    pub(crate) fn next_sample(&mut self) -> Result<Option<(usize, SampleRef)>, Mp4Error> {
        let mut earliest: Option<(i64, usize, SampleRef)> = None;
        let tracks = self.tracks.iter_mut().zip(&self.movie.tracks);
        for (index, (track, about)) in tracks.enumerate() {
            let Some(sample) = track.peek()? else {
                continue;
            };
            let dts = to_90khz(sample.dts.saturating_add(about.edit.shift), about.timescale);
            if earliest.is_none_or(|(before, ..)| dts < before) {
                earliest = Some((dts, index, sample));
            }
        }
        let Some((_, track, sample)) = earliest else {
            return Ok(None);
        };
        self.tracks[track].next = None;
        if sample.bytes > SAMPLE_BYTES_MAX {
            return Err(Mp4Error::TooLarge("mdat"));
        }
        Ok(Some((track, sample)))
    }

    /// Takes the bytes of a sample that [`Presentation::next_sample`] gave. One that is damaged
    /// is left out.
    pub(crate) fn take_sample(&mut self, track: usize, at: &SampleRef, raw: &Bytes) {
        let unpacker = &mut self.tracks[track].unpacker;
        let Some(sample) = unpacker.unpack(&self.movie.tracks[track], at, raw) else {
            return;
        };
        let config = unpacker.config();
        if config != self.told[track].config.as_ref() {
            let mut told = self.told.to_vec();
            told[track].config = config.cloned();
            if let Some(config) = config {
                told[track].codec = config.codec();
            }
            self.told = told.into();
            self.events.push_back(Event::Tracks(Arc::clone(&self.told)));
        }
        self.events.push_back(Event::Sample(sample));
    }
}

impl TrackState {
    fn peek(&mut self) -> Result<Option<SampleRef>, Mp4Error> {
        for _ in 0..EMPTY_SAMPLES_MAX {
            if self.next.is_some_and(|sample| sample.bytes > 0) {
                return Ok(self.next);
            }
            self.next = match self.table.next()? {
                Some(sample) => Some(sample),
                None => self.fragments.next()?,
            };
            if self.next.is_none() {
                return Ok(None);
            }
        }
        Err(Mp4Error::Damaged("stsz"))
    }
}
