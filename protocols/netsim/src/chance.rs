use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// How likely something is, from 0 (never) to 1 (always).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Probability(f64);

impl Probability {
    /// It never happens.
    pub const NEVER: Self = Self(0.0);
    /// It always happens.
    pub const ALWAYS: Self = Self(1.0);

    /// A probability from a fraction of one; values outside 0 … 1 are moved to the nearer end.
    #[must_use]
    pub const fn new(fraction: f64) -> Self {
        // A NaN falls through both comparisons of `clamp`, so it is caught by name.
        if fraction.is_nan() {
            Self::NEVER
        } else {
            Self(fraction.clamp(0.0, 1.0))
        }
    }

    /// A probability from a percentage.
    #[must_use]
    pub const fn percent(percent: f64) -> Self {
        Self::new(percent / 100.0)
    }

    /// The fraction of one.
    #[must_use]
    pub const fn fraction(self) -> f64 {
        self.0
    }
}

/// A seeded source of decisions.
#[derive(Debug, Clone)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Decisions that depend on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Decisions of their own for one of many users of a seed, independent of its neighbours'.
    #[must_use]
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// True with probability `p`.
    pub fn happens(&mut self, p: Probability) -> bool {
        // A certain outcome draws nothing: switching a feature off must not shift the
        // decisions of the others between two runs that are being compared.
        if p.0 <= 0.0 {
            return false;
        }
        p.0 >= 1.0 || self.fraction() < p.0
    }

    /// Uniform in 0 ≤ x < 1.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0 ≤ n < `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Uniform from zero up to and including `longest`.
    pub fn duration(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX - 1);
        if micros == 0 {
            return Duration::ZERO;
        }
        Duration::from_micros(self.below(micros + 1))
    }

    /// Thirty-two bytes, the size of a seed for something else.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// Fills `bytes` with noise.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_stays_between_never_and_always() {
        assert_eq!(Probability::new(-1.0), Probability::NEVER);
        assert_eq!(Probability::new(7.0), Probability::ALWAYS);
        assert_eq!(Probability::new(f64::NAN), Probability::NEVER);
        assert_eq!(Probability::percent(25.0).fraction(), 0.25);
    }

    #[test]
    fn one_in_five_happens_about_one_time_in_five() {
        let mut chance = Chance::new(1);
        let hits = (0..100_000)
            .filter(|_| chance.happens(Probability::new(0.2)))
            .count();
        assert!((19_500..20_500).contains(&hits), "{hits}");
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let first = Chance::stream(9, 0).seed();
        let second = Chance::stream(9, 1).seed();
        assert_ne!(first, second);
        assert_eq!(Chance::stream(9, 1).seed(), second);
    }

    #[test]
    fn below_reaches_every_value_and_none_beyond() {
        let mut chance = Chance::new(3);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[usize::try_from(chance.below(7)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(chance.below(0), 0);
    }
}
