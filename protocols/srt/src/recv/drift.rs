/// Samples averaged into one decision: about ten seconds of acknowledgements.
const SAMPLES: u32 = 1000;
/// The first decision is made sooner: it corrects the jitter of the handshake.
const FIRST_SAMPLES: u32 = 200;
/// A mean beyond this moves the time base; what is below stays in the drift.
const MAX_MEAN_MICROS: i64 = 5000;

/// Follows the difference between the peer's clock and ours.
///
/// A way that became longer in both directions is no drift: half of what the round trip takes
/// more than usual is taken off. What is usual is the mean of the first set of samples; a
/// single round trip is off by the link's jitter, and play-out would be off with it for good.
#[derive(Debug, Default)]
pub(crate) struct DriftTracer {
    sum_micros: i64,
    rtt_sum_micros: i64,
    samples: u32,
    usual_rtt_micros: Option<i64>,
}

/// The outcome of a full set of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DriftUpdate {
    /// By how much the time base moves.
    pub(crate) base_shift_micros: i64,
    /// The drift in force from now on.
    pub(crate) drift_micros: i64,
}

impl DriftTracer {
    /// Adds a sample, the peer's time against ours, and the round-trip time it was taken
    /// with; an update once enough of them are there.
    pub(crate) fn add(&mut self, sample_micros: i64, rtt_micros: i64) -> Option<DriftUpdate> {
        self.sum_micros = self.sum_micros.saturating_add(sample_micros);
        self.rtt_sum_micros = self.rtt_sum_micros.saturating_add(rtt_micros);
        self.samples += 1;
        let needed = self.usual_rtt_micros.map_or(FIRST_SAMPLES, |_| SAMPLES);
        if self.samples < needed {
            return None;
        }
        let rtt = self.rtt_sum_micros / i64::from(needed);
        let usual_rtt = self.usual_rtt_micros.unwrap_or(rtt);
        let mean = self.sum_micros / i64::from(needed) - (rtt - usual_rtt) / 2;
        *self = Self {
            usual_rtt_micros: Some(usual_rtt),
            ..Self::default()
        };
        let shift = match mean {
            mean if mean > MAX_MEAN_MICROS => MAX_MEAN_MICROS,
            mean if mean < -MAX_MEAN_MICROS => -MAX_MEAN_MICROS,
            _ => 0,
        };
        Some(DriftUpdate {
            base_shift_micros: shift,
            drift_micros: mean - shift,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_constant(sample: i64) -> DriftUpdate {
        let mut tracer = DriftTracer::default();
        for _ in 1..FIRST_SAMPLES {
            assert_eq!(tracer.add(sample, 40_000), None);
        }
        tracer.add(sample, 40_000).unwrap()
    }

    #[test]
    fn a_way_that_becomes_longer_both_ways_is_no_drift() {
        let mut tracer = DriftTracer::default();
        let mut updates = Vec::new();
        for (sample, rtt, samples) in [(300, 40_000, FIRST_SAMPLES), (2300, 44_000, SAMPLES)] {
            updates.extend((0..samples).filter_map(|_| tracer.add(sample, rtt)));
        }
        let drifts: Vec<i64> = updates.iter().map(|update| update.drift_micros).collect();
        assert_eq!(drifts, [300, 300]);
    }

    #[test]
    fn the_jitter_of_a_single_round_trip_moves_nothing() {
        let mut tracer = DriftTracer::default();
        let jitter = |step: u32| i64::from(step * 7919 % 20_001) - 10_000;
        let updates = (0..FIRST_SAMPLES).filter_map(|step| tracer.add(0, 100_000 + jitter(step)));
        assert!(updates.map(|update| update.drift_micros).eq([0]));
    }

    #[test]
    fn a_small_mean_becomes_drift() {
        let update = after_constant(-1200);
        assert_eq!(
            update,
            DriftUpdate {
                base_shift_micros: 0,
                drift_micros: -1200
            }
        );
    }

    #[test]
    fn a_large_mean_moves_the_base_and_keeps_the_rest() {
        let update = after_constant(7000);
        assert_eq!(
            update,
            DriftUpdate {
                base_shift_micros: 5000,
                drift_micros: 2000
            }
        );
        let update = after_constant(-7000);
        assert_eq!(
            update,
            DriftUpdate {
                base_shift_micros: -5000,
                drift_micros: -2000
            }
        );
    }
}
