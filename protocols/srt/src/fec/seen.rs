/// Which packets of a window have been seen, by offset: a ring of bits.
#[derive(Debug)]
pub(super) struct Seen {
    words: Vec<u64>,
    window_packets: u64,
    /// Behind the newest packet that is known of.
    end: u64,
}

impl Seen {
    pub(super) fn new(window_packets: u64) -> Self {
        let words = usize::try_from(window_packets.div_ceil(64)).unwrap_or(usize::MAX);
        Self {
            words: vec![0; words],
            window_packets,
            end: 0,
        }
    }

    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The oldest packet the window reaches back to.
    pub(super) const fn begin(&self) -> u64 {
        self.end.saturating_sub(self.window_packets)
    }

    /// Moves the window on until it ends at `end`; what comes new has not been seen.
    pub(super) fn extend_to(&mut self, end: u64) {
        if end.saturating_sub(self.end) >= self.window_packets {
            self.words.fill(0);
        } else {
            for offset in self.end..end {
                self.set(offset, false);
            }
        }
        self.end = self.end.max(end);
    }

    pub(super) fn contains(&self, offset: u64) -> bool {
        let (word, bit) = self.place(offset);
        let known = (self.begin()..self.end).contains(&offset);
        known && self.words.get(word).is_some_and(|it| it >> bit & 1 == 1)
    }

    pub(super) fn insert(&mut self, offset: u64) {
        self.extend_to(offset + 1);
        if offset >= self.begin() {
            self.set(offset, true);
        }
    }

    fn set(&mut self, offset: u64, seen: bool) {
        let (word, bit) = self.place(offset);
        if let Some(word) = self.words.get_mut(word) {
            *word = *word & !(1 << bit) | u64::from(seen) << bit;
        }
    }

    fn place(&self, offset: u64) -> (usize, u32) {
        let place = offset % self.window_packets;
        let word = usize::try_from(place / 64).unwrap_or(usize::MAX);
        (word, u32::try_from(place % 64).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_on_and_forgets_what_it_leaves_behind() {
        let mut seen = Seen::new(100);
        seen.insert(3);
        seen.insert(99);
        assert!(seen.contains(3) && seen.contains(99) && !seen.contains(50));
        seen.insert(105);
        assert!(!seen.contains(3) && seen.contains(99));
        assert!(!seen.contains(103), "its place was taken by 3 before");
        seen.insert(1_000_000);
        assert!(!seen.contains(999_999) && seen.contains(1_000_000));
        seen.insert(5);
        assert!(!seen.contains(5), "too old to be kept");
        assert_eq!((seen.begin(), seen.end()), (999_901, 1_000_001));
    }
}
