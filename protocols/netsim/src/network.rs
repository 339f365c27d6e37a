use core::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;

use tidegate_units::Instant;

use crate::{Arrival, Chance, Link, LinkConfig, LinkFigures, Trace};

/// Datagrams under way that a network holds; what is sent beyond is lost, as in a router.
const IN_FLIGHT_MAX: usize = 1 << 20;

/// Addresses joined by links, one per direction, made when first used.
#[derive(Debug)]
pub struct Network {
    seed: u64,
    default_config: LinkConfig,
    links: BTreeMap<(SocketAddr, SocketAddr), Link>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    sent: u64,
    overflowed: u64,
    trace: Trace,
}

/// A datagram that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The address it claims to come from.
    pub from: SocketAddr,
    /// The address it was sent to.
    pub to: SocketAddr,
    /// Its payload, as damaged as it arrived.
    pub bytes: Vec<u8>,
}

/// Ordered by arrival, then by the order of sending, so that a tie is never left to the heap.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: Instant,
    serial: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Network {
    /// A network whose links all have these conditions until told otherwise.
    #[must_use]
    pub fn new(seed: u64, default_config: LinkConfig) -> Self {
        Self {
            seed,
            default_config,
            links: BTreeMap::new(),
            in_flight: BinaryHeap::new(),
            sent: 0,
            overflowed: 0,
            trace: Trace::default(),
        }
    }

    /// Gives one direction conditions of its own, from now on.
    pub fn configure(&mut self, from: SocketAddr, to: SocketAddr, config: LinkConfig) {
        self.link(from, to).reconfigure(config);
    }

    /// Puts a datagram on its way. `from` is what the datagram says, so a spoofer may lie.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.trace.note(b"sent", now, bytes);
        let fate = self.link(from, to).send(now, bytes.len());
        for arrival in [fate.original, fate.duplicate].into_iter().flatten() {
            self.launch(from, to, bytes, arrival);
        }
    }

    /// When the next datagram arrives somewhere.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.peek().map(|Reverse(next)| next.at)
    }

    /// The next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Datagram> {
        if self.next_arrival()? > now {
            return None;
        }
        let Reverse(InFlight {
            at,
            from,
            to,
            bytes,
            ..
        }) = self.in_flight.pop()?;
        self.trace.note(b"came", at, &bytes);
        Some(Datagram { from, to, bytes })
    }

    /// What one direction did so far.
    #[must_use]
    pub fn figures(&self, from: SocketAddr, to: SocketAddr) -> LinkFigures {
        self.links
            .get(&(from, to))
            .map(Link::figures)
            .unwrap_or_default()
    }

    /// Datagrams lost because too many were under way in the simulator itself.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Everything that was sent and that arrived, condensed.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    fn link(&mut self, from: SocketAddr, to: SocketAddr) -> &mut Link {
        // Links are numbered in the order of first use, which the seed determines too.
        let stream = self.links.len() as u64;
        self.links.entry((from, to)).or_insert_with(|| {
            Link::new(
                Chance::stream(self.seed, stream),
                self.default_config.clone(),
            )
        })
    }

    fn launch(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], arrival: Arrival) {
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            self.overflowed += 1;
            return;
        }
        let mut bytes = bytes.to_vec();
        if let Some(bit) = arrival.flipped_bit {
            flip(&mut bytes, bit);
        }
        self.sent += 1;
        let flight = InFlight {
            at: arrival.at,
            serial: self.sent,
            from,
            to,
            bytes,
        };
        self.in_flight.push(Reverse(flight));
    }
}

fn flip(bytes: &mut [u8], bit: u64) {
    let index = usize::try_from(bit / 8).unwrap_or(usize::MAX);
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 0x80 >> (bit % 8);
    }
}
