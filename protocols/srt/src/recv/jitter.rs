use crate::wire::Timestamp;
use tidegate_units::{Duration, Instant};

/// Each packet moves the estimate by a sixteenth of its deviation (RFC 3550, 6.4.1).
const WEIGHT: u64 = 16;
/// A deviation beyond this is a pause or a clock step, not jitter.
const MAX_DEVIATION_MICROS: u64 = 1_000_000;

/// How much packet timing varies: arrivals against the sender's timestamps.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    last_transit: Option<u32>,
    scaled_micros: u64,
}

impl Jitter {
    /// A packet arrived that was sent for the first time.
    pub(crate) fn add(&mut self, now: Instant, timestamp: Timestamp) {
        // Only differences of transit times count, so the clocks' offset cancels out.
        #[allow(clippy::cast_possible_truncation, reason = "arithmetic modulo 2^32")]
        let transit = (now.as_micros() as u32).wrapping_sub(timestamp.as_micros());
        let Some(last) = self.last_transit.replace(transit) else {
            return;
        };
        let deviation = u64::from(transit.wrapping_sub(last).cast_signed().unsigned_abs());
        if deviation <= MAX_DEVIATION_MICROS {
            self.scaled_micros = self.scaled_micros - self.scaled_micros / WEIGHT + deviation;
        }
    }

    pub(crate) const fn value(&self) -> Duration {
        Duration::from_micros(self.scaled_micros / WEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_spacing_has_none_and_uneven_spacing_has_some() {
        let mut even = Jitter::default();
        let mut uneven = Jitter::default();
        for packet in 0..200_u32 {
            let sent = Timestamp::new(u32::MAX.wrapping_add(packet * 1000));
            let at = 5_000_000 + u64::from(packet) * 1000;
            even.add(Instant::from_micros(at), sent);
            uneven.add(Instant::from_micros(at + u64::from(packet % 2) * 400), sent);
        }
        assert_eq!(even.value(), Duration::ZERO);
        let jitter = uneven.value().as_micros();
        assert!((380..=400).contains(&jitter), "{jitter} us");
    }
}
