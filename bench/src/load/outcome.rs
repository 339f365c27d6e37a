//! What the generator says at the end, read by whoever started it.

use super::client::{Client, WireFigures};
use crate::histogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidegate_units::Instant;

/// A generator of which one turn in a hundred is later than this is the bottleneck itself; where
/// a publisher's packets are further apart, than that distance: then they would leave together.
const LATE_P99_LIMIT_MS: f64 = 2.0;
/// So is one that was later than this only once: what it then sends is a burst of its own.
const LATE_LIMIT_MS: f64 = 20.0;
/// And one that has hardly a moment to wait for anything.
const BUSY_LIMIT_PERCENT: f64 = 90.0;

/// What was sent and what arrived in the time that was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Packets that publishers sent, all together.
    pub(crate) published_packets: u64,
    /// Packets that readers received, all together, and those that they or a relay without
    /// readers should have but did not.
    pub(crate) received_packets: u64,
    pub(crate) missing_packets: u64,
    /// Packets publishers sent again.
    pub(crate) sent_again_packets: u64,
    /// Packets that reached a reader more than once.
    pub(crate) received_again_packets: u64,
    /// Packets that publishers gave up sending.
    pub(crate) given_up_packets: u64,
    /// Datagrams that the generator's own sockets lost.
    pub(crate) lost_in_generator: u64,
    /// From the publisher's send call to the reader's receive call.
    pub(crate) delay_ms: Spread,
    /// The highest p99 of one reader.
    pub(crate) worst_reader_p99_ms: f64,
    /// Packets of one reader within a millisecond.
    pub(crate) burst_packets: Spread,
    /// How late the generator sent.
    pub(crate) lateness_ms: Spread,
    /// The mean time between two packets of a publisher.
    pub(crate) packet_distance_ms: f64,
    /// The generator's own CPU time, of a core for each of its threads.
    pub(crate) busy_percent: f64,
}

/// How values are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of a histogram, in units of which each holds so many of its own.
    pub(crate) fn of(histogram: &Histogram, unit: f64) -> Self {
        Self {
            mean: histogram.mean() / unit,
            p50: f64::from(histogram.percentile(50)) / unit,
            p99: f64::from(histogram.percentile(99)) / unit,
            max: f64::from(histogram.max()) / unit,
        }
    }
}

impl Spread {
    /// The same, each less by so much.
    pub(crate) fn less(self, by: f64) -> Self {
        Self {
            mean: self.mean - by,
            p50: self.p50 - by,
            p99: self.p99 - by,
            max: self.max - by,
        }
    }
}

impl Outcome {
    /// Why these figures do not count; `None`: they do.
    pub(crate) fn refusal(&self) -> Option<String> {
        let (missing, given_up) = (self.missing_packets, self.given_up_packets);
        let lost = missing + given_up > 0;
        let lost = lost.then(|| format!("{missing} packets lost, {given_up} given up"));
        self.bottleneck().or(lost)
    }

    /// Why it was the generator that was measured; `None`: it was not.
    pub(crate) fn bottleneck(&self) -> Option<String> {
        let late = self.lateness_ms;
        if self.lost_in_generator > 0 {
            let lost = self.lost_in_generator;
            return Some(format!("the generator itself lost {lost} datagrams"));
        }
        let p99_limit = LATE_P99_LIMIT_MS.max(self.packet_distance_ms);
        if late.max > LATE_LIMIT_MS || late.p99 > p99_limit {
            let Spread { p99, max, .. } = late;
            return Some(format!(
                "the generator was {max:.1} ms late (p99 {p99:.2} ms)"
            ));
        }
        if self.busy_percent > BUSY_LIMIT_PERCENT {
            let busy = self.busy_percent;
            return Some(format!("the generator was busy {busy:.0} % of the time"));
        }
        None
    }

    /// Sums up the clients, of which the first `publishers` publish.
    pub(crate) fn of(clients: &mut [Client], publishers: usize, now: Instant) -> Self {
        let mut delays = Histogram::new();
        let mut bursts = Histogram::new();
        let mut outcome = Self::default();
        for reader in &clients[publishers..] {
            let arrivals = &reader.arrivals;
            delays.add(arrivals.delays());
            bursts.add(&arrivals.burst_sizes());
            outcome.received_packets += arrivals.packets();
            outcome.missing_packets += arrivals.missing();
            outcome.received_again_packets += arrivals.repeated();
            let p99_ms = f64::from(arrivals.delays().percentile(99)) / 1000.0;
            outcome.worst_reader_p99_ms = outcome.worst_reader_p99_ms.max(p99_ms);
        }
        let all = clients.iter_mut().map(|client| client.figures(now));
        let wire = all.fold(WireFigures::default(), WireFigures::plus);
        outcome.sent_again_packets = wire.sent_again;
        outcome.received_again_packets += wire.received_again;
        outcome.given_up_packets = wire.given_up;
        outcome.missing_packets += wire.lost;
        outcome.lost_in_generator = wire.lost_here;
        outcome.delay_ms = Spread::of(&delays, 1000.0);
        outcome.burst_packets = Spread::of(&bursts, 1.0);
        outcome
    }

    /// Adds how the generator itself did.
    pub(crate) fn with_generator(
        mut self,
        published_packets: u64,
        packet_distance: Duration,
        lateness: &Histogram,
        busy: Duration,
        of: Duration,
    ) -> Self {
        self.published_packets = published_packets;
        self.packet_distance_ms = packet_distance.as_secs_f64() * 1000.0;
        self.lateness_ms = Spread::of(lateness, 1000.0);
        self.busy_percent = busy.as_secs_f64() / of.as_secs_f64().max(1e-9) * 100.0;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_loss_and_on_time_counts() {
        assert_eq!(Outcome::default().refusal(), None);
    }

    #[test]
    fn a_run_in_which_something_was_lost_does_not_count() {
        let lost = Outcome {
            missing_packets: 1,
            ..Outcome::default()
        };
        assert_eq!(lost.refusal().unwrap(), "1 packets lost, 0 given up");
        let given_up = Outcome {
            given_up_packets: 1,
            ..Outcome::default()
        };
        assert!(given_up.refusal().is_some());
    }

    #[test]
    fn a_run_in_which_the_generator_was_the_bottleneck_does_not_count() {
        let late = |p99, max| Outcome {
            lateness_ms: Spread {
                p99,
                max,
                ..Spread::default()
            },
            ..Outcome::default()
        };
        assert_eq!(late(1.9, 19.0).refusal(), None);
        assert!(late(2.1, 19.0).refusal().unwrap().contains("late"));
        assert!(late(0.1, 21.0).refusal().unwrap().contains("late"));
        let far_apart = |p99| Outcome {
            packet_distance_ms: 10.5,
            ..late(p99, 19.0)
        };
        assert_eq!(far_apart(10.4).refusal(), None);
        assert!(far_apart(10.6).refusal().unwrap().contains("late"));
        let busy = Outcome {
            busy_percent: 91.0,
            ..Outcome::default()
        };
        assert!(busy.refusal().unwrap().contains("busy 91 %"));
        let dropped = Outcome {
            lost_in_generator: 3,
            ..Outcome::default()
        };
        assert!(dropped.refusal().unwrap().contains("itself lost 3"));
    }
}
