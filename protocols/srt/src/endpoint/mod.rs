//! One UDP port: finds the connection of a datagram, receives callers, makes calls, keeps
//! the timers.
//!
//! ```text
//!  INDUCTION ──► cookie (no state)
//!  CONCLUSION ─ cookie ok ──► Pending ── decide: Accept ──► Connection ──► forgotten
//!                                │  ├─── decide: Reject ──► answered until it expires
//!                                │  └─── decide: Postpone ──► forgotten, asks anew
//!                                └────── nobody decides ──► RequestGone
//!  connect() ──► Call ── answer ok ──► Connection
//!     (a rendezvous may ask for keys) └──── refused, too late ──► Refused
//! ```

mod admission;
mod bundled;
mod calls;
mod counters;
mod groups;
mod inbound;
mod limiter;
mod listen;
mod newcomer;
mod outbound;
mod outgoing;
#[cfg(test)]
mod pair;
mod policy;
mod rendezvous;
mod table;

pub use calls::ConnectError;
pub use counters::{EndpointCounters, GroupCounters};
pub use listen::Decision;
pub use newcomer::Newcomer;

use crate::config::{EndpointConfig, EndpointLimits, ListenerConfig, SocketIdSpace};
use crate::connection::SendError;
use crate::event::{ConnectionId, Event};
use crate::handshake::{CookieKey, Negotiated};
use crate::recv::Received;
use crate::srtla::{Bundles, BundlesConfig, is_identity};
use crate::statistics::Statistics;
use crate::timer::Timers;
use admission::Admission;
use bundled::Detour;
use bytes::Bytes;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use policy::Policy;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
pub use table::{ConnectionMap, IdHasher};
use table::{Occupant, Table};
use tidegate_units::Instant;

/// Replies that belong to no connection and wait to be sent.
const MAX_REPLIES: usize = 1024;

/// One UDP port: a listener, any number of calls, and all their connections.
///
/// Hand in a datagram, a timeout or a payload; then call [`Self::poll_transmit`] until it
/// has nothing more, take events and received payloads, and sleep until
/// [`Self::poll_timeout`].
pub struct Endpoint {
    /// The latest moment anything was handed in.
    now: Instant,
    listen: Option<ListenerConfig>,
    socket_ids: SocketIdSpace,
    cookies: CookieKey,
    limits: EndpointLimits,
    policy: Policy,
    random: ChaCha20Rng,
    table: Table,
    bundles: Bundles,
    detour: Detour,
    /// Rendezvous on their way, by the address of the other side.
    meetings: BTreeMap<SocketAddr, u32>,
    admission: Admission,
    timers: Timers,
    /// Slots to be asked what they have to send.
    marked: VecDeque<u32>,
    /// Slots with payloads to be taken.
    readable: VecDeque<u32>,
    replies: VecDeque<Reply>,
    events: VecDeque<Event>,
    counters: EndpointCounters,
    connections: usize,
    /// The groups that have legs.
    groups: Vec<ConnectionId>,
}

/// A datagram that belongs to no connection.
#[derive(Debug)]
struct Reply {
    to: SocketAddr,
    from: Option<IpAddr>,
    bytes: Vec<u8>,
}

impl Endpoint {
    /// An endpoint without connections.
    #[must_use]
    pub fn new(now: Instant, config: EndpointConfig) -> Self {
        let mut random = ChaCha20Rng::from_seed(config.seed);
        let policy = Policy::new(now, &config.limits, (random.next_u64(), random.next_u64()));
        let bundles = BundlesConfig {
            shard: config.socket_ids.shard,
            bundles_max: config.limits.srtla_bundles,
        };
        Self {
            now,
            bundles: Bundles::new(bundles, &config.cookie_key),
            detour: Detour::default(),
            listen: config.listen,
            socket_ids: config.socket_ids,
            cookies: config.cookie_key,
            limits: config.limits,
            policy,
            random,
            table: Table::default(),
            meetings: BTreeMap::new(),
            admission: Admission::default(),
            timers: Timers::default(),
            marked: VecDeque::new(),
            readable: VecDeque::new(),
            replies: VecDeque::new(),
            events: VecDeque::new(),
            counters: EndpointCounters::default(),
            connections: 0,
            groups: Vec::new(),
        }
    }

    /// Changes how callers are received from now on.
    pub fn set_listener(&mut self, listener: Option<ListenerConfig>) {
        self.listen = listener;
    }

    /// Takes a payload for sending. `origin` becomes the packet's timestamp: when the
    /// payload came into being, on this endpoint's clock.
    ///
    /// # Errors
    /// If the payload cannot be sent; nothing is taken then.
    pub fn send(
        &mut self,
        now: Instant,
        id: ConnectionId,
        payload: Bytes,
        origin: Instant,
    ) -> Result<(), SendError> {
        self.advance(now);
        if self.table.outgoing(id).is_some() {
            return self.send_over_group(now, id, payload, origin);
        }
        let connection = self
            .table
            .connection_mut(id)
            .ok_or(SendError::NotConnected)?;
        connection.send(now, payload, origin)?;
        self.mark(id.slot);
        Ok(())
    }

    /// The next payload received, in order, as soon as it is in order.
    pub fn poll_received(&mut self, id: ConnectionId) -> Option<Received> {
        let now = self.now;
        if let Some(group) = self.table.group_mut(id) {
            return group.pop();
        }
        self.table.connection_mut(id)?.receive(now)
    }

    /// A connection with payloads to be taken; each is named once per burst of arrivals.
    pub fn next_readable(&mut self) -> Option<ConnectionId> {
        while let Some(slot) = self.readable.pop_front() {
            if let Some(entry) = self.table.at(slot)
                && core::mem::take(&mut entry.readable)
            {
                return Some(entry.id);
            }
        }
        None
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Ends a connection or a call. [`Event::Closed`] follows when it is over.
    pub fn close(&mut self, now: Instant, id: ConnectionId) {
        self.advance(now);
        let Some(entry) = self.table.at(id.slot).filter(|entry| entry.id == id) else {
            return;
        };
        match &mut entry.occupant {
            Occupant::Connection(connection) => connection.close(now),
            Occupant::Call(_) => return self.cancel_call(id),
            Occupant::Group(_) => return self.close_group(now, id, false),
            Occupant::Outgoing(_) => return self.close_outgoing(now, id, false),
        }
        self.mark(id.slot);
    }

    /// Ends a connection that [`Self::close`] has not ended in time: the peer is told, and
    /// what it has not acknowledged is lost.
    pub fn cut_off(&mut self, now: Instant, id: ConnectionId) {
        self.advance(now);
        if let Some(connection) = self.table.connection_mut(id) {
            connection.cut_off();
            self.mark(id.slot);
        }
        self.close_group(now, id, true);
        self.close_outgoing(now, id, true);
    }

    /// What both sides agreed on.
    #[must_use]
    pub fn negotiated(&self, id: ConnectionId) -> Option<&Negotiated> {
        match self.table.group(id) {
            Some(group) => Some(&group.negotiated),
            None => match self.table.outgoing(id) {
                Some(group) => group.negotiated(),
                None => Some(&self.table.connection(id)?.negotiated),
            },
        }
    }

    /// Where the peer is; of a group, where its first leg came from.
    #[must_use]
    pub fn peer(&self, id: ConnectionId) -> Option<SocketAddr> {
        Some(self.locate(self.table.get(id)?.peer, None).0)
    }

    /// When anything last came from the peer. A publisher that has been silent for a while
    /// may be replaced by the one that comes back with the same credential.
    #[must_use]
    pub fn last_arrival(&self, id: ConnectionId) -> Option<Instant> {
        let heard = |leg| Some(self.table.connection(leg)?.last_heard());
        if let Some(group) = self.table.group(id) {
            return group.legs().filter_map(heard).max();
        }
        if let Some(group) = self.table.outgoing(id) {
            return group.open_legs().filter_map(heard).max();
        }
        Some(self.table.connection(id)?.last_heard())
    }

    /// Full statistics of a connection.
    pub fn statistics(&mut self, now: Instant, id: ConnectionId) -> Option<Statistics> {
        self.advance(now);
        if self.table.group(id).is_some() {
            return self.group_statistics(now, id);
        }
        if self.table.outgoing(id).is_some() {
            return self.outgoing_statistics(now, id);
        }
        Some(self.table.connection_mut(id)?.statistics(now))
    }

    /// What this endpoint has seen.
    #[must_use]
    pub fn counters(&self) -> EndpointCounters {
        EndpointCounters {
            srtla: self.bundles.counters(),
            groups: self.group_counters(),
            ..self.counters
        }
    }

    /// Connections and calls, without those that have ended.
    #[must_use]
    pub const fn connection_count(&self) -> usize {
        self.connections
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Something came for the occupant of `slot`: it waits to be asked what it has to send only
    /// if that is anything, because most packets merely take their place.
    fn attend(&mut self, now: Instant, slot: u32) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        if let Occupant::Connection(connection) = &mut entry.occupant {
            let at = connection.wake_at();
            if at > now {
                self.timers.set(slot, at);
                return self.note_received(slot);
            }
        }
        self.mark(slot);
    }

    /// The occupant of `slot` may have something to send or a new timer.
    fn mark(&mut self, slot: u32) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        if !core::mem::replace(&mut entry.marked, true) {
            self.marked.push_back(slot);
        }
        self.note_received(slot);
    }

    /// Payloads may wait in `slot` to be taken.
    fn note_received(&mut self, slot: u32) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let has_received = match &entry.occupant {
            Occupant::Connection(connection) => entry.group.is_none() && connection.has_received(),
            Occupant::Group(group) => group.has_ready(),
            Occupant::Call(_) | Occupant::Outgoing(_) => false,
        };
        if has_received && !core::mem::replace(&mut entry.readable, true) {
            self.readable.push_back(slot);
        }
    }

    fn reply(&mut self, to: SocketAddr, from: Option<IpAddr>, bytes: Vec<u8>) {
        let (to, from) = self.locate(to, from);
        if is_identity(to) {
            // Its bundle is gone, and with it every way there.
            return;
        }
        if self.replies.len() >= MAX_REPLIES {
            self.counters.replies_dropped += 1;
            return;
        }
        self.replies.push_back(Reply { to, from, bytes });
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("connections", &self.connections)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
