use crate::{Chance, Loss, Probability};

/// The memory of a loss model.
///
/// Gilbert–Elliott as a chain of two states, with every datagram lost in the bad one:
///
/// ```text
///            enter = leave · mean / (1 − mean)
///          ┌────────────────────────────────────▶┐
///        good (arrives)                        bad (lost)
///          └◀────────────────────────────────────┘
///                 leave = 1 / mean burst
/// ```
#[derive(Debug, Clone)]
pub(crate) struct LossState {
    model: Loss,
    in_burst: bool,
    seen_datagrams: u64,
}

impl LossState {
    pub(crate) fn new(model: Loss) -> Self {
        Self {
            model,
            in_burst: false,
            seen_datagrams: 0,
        }
    }

    /// Decides over the next datagram.
    pub(crate) fn loses(&mut self, chance: &mut Chance) -> bool {
        let ordinal = self.seen_datagrams;
        self.seen_datagrams += 1;
        match self.model {
            Loss::None => false,
            Loss::Random(share) => chance.happens(share),
            Loss::Bursts {
                mean,
                mean_burst_packets,
            } => {
                self.step(chance, mean, mean_burst_packets);
                self.in_burst
            }
            Loss::Nth { first, count } => ordinal >= first && ordinal - first < count,
        }
    }

    fn step(&mut self, chance: &mut Chance, mean: Probability, mean_burst_packets: f64) {
        let leave = 1.0 / mean_burst_packets.max(1.0);
        let enter = leave * mean.fraction() / (1.0 - mean.fraction()).max(f64::EPSILON);
        let turn = if self.in_burst { leave } else { enter };
        if chance.happens(Probability::new(turn)) {
            self.in_burst = !self.in_burst;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(model: Loss, datagrams: usize) -> Vec<bool> {
        let mut chance = Chance::new(5);
        let mut state = LossState::new(model);
        (0..datagrams).map(|_| state.loses(&mut chance)).collect()
    }

    fn share(pattern: &[bool]) -> f64 {
        pattern.iter().filter(|lost| **lost).count() as f64 / pattern.len() as f64
    }

    fn mean_burst(pattern: &[bool]) -> f64 {
        let bursts = pattern
            .windows(2)
            .filter(|pair| !pair[0] && pair[1])
            .count();
        share(pattern) * pattern.len() as f64 / bursts as f64
    }

    #[test]
    fn random_losses_come_at_their_rate_and_alone() {
        let lost = pattern(Loss::Random(Probability::percent(10.0)), 200_000);
        assert!((share(&lost) - 0.1).abs() < 0.003);
        assert!((mean_burst(&lost) - 1.11).abs() < 0.03);
    }

    #[test]
    fn bursts_keep_both_their_mean_and_their_length() {
        let model = Loss::Bursts {
            mean: Probability::percent(10.0),
            mean_burst_packets: 5.0,
        };
        let lost = pattern(model, 400_000);
        assert!((share(&lost) - 0.1).abs() < 0.005, "{}", share(&lost));
        assert!(
            (mean_burst(&lost) - 5.0).abs() < 0.2,
            "{}",
            mean_burst(&lost)
        );
    }

    #[test]
    fn the_chosen_datagrams_are_lost_and_no_others() {
        let lost = pattern(Loss::Nth { first: 2, count: 2 }, 6);
        assert_eq!(lost, [false, false, true, true, false, false]);
    }
}
