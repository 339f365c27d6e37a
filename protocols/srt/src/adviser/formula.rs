use super::window::Observed;
use tidegate_units::{Bitrate, Duration};

/// So many packets an hour may stay lost.
const UNRECOVERED_PER_HOUR: f64 = 1.0;
/// Fewer round trips than this are not advised where packets are lost, and where none are: the
/// rule of the field, and room for a loss that has not happened yet.
const ROUNDS_LEAST: u32 = 4;
const ROUNDS_WITHOUT_LOSS: u32 = 3;
/// More rounds than this help nobody.
const ROUNDS_MAX: u32 = 20;
/// How much of the measured mean jitter the arrivals may be late.
const JITTERS: u32 = 3;
/// Timers and scheduling on both sides.
const MARGIN: Duration = Duration::from_millis(10);
/// Longest latency that can be negotiated.
const LATENCY_MAX: Duration = Duration::from_secs(8);
/// Repetitions may be lost as well, and come in clusters.
const OVERHEAD_PER_LOSS: f64 = 1.65;
const OVERHEAD_PERCENT_LEAST: u32 = 25;
const OVERHEAD_PERCENT_MAX: u32 = 100;

/// What a link needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// Not rounded.
    pub(super) latency: Duration,
    /// What the measurements ask for, however little that is.
    pub(super) measured: Duration,
    /// Round trips in it.
    pub(super) rounds: u32,
    /// Round trips that the loss alone asks for.
    pub(super) rounds_for_loss: u32,
    /// The latency comes from the least there is at this loss.
    pub(super) is_least: bool,
    pub(super) overhead_percent: u32,
}

impl Needs {
    pub(super) fn of(observed: &Observed) -> Self {
        let rounds_for_loss = rounds_for(observed);
        let rounds = if observed.loss > 0.0 {
            rounds_for_loss.max(ROUNDS_LEAST)
        } else {
            ROUNDS_WITHOUT_LOSS
        };
        let wanted = observed.rtt * rounds + observed.burst + observed.jitter * JITTERS + MARGIN;
        let least = least_latency(observed.loss);
        let latency = wanted.max(least).min(LATENCY_MAX);
        Self {
            latency,
            measured: wanted,
            rounds,
            rounds_for_loss,
            is_least: wanted < least,
            overhead_percent: overhead_percent(observed, latency),
        }
    }

    /// The latency as people set it: to ten milliseconds, later to fifty and a hundred.
    pub(super) fn rounded(&self) -> Duration {
        let millis = self.latency.as_micros().div_ceil(1000);
        let step = match millis {
            0..=500 => 10,
            501..=1000 => 50,
            _ => 100,
        };
        let millis = u64::try_from(millis.next_multiple_of(step)).unwrap_or(u64::MAX);
        Duration::from_millis(millis).min(LATENCY_MAX)
    }

    /// What the path must carry.
    pub(super) fn bandwidth(&self, observed: &Observed) -> Bitrate {
        let percent = u64::from(100 + self.overhead_percent);
        Bitrate::from_bps(observed.rate.as_bps() / 100 * percent)
    }
}

/// The least number of round trips after which fewer packets are missing than allowed.
#[allow(clippy::cast_precision_loss, reason = "a probability")]
fn rounds_for(observed: &Observed) -> u32 {
    let hours = observed.span.as_secs_f64() / 3600.0;
    let per_hour = observed.packets as f64 / hours.max(f64::MIN_POSITIVE);
    let mut missing = per_hour;
    let mut rounds = 0;
    while missing > UNRECOVERED_PER_HOUR && rounds < ROUNDS_MAX {
        missing *= observed.loss;
        rounds += 1;
    }
    rounds
}

/// What the deployment guides set where the round trip is too short to matter.
fn least_latency(loss: f64) -> Duration {
    Duration::from_millis(match loss * 100.0 {
        percent if percent <= 1.0 => 60,
        percent if percent <= 3.0 => 80,
        percent if percent <= 7.0 => 100,
        _ => 120,
    })
}

/// What repetitions may add: for steady loss by its rate, and for a burst so much that it is
/// made good within the latency.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a percentage"
)]
fn overhead_percent(observed: &Observed, latency: Duration) -> u32 {
    let steady = OVERHEAD_PER_LOSS * observed.loss / (1.0 - observed.loss).max(0.01);
    let burst = observed.burst.as_secs_f64() / latency.as_secs_f64().max(0.001);
    let percent = (steady.max(burst) * 100.0).ceil().clamp(0.0, 100.0) as u32;
    percent
        .next_multiple_of(5)
        .clamp(OVERHEAD_PERCENT_LEAST, OVERHEAD_PERCENT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(rtt_millis: u64, loss: f64, burst_millis: u64) -> Observed {
        let burst = Duration::from_millis(burst_millis);
        Observed {
            span: Duration::from_secs(60),
            packets: 60_000,
            rtt: Duration::from_millis(rtt_millis),
            jitter: Duration::ZERO,
            burst,
            longest_burst: burst,
            loss,
            unrecovered: 0,
            belated: 0,
            rate: Bitrate::from_bps(10_000_000),
        }
    }

    fn advised(rtt_millis: u64, loss: f64, burst_millis: u64) -> (u128, u32) {
        let needs = Needs::of(&link(rtt_millis, loss, burst_millis));
        (needs.rounded().as_millis(), needs.overhead_percent)
    }

    #[test]
    fn the_latency_grows_with_round_trip_loss_and_bursts() {
        assert_eq!(advised(48, 0.0, 0), (160, 25));
        assert_eq!(advised(48, 0.021, 9), (220, 25));
        assert_eq!(advised(48, 0.10, 9), (360, 25));
        assert_eq!(advised(48, 0.30, 9), (650, 75));
        assert_eq!(advised(48, 0.021, 200), (410, 50));
        assert_eq!(advised(200, 0.10, 9), (1500, 25));
    }

    #[test]
    fn short_round_trips_do_not_make_the_latency_vanish() {
        assert_eq!(advised(2, 0.0, 0), (60, 25));
        assert_eq!(advised(2, 0.08, 0), (120, 25));
    }

    #[test]
    fn a_hopeless_link_gets_the_most_there_is() {
        let (latency, overhead) = advised(600, 1.0, 0);
        assert_eq!((latency, overhead), (8000, 100));
    }
}
