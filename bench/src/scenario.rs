//! The scenarios: what publishers and readers do.

use crate::load::Spacing;
use serde::Serialize;

/// The payload rate of most streams.
pub(crate) const USUAL_BPS: u64 = 6_000_000;
/// The latency that clients and servers are set to.
pub(crate) const LATENCY_MS: u64 = 120;
/// The passphrase of readers who have one.
pub(crate) const READ_PASSPHRASE: &str = "an-honest-passphrase";

/// What publishers and readers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scenario {
    /// By which it is asked for.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) publishers: usize,
    /// All of the first publisher's stream.
    pub(crate) readers: usize,
    pub(crate) rate_bps: u64,
    pub(crate) spacing: Spacing,
    /// Packets are to leave at once, and not when they are due.
    pub(crate) low_delay: bool,
    /// Readers ask for AES-128.
    pub(crate) is_encrypted: bool,
}

/// One publisher and one reader of 6 Mbit/s: what the others differ from.
const USUAL: Scenario = Scenario {
    name: "relay",
    title: "1 → 1",
    publishers: 1,
    readers: 1,
    rate_bps: USUAL_BPS,
    spacing: Spacing::Evenly,
    low_delay: false,
    is_encrypted: false,
};

/// Everything that `run` measures.
pub(crate) const ALL: [Scenario; 11] = [
    Scenario {
        name: "publishers",
        title: "100 publishers",
        publishers: 100,
        readers: 0,
        ..USUAL
    },
    Scenario {
        name: "publishers-bursts",
        title: "100 publishers, 10 ms bursts",
        publishers: 100,
        readers: 0,
        spacing: Spacing::Bursts,
        ..USUAL
    },
    Scenario {
        name: "publishers-10",
        title: "10 publishers",
        publishers: 10,
        readers: 0,
        ..USUAL
    },
    Scenario {
        name: "readers",
        title: "1 → 100",
        readers: 100,
        ..USUAL
    },
    Scenario {
        name: "readers-aes",
        title: "1 → 100, each AES-128",
        readers: 100,
        is_encrypted: true,
        ..USUAL
    },
    Scenario {
        name: "readers-10",
        title: "1 → 10",
        readers: 10,
        ..USUAL
    },
    Scenario {
        name: "readers-low-delay",
        title: "1 → 10, low delay",
        readers: 10,
        low_delay: true,
        ..USUAL
    },
    USUAL,
    Scenario {
        name: "relay-low-delay",
        title: "1 → 1, low delay",
        low_delay: true,
        ..USUAL
    },
    Scenario {
        name: "relay-50",
        title: "1 → 1, 50 Mbit/s",
        rate_bps: 50_000_000,
        ..USUAL
    },
    Scenario {
        name: "relay-50-bursts",
        title: "1 → 1, 50 Mbit/s, 10 ms bursts",
        rate_bps: 50_000_000,
        spacing: Spacing::Bursts,
        ..USUAL
    },
];

impl Scenario {
    /// Gigabits carried in so many seconds: out where there are readers, in where there are
    /// none.
    pub(crate) fn gigabits(&self, seconds: f64) -> f64 {
        self.rate_bps as f64 * self.streams() * seconds / 1e9
    }

    /// Packets carried in a second, counted in the same way.
    pub(crate) fn packets_per_second(&self) -> f64 {
        self.gigabits(1.0) * 1e9 / 8.0 / crate::payload::PAYLOAD_BYTES as f64
    }

    /// What a packet is meant to take: until it is due, or no time.
    pub(crate) fn intended_delay_ms(&self) -> f64 {
        if self.low_delay {
            0.0
        } else {
            LATENCY_MS as f64
        }
    }

    fn streams(&self) -> f64 {
        if self.readers > 0 {
            self.readers as f64
        } else {
            self.publishers as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_carried_is_what_goes_out_or_comes_in_where_nothing_goes_out() {
        let find = |name| ALL.into_iter().find(|scenario| scenario.name == name);
        let readers = find("readers").unwrap();
        assert!((readers.gigabits(10.0) - 6.0).abs() < 1e-9);
        assert!((readers.packets_per_second() - 56_990.9).abs() < 0.1);
        let publishers = find("publishers").unwrap();
        assert!((publishers.gigabits(10.0) - 6.0).abs() < 1e-9);
    }

    #[test]
    fn every_name_is_given_once() {
        let names: BTreeSet<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
