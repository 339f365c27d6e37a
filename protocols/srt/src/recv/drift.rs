/// Samples averaged into one decision: about ten seconds of acknowledgements.
const SAMPLES: u32 = 1000;
/// A mean beyond this moves the time base; what is below stays in the drift.
const MAX_MEAN_MICROS: i64 = 5000;

/// Follows the difference between the peer's clock and ours.
#[derive(Debug, Default)]
pub(crate) struct DriftTracer {
    sum_micros: i64,
    samples: u32,
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
    /// Adds a sample; an update once enough of them are there.
    pub(crate) fn add(&mut self, sample_micros: i64) -> Option<DriftUpdate> {
        self.sum_micros = self.sum_micros.saturating_add(sample_micros);
        self.samples += 1;
        if self.samples < SAMPLES {
            return None;
        }
        let mean = self.sum_micros / i64::from(SAMPLES);
        *self = Self::default();
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
        for _ in 1..SAMPLES {
            assert_eq!(tracer.add(sample), None);
        }
        tracer.add(sample).unwrap()
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
