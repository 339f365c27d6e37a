//! When which publisher sends how many packets.

use crate::payload::PAYLOAD_BYTES;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;
use tidegate_units::Instant;

/// The time between two bursts of one publisher.
const BURST_NANOS: u128 = 10_000_000;
const NANOS_PER_SECOND: u128 = 1_000_000_000;
const PACKET_BITS: u128 = PAYLOAD_BYTES as u128 * 8;

/// The mean time between two packets of a publisher, however they are spread.
pub(super) fn packet_distance(rate_bps: u64) -> Duration {
    let nanos = (PACKET_BITS * NANOS_PER_SECOND).checked_div(u128::from(rate_bps));
    Duration::from_nanos(u64::try_from(nanos.unwrap_or(0)).unwrap_or(u64::MAX))
}

/// How a publisher's packets are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Spacing {
    /// One after the other, equally far apart.
    Evenly,
    /// All packets of ten milliseconds at once.
    Bursts,
}

/// Every publisher's packets, the publishers evenly interleaved.
pub(crate) struct Schedule {
    spacing: Spacing,
    rate_bps: u128,
    publishers: u64,
    start: Instant,
    /// Sending turns taken, all publishers together.
    turns: u64,
}

/// A publisher's turn: it sends the packets with these numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) publisher: usize,
    pub(crate) numbers: Range<u64>,
}

impl Schedule {
    pub(crate) fn new(spacing: Spacing, rate_bps: u64, publishers: usize, start: Instant) -> Self {
        Self {
            spacing,
            rate_bps: u128::from(rate_bps),
            publishers: publishers as u64,
            start,
            turns: 0,
        }
    }

    /// When the next turn is; never when there is nothing to send.
    pub(crate) fn next_at(&self) -> Instant {
        if self.rate_bps == 0 || self.publishers == 0 {
            return Instant::FAR_FUTURE;
        }
        let (round, turn) = (self.turns / self.publishers, self.turns % self.publishers);
        let begins = self.round_nanos(u128::from(round));
        let length = self.round_nanos(u128::from(round) + 1) - begins;
        let nanos = begins + length * u128::from(turn) / u128::from(self.publishers);
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time between two turns of one publisher.
    pub(crate) fn interval(&self) -> Duration {
        let nanos = match self.rate_bps {
            0 => 0,
            _ => self.round_nanos(1),
        };
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes the next turn.
    pub(crate) fn take(&mut self) -> Turn {
        let round = self.turns / self.publishers;
        let turn = Turn {
            publisher: usize::try_from(self.turns % self.publishers).unwrap_or_default(),
            numbers: self.numbers_before(round)..self.numbers_before(round + 1),
        };
        self.turns += 1;
        turn
    }

    /// Packets that the first publisher has sent so far.
    pub(crate) fn sent_by_first(&self) -> u64 {
        match self.publishers {
            0 => 0,
            publishers => self.numbers_before(self.turns.div_ceil(publishers)),
        }
    }

    fn round_nanos(&self, round: u128) -> u128 {
        match self.spacing {
            Spacing::Evenly => round * PACKET_BITS * NANOS_PER_SECOND / self.rate_bps,
            Spacing::Bursts => round * BURST_NANOS,
        }
    }

    /// Packets a publisher sends before its `round`th turn.
    fn numbers_before(&self, round: u64) -> u64 {
        match self.spacing {
            Spacing::Evenly => round,
            Spacing::Bursts => {
                let bits = u128::from(round) * BURST_NANOS * self.rate_bps / NANOS_PER_SECOND;
                u64::try_from(bits / PACKET_BITS).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of the first second, and their times in microseconds.
    fn second(spacing: Spacing, rate_bps: u64, publishers: usize) -> Vec<(u64, Turn)> {
        let start = Instant::from_micros(5_000_000);
        let mut schedule = Schedule::new(spacing, rate_bps, publishers, start);
        let mut turns = Vec::new();
        while schedule.next_at() < start + Duration::from_secs(1) {
            let at = schedule.next_at().saturating_since(start);
            turns.push((at.as_micros() as u64, schedule.take()));
        }
        turns
    }

    fn packets(turns: &[(u64, Turn)]) -> u64 {
        turns
            .iter()
            .map(|(_, turn)| turn.numbers.end - turn.numbers.start)
            .sum()
    }

    #[test]
    fn evenly_spaced_packets_come_one_at_a_time_equally_far_apart() {
        let turns = second(Spacing::Evenly, 6_000_000, 1);
        assert_eq!(turns.len(), 570);
        let schedule = Schedule::new(Spacing::Evenly, 6_000_000, 1, Instant::from_micros(1));
        assert_eq!(schedule.interval().as_micros(), 1754);
        assert_eq!(packet_distance(6_000_000).as_micros(), 1754);
        assert_eq!(packet_distance(0), Duration::ZERO);
        for (round, pair) in turns.windows(2).enumerate() {
            assert_eq!(pair[0].1.numbers, round as u64..round as u64 + 1);
            assert!((1754..=1755).contains(&(pair[1].0 - pair[0].0)));
        }
    }

    #[test]
    fn a_burst_holds_all_packets_of_ten_milliseconds() {
        let turns = second(Spacing::Bursts, 50_000_000, 1);
        assert_eq!(turns.len(), 100);
        assert!(turns.iter().all(|(at, _)| at % 10_000 == 0));
        let sizes = turns
            .iter()
            .map(|(_, turn)| turn.numbers.end - turn.numbers.start);
        assert!(sizes.clone().all(|size| (47..=48).contains(&size)));
        assert_eq!(sizes.sum::<u64>(), 50_000_000 / 8 / 1316);
    }

    #[test]
    fn publishers_take_turns_evenly_spread_over_a_round() {
        let turns = second(Spacing::Bursts, 6_000_000, 100);
        assert_eq!(turns.len(), 10_000);
        assert_eq!(turns[1].0, 100);
        assert_eq!(turns[101].1.publisher, 1);
        assert_eq!(packets(&turns), 100 * 569);
        let numbers_of_two = turns.iter().filter(|(_, turn)| turn.publisher == 2);
        let mut next = 0;
        for (_, turn) in numbers_of_two {
            assert_eq!(turn.numbers.start, next);
            next = turn.numbers.end;
        }
    }

    #[test]
    fn idle_publishers_never_send() {
        let schedule = Schedule::new(Spacing::Evenly, 0, 10, Instant::from_micros(1));
        assert_eq!(schedule.next_at(), Instant::FAR_FUTURE);
        let nobody = Schedule::new(Spacing::Evenly, 1, 0, Instant::from_micros(1));
        assert_eq!(nobody.next_at(), Instant::FAR_FUTURE);
        assert_eq!(nobody.sent_by_first(), 0);
    }

    #[test]
    fn what_the_first_publisher_has_sent_is_known_in_the_middle_of_a_round() {
        let mut schedule = Schedule::new(Spacing::Evenly, 1_000_000, 3, Instant::from_micros(1));
        let mut sent = Vec::new();
        for _ in 0..5 {
            schedule.take();
            sent.push(schedule.sent_by_first());
        }
        assert_eq!(sent, [1, 1, 1, 2, 2]);
    }
}
