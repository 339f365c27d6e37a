//! What a connection's statistics say to the engine.

use std::collections::VecDeque;
use std::time::Duration;

use tidegate_engine::{AdvisedLatency, TransportFigures};
use tidegate_srt::{Advice, Adviser, Statistics, TooEarly};
use tidegate_units::Instant;

/// The time over which loss is shown.
const LOSS_WINDOW: Duration = Duration::from_secs(10);
/// Samples in that time, at four a second, and some to spare.
const LOSS_SAMPLES_MAX: usize = 64;

/// Packets missing at first over the last ten seconds.
#[derive(Debug, Default)]
struct LossWindow {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    received: u64,
    lost: u64,
}

impl LossWindow {
    /// Takes a snapshot in and answers with the loss in percent.
    fn note(&mut self, statistics: &Statistics) -> f64 {
        let total = &statistics.total;
        self.note_totals(
            statistics.at,
            total.packets_received_unique,
            total.packets_lost,
        )
    }

    fn note_totals(&mut self, at: Instant, received: u64, lost: u64) -> f64 {
        let sample = Sample { at, received, lost };
        let old = |first: &Sample| at.saturating_since(first.at) > LOSS_WINDOW;
        while self.samples.len() > LOSS_SAMPLES_MAX || self.samples.front().is_some_and(old) {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        let first = self.samples.front().copied().unwrap_or(sample);
        let lost = lost.saturating_sub(first.lost);
        // What was lost and then repaired is among those received.
        let expected = received.saturating_sub(first.received).max(lost);
        if expected == 0 {
            0.0
        } else {
            lost as f64 * 100.0 / expected as f64
        }
    }
}

/// What is kept of a source's connection to judge it by.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    loss: LossWindow,
    adviser: Adviser,
}

/// A source's figures, and what they advise.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) transport: TransportFigures,
    pub(crate) advice: Result<Advice, TooEarly>,
}

impl Watch {
    /// Takes a snapshot in.
    pub(crate) fn note(&mut self, statistics: &Statistics, host_drops: u64) -> Measured {
        let (total, instant) = (&statistics.total, &statistics.instant);
        self.adviser.note(statistics);
        let advice = self.adviser.advise(statistics.at, instant.receive_latency);
        let too_short = advice.as_ref().ok().filter(|advice| !advice.enough_now);
        let transport = TransportFigures {
            rtt: statistics.rtt_known.then_some(instant.rtt),
            jitter: Some(instant.jitter),
            latency: Some(instant.receive_latency),
            advised: too_short.map(|advice| AdvisedLatency {
                latency: advice.latency,
                rtt: advice.rtt,
                jitter: advice.jitter,
                loss_percent: advice.loss_percent,
            }),
            buffer: Some(instant.receive_buffer_time),
            loss_percent: Some(self.loss.note(statistics)),
            received: total.packets_received_unique,
            lost: total.packets_lost,
            unrecovered: total.packets_dropped,
            host_drops,
            paths: None,
        };
        Measured { transport, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_over_the_last_ten_seconds_and_recovers() {
        let mut window = LossWindow::default();
        let at = |quarter: u64| Instant::from_millis(250 * quarter);
        for quarter in 0..40 {
            window.note_totals(at(quarter), quarter * 100, quarter * 5);
        }
        let loss = window.note_totals(at(40), 4000, 200);
        assert!((loss - 5.0).abs() < 0.1, "{loss}");
        for quarter in 41..90 {
            window.note_totals(at(quarter), quarter * 100, 200);
        }
        assert!(window.note_totals(at(90), 9000, 200) < 0.01);
    }
}
