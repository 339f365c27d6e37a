use core::fmt;
use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::time::Duration;

/// A moment on a monotonic clock, in microseconds since the clock's own start.
///
/// The start is whatever the owner of the clock chose (the process start, or zero in
/// the simulator), so two instants compare only within one clock. Unlike
/// [`std::time::Instant`] it can be constructed, printed and written into a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The clock's own start.
    pub const ZERO: Self = Self(0);
    /// Later than anything a clock will ever show.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The moment `micros` microseconds after the clock's start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The moment `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1000)
    }

    /// Microseconds since the clock's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Signed microseconds from `other` to `self`.
    #[must_use]
    pub const fn micros_from(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// This moment moved by a signed number of microseconds, stopping at the clock's start.
    #[must_use]
    pub const fn offset_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add_signed(micros))
    }
}

/// Two multiplications less than through [`Duration::as_micros`], and this runs for every packet.
const fn micros(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000);
    whole.saturating_add(duration.subsec_micros() as u64)
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(micros(rhs)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(micros(rhs)))
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, rhs: Duration) {
        *self = *self - rhs;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_never_underflows() {
        let early = Instant::from_micros(5);
        let late = Instant::from_micros(12);
        assert_eq!(late.saturating_since(early), Duration::from_micros(7));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(early.micros_from(late), -7);
    }

    #[test]
    fn an_offset_stops_at_the_start() {
        assert_eq!(Instant::from_micros(5).offset_micros(-9), Instant::ZERO);
    }

    #[test]
    fn it_prints_seconds() {
        assert_eq!(Instant::from_micros(1_000_042).to_string(), "1.000042s");
    }
}
