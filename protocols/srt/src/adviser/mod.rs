//! What latency and overhead a link needs, from what was measured on it.
//!
//! ```text
//!  Statistics, a few times a second ──▶ Window (60 × 10 s) ──▶ Observed ──▶ Advice
//!                                       the worst of each     95th        a formula,
//!                                       ten seconds           percentile  and why
//! ```
//!
//! A packet that is lost with probability `p`, and whose repetitions are lost as often, is
//! still missing after `n` round trips with about `pⁿ`. The advice is the least `n` that leaves
//! less than one packet in an hour, as time: `n × RTT`, and on top of it what a burst lasts,
//! since nothing is repeated while it does, and what the arrivals vary.

mod formula;
mod why;
mod window;

use crate::statistics::Statistics;
use formula::Needs;
use tidegate_units::{Bitrate, Duration, Instant};
use window::Window;

/// Less than this says nothing about a link.
const MEASURED_LEAST: Duration = Duration::from_secs(30);
/// Fewer packets cannot show a loss that matters.
const PACKETS_LEAST: u64 = 2000;

/// Measures one receiving connection, and advises its latency.
#[derive(Debug, Default)]
pub struct Adviser {
    window: Window,
}

/// What to set.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The latency to set, on either side: the larger value counts.
    pub latency: Duration,
    /// What retransmissions may add to the stream, in percent.
    pub overhead_percent: u32,
    /// What the path must carry with it, headers included.
    pub bandwidth: Bitrate,
    /// The round-trip time it was reckoned from.
    pub rtt: Duration,
    /// How much the arrivals vary.
    pub jitter: Duration,
    /// Share of the packets that were lost on the way, in percent.
    pub loss_percent: f64,
    /// Whether the latency in force covers what was measured.
    pub enough_now: bool,
    /// The figures behind it, in sentences.
    pub why: Vec<String>,
}

/// There is no advice yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not enough data yet: {} of {} seconds measured",
    .measured.as_secs(), MEASURED_LEAST.as_secs()
)]
pub struct TooEarly {
    /// How long has been measured, at most the time that is needed.
    pub measured: Duration,
}

impl Adviser {
    /// Takes in figures of the connection, a few times a second.
    pub fn note(&mut self, statistics: &Statistics) {
        self.window.note(statistics);
    }

    /// What to set instead of `latency`, which is in force.
    ///
    /// # Errors
    /// It has not measured long enough.
    pub fn advise(&self, now: Instant, latency: Duration) -> Result<Advice, TooEarly> {
        let observed = self.window.observed(now).filter(|observed| {
            observed.span >= MEASURED_LEAST && observed.packets >= PACKETS_LEAST
        });
        let Some(observed) = observed else {
            let measured = self.window.span(now).min(MEASURED_LEAST);
            return Err(TooEarly { measured });
        };
        let needs = Needs::of(&observed);
        Ok(Advice {
            latency: needs.rounded(),
            overhead_percent: needs.overhead_percent,
            bandwidth: needs.bandwidth(&observed),
            rtt: observed.rtt,
            jitter: observed.jitter,
            loss_percent: observed.loss * 100.0,
            enough_now: latency >= needs.measured,
            why: why::sentences(&observed, &needs, latency),
        })
    }
}
