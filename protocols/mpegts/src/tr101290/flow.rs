use tidegate_units::Instant;

/// A pause on arrival longer than this says something about the network, not about the stream:
/// only so much of it counts as time of the stream, in microseconds.
const LONGEST_PAUSE: u64 = 100_000;

/// The clock that ages within a stream are measured by: the time of arrival without its pauses.
///
/// What a pause holds up comes all at once behind it, so nothing in the stream has grown older
/// by the pause. A stream that stops altogether is seen on arrival.
///
/// ```text
///   arrival  ||||||||||||||||                    ||||||||||||||||||||
///   flow     0 ………… 300 ms   │← counts 100 ms →│ 400 ms …………
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// When something came last, in microseconds; before that, the end of time.
    last_arrival: u64,
    micros: u64,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            last_arrival: u64::MAX,
            micros: 0,
        }
    }
}

impl Flow {
    /// Something came.
    pub(crate) fn advance(&mut self, arrived: Instant) {
        let arrived = arrived.as_micros();
        let pause = arrived.saturating_sub(self.last_arrival);
        self.last_arrival = arrived;
        self.micros += pause.min(LONGEST_PAUSE);
    }

    /// The time of the stream at what came last.
    pub(crate) const fn now(&self) -> Instant {
        Instant::from_micros(self.micros)
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
