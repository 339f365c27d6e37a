//! How many packets reach one reader back to back.

use crate::histogram::Histogram;
use std::time::Duration;
use tidegate_units::Instant;

/// Packets that reach one reader within this time are one burst. A 6 Mbit/s stream has a
/// packet every 1.75 ms, so evenly sent its bursts are of one packet.
const TOGETHER: Duration = Duration::from_millis(1);

/// The sizes of a reader's bursts.
pub(crate) struct Bursts {
    /// When the newest burst began, and what it holds so far.
    newest: Option<(Instant, u64)>,
    sizes: Histogram,
}

impl Bursts {
    pub(crate) fn new() -> Self {
        Self {
            newest: None,
            sizes: Histogram::new(),
        }
    }

    /// A packet came.
    pub(crate) fn count(&mut self, at: Instant) {
        match &mut self.newest {
            Some((began, packets)) if at.saturating_since(*began) < TOGETHER => *packets += 1,
            newest => {
                if let Some((_, packets)) = newest.replace((at, 1)) {
                    self.sizes.record(packets);
                }
            }
        }
    }

    /// Packets per burst; the newest counts as it is.
    pub(crate) fn sizes(&self) -> Histogram {
        let mut sizes = self.sizes.clone();
        if let Some((_, packets)) = self.newest {
            sizes.record(packets);
        }
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn evenly_spaced_packets_are_bursts_of_one() {
        let mut bursts = Bursts::new();
        for packet in 0..100 {
            bursts.count(at(packet * 1755));
        }
        assert_eq!(bursts.sizes().count(), 100);
        assert_eq!(bursts.sizes().max(), 1);
    }

    #[test]
    fn packets_within_a_millisecond_are_one_burst_and_the_last_one_counts() {
        let mut bursts = Bursts::new();
        for micros in [0, 10, 999, 1000, 5000, 5001, 5002, 5003] {
            bursts.count(at(micros));
        }
        assert_eq!(bursts.sizes().count(), 3);
        assert_eq!(bursts.sizes().max(), 4);
    }

    #[test]
    fn a_dense_stream_is_cut_every_millisecond_instead_of_being_one_burst() {
        let mut bursts = Bursts::new();
        for packet in 0..1000 {
            bursts.count(at(packet * 210));
        }
        assert_eq!(bursts.sizes().max(), 5);
    }
}
