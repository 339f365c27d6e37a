use crate::slack::give_back;
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::Instant;

/// Packets that arrived ahead of a gap, by 64-bit sequence index.
///
/// ```text
///   next                newest
///   | ?  | ok | ok | ?  | ok |
/// ```
/// The first place, when there is one, is always missing: what is in order does not stay.
#[derive(Debug)]
pub(crate) struct ReceiveBuffer {
    places: VecDeque<Option<Arrival>>,
    next: u64,
    waiting: usize,
    waiting_bytes: usize,
}

/// One packet as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// `None`: it could not be decrypted and counts as lost.
    pub(crate) payload: Option<Bytes>,
    pub(crate) arrived: Instant,
    pub(crate) due: Instant,
}

impl ReceiveBuffer {
    pub(crate) const fn new(next: u64) -> Self {
        Self {
            places: VecDeque::new(),
            next,
            waiting: 0,
            waiting_bytes: 0,
        }
    }

    /// The index of the first packet that is neither here nor given up.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// The index after the newest place.
    pub(crate) fn end(&self) -> u64 {
        self.next + self.places.len() as u64
    }

    /// Packets waiting behind a gap.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Places in use, missing ones included.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    #[cfg(test)]
    pub(crate) fn places_in_memory(&self) -> usize {
        self.places.capacity()
    }

    /// Puts a packet into its place, which must not be before `next` nor taken.
    pub(crate) fn insert(&mut self, index: u64, arrival: Arrival) {
        self.extend_to(index + 1);
        let offset = self.offset(index);
        if let Some(place) = self.places.get_mut(offset) {
            self.waiting += 1;
            self.waiting_bytes += arrival.payload.as_ref().map_or(0, Bytes::len);
            *place = Some(arrival);
        }
    }

    /// Makes places up to `end`, missing so far.
    pub(crate) fn extend_to(&mut self, end: u64) {
        let places = self.offset(end);
        if places > self.places.len() {
            self.places.resize(places, None);
        }
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Arrival> {
        if index < self.next {
            return None;
        }
        self.places.get(self.offset(index))?.as_ref()
    }

    /// Takes the packet that is next in order, if it is here.
    pub(crate) fn pop(&mut self) -> Option<(u64, Arrival)> {
        let arrival = self.places.front_mut()?.take()?;
        self.places.pop_front();
        give_back(&mut self.places);
        self.waiting -= 1;
        self.waiting_bytes -= arrival.payload.as_ref().map_or(0, Bytes::len);
        self.next += 1;
        Some((self.next - 1, arrival))
    }

    /// The packet that is next in order came and passes straight through.
    pub(crate) fn pass(&mut self) {
        self.places.pop_front();
        self.next += 1;
    }

    /// Gives up everything before `index`.
    pub(crate) fn skip_to(&mut self, index: u64) {
        while self.next < index {
            if let Some(Some(arrival)) = self.places.pop_front() {
                self.waiting -= 1;
                self.waiting_bytes -= arrival.payload.as_ref().map_or(0, Bytes::len);
            }
            if self.places.is_empty() {
                self.next = index;
                break;
            }
            self.next += 1;
        }
        give_back(&mut self.places);
    }

    fn offset(&self, index: u64) -> usize {
        usize::try_from(index - self.next).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(text: &'static str) -> Arrival {
        let payload = Some(Bytes::from_static(text.as_bytes()));
        Arrival {
            payload,
            arrived: Instant::ZERO,
            due: Instant::ZERO,
        }
    }

    #[test]
    fn packets_wait_behind_the_gap_and_follow_when_it_is_filled() {
        let mut buffer = ReceiveBuffer::new(100);
        buffer.insert(102, packet("c"));
        buffer.insert(101, packet("b"));
        assert!(buffer.pop().is_none());
        assert_eq!(
            (buffer.waiting(), buffer.waiting_bytes(), buffer.places()),
            (2, 2, 3)
        );
        buffer.pass();
        assert_eq!(buffer.pop().unwrap().0, 101);
        assert_eq!(buffer.pop().unwrap().0, 102);
        assert!(buffer.pop().is_none());
        assert_eq!(
            (buffer.next(), buffer.end(), buffer.waiting_bytes()),
            (103, 103, 0)
        );
    }

    #[test]
    fn a_gap_can_be_skipped() {
        let mut buffer = ReceiveBuffer::new(100);
        buffer.insert(105, packet("f"));
        buffer.skip_to(105);
        assert_eq!(buffer.pop().unwrap().0, 105);
        buffer.skip_to(500);
        assert_eq!((buffer.next(), buffer.places()), (500, 0));
    }
}
