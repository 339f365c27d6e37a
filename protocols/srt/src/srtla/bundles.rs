use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use tidegate_units::{Duration, Instant};

use super::bundle::{Bundle, LINKS_MAX};
use super::counters::SrtlaCounters;
use super::identity::BundleKey;
use super::link::{Link, LinkState, LinkStatus};
use super::outgoing::Reply;
use super::ticket::{Id, TicketKey, owner_of_id, same};
use super::wire::{self, Message, REGISTRATION_BYTES, kind};
use crate::handshake::CookieKey;
use crate::transmit::TransmitBatch;
use crate::wire::SequenceNumber;

/// How long a bundle may be without an accepted SRT connection.
const UNPROVEN_LIFETIME: Duration = Duration::from_secs(15);
/// Bundles without one, by /24 (IPv4) or /64 (IPv6) of the address their name was offered to.
const UNPROVEN_PER_PREFIX: usize = 16;
/// Refused SRT requests after which a bundle without a connection is forgotten.
const REFUSALS_MAX: u32 = 5;
/// How often silence is looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// Answers waiting to be sent.
const REPLIES_MAX: usize = 1024;
/// What a registration leaves to its address when it is answered.
const REGISTRATION_CREDIT: usize = REGISTRATION_BYTES - 2;
/// SRT's acknowledgement: what is sent over all links.
const SRT_ACK: [u8; 2] = [0x80, 0x02];

#[derive(Debug, Clone, Copy)]
pub(crate) struct BundlesConfig {
    pub(crate) shard: u8,
    pub(crate) bundles_max: usize,
}

/// A link came or went: whoever steers datagrams to their endpoint has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkChange {
    pub(crate) address: SocketAddr,
    pub(crate) is_here: bool,
}

/// All bundles of one endpoint.
#[derive(Debug)]
pub(crate) struct Bundles {
    config: BundlesConfig,
    tickets: TicketKey,
    slots: Vec<Option<Bundle>>,
    links: BTreeMap<SocketAddr, BundleKey>,
    generation: u32,
    next_sweep: Option<Instant>,
    replies: VecDeque<Reply>,
    changes: VecDeque<LinkChange>,
    counters: SrtlaCounters,
}

impl Bundles {
    pub(crate) fn new(config: BundlesConfig, cookies: &CookieKey) -> Self {
        Self {
            config,
            tickets: TicketKey::new(cookies),
            slots: Vec::new(),
            links: BTreeMap::new(),
            generation: 0,
            next_sweep: None,
            replies: VecDeque::new(),
            changes: VecDeque::new(),
            counters: SrtlaCounters::default(),
        }
    }

    /// An SRTLA packet came from `from`, addressed to `to`. `admit` says whether this address
    /// may register now.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        datagram: &[u8],
        admit: impl FnOnce() -> bool,
    ) {
        let Some(message) = Message::parse(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        if !matches!(message, Message::KeepAlive(_)) && !admit() {
            self.counters.throttled += 1;
            return;
        }
        let answer = match message {
            Message::KeepAlive(bytes) => match self.keep_alive(now, (from, to), bytes) {
                Some(answer) => answer,
                None => return,
            },
            Message::Register(asked) => self.offer(now, (from, to), asked),
            Message::Join(id) => Reply::kind(from, to, self.join(now, (from, to), id)),
        };
        self.reply(answer);
    }

    /// Sends a keepalive back. One from an unknown address hears nothing: a link whose address
    /// has changed on the way joins again by itself, and might throw its bundle away if it
    /// were told that there is none.
    fn keep_alive(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        bytes: &[u8],
    ) -> Option<Reply> {
        let Some(link) = self.link(from) else {
            self.counters.unknown += 1;
            return None;
        };
        link.hear(now, bytes.len());
        // The answer is as long: nothing is left to spend.
        let _ = link.spend(bytes.len());
        self.counters.keepalives += 1;
        Some(Reply::long(from, to, bytes.to_vec()))
    }

    fn offer(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        asked: &Id,
    ) -> Reply {
        self.counters.offered += 1;
        let id = self.tickets.offer(now, from, self.config.shard, asked);
        Reply::long(from, to, wire::registration(kind::REG2, &id))
    }

    /// Makes `from` a link of the bundle with this name; the type of the answer.
    fn join(&mut self, now: Instant, (from, to): (SocketAddr, Option<IpAddr>), id: &Id) -> u16 {
        if let Some(known) = self.links.get(&from).copied() {
            let its_own = self.at(known).is_some_and(|bundle| same(&bundle.id, id));
            if let Some(link) = self.link(from) {
                if its_own {
                    link.hear(now, REGISTRATION_CREDIT);
                    return kind::REG3;
                }
                // An address that is in use by one bundle joins no other: whoever forges it
                // would take the link away. One that has fallen silent may.
                if link.state(now) == LinkState::Active {
                    self.counters.refused += 1;
                    return kind::ERROR;
                }
            }
        }
        if owner_of_id(id) != self.config.shard {
            self.counters.unknown += 1;
            return kind::NO_GROUP;
        }
        if let Some(key) = self.find(id) {
            return self.add_link(now, key, (from, to));
        }
        let Some(origin) = self.tickets.open(now, id) else {
            self.counters.unknown += 1;
            return kind::NO_GROUP;
        };
        match self.open(now, *id, origin) {
            Some(key) => self.add_link(now, key, (from, to)),
            None => {
                self.counters.refused += 1;
                kind::ERROR
            }
        }
    }

    fn add_link(
        &mut self,
        now: Instant,
        key: BundleKey,
        (from, to): (SocketAddr, Option<IpAddr>),
    ) -> u16 {
        let Some(bundle) = self.at(key) else {
            return kind::NO_GROUP;
        };
        if bundle.links.len() >= LINKS_MAX {
            let Some(evicted) = bundle.evict_silent(now) else {
                self.counters.refused += 1;
                return kind::ERROR;
            };
            self.note_lost(evicted);
        }
        // Not before it is certain that it joins another bundle: strangers can send from here.
        if let Some(former) = self.links.get(&from).copied() {
            self.lose(now, former, from);
        }
        let mut link = Link::new(now, from, to);
        link.hear(now, REGISTRATION_CREDIT);
        if let Some(bundle) = self.at(key) {
            bundle.join(now, link);
        }
        self.links.insert(from, key);
        self.changes.push_back(LinkChange {
            address: from,
            is_here: true,
        });
        self.counters.links_joined += 1;
        self.next_sweep.get_or_insert(now + SWEEP);
        kind::REG3
    }

    /// A bundle for a name that was brought back in time, if there is room.
    fn open(&mut self, now: Instant, id: Id, origin: IpAddr) -> Option<BundleKey> {
        let unproven = || self.bundles().filter(|bundle| !bundle.is_proven());
        let neighbours = unproven()
            .filter(|bundle| prefix(bundle.origin) == prefix(origin))
            .count();
        if neighbours >= UNPROVEN_PER_PREFIX {
            return None;
        }
        if self.bundles().count() >= self.config.bundles_max {
            // Those that have shown a credential stay; of the others the oldest makes room.
            let oldest = unproven().min_by_key(|bundle| bundle.unproven_since)?.key;
            self.forget(oldest);
        }
        let slot = self
            .slots
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            });
        self.generation = self.generation.wrapping_add(1);
        let key = BundleKey {
            shard: self.config.shard,
            slot: u16::try_from(slot).ok()?,
            generation: self.generation,
        };
        self.slots[slot] = Some(Bundle::new(now, key, id, origin));
        self.counters.bundles_opened += 1;
        Some(key)
    }

    /// The bundle of this name. All names are compared in full, whichever it is.
    fn find(&self, id: &Id) -> Option<BundleKey> {
        self.bundles()
            .filter(|bundle| same(&bundle.id, id))
            .map(|bundle| bundle.key)
            .fold(None, |_, key| Some(key))
    }

    /// A packet of an SRT connection that belongs to `key` came; false if `from` is no link
    /// of it.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        key: BundleKey,
        from: SocketAddr,
        bytes: usize,
        data: Option<SequenceNumber>,
    ) -> bool {
        let Some(bundle) = self.at(key) else {
            return false;
        };
        let Some(link) = bundle.link(from) else {
            return false;
        };
        link.carry(now, bytes);
        let local = link.local;
        let acknowledged = data.and_then(|sequence| link.note_data(sequence));
        let ack = acknowledged.map(|sequences| Reply::ack(from, local, sequences));
        bundle.carried_over(from);
        if let Some(ack) = ack {
            self.counters.acks += 1;
            self.reply(ack);
        }
        true
    }

    /// A handshake came that names no connection yet: the bundle that `from` is a link of.
    pub(crate) fn on_handshake(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: usize,
    ) -> Option<BundleKey> {
        let key = *self.links.get(&from)?;
        let bundle = self.at(key)?;
        bundle.link(from)?.carry(now, bytes);
        bundle.carried_over(from);
        Some(key)
    }

    /// Sends an SRT packet to a bundle: acknowledgements over every link, so that the sender
    /// hears them as soon as any way allows, everything else over the one that carried last.
    pub(crate) fn send(&mut self, key: BundleKey, packet: &[u8], batch: &mut TransmitBatch) {
        let Some(bundle) = slot(&mut self.slots, key) else {
            return;
        };
        let only = bundle.active().map(|link| link.address);
        let everywhere = packet.starts_with(&SRT_ACK);
        for link in &mut bundle.links {
            if !everywhere && Some(link.address) != only {
                continue;
            }
            let sent = link.spend(packet.len())
                && batch.push(link.address, link.local, packet.len(), |out| {
                    out.copy_from_slice(packet);
                });
            self.counters.withheld += u64::from(!sent);
        }
    }

    /// Whether this bundle is still there.
    pub(crate) fn has(&self, key: BundleKey) -> bool {
        self.get(key).is_some()
    }

    /// An SRT connection of this bundle was accepted.
    pub(crate) fn on_accepted(&mut self, key: BundleKey) {
        if let Some(bundle) = self.at(key) {
            bundle.connections += 1;
            bundle.refusals = 0;
        }
    }

    pub(crate) fn on_ended(&mut self, now: Instant, key: BundleKey) {
        if let Some(bundle) = self.at(key) {
            bundle.connections = bundle.connections.saturating_sub(1);
            bundle.unproven_since = now;
        }
    }

    /// An SRT request of this bundle was refused; too many, and it is forgotten.
    pub(crate) fn on_refused(&mut self, key: BundleKey) {
        let Some(bundle) = self.at(key) else { return };
        bundle.refusals += 1;
        if bundle.refusals >= REFUSALS_MAX && !bundle.is_proven() {
            self.counters.bundles_unproven += 1;
            self.forget(key);
        }
    }

    /// Where a bundle is: the link that carried last.
    pub(crate) fn address_of(&self, key: BundleKey) -> Option<(SocketAddr, Option<IpAddr>)> {
        let link = self.get(key)?.active()?;
        Some((link.address, link.local))
    }

    /// The address that answers for a bundle.
    pub(crate) fn origin_of(&self, key: BundleKey) -> Option<IpAddr> {
        Some(self.get(key)?.origin)
    }

    /// Every link of a bundle, and those it lost lately.
    pub(crate) fn status(&self, now: Instant, key: BundleKey) -> Vec<LinkStatus> {
        self.get(key)
            .map_or_else(Vec::new, |bundle| bundle.status(now))
    }

    pub(crate) fn counters(&self) -> SrtlaCounters {
        SrtlaCounters {
            bundles: self.bundles().count() as u64,
            links: self.links.len() as u64,
            ..self.counters
        }
    }

    pub(crate) fn next_reply(&self) -> Option<&Reply> {
        self.replies.front()
    }

    pub(crate) fn pop_reply(&mut self) {
        self.replies.pop_front();
    }

    pub(crate) fn poll_change(&mut self) -> Option<LinkChange> {
        self.changes.pop_front()
    }

    pub(crate) const fn next_sweep(&self) -> Option<Instant> {
        self.next_sweep
    }

    /// Lets go of what has been silent or unproven for too long.
    pub(crate) fn sweep(&mut self, now: Instant) {
        if self.next_sweep.is_none_or(|due| due > now) {
            return;
        }
        let keys: Vec<BundleKey> = self.bundles().map(|bundle| bundle.key).collect();
        for key in keys {
            self.sweep_one(now, key);
        }
        let idle = self.bundles().next().is_none();
        self.next_sweep = (!idle).then(|| now + SWEEP);
    }

    fn sweep_one(&mut self, now: Instant, key: BundleKey) {
        while let Some(lost) = self.get(key).and_then(|bundle| bundle.next_lost(now)) {
            self.lose(now, key, lost);
        }
        let Some(bundle) = self.at(key) else { return };
        bundle.forget_long_lost(now);
        let age = now.saturating_since(bundle.unproven_since);
        let unproven = !bundle.is_proven() && age >= UNPROVEN_LIFETIME;
        if unproven || bundle.links.is_empty() {
            self.counters.bundles_unproven += u64::from(unproven);
            self.forget(key);
        }
    }

    fn lose(&mut self, now: Instant, key: BundleKey, address: SocketAddr) {
        if let Some(bundle) = self.at(key) {
            bundle.lose(now, address);
        }
        self.note_lost(address);
    }

    fn note_lost(&mut self, address: SocketAddr) {
        self.counters.links_lost += 1;
        self.unlink(address);
    }

    fn unlink(&mut self, address: SocketAddr) {
        self.links.remove(&address);
        self.changes.push_back(LinkChange {
            address,
            is_here: false,
        });
    }

    /// Lets a bundle go; links that still work are told, so that they need not find out.
    fn forget(&mut self, key: BundleKey) {
        let place = self.slots.get_mut(usize::from(key.slot));
        let bundle = place.and_then(|place| place.take_if(|bundle| bundle.key == key));
        for mut link in bundle.into_iter().flat_map(|bundle| bundle.links) {
            let farewell = Reply::kind(link.address, link.local, kind::NO_GROUP);
            if link.spend(farewell.bytes().len()) {
                self.reply(farewell);
            }
            self.unlink(link.address);
        }
    }

    fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.slots.iter().flatten()
    }

    fn get(&self, key: BundleKey) -> Option<&Bundle> {
        let bundle = self.slots.get(usize::from(key.slot))?.as_ref();
        bundle.filter(|bundle| bundle.key == key)
    }

    fn at(&mut self, key: BundleKey) -> Option<&mut Bundle> {
        slot(&mut self.slots, key)
    }

    fn link(&mut self, address: SocketAddr) -> Option<&mut Link> {
        let key = *self.links.get(&address)?;
        self.at(key)?.link(address)
    }

    fn reply(&mut self, reply: Reply) {
        if self.replies.len() >= REPLIES_MAX {
            self.counters.withheld += 1;
            return;
        }
        self.replies.push_back(reply);
    }
}

fn slot(slots: &mut [Option<Bundle>], key: BundleKey) -> Option<&mut Bundle> {
    let bundle = slots.get_mut(usize::from(key.slot))?.as_mut();
    bundle.filter(|bundle| bundle.key == key)
}

/// The network an address counts for.
fn prefix(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u64::from(v4.to_bits() >> 8),
        // Never as small as an IPv4 network: those addresses start with 32 zero bits.
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 | 1 << 63,
    }
}
