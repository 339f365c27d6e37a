//! One fragment: `moof`, and where in the file its samples are.

use crate::Mp4Error;
use crate::boxes::{Fields, child, children};
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

/// What fragments may hold: samples that share bytes until they are more than there are, or that
/// are more than anybody plays, are no media, and would cost far more than the bytes that
/// describe them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    pub(crate) bytes: u64,
    pub(crate) samples: u32,
}

impl Budget {
    fn spend_samples(&mut self, count: u32) -> Result<(), Mp4Error> {
        let left = self.samples.checked_sub(count);
        self.samples = left.ok_or(Mp4Error::TooLarge("trun"))?;
        Ok(())
    }

    fn spend_bytes(&mut self, count: u64) -> Result<(), Mp4Error> {
        let left = self.bytes.checked_sub(count);
        self.bytes = left.ok_or(Mp4Error::Truncated)?;
        Ok(())
    }
}

/// Reads the body of a `moof` that begins at `moof_at`. `tracks` stand beside `movie`'s.
pub(crate) fn read(
    moof: &Bytes,
    moof_at: u64,
    budget: &mut Budget,
    movie: &[MovieTrack],
    tracks: &mut [&mut FragmentTrack],
) -> Result<(), Mp4Error> {
    let mut previous_end = moof_at;
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
        previous_end = read_runs(&traf, base, defaults, track, budget)?;
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

/// Takes over the runs of one `traf`; where the last of its data ends.
fn read_runs(
    traf: &Bytes,
    base: u64,
    defaults: Defaults,
    track: &mut FragmentTrack,
    budget: &mut Budget,
) -> Result<u64, Mp4Error> {
    if let Some(tfdt) = child(traf, b"tfdt") {
        let mut fields = Fields(&tfdt);
        let (version, _) = fields.version_and_flags()?;
        let begin = fields.by_version(version)?;
        track.next_dts = i64::try_from(begin).map_err(|_| Mp4Error::Damaged("tfdt"))?;
    }
    let mut data_end = base;
    for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
        let run = Run::read(&trun, base, data_end, track.next_dts, defaults)?;
        budget.spend_samples(run.left)?;
        (data_end, track.next_dts) = run.end()?;
        budget.spend_bytes(data_end - run.at)?;
        track.runs.push_back(run);
    }
    Ok(data_end)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("a small box");
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    /// A `traf` that claims so many samples of a size in a few bytes.
    fn traf(samples: u32, size: u32) -> Vec<u8> {
        let tfhd = [DEFAULT_SIZE, 1, size].map(u32::to_be_bytes).concat();
        let trun = [0, samples].map(u32::to_be_bytes).concat();
        boxed(
            b"traf",
            &[boxed(b"tfhd", &tfhd), boxed(b"trun", &trun)].concat(),
        )
    }

    fn read_all(trafs: &[Vec<u8>]) -> Result<Budget, Mp4Error> {
        let mut budget = Budget {
            bytes: 1000,
            samples: 100,
        };
        read(&trafs.concat().into(), 0, &mut budget, &[], &mut []).map(|()| budget)
    }

    #[test]
    fn all_tracks_together_have_no_more_samples_and_bytes_than_there_are() {
        let left = read_all(&[traf(40, 10), traf(60, 10)]).map(|it| (it.bytes, it.samples));
        assert_eq!(left, Ok((0, 0)));
        let samples = read_all(&[traf(60, 0), traf(41, 0)]).map(drop);
        assert_eq!(samples, Err(Mp4Error::TooLarge("trun")));
        let bytes = read_all(&[traf(5, 100), traf(6, 100)]).map(drop);
        assert_eq!(bytes, Err(Mp4Error::Truncated));
        assert!(read_all(&[traf(u32::MAX, 0)]).is_err());
    }
}
