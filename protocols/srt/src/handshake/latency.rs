//! Who waits how long: the rules of latency negotiation.

use tidegate_units::Duration;

use crate::wire::HsExtension;

/// The latencies one side wants, or both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How long this side holds what it receives.
    pub receive: Duration,
    /// How long the peer holds what it receives.
    pub peer: Duration,
}

impl Latency {
    /// What a request carries.
    pub(crate) fn to_millis(self) -> (u16, u16) {
        (millis(self.receive), millis(self.peer))
    }

    /// The responder decides: for each direction the longer of both wishes, but no longer
    /// than `limit` unless this side itself wants more.
    #[must_use]
    pub fn agree(self, request: &HsExtension, limit: Duration) -> Self {
        let longer = |ours: Duration, theirs: u16| ours.max(from_millis(theirs).min(limit));
        let agreed = Self {
            receive: longer(self.receive, request.send_latency_millis),
            peer: longer(self.peer, request.receive_latency_millis),
        };
        // The wire counts milliseconds, and both sides must mean the same.
        Self {
            receive: from_millis(millis(agreed.receive)),
            peer: from_millis(millis(agreed.peer)),
        }
    }

    /// The initiator takes what the responder decided.
    #[must_use]
    pub fn decided(response: &HsExtension) -> Self {
        Self {
            receive: from_millis(response.send_latency_millis),
            peer: from_millis(response.receive_latency_millis),
        }
    }
}

fn from_millis(millis: u16) -> Duration {
    Duration::from_millis(u64::from(millis))
}

/// Rounded up: nobody gets less than was asked for.
fn millis(latency: Duration) -> u16 {
    u16::try_from(latency.as_micros().div_ceil(1000)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HsFlags, SrtVersion};

    const LIMIT: Duration = Duration::from_secs(8);

    fn wish(receive: u64, peer: u64) -> Latency {
        Latency {
            receive: Duration::from_millis(receive),
            peer: Duration::from_millis(peer),
        }
    }

    fn extension(receive_latency_millis: u16, send_latency_millis: u16) -> HsExtension {
        let (version, flags) = (SrtVersion::OURS, HsFlags::LIVE);
        HsExtension {
            version,
            flags,
            receive_latency_millis,
            send_latency_millis,
        }
    }

    #[test]
    fn each_direction_takes_the_longer_of_both_wishes() {
        assert_eq!(
            wish(120, 0).agree(&extension(300, 500), LIMIT),
            wish(500, 300)
        );
        assert_eq!(
            wish(120, 400).agree(&extension(20, 0), LIMIT),
            wish(120, 400)
        );
    }

    #[test]
    fn a_stranger_cannot_ask_for_more_than_the_limit_but_the_operator_can() {
        assert_eq!(
            wish(120, 0).agree(&extension(60_000, 60_000), LIMIT),
            wish(8000, 8000)
        );
        assert_eq!(
            wish(10_000, 0).agree(&extension(0, 9000), LIMIT),
            wish(10_000, 0)
        );
    }

    #[test]
    fn the_initiator_reads_the_response_from_its_own_side() {
        assert_eq!(Latency::decided(&extension(500, 300)), wish(300, 500));
    }

    #[test]
    fn fractions_of_a_millisecond_are_rounded_up() {
        let odd = Latency {
            receive: Duration::from_micros(1500),
            peer: Duration::ZERO,
        };
        assert_eq!(odd.agree(&extension(0, 0), LIMIT), wish(2, 0));
        assert_eq!(odd.to_millis(), (2, 0));
    }
}
