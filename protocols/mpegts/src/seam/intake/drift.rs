//! How far an input's media times are ahead of its play-out times.

/// Samples that an average is made of once there are so many: some seconds of pictures.
const SAMPLES: i64 = 128;
/// Parts of a tick that the average is kept in.
const FRACTION: i64 = 256;

/// A difference of times that jitters around something that hardly moves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Smoothed {
    first: i64,
    /// Of what differs from the first, in fractions of a tick.
    average: i64,
    count: i64,
}

impl Smoothed {
    pub(super) fn add(&mut self, sample: i64) {
        if self.count == 0 {
            self.first = sample;
        }
        self.count = (self.count + 1).min(SAMPLES);
        let differs = sample.wrapping_sub(self.first).saturating_mul(FRACTION);
        self.average += differs.saturating_sub(self.average) / self.count;
    }

    /// The average; `None` before the first sample.
    pub(super) fn get(&self) -> Option<i64> {
        let average = (self.average + FRACTION / 2).div_euclid(FRACTION);
        (self.count > 0).then(|| self.first.saturating_add(average))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_averaged_and_a_move_is_followed() {
        let mut smoothed = Smoothed::default();
        assert_eq!(smoothed.get(), None);
        for round in 0..1000 {
            smoothed.add(1_000_000 + if round % 2 == 0 { 300 } else { -300 });
        }
        assert!((smoothed.get().unwrap() - 1_000_000).abs() < 5);
        for _ in 0..1000 {
            smoothed.add(1_000_900);
        }
        assert!((smoothed.get().unwrap() - 1_000_900).abs() < 5);
    }
}
