use tidegate_units::Duration;

const INITIAL: Duration = Duration::from_millis(100);
const INITIAL_VARIANCE: Duration = Duration::from_millis(50);
/// Even a very uneven round-trip time is not shortened by more than this part.
const MAX_DEDUCTION_DIVISOR: u32 = 4;
/// A sample above this says that a clock jumped or a packet was replayed.
const MAX_SAMPLE: Duration = Duration::from_secs(30);

/// The smoothed round-trip time and its mean deviation.
///
/// A receiver measures it (ACK to ACKACK); a sender that receives nothing copies the
/// receiver's figures from its acknowledgements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rtt {
    smoothed: Duration,
    variance: Duration,
    measured: bool,
    reported: bool,
}

impl Default for Rtt {
    fn default() -> Self {
        Self {
            smoothed: INITIAL,
            variance: INITIAL_VARIANCE,
            measured: false,
            reported: false,
        }
    }
}

impl Rtt {
    pub(crate) const fn smoothed(&self) -> Duration {
        self.smoothed
    }

    pub(crate) const fn variance(&self) -> Duration {
        self.variance
    }

    /// SRTT plus four deviations: almost every answer is there by then.
    pub(crate) fn timeout(&self) -> Duration {
        self.smoothed + self.variance * 4
    }

    /// SRTT less what the measurement may be off: hardly any answer comes sooner.
    pub(crate) fn floor(&self) -> Duration {
        let deduction = self.variance * 4;
        self.smoothed - deduction.min(self.smoothed / MAX_DEDUCTION_DIVISOR)
    }

    /// Whether anything but the initial guess is known.
    pub(crate) const fn is_known(&self) -> bool {
        self.measured || self.reported
    }

    /// An own measurement.
    pub(crate) fn measure(&mut self, sample: Duration) {
        if sample > MAX_SAMPLE {
            return;
        }
        if core::mem::replace(&mut self.measured, true) {
            self.smooth(sample);
        } else {
            self.smoothed = sample;
            self.variance = sample / 2;
        }
    }

    /// The peer's figures out of an acknowledgement.
    pub(crate) fn learn(&mut self, smoothed: Duration, variance: Duration) {
        if smoothed > MAX_SAMPLE || variance > MAX_SAMPLE || smoothed.is_zero() {
            return;
        }
        // The peer sends its initial guess until it has measured: no information.
        if !self.reported && smoothed == INITIAL && variance == INITIAL_VARIANCE {
            return;
        }
        self.reported = true;
        if self.measured {
            self.smooth(smoothed);
        } else {
            self.smoothed = smoothed;
            self.variance = variance;
        }
    }

    fn smooth(&mut self, sample: Duration) {
        self.variance = (self.variance * 3 + self.smoothed.abs_diff(sample)) / 4;
        self.smoothed = (self.smoothed * 7 + sample) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_sample_replaces_the_guess() {
        let mut rtt = Rtt::default();
        assert_eq!((rtt.smoothed(), rtt.variance()), (ms(100), ms(50)));
        rtt.measure(ms(20));
        assert_eq!((rtt.smoothed(), rtt.variance()), (ms(20), ms(10)));
    }

    #[test]
    fn later_samples_are_smoothed() {
        let mut rtt = Rtt::default();
        rtt.measure(ms(80));
        rtt.measure(ms(160));
        assert_eq!((rtt.smoothed(), rtt.variance()), (ms(90), ms(50)));
    }

    #[test]
    fn a_sender_copies_the_receivers_figures_once_they_are_measured() {
        let mut rtt = Rtt::default();
        rtt.learn(ms(100), ms(50));
        assert_eq!(rtt.smoothed(), ms(100));
        rtt.learn(ms(30), ms(2));
        assert_eq!((rtt.smoothed(), rtt.variance()), (ms(30), ms(2)));
    }

    #[test]
    fn an_absurd_sample_changes_nothing() {
        let mut rtt = Rtt::default();
        rtt.measure(ms(50));
        rtt.measure(Duration::from_secs(4000));
        assert_eq!(rtt.smoothed(), ms(50));
    }
}
