use tidegate_units::Duration;

/// What one reordered packet adds; an ordered one takes one away. So waiting begins when
/// more than about six packets in a hundred come late: below that, asking for what would
/// have come by itself costs less than asking later for what is really lost.
const REORDERED_SCORE: u32 = 16;
const WAIT_SCORE: u32 = 64;
const MAX_SCORE: u32 = 1024;
/// The estimate rises by a quarter of what is above it and falls by a 64th of what is
/// below: it settles where about one reordered packet in seventeen comes later still.
const RISE: u64 = 4;
const FALL: u64 = 64;
/// Waiting may use up so much of a round trip, and of the latency.
const MAX_ROUND_TRIP_PART: u32 = 4;
const MAX_LATENCY_PART: u32 = 8;

/// Learns from a link that reorders how long a gap is probably no loss.
#[derive(Debug, Default)]
pub(crate) struct Reordering {
    score: u32,
    late_micros: u64,
}

impl Reordering {
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
    pub(crate) fn wait(&self, rtt: Duration, latency: Duration) -> Duration {
        if self.score < WAIT_SCORE {
            return Duration::ZERO;
        }
        let bound = (rtt / MAX_ROUND_TRIP_PART).min(latency / MAX_LATENCY_PART);
        Duration::from_micros(self.late_micros).min(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);
    const LATENCY: Duration = Duration::from_millis(400);

    fn after(rounds: u32, ordered_between: u32, late: Duration) -> Duration {
        let mut reordering = Reordering::default();
        for _ in 0..rounds {
            reordering.on_reordered(late);
            for _ in 0..ordered_between {
                reordering.on_ordered();
            }
        }
        reordering.wait(RTT, LATENCY)
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
    fn waiting_is_bounded_by_the_round_trip() {
        assert_eq!(after(1000, 3, Duration::from_millis(90)), RTT / 4);
    }
}
