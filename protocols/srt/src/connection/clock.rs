use crate::wire::Timestamp;
use tidegate_units::{Duration, Instant};

/// A connection's clock starts this long before the connection: what is relayed to a new
/// reader may have originated earlier, and no timestamp may be negative.
const LEAD: Duration = Duration::from_secs(10);

/// The clock that a connection's timestamps are read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketClock {
    zero_micros: i64,
}

impl SocketClock {
    /// The clock of a connection made at `now`; `first_micros` is for simulations, what it
    /// shows then.
    pub(crate) fn new(now: Instant, first_micros: u32) -> Self {
        let lead = i64::try_from(LEAD.as_micros()).unwrap_or(0);
        let shows = if first_micros == 0 {
            lead
        } else {
            i64::from(first_micros)
        };
        Self {
            zero_micros: now.as_micros().cast_signed() - shows,
        }
    }

    /// What the clock showed at `at`; what was before its start counts as its start.
    pub(crate) fn stamp(&self, at: Instant) -> Timestamp {
        let elapsed = at
            .as_micros()
            .cast_signed()
            .saturating_sub(self.zero_micros)
            .max(0);
        #[allow(clippy::cast_possible_truncation, reason = "the wire's counter wraps")]
        Timestamp::new(elapsed.cast_unsigned() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_originated_before_the_connection_has_an_earlier_stamp() {
        let clock = SocketClock::new(Instant::from_millis(500), 0);
        assert_eq!(
            clock.stamp(Instant::from_millis(500)),
            Timestamp::new(10_000_000)
        );
        assert_eq!(clock.stamp(Instant::ZERO), Timestamp::new(9_500_000));
        let clock = SocketClock::new(Instant::from_millis(20_000), 0);
        assert_eq!(clock.stamp(Instant::ZERO), Timestamp::new(0));
    }

    #[test]
    fn it_can_start_just_before_the_wrap() {
        let clock = SocketClock::new(Instant::ZERO, u32::MAX);
        assert_eq!(clock.stamp(Instant::from_micros(3)), Timestamp::new(2));
    }
}
