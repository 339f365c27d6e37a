use super::WireError;
use super::numbers::SequenceNumber;
use super::word::{WORD_BYTES, put_word, word};

/// Set on the first word of a range.
const RANGE_BIT: u32 = 0x8000_0000;

/// A run of missing packets, both ends included. `first` is never after `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LossRange {
    /// The first missing packet.
    pub first: SequenceNumber,
    /// The last missing packet.
    pub last: SequenceNumber,
}

impl LossRange {
    /// One missing packet.
    #[must_use]
    pub const fn single(sequence: SequenceNumber) -> Self {
        Self {
            first: sequence,
            last: sequence,
        }
    }

    /// Missing packets from `first` to `last`.
    #[must_use]
    pub const fn new(first: SequenceNumber, last: SequenceNumber) -> Self {
        Self { first, last }
    }

    /// Packets in the run.
    #[must_use]
    pub const fn packets(&self) -> u32 {
        self.first.distance_to(self.last).unsigned_abs() + 1
    }

    const fn is_single(&self) -> bool {
        self.first.value() == self.last.value()
    }
}

/// A compressed loss list, still in the datagram it came in.
///
/// A single loss is one word; a run is its first number with bit 31 set, then its last.
/// The list is bounded by its datagram, but one run may claim 2³⁰ packets: clip it to
/// what was really sent before walking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossList<'a> {
    bytes: &'a [u8],
}

impl<'a> LossList<'a> {
    /// Wraps the words of a NAK. Anything after the last whole word is ignored.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: &bytes[..bytes.len() / WORD_BYTES * WORD_BYTES],
        }
    }

    /// The encoded words.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The runs. A malformed one is an error of its own; the walk goes on behind it.
    #[must_use]
    pub const fn iter(&self) -> LossRanges<'a> {
        LossRanges { rest: self.bytes }
    }
}

impl<'a> IntoIterator for LossList<'a> {
    type Item = Result<LossRange, WireError>;
    type IntoIter = LossRanges<'a>;

    fn into_iter(self) -> LossRanges<'a> {
        self.iter()
    }
}

/// Walks a [`LossList`].
#[derive(Clone, Debug)]
pub struct LossRanges<'a> {
    rest: &'a [u8],
}

impl Iterator for LossRanges<'_> {
    type Item = Result<LossRange, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.take_word()?;
        if first & RANGE_BIT == 0 {
            return Some(Ok(LossRange::single(SequenceNumber::new(first))));
        }
        Some(self.finish_range(first))
    }
}

impl LossRanges<'_> {
    fn take_word(&mut self) -> Option<u32> {
        let (head, rest) = self.rest.split_at_checked(WORD_BYTES)?;
        self.rest = rest;
        Some(word(head, 0))
    }

    fn finish_range(&mut self, first: u32) -> Result<LossRange, WireError> {
        let last = self.take_word().ok_or(WireError::Truncated {
            what: "loss range",
            need: 2 * WORD_BYTES,
            have: WORD_BYTES,
        })?;
        if last & RANGE_BIT != 0 {
            return Err(WireError::Forbidden {
                what: "loss range's end",
                value: last,
            });
        }
        let range = LossRange::new(SequenceNumber::new(first), SequenceNumber::new(last));
        if range.first.distance_to(range.last) < 0 {
            return Err(WireError::Forbidden {
                what: "backward loss range's end",
                value: last,
            });
        }
        Ok(range)
    }
}

/// Encodes runs into a buffer until it is full.
#[derive(Debug)]
pub struct LossListWriter<'a> {
    out: &'a mut [u8],
    used: usize,
}

impl<'a> LossListWriter<'a> {
    /// Starts an empty list in `out`.
    #[must_use]
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, used: 0 }
    }

    /// Appends a run; `false`, and nothing written, when it does not fit any more.
    pub fn push(&mut self, range: LossRange) -> bool {
        let words = if range.is_single() { 1 } else { 2 };
        let Some(room) = self.out.get_mut(self.used..self.used + words * WORD_BYTES) else {
            return false;
        };
        if range.is_single() {
            put_word(room, 0, range.first.value());
        } else {
            put_word(room, 0, range.first.value() | RANGE_BIT);
            put_word(room, 1, range.last.value());
        }
        self.used += words * WORD_BYTES;
        true
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The list, ready for a [`super::Nak`].
    #[must_use]
    pub fn finish(self) -> LossList<'a> {
        LossList {
            bytes: &self.out[..self.used],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u32, last: u32) -> LossRange {
        LossRange::new(SequenceNumber::new(first), SequenceNumber::new(last))
    }

    #[test]
    fn single_losses_take_one_word_and_runs_take_two() {
        let mut buffer = [0; 12];
        let mut writer = LossListWriter::new(&mut buffer);
        assert!(writer.push(range(5, 5)));
        assert!(writer.push(range(0x7FFF_FFFF, 2)));
        assert!(!writer.push(range(9, 9)), "the buffer is full");
        let list = writer.finish();
        assert_eq!(
            list.as_bytes(),
            [0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 2]
        );
        let back: Vec<_> = list.iter().map(Result::unwrap).collect();
        assert_eq!(back, [range(5, 5), range(0x7FFF_FFFF, 2)]);
        assert_eq!(back[1].packets(), 4);
    }

    #[test]
    fn a_range_without_its_end_is_an_error_and_not_a_read_past_the_datagram() {
        let list = LossList::new(&[0x80, 0, 0, 1]);
        assert!(list.iter().next().unwrap().is_err());
        assert_eq!(list.iter().count(), 1);
    }

    #[test]
    fn a_backward_range_is_an_error_and_the_walk_goes_on() {
        let list = LossList::new(&[0x80, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 7]);
        let items: Vec<_> = list.iter().collect();
        assert!(items[0].is_err());
        assert_eq!(items[1], Ok(range(7, 7)));
    }
}
