//! The clock reference of a packet, as far as two ways of one stream differ in it.

use core::num::NonZeroU16;
use tidegate_mpegts::Pcr;

/// What passes a stream on and sets its clock anew, moves it by less than this. Legs that are
/// further apart are no twins: a change between them would be a leap of the clock.
const NEAR_MICROS: i64 = 5_000;
/// How exactly it is remembered: two bytes reach for 6.5 seconds.
const UNIT_MICROS: i64 = 100;
const UNIT_TICKS: u64 = Pcr::HERTZ / 1_000_000 * UNIT_MICROS as u64;
const PERIOD: u16 = u16::MAX;

/// A moment of a stream's own clock, told from others within a few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock(NonZeroU16);

impl Clock {
    pub(super) fn of(pcr: Pcr) -> Self {
        let unit = (pcr.0 / UNIT_TICKS % u64::from(PERIOD)) as u16;
        Self(NonZeroU16::MIN.saturating_add(unit))
    }

    /// How much later than another it is, in microseconds.
    pub(super) fn micros_from(self, other: Self) -> i64 {
        let period = i64::from(PERIOD);
        let ahead = (i64::from(self.0.get()) - i64::from(other.0.get())).rem_euclid(period);
        let ahead = if ahead > period / 2 {
            ahead - period
        } else {
            ahead
        };
        ahead * UNIT_MICROS
    }

    /// Whether two clocks that far apart may be one that was set anew on the way.
    pub(super) const fn is_near(micros: i64) -> bool {
        micros.abs() <= NEAR_MICROS
    }

    /// Whether this and another may be one that was set anew on the way.
    pub(super) fn is_near_to(self, other: Self) -> bool {
        Self::is_near(self.micros_from(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: u64) -> Clock {
        Clock::of(Pcr(micros * 27))
    }

    #[test]
    fn distances_are_told_across_the_wrap() {
        for begin in [0, 6_553_300, 6_553_400, 100_000_000_000] {
            for step in [0, 100, 5_000, 40_000, 3_000_000] {
                let (a, b) = (micros(begin), micros(begin + step));
                assert_eq!(b.micros_from(a), step as i64, "{begin} {step}");
                assert_eq!(a.micros_from(b), -(step as i64), "{begin} {step}");
                assert_eq!(a.is_near_to(b), step <= 5_000);
            }
        }
    }

    #[test]
    fn it_takes_two_bytes() {
        assert_eq!(size_of::<Option<Clock>>(), 2);
    }
}
