use crate::statistics::Counters;
use tidegate_units::{Duration, Instant};

/// How long an interval of the statistics lasts at least.
const INTERVAL: Duration = Duration::from_secs(1);

/// Cuts time into intervals and keeps the last whole one.
///
/// Whoever asks gets the same answer until the next one is over: nobody takes figures away
/// from anybody else.
#[derive(Debug)]
pub(crate) struct Intervals {
    began: Instant,
    /// The totals at that time.
    before: Counters,
    last: Option<(Counters, Duration)>,
}

impl Intervals {
    pub(crate) const fn new(now: Instant, nothing: Counters) -> Self {
        Self {
            began: now,
            before: nothing,
            last: None,
        }
    }

    /// What was counted in the last whole interval, and how long that was. Before the first is
    /// over: since the beginning.
    pub(crate) fn last(&mut self, now: Instant, total: &Counters) -> (Counters, Duration) {
        let (counted, time) = (total.since(&self.before), now.saturating_since(self.began));
        if time >= INTERVAL {
            self.last = Some((counted, time));
            self.began = now;
            self.before = *total;
        }
        self.last.unwrap_or((counted, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(packets: u64) -> Counters {
        Counters {
            packets_sent: packets,
            ..Counters::default()
        }
    }

    #[test]
    fn asking_often_takes_nothing_from_the_interval() {
        let mut intervals = Intervals::new(Instant::ZERO, Counters::default());
        let mut ask = |millis: u64| {
            let (counted, time) = intervals.last(Instant::from_millis(millis), &sent(millis));
            (counted.packets_sent, time.as_millis())
        };
        // The first is not over yet: what there is so far.
        assert_eq!(ask(250), (250, 250));
        assert_eq!(ask(999), (999, 999));
        assert_eq!(ask(1000), (1000, 1000));
        assert_eq!(ask(1001), (1000, 1000));
        assert_eq!(ask(1900), (1000, 1000));
        assert_eq!(ask(2100), (1100, 1100));
        assert_eq!(ask(2200), (1100, 1100));
    }
}
