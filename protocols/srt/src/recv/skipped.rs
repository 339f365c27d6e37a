use std::collections::VecDeque;

/// Skipped runs remembered, to tell a packet that came too late from a duplicate.
const MAX_RUNS: usize = 64;

/// The runs of packets that were given up most recently.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    runs: VecDeque<(u64, u64)>,
}

impl Skipped {
    pub(crate) fn add(&mut self, first: u64, last: u64) {
        if self.runs.len() == MAX_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back((first, last));
    }

    /// Whether `index` was given up (and not merely received before).
    pub(crate) fn contains(&self, index: u64) -> bool {
        self.runs
            .iter()
            .any(|&(first, last)| first <= index && index <= last)
    }
}
