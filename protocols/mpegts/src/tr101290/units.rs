use super::recurrence::Recurrence;
use super::{PTS_LATE, Tally};
use crate::timeline::Timeline;
use tidegate_units::{Duration, Instant};

/// A presentation time this far back is another clock's, 90 kHz.
const ANOTHER_CLOCK_TICKS: i64 = 90_000;

/// The units of one stream and the progress of their presentation times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Units {
    units: Recurrence,
    progress: Recurrence,
    timeline: Timeline,
    highest: Option<i64>,
    /// Progress that came too late (TR 101 290, 2.5).
    pub(crate) late: Tally,
}

impl Units {
    /// A unit begins. `arrived` is when it came, `flow` the stream's time.
    pub(crate) fn begin(&mut self, arrived: Instant, flow: Instant, pts: Option<u64>) {
        self.units.came(flow, Duration::MAX);
        let Some(pts) = pts else { return };
        let pts = self.timeline.unwrap(pts);
        // Behind the highest are pictures out of order; far behind it is another clock.
        let is_progress = self
            .highest
            .is_none_or(|highest| pts > highest || pts < highest - ANOTHER_CLOCK_TICKS);
        if is_progress {
            self.highest = Some(pts);
            if self.progress.came(flow, PTS_LATE) {
                self.late.add(1, arrived);
            }
        }
    }

    /// When the presentation time moved on last, by the stream's time.
    pub(crate) const fn last_progress(&self) -> Option<Instant> {
        self.progress.last()
    }

    /// How often a unit begins.
    pub(crate) fn usual(&self) -> Duration {
        self.units.usual()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_time_that_stands_still_is_late_and_one_out_of_order_is_not() {
        let mut units = Units::default();
        for (number, pts) in [0, 10_800, 3600, 7200, 21_600, 14_400]
            .into_iter()
            .enumerate()
        {
            let now = at(40 * number as u64);
            units.begin(now, now, Some(pts));
        }
        assert_eq!(units.last_progress(), Some(at(160)));
        for step in 0..25 {
            units.begin(at(200 + 40 * step), at(200 + 40 * step), Some(21_600));
        }
        assert_eq!(units.last_progress(), Some(at(160)));
        units.begin(at(1200), at(1200), Some(25_200));
        assert_eq!((units.late.count, units.late.last), (1, Some(at(1200))));
        assert_eq!(units.usual(), Duration::from_millis(40));
    }

    #[test]
    fn an_encoder_that_begins_anew_makes_progress() {
        let mut units = Units::default();
        units.begin(at(0), at(0), Some(900_000));
        units.begin(at(40), at(40), Some(0));
        units.begin(at(80), at(80), Some(3600));
        assert_eq!(units.last_progress(), Some(at(80)));
        assert_eq!(units.late.count, 0);
    }
}
