use core::time::Duration;
use std::collections::VecDeque;
use tidegate_hls::Listing;

/// Segments kept on the origin after they left the playlist: players may still ask for them.
const KEPT: usize = 4;

/// What outlives a run: the playlist, and what is to be deleted.
#[derive(Debug)]
pub(crate) struct Standing {
    listing: Listing,
    next_number: u64,
    deletes: bool,
    /// Left the playlist and is not deleted yet; empty where nothing is to be.
    old: VecDeque<String>,
}

impl Standing {
    pub(super) fn new(window: usize, target: Duration, first_number: u64, deletes: bool) -> Self {
        Self {
            listing: Listing::new(window, target, first_number),
            next_number: first_number,
            deletes,
            old: VecDeque::new(),
        }
    }

    /// The number of the next segment.
    pub(super) const fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The playlist with one more segment.
    pub(super) fn list(&mut self, name: String, duration: Duration, discontinuity: bool) -> String {
        let left = self.listing.add(name, duration, discontinuity);
        self.old.extend(left.filter(|_| self.deletes));
        self.listing.playlist().unwrap_or_default()
    }

    /// What is to be deleted now.
    pub(super) fn take_old(&mut self) -> Option<String> {
        (self.old.len() > KEPT)
            .then(|| self.old.pop_front())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_a_hundred(deletes: bool) -> Standing {
        let second = Duration::from_secs(1);
        let mut standing = Standing::new(3, second, 0, deletes);
        for _ in 0..100 {
            let name = standing.take_number().to_string();
            standing.list(name, second, false);
        }
        standing
    }

    #[test]
    fn segments_are_deleted_four_after_they_left_the_playlist_whichever_run_listed_them() {
        let mut standing = after_a_hundred(true);
        let deleted: Vec<_> = core::iter::from_fn(|| standing.take_old()).collect();
        assert_eq!(deleted.len(), 100 - 3 - KEPT);
        assert_eq!((&*deleted[0], &*deleted[92]), ("0", "92"));
    }

    #[test]
    fn what_is_not_to_be_deleted_is_not_remembered() {
        assert_eq!(after_a_hundred(false).old.capacity(), 0);
    }
}
