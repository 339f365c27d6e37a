//! Initialisation segments and media segments, as HLS and DASH bring them.

use crate::boxes::{Head, children};
use crate::fragment::Budget;
use crate::limits::SEGMENT_SAMPLES_MAX;
use crate::presentation::Presentation;
use crate::{Event, Mp4Error, Track};
use bytes::Bytes;
use std::sync::Arc;

/// Reads segments that are in memory, one after another.
///
/// ```text
///  init ─► segment ─► next_event … until None ─► segment ─► …
/// ```
#[derive(Debug, Default)]
pub struct SegmentReader {
    presentation: Option<Presentation>,
    segment: Bytes,
    /// How much of the segment is read, up to the last `moof` that was taken.
    at: usize,
    /// What fragments in the rest of it may hold.
    budget: Budget,
}

impl SegmentReader {
    /// A reader that waits for its initialisation segment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with an initialisation segment, or goes on with another one. Tells the tracks
    /// again unless they are the same.
    ///
    /// # Errors
    /// If it is none.
    pub fn init(&mut self, init: &Bytes) -> Result<(), Mp4Error> {
        let moov = children(init).find_map(|(kind, body)| (kind == *b"moov").then_some(body));
        let mut new = Presentation::new(&moov.ok_or(Mp4Error::NoMovie)?)?;
        if let Some(old) = &self.presentation
            && old.told() == new.told()
        {
            new.next_event();
        }
        self.presentation = Some(new);
        self.segment = Bytes::new();
        self.at = 0;
        Ok(())
    }

    /// Takes a media segment. What was not read of the one before is passed over.
    ///
    /// # Errors
    /// If there was no initialisation segment.
    pub fn segment(&mut self, segment: Bytes) -> Result<(), Mp4Error> {
        let presentation = self.presentation.as_mut().ok_or(Mp4Error::NoInit)?;
        presentation.forget_samples();
        self.budget = Budget {
            bytes: segment.len() as u64,
            samples: SEGMENT_SAMPLES_MAX,
        };
        self.segment = segment;
        self.at = 0;
        Ok(())
    }

    /// What comes next in the segment; `None`: it is read to its end.
    ///
    /// # Errors
    /// If the segment is damaged; the next one may be read all the same.
    pub fn next_event(&mut self) -> Result<Option<Event>, Mp4Error> {
        let result = self.find_event();
        if result.is_err() {
            self.at = self.segment.len();
            if let Some(presentation) = &mut self.presentation {
                presentation.forget_samples();
            }
        }
        result
    }

    /// The tracks as they were told last.
    #[must_use]
    pub fn tracks(&self) -> Arc<[Track]> {
        let none = || Arc::new([]) as Arc<[Track]>;
        self.presentation
            .as_ref()
            .map_or_else(none, |all| Arc::clone(all.told()))
    }

    /// The tracks that cannot be carried, by what they are.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        self.presentation
            .as_ref()
            .map_or(&[], Presentation::left_out)
    }

    fn find_event(&mut self) -> Result<Option<Event>, Mp4Error> {
        let Some(presentation) = &mut self.presentation else {
            return Err(Mp4Error::NoInit);
        };
        loop {
            if let Some(event) = presentation.next_event() {
                return Ok(Some(event));
            }
            if let Some((track, sample)) = presentation.next_sample()? {
                let end = sample.at.saturating_add(u64::from(sample.bytes));
                if end > self.segment.len() as u64 {
                    return Err(Mp4Error::Truncated);
                }
                let raw = self.segment.slice(sample.at as usize..end as usize);
                presentation.take_sample(track, &sample, &raw);
                continue;
            }
            let Some((at, moof)) = next_moof(&self.segment, &mut self.at)? else {
                return Ok(None);
            };
            presentation.add_fragment(&moof, at as u64, &mut self.budget)?;
        }
    }
}

/// The next `moof` at or behind `at`, which goes to its end: where it begins, and its body.
fn next_moof(segment: &Bytes, at: &mut usize) -> Result<Option<(usize, Bytes)>, Mp4Error> {
    while *at < segment.len() {
        let begin = *at;
        let rest = segment.slice(begin..);
        let head = Head::read(&rest)?;
        let total = head.total_bytes.unwrap_or(rest.len() as u64);
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        *at = begin.saturating_add(total).min(segment.len());
        if head.kind != *b"moof" {
            continue;
        }
        if total > rest.len() {
            return Err(Mp4Error::Truncated);
        }
        return Ok(Some((begin, rest.slice(head.head_bytes as usize..total))));
    }
    Ok(None)
}
