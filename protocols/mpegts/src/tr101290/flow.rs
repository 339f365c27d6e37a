use tidegate_units::{Duration, Instant};

/// A pause on arrival longer than this says something about the network, not about the stream:
/// only so much of it counts as time of the stream.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The clock that ages within a stream are measured by: the time of arrival without its pauses.
///
/// What a pause holds up comes all at once behind it, so nothing in the stream has grown older
/// by the pause. A stream that stops altogether is seen on arrival.
///
/// ```text
///   arrival  ||||||||||||||||                    ||||||||||||||||||||
///   flow     0 ………… 300 ms   │← counts 100 ms →│ 400 ms …………
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    last_arrival: Option<Instant>,
    now: Instant,
}

impl Flow {
    /// Something came.
    pub(crate) fn advance(&mut self, arrived: Instant) {
        let Some(last) = self.last_arrival.replace(arrived) else {
            return;
        };
        self.now += arrived.saturating_since(last).min(LONGEST_PAUSE);
    }

    /// The time of the stream at what came last.
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_for_no_more_than_a_tenth_of_a_second() {
        let mut flow = Flow::default();
        for millis in [5000, 5020, 5040, 6040, 6060, 6050] {
            flow.advance(Instant::from_millis(millis));
        }
        assert_eq!(flow.now(), Instant::from_millis(40 + 100 + 20));
    }
}
