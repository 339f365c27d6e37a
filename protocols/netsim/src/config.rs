use core::time::Duration;

use tidegate_units::{Bitrate, Instant};

use crate::Probability;

/// One direction of a link. The default is a perfect wire: no delay, no limit, no fault.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkConfig {
    /// Time every datagram needs, before jitter.
    pub delay: Duration,
    /// Each datagram needs up to this much longer, uniformly.
    pub jitter: Duration,
    /// Whether jitter may let a datagram overtake another. When not, a late datagram
    /// holds up those behind it, as a router's queue does.
    pub jitter_reorders: bool,
    /// Which datagrams are lost.
    pub loss: Loss,
    /// Datagrams that are held back on top of everything else, so that later ones overtake.
    pub reordering: Reordering,
    /// How often a datagram arrives twice, the copy with a delay of its own.
    pub duplication: Probability,
    /// How often one bit of a datagram arrives flipped.
    pub corruption: Probability,
    /// What the bottleneck carries; none is without limit.
    pub rate: Option<Rate>,
    /// Datagrams (UDP payloads) longer than this are lost; none is without limit.
    pub largest_datagram_bytes: Option<usize>,
    /// Times in which everything that is sent is lost.
    pub outages: Vec<Outage>,
}

/// How datagrams are lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Every datagram arrives.
    None,
    /// Each datagram is lost with this probability, whatever happened to the one before.
    Random(Probability),
    /// Gilbert–Elliott: losses come in bursts.
    Bursts {
        /// The share of datagrams lost in the long run.
        mean: Probability,
        /// How many datagrams in a row a burst takes on average; at least 1.
        mean_burst_packets: f64,
    },
    /// The datagrams with these ordinal numbers (from 0) are lost; for tests of one loss.
    Nth {
        /// The first that is lost.
        first: u64,
        /// How many in a row.
        count: u64,
    },
}

/// Datagrams held back so that others overtake them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reordering {
    /// How many are held back.
    pub probability: Probability,
    /// For how much longer than the others they travel.
    pub extra_delay: Duration,
}

/// A bottleneck with a queue in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How fast it drains.
    pub bitrate: Bitrate,
    /// A datagram that finds more than this waiting is lost (tail drop).
    pub queue_bytes: u64,
    /// Bytes of lower layers that every datagram costs beside its own (IPv4 and UDP: 28).
    pub overhead_bytes: u64,
}

/// A time in which the link is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The first dead moment.
    pub from: Instant,
    /// The first moment alive again.
    pub until: Instant,
}

impl Outage {
    /// An outage of `length` that begins at `from`.
    #[must_use]
    pub fn of(from: Instant, length: Duration) -> Self {
        Self {
            from,
            until: from + length,
        }
    }

    /// Whether `now` is inside.
    #[must_use]
    pub fn covers(&self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }
}

impl LinkConfig {
    /// A clean wire of this delay.
    #[must_use]
    pub fn delayed(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// The same link with independent losses.
    #[must_use]
    pub fn losing(mut self, share: Probability) -> Self {
        self.loss = Loss::Random(share);
        self
    }

    /// The same link with losses in bursts.
    #[must_use]
    pub fn losing_in_bursts(mut self, mean: Probability, mean_burst_packets: f64) -> Self {
        self.loss = Loss::Bursts {
            mean,
            mean_burst_packets,
        };
        self
    }

    /// The same link with jitter that reorders.
    #[must_use]
    pub fn jittering(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self.jitter_reorders = true;
        self
    }

    /// The same link with one more outage.
    #[must_use]
    pub fn with_outage(mut self, outage: Outage) -> Self {
        self.outages.push(outage);
        self
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            jitter_reorders: false,
            loss: Loss::None,
            reordering: Reordering::default(),
            duplication: Probability::NEVER,
            corruption: Probability::NEVER,
            rate: None,
            largest_datagram_bytes: None,
            outages: Vec::new(),
        }
    }
}
