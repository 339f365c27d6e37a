//! One fragment: `moof`, and where in the file its samples are.

use crate::Mp4Error;
use crate::boxes::{Fields, child, children};
use crate::limits::FRAGMENT_SAMPLES_MAX;
use crate::movie::{Defaults, MovieTrack};
use crate::sample::{Entry, SampleRef};
use bytes::Bytes;
use std::collections::VecDeque;

const BASE_OFFSET: u32 = 0x01;
const DESCRIPTION: u32 = 0x02;
const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x02_0000;

const RUN_OFFSET: u32 = 0x0001;
const FIRST_FLAGS: u32 = 0x0004;
const DURATIONS: u32 = 0x0100;
const SIZES: u32 = 0x0200;
const FLAGS: u32 = 0x0400;
const COMPOSITION: u32 = 0x0800;

const IS_NOT_SYNC: u32 = 0x0001_0000;
const DEPENDS_ON_OTHERS: u32 = 0x0100_0000;
const DEPENDS_ON_NONE: u32 = 0x0200_0000;

/// The samples of one track that came in fragments and were not read yet.
#[derive(Debug, Default)]
pub(crate) struct FragmentTrack {
    runs: VecDeque<Run>,
    /// When the next fragment begins that does not say it.
    next_dts: i64,
}

/// The samples of one `trun`, as they stand there.
#[derive(Debug)]
struct Run {
    rows: Bytes,
    flags: u32,
    left: u32,
    first_flags: Option<u32>,
    defaults: Defaults,
    at: u64,
    dts: i64,
}

impl FragmentTrack {
    /// Passes what was not read.
    pub(crate) fn forget(&mut self) {
        self.runs.clear();
    }

    /// The next sample, with media times.
    pub(crate) fn next(&mut self) -> Result<Option<SampleRef>, Mp4Error> {
        while let Some(run) = self.runs.front_mut() {
            if let Some(sample) = run.next()? {
                return Ok(Some(sample));
            }
            self.runs.pop_front();
        }
        Ok(None)
    }
}

/// Reads the body of a `moof` that begins at `moof_at`. `tracks` stand beside `movie`'s. Samples
/// that share bytes until they are more than the `available_bytes` are no media.
pub(crate) fn read(
    moof: &Bytes,
    moof_at: u64,
    available_bytes: u64,
    movie: &[MovieTrack],
    tracks: &mut [&mut FragmentTrack],
) -> Result<(), Mp4Error> {
    let mut previous_end = moof_at;
    let mut media_bytes = 0_u64;
    for (_, traf) in children(moof).filter(|(kind, _)| kind == b"traf") {
        let tfhd = child(&traf, b"tfhd").ok_or(Mp4Error::Damaged("tfhd"))?;
        let mut fields = Fields(&tfhd);
        let (_, flags) = fields.version_and_flags()?;
        let number = fields.u32()?;
        let known = movie.iter().position(|track| track.number == number);
        let base = if flags & BASE_OFFSET != 0 {
            fields.u64()?
        } else if flags & BASE_IS_MOOF != 0 {
            moof_at
        } else {
            previous_end
        };
        let trex = known.map_or(Defaults::default(), |at| movie[at].defaults);
        let defaults = read_defaults(&mut fields, flags, trex)?;
        let mut unknown = FragmentTrack::default();
        let track = match known.and_then(|at| tracks.get_mut(at)) {
            Some(track) => &mut **track,
            None => &mut unknown,
        };
        let data = read_runs(&traf, base, defaults, track)?;
        previous_end = data.end;
        media_bytes = media_bytes.saturating_add(data.bytes);
        if media_bytes > available_bytes {
            return Err(Mp4Error::Truncated);
        }
    }
    Ok(())
}

fn read_defaults(
    fields: &mut Fields<'_>,
    flags: u32,
    trex: Defaults,
) -> Result<Defaults, Mp4Error> {
    let mut defaults = trex;
    if flags & DESCRIPTION != 0 {
        defaults.description = fields.u32()?.saturating_sub(1);
    }
    if flags & DEFAULT_DURATION != 0 {
        defaults.duration = fields.u32()?;
    }
    if flags & DEFAULT_SIZE != 0 {
        defaults.bytes = fields.u32()?;
    }
    if flags & DEFAULT_FLAGS != 0 {
        defaults.flags = fields.u32()?;
    }
    Ok(defaults)
}

/// The data of one `traf`.
struct Data {
    bytes: u64,
    /// Where the last of it ends.
    end: u64,
}

/// Takes over the runs of one `traf`.
fn read_runs(
    traf: &Bytes,
    base: u64,
    defaults: Defaults,
    track: &mut FragmentTrack,
) -> Result<Data, Mp4Error> {
    if let Some(tfdt) = child(traf, b"tfdt") {
        let mut fields = Fields(&tfdt);
        let (version, _) = fields.version_and_flags()?;
        let begin = fields.by_version(version)?;
        track.next_dts = i64::try_from(begin).map_err(|_| Mp4Error::Damaged("tfdt"))?;
    }
    let mut data = Data {
        bytes: 0,
        end: base,
    };
    let mut samples = 0_u32;
    for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
        let run = Run::read(&trun, base, data.end, track.next_dts, defaults)?;
        samples = samples.saturating_add(run.left);
        if samples > FRAGMENT_SAMPLES_MAX {
            return Err(Mp4Error::TooLarge("trun"));
        }
        (data.end, track.next_dts) = run.end()?;
        data.bytes = data.bytes.saturating_add(data.end - run.at);
        track.runs.push_back(run);
    }
    Ok(data)
}

impl Run {
    fn read(
        trun: &Bytes,
        base: u64,
        at: u64,
        dts: i64,
        defaults: Defaults,
    ) -> Result<Self, Mp4Error> {
        let mut fields = Fields(trun);
        let (_, flags) = fields.version_and_flags()?;
        let left = fields.u32()?;
        let at = if flags & RUN_OFFSET != 0 {
            let offset = i64::from(fields.i32()?);
            base.checked_add_signed(offset)
                .ok_or(Mp4Error::Damaged("trun"))?
        } else {
            at
        };
        let first_flags = (flags & FIRST_FLAGS != 0)
            .then(|| fields.u32())
            .transpose()?;
        Ok(Self {
            rows: trun.slice_ref(fields.rest()),
            flags,
            left,
            first_flags,
            defaults,
            at,
            dts,
        })
    }

    /// Where its data ends, and when its last sample does.
    fn end(&self) -> Result<(u64, i64), Mp4Error> {
        let mut ahead = Self {
            rows: self.rows.clone(),
            ..*self
        };
        while ahead.next()?.is_some() {}
        Ok((ahead.at, ahead.dts))
    }

    fn next(&mut self) -> Result<Option<SampleRef>, Mp4Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut fields = Fields(&self.rows);
        let mut read = |flag, default| {
            if self.flags & flag == 0 {
                Ok(default)
            } else {
                fields.u32()
            }
        };
        let duration = read(DURATIONS, self.defaults.duration)?;
        let bytes = read(SIZES, self.defaults.bytes)?;
        let default_flags = self.first_flags.take().unwrap_or(self.defaults.flags);
        let sample_flags = read(FLAGS, default_flags)?;
        // Version 0 has no sign by the standard, and has one in files all the same.
        let composition = i64::from(read(COMPOSITION, 0)?.cast_signed());
        self.rows = self.rows.slice_ref(fields.rest());
        let sample = SampleRef {
            at: self.at,
            bytes,
            dts: self.dts,
            pts: self.dts.saturating_add(composition),
            duration,
            entry: entry_of(sample_flags),
            description: self.defaults.description,
        };
        self.at = self.at.saturating_add(u64::from(bytes));
        self.dts = self.dts.saturating_add(i64::from(duration));
        Ok(Some(sample))
    }
}

const fn entry_of(flags: u32) -> Entry {
    if flags & (IS_NOT_SYNC | DEPENDS_ON_OTHERS) != 0 {
        Entry::Denied
    } else if flags & DEPENDS_ON_NONE != 0 {
        Entry::Claimed
    } else {
        Entry::Unsaid
    }
}
