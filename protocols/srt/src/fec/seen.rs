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
            for (word, mask) in masks(self.window_packets, self.end, end) {
                if let Some(word) = self.words.get_mut(word) {
                    *word &= !mask;
                }
            }
        }
        self.end = self.end.max(end);
    }

    pub(super) fn contains(&self, offset: u64) -> bool {
        let (word, bit) = place(self.window_packets, offset);
        let known = (self.begin()..self.end).contains(&offset);
        known && self.words.get(word).is_some_and(|it| it >> bit & 1 == 1)
    }

    pub(super) fn insert(&mut self, offset: u64) {
        self.extend_to(offset + 1);
        if offset >= self.begin() {
            let (word, bit) = place(self.window_packets, offset);
            if let Some(word) = self.words.get_mut(word) {
                *word |= 1 << bit;
            }
        }
    }

    /// How many packets from `first` to before `end` have not been seen, or are older than
    /// the window.
    pub(super) fn missing(&self, first: u64, end: u64) -> u64 {
        let begin = self.begin().clamp(first, end.max(first));
        let unseen = |(word, mask): (usize, u64)| {
            let seen = self.words.get(word).copied().unwrap_or(0);
            u64::from((mask & !seen).count_ones())
        };
        let in_window = masks(self.window_packets, begin, end).map(unseen);
        begin - first + in_window.sum::<u64>()
    }
}

fn place(window_packets: u64, offset: u64) -> (usize, u32) {
    let place = offset % window_packets;
    let word = usize::try_from(place / 64).unwrap_or(usize::MAX);
    (word, u32::try_from(place % 64).unwrap_or(0))
}

/// The bits of packets from `first` to before `end`, word by word.
fn masks(window_packets: u64, first: u64, end: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut offset = first;
    core::iter::from_fn(move || {
        if offset >= end {
            return None;
        }
        let (word, bit) = place(window_packets, offset);
        let in_word = u64::from(64 - bit);
        let before_turn = window_packets - offset % window_packets;
        let packets = in_word.min(before_turn).min(end - offset);
        offset += packets;
        Some((word, (u64::MAX >> (64 - packets)) << bit))
    })
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

    #[test]
    fn what_is_missing_is_counted_over_words_and_the_end_of_the_ring() {
        for window_packets in [64, 100, 130, 200] {
            let mut seen = Seen::new(window_packets);
            for offset in (0..1000).filter(|offset| offset % 3 == 0) {
                seen.insert(offset);
            }
            for (first, end) in [(999, 1000), (940, 1000), (970, 971), (1000, 1000)] {
                let one_by_one = (first..end).filter(|offset| !seen.contains(*offset));
                assert_eq!(seen.missing(first, end), one_by_one.count() as u64);
            }
            assert_eq!(
                seen.missing(0, seen.begin()),
                seen.begin(),
                "older than the window"
            );
        }
    }
}
