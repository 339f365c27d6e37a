use super::rtt::Rtt;
use tidegate_units::Duration;

/// What one reordered packet adds; an ordered one takes one away. So waiting begins when
/// more than about six packets in a hundred come late: below that, asking for what would
/// have come by itself costs less than asking later for what is really lost.
const REORDERED_SCORE: u32 = 16;
const WAIT_SCORE: u32 = 64;
const MAX_SCORE: u32 = 1024;
/// The estimate rises by a quarter of what is above it and falls by a small part of what is
/// below: up at once, down over seconds, and at rest where about one reordered packet in a
/// hundred comes later still.
const RISE: u64 = 4;
const FALL: u64 = 1024;
/// Waiting may always use up so much of a round trip and of the latency …
const ROUND_TRIP_PART: u32 = 4;
const LATENCY_PART: u32 = 8;
/// … and more, up to this part of the latency, out of what so many rounds leave of it.
const MAX_LATENCY_PART: u32 = 4;
const MAX_ROUNDS: u32 = 3;
/// A round is a round-trip time and so many of its deviations.
const ROUND_VARIANCES: u32 = 2;
/// Over several paths the round trip is that of the fastest and says nothing about the others,
/// and every needless report is of many packets: waiting may use up `MAX_LATENCY_PART` in any
/// case, and this part of the estimate is added to it.
const MARGIN_PART_OF_PATHS: u32 = 4;
/// How late packets of a slower path are thought to come until it is known.
const LATE_AT_FIRST: Duration = Duration::from_millis(100);

/// Learns from a link that reorders how long a gap is probably no loss.
#[derive(Debug, Default)]
pub(crate) struct Reordering {
    score: u32,
    late_micros: u64,
    several_paths: bool,
}

impl Reordering {
    /// One that expects to wait from the start, if packets come over several paths.
    pub(crate) fn new(several_paths: bool) -> Self {
        if !several_paths {
            return Self::default();
        }
        Self {
            score: MAX_SCORE,
            late_micros: u64::try_from(LATE_AT_FIRST.as_micros()).unwrap_or(u64::MAX),
            several_paths,
        }
    }

    pub(crate) const fn on_ordered(&mut self) {
        self.score = self.score.saturating_sub(1);
    }

    /// A packet closed a gap by itself, so long after the gap was found.
    pub(crate) fn on_reordered(&mut self, late: Duration) {
        self.score = (self.score + REORDERED_SCORE).min(MAX_SCORE);
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        if late > self.late_micros {
            self.late_micros += (late - self.late_micros).div_ceil(RISE);
        } else {
            self.late_micros -= (self.late_micros - late) / FALL;
        }
    }

    /// How long a fresh gap is left alone.
    pub(crate) fn wait(&self, rtt: &Rtt, latency: Duration) -> Duration {
        if self.score < WAIT_SCORE {
            return Duration::ZERO;
        }
        let late = Duration::from_micros(self.late_micros);
        if self.several_paths {
            return (late + late / MARGIN_PART_OF_PATHS).min(latency / MAX_LATENCY_PART);
        }
        let always = (rtt.smoothed() / ROUND_TRIP_PART).min(latency / LATENCY_PART);
        let bound = spare(rtt, latency).min(latency / MAX_LATENCY_PART);
        late.min(bound.max(always))
    }
}

/// What is left of the latency when as many rounds of repetition as fit have had their time.
fn spare(rtt: &Rtt, latency: Duration) -> Duration {
    let round = rtt.smoothed() + rtt.variance() * ROUND_VARIANCES;
    let mut left = latency;
    for _ in 0..MAX_ROUNDS {
        left = left.checked_sub(round).unwrap_or(left);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(400);

    fn rtt(millis: u64) -> Rtt {
        let mut rtt = Rtt::default();
        rtt.learn(Duration::from_millis(millis), Duration::ZERO);
        rtt
    }

    fn after(rounds: u32, ordered_between: u32, late: Duration) -> Duration {
        after_over(&rtt(99), rounds, ordered_between, late)
    }

    fn after_over(rtt: &Rtt, rounds: u32, ordered_between: u32, late: Duration) -> Duration {
        let mut reordering = Reordering::default();
        for _ in 0..rounds {
            reordering.on_reordered(late);
            for _ in 0..ordered_between {
                reordering.on_ordered();
            }
        }
        reordering.wait(rtt, LATENCY)
    }

    #[test]
    fn a_stray_reordered_packet_makes_no_gap_wait() {
        assert_eq!(after(1000, 100, Duration::from_millis(5)), Duration::ZERO);
    }

    #[test]
    fn a_link_that_reorders_makes_gaps_wait_as_long_as_packets_are_late() {
        let wait = after(1000, 3, Duration::from_millis(5));
        assert_eq!(wait, Duration::from_millis(5));
    }

    #[test]
    fn waiting_costs_no_round_of_repetition_but_a_quarter_of_a_round_trip() {
        let late = Duration::from_millis(90);
        assert_eq!(
            after(1000, 3, late),
            Duration::from_millis(90),
            "3 rounds fit"
        );
        let wait = after_over(&rtt(133), 1000, 3, late);
        assert_eq!(wait, Duration::from_micros(33_250));
    }

    #[test]
    fn waiting_is_bounded_by_the_latency() {
        let wait = after_over(&rtt(10), 1000, 3, Duration::from_millis(300));
        assert_eq!(wait, LATENCY / 4);
    }

    #[test]
    fn the_wait_rises_fast_and_falls_slowly() {
        let mut reordering = Reordering::default();
        for _ in 0..20 {
            reordering.on_reordered(Duration::from_millis(20));
        }
        let risen = reordering.wait(&rtt(99), LATENCY);
        assert!(risen > Duration::from_millis(19), "{risen:?}");
        for _ in 0..100 {
            reordering.on_reordered(Duration::from_millis(2));
        }
        let fallen = reordering.wait(&rtt(99), LATENCY);
        assert!(fallen > Duration::from_millis(16), "{fallen:?}");
        for _ in 0..10_000 {
            reordering.on_reordered(Duration::from_millis(2));
        }
        let settled = reordering.wait(&rtt(99), LATENCY);
        assert!(settled < Duration::from_millis(4), "{settled:?}");
    }

    #[test]
    fn over_several_paths_gaps_wait_from_the_start_and_beyond_the_round_trip() {
        let mut reordering = Reordering::new(true);
        let latency = Duration::from_secs(2);
        let wait = |reordering: &Reordering, latency| reordering.wait(&rtt(10), latency);
        assert_eq!(wait(&reordering, latency), Duration::from_millis(125));
        for _ in 0..100 {
            reordering.on_reordered(Duration::from_millis(200));
        }
        assert!(wait(&reordering, latency) > Duration::from_millis(240));
        assert_eq!(wait(&reordering, LATENCY), LATENCY / 4);
        for _ in 0..2000 {
            reordering.on_ordered();
        }
        assert_eq!(wait(&reordering, latency), Duration::ZERO);
    }
}
