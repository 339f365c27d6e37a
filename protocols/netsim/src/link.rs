use tidegate_units::Instant;

use crate::loss::LossState;
use crate::shaper::Shaper;
use crate::{Chance, LinkConfig};

/// One direction between two nodes: it decides what becomes of each datagram.
#[derive(Debug, Clone)]
pub struct Link {
    config: LinkConfig,
    chance: Chance,
    loss: LossState,
    shaper: Shaper,
    latest_arrival: Instant,
    figures: LinkFigures,
}

/// What becomes of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fate {
    /// When it arrives; none if it is lost.
    pub original: Option<Arrival>,
    /// When its copy arrives, where the link duplicates it.
    pub duplicate: Option<Arrival>,
}

/// One arrival of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// The bit (counted from the first byte's highest) that arrives flipped.
    pub flipped_bit: Option<u64>,
}

/// What a link did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkFigures {
    /// Datagrams put in.
    pub sent: u64,
    /// Their bytes (UDP payload).
    pub sent_bytes: u64,
    /// Datagrams lost to the loss model.
    pub lost: u64,
    /// Datagrams lost in an outage.
    pub lost_in_outage: u64,
    /// Datagrams lost because the bottleneck's queue was full.
    pub lost_in_queue: u64,
    /// Datagrams lost because they were longer than the link carries.
    pub too_long: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Datagrams, copies included, that arrive damaged.
    pub corrupted: u64,
}

impl Link {
    /// A link whose every decision comes from `chance`.
    #[must_use]
    pub fn new(chance: Chance, config: LinkConfig) -> Self {
        Self {
            loss: LossState::new(config.loss),
            config,
            chance,
            shaper: Shaper::default(),
            latest_arrival: Instant::ZERO,
            figures: LinkFigures::default(),
        }
    }

    /// Replaces the conditions from now on; what is under way is not touched.
    pub fn reconfigure(&mut self, config: LinkConfig) {
        if config.loss != self.config.loss {
            self.loss = LossState::new(config.loss);
        }
        self.config = config;
    }

    /// The present conditions.
    #[must_use]
    pub fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// What the link did so far.
    #[must_use]
    pub fn figures(&self) -> LinkFigures {
        self.figures
    }

    /// Decides what becomes of a datagram of this many bytes that is sent now.
    pub fn send(&mut self, now: Instant, datagram_bytes: usize) -> Fate {
        self.figures.sent += 1;
        self.figures.sent_bytes += datagram_bytes as u64;
        let Some(departs) = self.depart(now, datagram_bytes) else {
            return Fate::default();
        };
        let original = self.arrive(departs, datagram_bytes);
        let duplicate = self.chance.happens(self.config.duplication).then(|| {
            self.figures.duplicated += 1;
            self.arrive(departs, datagram_bytes)
        });
        Fate {
            original: Some(original),
            duplicate,
        }
    }

    /// When the datagram has passed everything that could lose it.
    fn depart(&mut self, now: Instant, datagram_bytes: usize) -> Option<Instant> {
        if self
            .config
            .largest_datagram_bytes
            .is_some_and(|largest| datagram_bytes > largest)
        {
            self.figures.too_long += 1;
            return None;
        }
        if self.config.outages.iter().any(|outage| outage.covers(now)) {
            self.figures.lost_in_outage += 1;
            return None;
        }
        if self.loss.loses(&mut self.chance) {
            self.figures.lost += 1;
            return None;
        }
        let Some(rate) = &self.config.rate else {
            return Some(now);
        };
        let departs = self.shaper.pass(now, rate, datagram_bytes as u64);
        self.figures.lost_in_queue += u64::from(departs.is_none());
        departs
    }

    fn arrive(&mut self, departs: Instant, datagram_bytes: usize) -> Arrival {
        let mut at = departs + self.config.delay + self.chance.duration(self.config.jitter);
        if !self.config.jitter_reorders {
            at = at.max(self.latest_arrival);
        }
        self.latest_arrival = self.latest_arrival.max(at);
        if self.chance.happens(self.config.reordering.probability) {
            // After the line above, so that those behind do not wait for this one.
            at += self.config.reordering.extra_delay;
        }
        Arrival {
            at,
            flipped_bit: self.flip(datagram_bytes),
        }
    }

    fn flip(&mut self, datagram_bytes: usize) -> Option<u64> {
        if datagram_bytes == 0 || !self.chance.happens(self.config.corruption) {
            return None;
        }
        self.figures.corrupted += 1;
        Some(self.chance.below(datagram_bytes as u64 * 8))
    }
}

#[cfg(test)]
mod tests;
