use tidegate_units::Instant;

use crate::sys;

/// The machine's monotonic clock, read as an [`Instant`].
///
/// Every `Clock` of a process (and of the machine) shows the same time, `CLOCK_MONOTONIC`
/// since boot, so instants taken in different threads compare. A changed wall clock never
/// moves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// The process clock.
    #[must_use]
    pub const fn start() -> Self {
        Self
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(sys::monotonic_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back_and_two_clocks_agree() {
        let early = Clock::start().now();
        let late = Clock::start().now();
        assert!(late >= early);
        assert!(late.saturating_since(early).as_secs() < 1);
    }
}
