/// Unwraps the 33-bit times of one program onto a 64-bit clock of 90 kHz.
///
/// The first time keeps its value; each further one becomes the number nearest to the
/// time before. Times may go below zero when the first was just behind a wrap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    last: Option<i64>,
}

impl Timeline {
    /// Where the 33-bit clock wraps.
    pub const PERIOD: i64 = 1 << 33;

    /// A timeline that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// The 64-bit time of a 33-bit one.
    pub fn unwrap(&mut self, wire: u64) -> i64 {
        let time = match self.last {
            None => (wire % Self::PERIOD.cast_unsigned()).cast_signed(),
            Some(last) => Self::nearest(wire, last),
        };
        self.last = Some(time);
        time
    }

    /// The number nearest to `reference` whose low 33 bits are `wire`.
    #[must_use]
    pub const fn nearest(wire: u64, reference: i64) -> i64 {
        let ahead = wire
            .cast_signed()
            .wrapping_sub(reference)
            .rem_euclid(Self::PERIOD);
        let step = if ahead >= Self::PERIOD / 2 {
            ahead - Self::PERIOD
        } else {
            ahead
        };
        reference.saturating_add(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_behind_the_first_goes_below_zero() {
        let mut timeline = Timeline::new();
        assert_eq!(timeline.unwrap(5), 5);
        assert_eq!(timeline.unwrap(Timeline::PERIOD.cast_unsigned() - 7), -7);
    }

    proptest! {
        #[test]
        fn steps_are_kept_across_any_number_of_wraps(
            start in 0..Timeline::PERIOD,
            steps in prop::collection::vec(-900_000_i64..Timeline::PERIOD / 2, 0..50),
        ) {
            let mut timeline = Timeline::new();
            timeline.unwrap(start.cast_unsigned());
            let mut time = start;
            for step in steps {
                time += step;
                let wire = time.rem_euclid(Timeline::PERIOD).cast_unsigned();
                prop_assert_eq!(timeline.unwrap(wire), time);
            }
        }
    }
}
