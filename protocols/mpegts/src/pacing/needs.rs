use std::collections::VecDeque;

/// One look-back: what came late within it decides how long is held.
const BUCKET_NANOS: i64 = 1_000_000_000;
const BUCKETS: usize = 10;

/// The largest of the figures of the last ten seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Begin, and the largest since.
    buckets: VecDeque<(i64, i64)>,
}

impl Needs {
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
    }

    pub(super) fn add(&mut self, at: i64, need: i64) {
        match self.buckets.back_mut() {
            Some((begin, largest)) if at - *begin < BUCKET_NANOS => *largest = need.max(*largest),
            _ => {
                if self.buckets.len() >= BUCKETS {
                    self.buckets.pop_front();
                }
                self.buckets.push_back((at, need));
            }
        }
    }

    pub(super) fn largest(&self) -> Option<i64> {
        self.buckets.iter().map(|(_, largest)| *largest).max()
    }
}
