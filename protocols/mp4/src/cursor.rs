//! Walks over the tables of a track, one sample after another.

use crate::Mp4Error;
use crate::edit::Edit;
use crate::sample::{Entry, SampleRef};
use crate::tables::Tables;

/// A place in a table of runs: which row, and how much of it is used up.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    row: usize,
    used: u32,
}

/// The next sample of a track.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    tables: Tables,
    edit: Edit,
    next: u32,
    dts: i64,
    durations: Place,
    offsets: Place,
    /// The run of chunks, the chunk (from zero), and how many samples of it are passed.
    run: usize,
    chunk: u32,
    in_chunk: u32,
    at_in_chunk: u64,
    sync_row: usize,
}

impl Cursor {
    pub(crate) fn new(tables: Tables, edit: Edit, is_video: bool) -> Result<Self, Mp4Error> {
        let mut cursor = Self {
            tables,
            edit,
            next: 0,
            dts: 0,
            durations: Place::default(),
            offsets: Place::default(),
            run: 0,
            chunk: 0,
            in_chunk: 0,
            at_in_chunk: 0,
            sync_row: 0,
        };
        let durations = &cursor.tables.durations;
        settle(&mut cursor.durations, |row| Some(durations.pair(row)?.0));
        if let Some(offsets) = &cursor.tables.offsets {
            settle(&mut cursor.offsets, |row| Some(offsets.pair(row)?.0));
        }
        if edit.begin > 0 {
            cursor.skip_unpresented(is_video)?;
        }
        Ok(cursor)
    }

    /// Passes what is over before the presentation begins; of pictures, what no presented
    /// picture is decoded from.
    fn skip_unpresented(&mut self, is_video: bool) -> Result<(), Mp4Error> {
        let begin = self.edit.begin;
        if !is_video {
            while let Some(sample) = self.peek()?
                && sample.dts.saturating_add(i64::from(sample.duration)) <= begin
            {
                self.advance(&sample);
            }
            return Ok(());
        }
        let mut ahead = self.clone();
        while let Some(sample) = ahead.peek()?
            && sample.dts <= begin
        {
            if sample.entry == Entry::Claimed && sample.pts <= begin {
                *self = ahead.clone();
            }
            ahead.advance(&sample);
        }
        Ok(())
    }

    /// The next sample that is presented, with media times.
    pub(crate) fn next(&mut self) -> Result<Option<SampleRef>, Mp4Error> {
        while let Some(sample) = self.peek()? {
            self.advance(&sample);
            if self.edit.end.is_none_or(|end| sample.pts < end) {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }

    fn peek(&self) -> Result<Option<SampleRef>, Mp4Error> {
        let Some(bytes) = self.tables.sizes.of(self.next) else {
            return Ok(None);
        };
        let Some(base) = self.tables.chunks.number(self.chunk as usize) else {
            return Err(Mp4Error::Damaged("stco"));
        };
        let (_, _, description) =
            (self.tables.chunk_runs.triple(self.run)).ok_or(Mp4Error::Damaged("stsc"))?;
        // A table that is too short goes on as it ended.
        let durations = &self.tables.durations;
        let row = self.durations.row.min(durations.len().saturating_sub(1));
        let (_, duration) = durations.pair(row).ok_or(Mp4Error::Damaged("stts"))?;
        Ok(Some(SampleRef {
            at: base.saturating_add(self.at_in_chunk),
            bytes,
            dts: self.dts,
            pts: self.dts.saturating_add(i64::from(self.offset())),
            duration,
            entry: self.entry(),
            description: description.saturating_sub(1),
        }))
    }

    /// Version 0 has no sign by the standard, and has one in files all the same.
    fn offset(&self) -> i32 {
        let rows = self.tables.offsets.as_ref();
        rows.and_then(|rows| rows.pair(self.offsets.row))
            .map_or(0, |(_, offset)| offset.cast_signed())
    }

    fn entry(&self) -> Entry {
        let Some(sync) = &self.tables.sync else {
            return Entry::Unsaid;
        };
        if sync.number(self.sync_row) == Some(u64::from(self.next) + 1) {
            Entry::Claimed
        } else {
            Entry::Denied
        }
    }

    fn advance(&mut self, sample: &SampleRef) {
        self.dts = self.dts.saturating_add(i64::from(sample.duration));
        let durations = &self.tables.durations;
        step(&mut self.durations, |row| Some(durations.pair(row)?.0));
        if let Some(offsets) = &self.tables.offsets {
            step(&mut self.offsets, |row| Some(offsets.pair(row)?.0));
        }
        self.next += 1;
        if let Some(sync) = &self.tables.sync {
            let next = u64::from(self.next) + 1;
            while sync
                .number(self.sync_row)
                .is_some_and(|number| number < next)
            {
                self.sync_row += 1;
            }
        }
        self.in_chunk += 1;
        self.at_in_chunk = self.at_in_chunk.saturating_add(u64::from(sample.bytes));
        let runs = &self.tables.chunk_runs;
        let per_chunk = runs.triple(self.run).map_or(0, |(_, count, _)| count);
        if self.in_chunk >= per_chunk {
            self.in_chunk = 0;
            self.at_in_chunk = 0;
            self.chunk += 1;
            let next_run = runs.triple(self.run + 1);
            if next_run.is_some_and(|(first, _, _)| first <= self.chunk + 1) {
                self.run += 1;
            }
        }
    }
}

/// One sample further in a table of runs.
fn step(place: &mut Place, count_of: impl Fn(usize) -> Option<u32>) {
    place.used += 1;
    settle(place, count_of);
}

/// Passes rows that are used up, and those for no sample at all.
fn settle(place: &mut Place, count_of: impl Fn(usize) -> Option<u32>) {
    while count_of(place.row).is_some_and(|count| place.used >= count) {
        place.row += 1;
        place.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// A table behind version and flags.
    fn table(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        let mut body: Vec<u8> = vec![0; 4];
        body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        let size = u32::try_from(body.len() + 8).expect("a small table");
        [&size.to_be_bytes()[..], kind, &body].concat()
    }

    /// Seven samples in chunks of 3, 3 and 1, at 1000, 2000 and 3000.
    fn tables() -> Tables {
        let stbl = [
            table(b"stts", &[3, 0, 77, 4, 10, 3, 20]),
            table(b"ctts", &[2, 6, 5, 1, (-5_i32).cast_unsigned()]),
            table(b"stsc", &[2, 1, 3, 1, 3, 1, 2]),
            table(b"stsz", &[0, 7, 1, 2, 3, 4, 5, 6, 7]),
            table(b"stco", &[3, 1000, 2000, 3000]),
            table(b"stss", &[2, 1, 5]),
        ];
        Tables::read(&Bytes::from(stbl.concat())).expect("tables")
    }

    fn walk(edit: Edit, is_video: bool) -> Vec<SampleRef> {
        let mut cursor = Cursor::new(tables(), edit, is_video).expect("a cursor");
        core::iter::from_fn(|| cursor.next().expect("samples")).collect()
    }

    #[test]
    fn every_sample_is_where_and_when_the_tables_say() {
        let samples = walk(Edit::default(), true);
        let at: Vec<_> = samples.iter().map(|sample| sample.at).collect();
        assert_eq!(at, [1000, 1001, 1003, 2000, 2004, 2009, 3000]);
        let dts: Vec<_> = samples.iter().map(|sample| sample.dts).collect();
        assert_eq!(dts, [0, 10, 20, 30, 40, 60, 80]);
        let pts: Vec<_> = samples.iter().map(|sample| sample.pts).collect();
        assert_eq!(pts, [5, 15, 25, 35, 45, 65, 75]);
        let entries: Vec<_> = (samples.iter())
            .map(|sample| sample.entry == Entry::Claimed)
            .collect();
        assert_eq!(entries, [true, false, false, false, true, false, false]);
        assert_eq!(samples[6].description, 1);
    }

    #[test]
    fn pictures_begin_at_the_entry_before_the_edit_and_sound_where_it_is_heard() {
        let edit = Edit {
            shift: -50,
            begin: 50,
            end: Some(66),
        };
        let first = |is_video| walk(edit, is_video)[0].dts;
        assert_eq!((first(true), first(false)), (40, 40));
        let edit = Edit { begin: 60, ..edit };
        let first = |is_video| walk(edit, is_video)[0].dts;
        assert_eq!((first(true), first(false)), (40, 60));
        assert_eq!(walk(edit, false).last().map(|sample| sample.pts), Some(65));
    }
}
