use tidegate_units::Duration;

/// What a repetition in vain adds.
const STEP: Duration = Duration::from_micros(500);
/// So many packets take it away again: the patience is at rest where one packet in so many is
/// repeated in vain.
const PACKETS_PER_STEP: u32 = 64;
/// Less than this is chance, and nothing waits for it.
const LEAST: Duration = Duration::from_millis(3);
/// A packet may become older by this part of a round trip or of the latency, whichever is
/// more, before a report of its loss is believed.
const ROUND_TRIP_PART: u32 = 4;
const LATENCY_PART: u32 = 8;

/// Learns from repetitions in vain how long packets may be under way after others have
/// overtaken them.
///
/// A peer that reports each gap at once cannot know whether a packet is lost or late. But
/// when a packet is acknowledged sooner after its repetition than a round trip takes, then
/// what arrived was the original: the link reorders, and the report came too soon (the idea
/// of the Eifel detection, RFC 3522).
#[derive(Debug, Default)]
pub(crate) struct Patience {
    wait: Duration,
}

impl Patience {
    /// A packet was sent for the first time.
    pub(crate) fn on_new(&mut self) {
        self.wait = self.wait.saturating_sub(STEP / PACKETS_PER_STEP);
    }

    /// A packet was repeated, and its original arrived.
    pub(crate) fn on_needless(&mut self, round_trip: Duration, latency: Duration) {
        let most = (round_trip / ROUND_TRIP_PART).max(latency / LATENCY_PART);
        self.wait = (self.wait + STEP).min(most);
    }

    /// For how much longer than a round trip a report is not believed; `None`: the link does
    /// not reorder.
    pub(crate) fn wait(&self) -> Option<Duration> {
        (self.wait >= LEAST).then_some(self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);
    const LATENCY: Duration = Duration::from_millis(160);

    fn after(rounds: u32, packets_between: u32) -> Option<Duration> {
        let mut patience = Patience::default();
        for _ in 0..rounds {
            patience.on_needless(RTT, LATENCY);
            for _ in 0..packets_between {
                patience.on_new();
            }
        }
        patience.wait()
    }

    #[test]
    fn one_repetition_in_vain_now_and_then_teaches_nothing() {
        assert_eq!(after(1000, 100), None);
    }

    #[test]
    fn many_teach_to_wait_for_a_part_of_a_round_trip_at_most() {
        assert_eq!(after(20, 0), Some(Duration::from_millis(10)));
        assert_eq!(after(1000, 0), Some(RTT / 4));
    }

    #[test]
    fn it_is_forgotten_when_nothing_is_repeated_in_vain_any_more() {
        assert_eq!(after(1, 0), None);
        assert!(after(50, 64 * 30).is_none());
    }
}
