//! When things are due, on our clock.

use crate::limits::{AHEAD, LATE_MAX, NAP};
use core::time::Duration;
use tidegate_engine::{Clock, Parking};
use tidegate_units::Instant;

const TICKS_PER_MICRO: i64 = 27;

/// Ties the clock of a file, in ticks of 27 MHz, to ours.
///
/// What comes a little late is followed by what comes in time; what is very late moves all
/// that follows, so that nothing ever leaves in a burst.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// A moment on both clocks.
    tie: Option<(i64, Instant)>,
    delays: u64,
}

impl Pace {
    /// When something is due that the file says belongs at `ticks`.
    pub(crate) fn due(&mut self, ticks: i64, now: Instant) -> Instant {
        let due = self.tie.map_or(now, |(begin, moment)| {
            moment.offset_micros(ticks.saturating_sub(begin) / TICKS_PER_MICRO)
        });
        let is_late = due + LATE_MAX < now;
        self.delays += u64::from(is_late);
        if !is_late && self.tie.is_some() {
            return due;
        }
        self.tie = Some((ticks, now));
        now
    }

    /// How often the file had to be delayed.
    pub(crate) const fn delays(&self) -> u64 {
        self.delays
    }
}

/// Waits until something that is due then may be handed over. False if it must stop instead.
pub(crate) fn wait(due: Instant, clock: Clock, parking: &Parking) -> bool {
    while !parking.must_stop() {
        let wait = due.saturating_since(clock.now());
        if wait <= AHEAD {
            return true;
        }
        parking.wait((wait - AHEAD).clamp(Duration::from_micros(100), NAP));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 27_000_000;

    #[test]
    fn a_little_lateness_is_caught_up_and_a_hang_is_not() {
        let mut pace = Pace::default();
        let at = |millis| Instant::from_millis(millis);
        assert_eq!(pace.due(7 * SECOND, at(1000)), at(1000));
        assert_eq!(pace.due(8 * SECOND, at(1010)), at(2000));
        assert_eq!(pace.due(8 * SECOND, at(2050)), at(2000), "50 ms late");
        assert_eq!(pace.due(9 * SECOND, at(5000)), at(5000), "two seconds late");
        assert_eq!(pace.due(10 * SECOND, at(5000)), at(6000));
        assert_eq!(pace.delays(), 1);
    }
}
