use core::net::{IpAddr, SocketAddr};

use tidegate_units::{Duration, Instant};

use super::wire::{ACK_BYTES, ACKNOWLEDGED};
use crate::wire::SequenceNumber;

/// A link not heard for so long is told apart from those that work; a sender gives one up
/// after the same time.
const SILENT_AFTER: Duration = Duration::from_secs(4);
/// A link not heard for so long is lost.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// The most a link's address can have to its credit.
const CREDIT_BYTES_MAX: usize = 256 << 10;

/// How a link is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkState {
    /// It was heard within the last four seconds.
    Active,
    /// It was not.
    Silent,
    /// It was not heard for ten seconds, and nothing is sent to it any more.
    Lost,
}

/// One link of a bundle, for the statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// Where its packets come from.
    pub address: SocketAddr,
    /// How it is doing.
    pub state: LinkState,
    /// SRT packets that came over it.
    pub packets: u64,
    /// Their bytes, without IP and UDP headers.
    pub bytes: u64,
    /// When it joined.
    pub joined: Instant,
    /// When anything last came over it.
    pub last_heard: Instant,
}

/// One link of a bundle.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) address: SocketAddr,
    /// The local address it calls.
    pub(super) local: Option<IpAddr>,
    pub(super) last_heard: Instant,
    /// It is silent, and another one has joined since.
    pub(super) replaced: bool,
    joined: Instant,
    packets: u64,
    bytes: u64,
    /// Bytes that came and were not answered by as many.
    credit_bytes: usize,
    /// Data packets not acknowledged yet.
    received: [SequenceNumber; ACKNOWLEDGED],
    received_count: usize,
}

impl Link {
    pub(super) fn new(now: Instant, address: SocketAddr, local: Option<IpAddr>) -> Self {
        Self {
            address,
            local,
            last_heard: now,
            replaced: false,
            joined: now,
            packets: 0,
            bytes: 0,
            credit_bytes: 0,
            received: [SequenceNumber::new(0); ACKNOWLEDGED],
            received_count: 0,
        }
    }

    /// Something came over it.
    pub(super) fn hear(&mut self, now: Instant, bytes: usize) {
        self.last_heard = self.last_heard.max(now);
        self.replaced = false;
        self.credit_bytes = (self.credit_bytes + bytes).min(CREDIT_BYTES_MAX);
    }

    /// An SRT packet came over it.
    pub(super) fn carry(&mut self, now: Instant, bytes: usize) {
        self.hear(now, bytes);
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    /// Notes a data packet; every tenth gives the ten to be acknowledged.
    pub(super) fn note_data(
        &mut self,
        sequence: SequenceNumber,
    ) -> Option<&[SequenceNumber; ACKNOWLEDGED]> {
        self.received[self.received_count] = sequence;
        self.received_count += 1;
        if self.received_count < ACKNOWLEDGED {
            return None;
        }
        self.received_count = 0;
        self.spend(ACK_BYTES).then_some(&self.received)
    }

    /// Spends credit on a datagram; false if there is too little.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let left = self.credit_bytes.checked_sub(bytes);
        self.credit_bytes = left.unwrap_or(self.credit_bytes);
        left.is_some()
    }

    pub(super) fn state(&self, now: Instant) -> LinkState {
        let silence = now.saturating_since(self.last_heard);
        if silence >= LOST_AFTER {
            LinkState::Lost
        } else if silence >= SILENT_AFTER {
            LinkState::Silent
        } else {
            LinkState::Active
        }
    }

    pub(super) fn status(&self, now: Instant) -> LinkStatus {
        LinkStatus {
            address: self.address,
            state: self.state(now),
            packets: self.packets,
            bytes: self.bytes,
            joined: self.joined,
            last_heard: self.last_heard,
        }
    }
}
