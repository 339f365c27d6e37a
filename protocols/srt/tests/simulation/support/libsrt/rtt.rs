use core::time::Duration;

/// SRTT and its variance as libsrt smooths them (`processCtrlAckAck`): 100 and 50 ms at first,
/// the first sample replaces both, later ones weigh an eighth and a quarter.
#[derive(Debug, Clone, Copy)]
pub struct Rtt {
    pub smoothed: Duration,
    pub variance: Duration,
    measured: bool,
}

impl Rtt {
    pub const INITIAL: Self = Self {
        smoothed: Duration::from_millis(100),
        variance: Duration::from_millis(50),
        measured: false,
    };

    pub fn measure(&mut self, sample: Duration) {
        if core::mem::replace(&mut self.measured, true) {
            self.variance = (self.variance * 3 + self.smoothed.abs_diff(sample)) / 4;
            self.smoothed = (self.smoothed * 7 + sample) / 8;
        } else {
            self.smoothed = sample;
            self.variance = sample / 2;
        }
    }
}
