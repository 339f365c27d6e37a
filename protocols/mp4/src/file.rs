//! A whole file, read from its beginning to its end.
//!
//! ```text
//!            ┌────────────── next box ◄──────────────┐
//!            ▼                                       │
//!  start ─► Boxes ── moov ─► Movie ── tables ─► Samples ─ last one ─► Boxes ── end ─► End
//!            │                 └── no samples in it ──► Boxes
//!            └──── moof ───► Fragment ────────► Samples
//! ```

use crate::boxes::{HEAD_BYTES_MAX, Head, Kind};
use crate::fragment::Budget;
use crate::limits::{BOXES_MAX, FRAGMENT_BYTES_MAX, FRAGMENT_SAMPLES_MAX, MOVIE_BYTES_MAX};
use crate::presentation::Presentation;
use crate::sample::SampleRef;
use crate::{Event, Mp4Error};
use bytes::Bytes;

/// What a [`FileReader`] does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It needs these bytes, which the file has: read them and [`FileReader::supply`] them.
    Read {
        /// Where they begin.
        at: u64,
        /// How many.
        bytes: usize,
    },
    /// It found something.
    Event(Event),
    /// That was all.
    End,
}

/// Reads a file without opening it.
#[derive(Debug)]
pub struct FileReader {
    file_bytes: u64,
    state: State,
    /// What was asked for, once it is there.
    supplied: Option<Bytes>,
    /// Where the box behind the current one begins.
    next_box: u64,
    boxes: u32,
    presentation: Option<Presentation>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the head of the box that `next_box` names.
    Boxes,
    /// The whole `moov` or `moof` was asked for, whose body begins after that many bytes.
    Whole {
        kind: Kind,
        at: u64,
        head_bytes: u64,
        bytes: u64,
    },
    /// Between two samples.
    Samples,
    /// The bytes of a track's sample were asked for.
    Sample {
        track: usize,
        sample: SampleRef,
    },
    End,
}

impl FileReader {
    /// A reader at the beginning of a file of that size.
    #[must_use]
    pub const fn new(file_bytes: u64) -> Self {
        Self {
            file_bytes,
            state: State::Boxes,
            supplied: None,
            next_box: 0,
            boxes: 0,
            presentation: None,
        }
    }

    /// The tracks that cannot be carried, by what they are.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        self.presentation
            .as_ref()
            .map_or(&[], Presentation::left_out)
    }

    /// What comes next.
    ///
    /// # Errors
    /// If the file is none that can be read on; asked again, it says the same.
    pub fn step(&mut self) -> Result<Step, Mp4Error> {
        loop {
            if let Some(event) = self
                .presentation
                .as_mut()
                .and_then(Presentation::next_event)
            {
                return Ok(Step::Event(event));
            }
            if let Some(step) = self.advance()? {
                return Ok(step);
            }
        }
    }

    /// Gives it the bytes it asked for last. Fewer of them mean that the file has become
    /// shorter.
    pub fn supply(&mut self, bytes: Bytes) {
        self.supplied = Some(bytes);
    }

    fn advance(&mut self) -> Result<Option<Step>, Mp4Error> {
        match self.state {
            State::Boxes => self.at_box(),
            State::Whole {
                kind,
                at,
                head_bytes,
                bytes,
            } => {
                let Some(whole) = self.supplied(bytes)? else {
                    return Ok(Some(read(at, bytes)));
                };
                // At most what was asked for, which is bounded.
                let body = whole.slice(head_bytes as usize..);
                if kind == *b"moov" {
                    self.take_movie(&body)?;
                } else {
                    let mut budget = Budget {
                        bytes: self.file_bytes,
                        samples: FRAGMENT_SAMPLES_MAX,
                    };
                    self.presentation()?.add_fragment(&body, at, &mut budget)?;
                }
                self.state = State::Samples;
                Ok(None)
            }
            State::Samples => self.next_sample(),
            State::Sample { track, sample } => {
                let Some(raw) = self.supplied(u64::from(sample.bytes))? else {
                    return Ok(Some(read(sample.at, u64::from(sample.bytes))));
                };
                self.presentation()?.take_sample(track, &sample, &raw);
                self.state = State::Samples;
                Ok(None)
            }
            State::End => Ok(Some(Step::End)),
        }
    }

    fn supplied(&mut self, wanted: u64) -> Result<Option<Bytes>, Mp4Error> {
        match self.supplied.take() {
            Some(bytes) if bytes.len() as u64 != wanted => Err(Mp4Error::Truncated),
            supplied => Ok(supplied),
        }
    }

    /// Reads one head and goes to the box behind it, or into it.
    fn at_box(&mut self) -> Result<Option<Step>, Mp4Error> {
        let at = self.next_box;
        let left = self.file_bytes.saturating_sub(at);
        if left < 8 {
            self.state = State::End;
            return match self.presentation {
                Some(_) => Ok(None),
                None if at == 0 => Err(Mp4Error::NotMp4),
                None => Err(Mp4Error::NoMovie),
            };
        }
        let wanted = left.min(HEAD_BYTES_MAX);
        let Some(bytes) = self.supplied(wanted)? else {
            return Ok(Some(read(at, wanted)));
        };
        let head =
            Head::read(&bytes).map_err(|error| if at == 0 { Mp4Error::NotMp4 } else { error })?;
        if at == 0 && !begins_a_file(&head.kind) {
            return Err(Mp4Error::NotMp4);
        }
        self.boxes += 1;
        if self.boxes > BOXES_MAX {
            return Err(Mp4Error::TooLarge("file"));
        }
        let total = head.total_bytes.unwrap_or(left);
        self.next_box = at.saturating_add(total);
        let limit = match &head.kind {
            b"moov" if self.presentation.is_none() => MOVIE_BYTES_MAX,
            b"moof" if self.presentation.is_some() => FRAGMENT_BYTES_MAX,
            _ => return Ok(None),
        };
        if total > left {
            return Err(Mp4Error::Truncated);
        }
        if total > limit {
            return Err(Mp4Error::TooLarge(if head.kind == *b"moov" {
                "moov"
            } else {
                "moof"
            }));
        }
        self.state = State::Whole {
            kind: head.kind,
            at,
            head_bytes: head.head_bytes,
            bytes: total,
        };
        Ok(None)
    }

    fn take_movie(&mut self, body: &Bytes) -> Result<(), Mp4Error> {
        let presentation = Presentation::new(body)?;
        if presentation.reaches_beyond(self.file_bytes) {
            return Err(Mp4Error::Truncated);
        }
        if !presentation.is_fragmented() {
            self.next_box = self.file_bytes;
        }
        self.presentation = Some(presentation);
        Ok(())
    }

    fn next_sample(&mut self) -> Result<Option<Step>, Mp4Error> {
        let Some((track, sample)) = self.presentation()?.next_sample()? else {
            self.state = State::Boxes;
            return Ok(None);
        };
        if sample.at.saturating_add(u64::from(sample.bytes)) > self.file_bytes {
            return Err(Mp4Error::Truncated);
        }
        self.state = State::Sample { track, sample };
        Ok(None)
    }

    fn presentation(&mut self) -> Result<&mut Presentation, Mp4Error> {
        self.presentation.as_mut().ok_or(Mp4Error::NoMovie)
    }
}

const fn read(at: u64, bytes: u64) -> Step {
    Step::Read {
        at,
        // Bounded by the limits of what is asked for.
        bytes: bytes as usize,
    }
}

fn begins_a_file(kind: &Kind) -> bool {
    matches!(
        kind,
        b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"styp" | b"uuid"
    )
}
