use tidegate_units::Instant;

/// Reported packets that wait at the same time; further ones are repeated at once.
const MAX_WAITING: usize = 1024;

/// Reported packets that may only be late, each with the moment it is repeated at the latest.
///
/// Whether a packet waits is a flag on its slot of the send buffer; an entry without it is
/// stale.
#[derive(Debug)]
pub(crate) struct Waiting {
    entries: Vec<(u64, Instant)>,
    /// No entry is due before this.
    next_at: Instant,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            next_at: Instant::FAR_FUTURE,
        }
    }
}

impl Waiting {
    /// False when too many wait already.
    pub(crate) fn push(&mut self, index: u64, until: Instant) -> bool {
        let has_room = self.entries.len() < MAX_WAITING;
        if has_room {
            self.entries.push((index, until));
            self.next_at = self.next_at.min(until);
        }
        has_room
    }

    /// Keeps the entries that `keep` wants to.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u64, Instant) -> bool) {
        self.entries.retain(|(index, until)| keep(*index, *until));
        let next = self.entries.iter().map(|(_, until)| *until).min();
        self.next_at = next.unwrap_or(Instant::FAR_FUTURE);
    }

    /// When to look again.
    pub(crate) const fn next_at(&self) -> Instant {
        self.next_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_moment_counts_until_its_entry_is_gone() {
        let at = Instant::from_millis;
        let mut waiting = Waiting::default();
        assert_eq!(waiting.next_at(), Instant::FAR_FUTURE);
        for (index, millis) in [(7, 30), (3, 10), (9, 20)] {
            assert!(waiting.push(index, at(millis)));
        }
        assert_eq!(waiting.next_at(), at(10));
        waiting.retain(|index, _| index != 3);
        assert_eq!(waiting.next_at(), at(20));
    }

    #[test]
    fn no_more_than_a_fixed_number_wait() {
        let mut waiting = Waiting::default();
        let taken = (0..5000).filter(|index| waiting.push(*index, Instant::ZERO));
        assert_eq!(taken.count(), MAX_WAITING);
    }
}
