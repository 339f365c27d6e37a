//! A histogram of bounded size, exact to a thousandth.

/// Steps per doubling: 1024, so that a delay of 120 ms is known to 0.1 ms.
const STEP_BITS: u32 = 10;
const STEPS: usize = 1 << STEP_BITS;
/// Every `u32` has a step.
const BUCKETS: usize = (32 - STEP_BITS as usize + 1) * STEPS;

/// Counts values; what it takes does not grow with them.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Box<[u32]>,
    count: u64,
    sum: u64,
    max: u32,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            sum: 0,
            max: 0,
        }
    }

    pub(crate) fn record(&mut self, value: u64) {
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        self.counts[bucket(value)] += 1;
        self.count += 1;
        self.sum += u64::from(value);
        self.max = self.max.max(value);
    }

    /// Takes over what `other` counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64
    }

    /// The value that so many percent do not exceed, rounded up to its step.
    pub(crate) fn percentile(&self, percent: u64) -> u32 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return highest(index).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(value: u32) -> usize {
    let shift = (u32::BITS - value.leading_zeros()).saturating_sub(STEP_BITS + 1);
    shift as usize * STEPS + (value >> shift) as usize
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u32 {
    let shift = (bucket / STEPS).saturating_sub(1);
    let next = (bucket - shift * STEPS + 1) as u64;
    u32::try_from((next << shift) - 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_a_step_no_wider_than_a_thousandth_of_it() {
        let doublings = (0..32).map(|bit| 1_u32 << bit);
        for value in doublings.flat_map(|power| [power - 1, power, power + power / 3]) {
            let highest = highest(bucket(value));
            assert!(highest >= value, "{value} is above its step");
            assert!(highest - value <= value / 1024, "{value} became {highest}");
        }
        assert!(bucket(u32::MAX) < BUCKETS);
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        for value in 1..=1000 {
            histogram.record(value);
        }
        assert!((500..=501).contains(&histogram.percentile(50)));
        assert!((990..=1000).contains(&histogram.percentile(99)));
        assert_eq!(histogram.percentile(100), 1000);
        assert_eq!(histogram.max(), 1000);
        assert!((histogram.mean() - 500.5).abs() < 1e-9);
    }

    #[test]
    fn two_histograms_together_are_one_of_all_values() {
        let (mut few, mut many) = (Histogram::new(), Histogram::new());
        few.record(7);
        for _ in 0..99 {
            many.record(3);
        }
        many.add(&few);
        assert_eq!(many.count(), 100);
        assert_eq!(many.percentile(99), 3);
        assert_eq!(many.max(), 7);
    }

    #[test]
    fn nothing_counted_is_nothing() {
        assert_eq!(Histogram::new().percentile(99), 0);
    }
}
