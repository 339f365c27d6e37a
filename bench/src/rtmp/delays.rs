//! How late pictures came.

use super::pictures::Print;
use crate::publishers::Published;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;
use tidegate_units::Instant;

/// The last pictures may still be under way when everything ends.
const TAIL: Duration = Duration::from_secs(2);

/// From when a picture's last packet was sent by SRT to the picture's arrival by RTMP, whatever
/// is waited for in between.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Delays {
    pub(super) pictures: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// Pictures that never came.
    pub(super) missing: usize,
}

impl Delays {
    /// Of the pictures sent `settle` after the first packet or later. `ends` says which packet
    /// is the last of a picture.
    pub(super) fn of(
        ends: &HashMap<Print, usize>,
        published: &Published,
        seen: &[(Print, Instant)],
        settle: Duration,
    ) -> Self {
        let came: HashMap<Print, Instant> = seen.iter().copied().collect();
        let (Some(first), Some(last)) = (published.sent.first(), published.sent.last()) else {
            return Self::from(Vec::new(), 0);
        };
        let (mut delays, mut missing) = (Vec::new(), 0);
        for (print, end) in ends {
            let Some(sent) = published.sent.get(*end) else {
                continue;
            };
            if *sent < *first + settle || *sent + TAIL > *last {
                continue;
            }
            match came.get(print) {
                Some(came) => delays.push(came.saturating_since(*sent)),
                None => missing += 1,
            }
        }
        Self::from(delays, missing)
    }

    fn from(mut delays: Vec<Duration>, missing: usize) -> Self {
        delays.sort_unstable();
        let at = |percent: usize| {
            let index = delays.len().saturating_sub(1) * percent / 100;
            let delay = delays.get(index).copied().unwrap_or_default();
            delay.as_secs_f64() * 1000.0
        };
        Self {
            pictures: delays.len(),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
            missing,
        }
    }

    /// Why they are no figure.
    pub(super) fn refusal(&self) -> Option<String> {
        let missing = self.missing;
        if self.pictures == 0 {
            return Some("no picture came".to_owned());
        }
        (missing > 0).then(|| format!("{missing} pictures never came"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    #[test]
    fn a_picture_is_measured_from_its_last_packet_and_one_that_never_came_is_missing() {
        let published = Published {
            worst_lateness: Duration::ZERO,
            sent: (0..1000).map(|number| at(1000 + number * 10)).collect(),
        };
        let ends = HashMap::from([(1, 5), (2, 300), (3, 400), (4, 990)]);
        // The first is too early, the last too late to count.
        let seen = [(1, at(99)), (2, at(4000 + 5))];
        let delays = Delays::of(&ends, &published, &seen, Duration::from_secs(1));
        assert_eq!((delays.pictures, delays.missing), (1, 1));
        assert!((delays.p50_ms - 5.0).abs() < 0.01, "{delays:?}");
        assert!(delays.refusal().is_some());
    }
}
