//! One socket with its endpoint and connections, on one shard.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tidegate_srt::{
    ConnectionId, ConnectionMap, Decision, Endpoint, Event, KeyMaterial, ListenerConfig,
    RejectReason, RequestId,
};
use tidegate_udp::{Datagram, steer};
use tidegate_units::Instant;
use tokio::sync::oneshot;

use super::door::Door;
use super::fountain::{Appointment, FountainWaker};
use super::links::LinkMap;
use super::placement::{Owner, Placement};
use super::snapshots::{Activity, Snapshots};
use super::way::Way;
use crate::admission::Gate;
use crate::command::{Answer, Called, OpenPort, OpenedKeys, PlaceCall, PortId};
use crate::connection::{ConnectionShared, EndReason};
use crate::guest::Guest;
use crate::leg::Leg;
use crate::opener::Opener;
use crate::port_status::PortShared;
use crate::role::Role;

pub(super) struct Port {
    pub(super) id: PortId,
    /// At least one.
    pub(super) ways: Vec<Way>,
    pub(super) endpoint: Endpoint,
    pub(super) connections: ConnectionMap<Connection>,
    pub(super) appointments: BinaryHeap<Appointment>,
    /// Fountains to look at this turn.
    pub(super) woken: Vec<ConnectionId>,
    /// Sinks that got something this turn.
    pub(super) touched: Vec<ConnectionId>,
    pub(super) last_turn: Instant,
    /// The endpoint had more to send than one turn takes.
    pub(super) has_more: bool,
    /// A fountain gave something urgent this turn.
    pub(super) was_urgent: bool,
    pub(super) gate: Option<Gate>,
    links: Arc<LinkMap>,
    placement: Placement,
    pub(super) shared: Arc<PortShared>,
    /// Strangers waiting for an answer.
    requests: HashSet<RequestId>,
    /// Accepted, but not connected yet.
    accepted: HashMap<RequestId, Guest>,
    /// Of accepted callers that are to be legs: who follows them.
    joining: HashMap<RequestId, Arc<Leg>>,
    legs: HashMap<ConnectionId, Arc<Leg>>,
    /// For rendezvous that may be asked with keys of the other side.
    openers: HashMap<ConnectionId, Opener>,
    pub(super) snapshots: Snapshots,
    retiring: Option<Retiring>,
    for_one_call: bool,
    pub(super) handed_over: u64,
    pub(super) hand_over_lost: u64,
}

/// One connection's local end.
pub(super) struct Connection {
    pub(super) role: Role,
    pub(super) shared: Arc<ConnectionShared>,
    pub(super) waker: Option<Arc<FountainWaker>>,
    /// Pulled from the fountain, but the endpoint had no room.
    pub(super) held: Option<(Bytes, Instant)>,
    /// When its fountain is looked at without being woken.
    pub(super) appointment: Option<Instant>,
    /// What the socket had dropped when the connection came.
    pub(super) drops_before: u64,
    pub(super) activity: Activity,
}

struct Retiring {
    deadline: Instant,
    done: Option<oneshot::Sender<()>>,
}

impl Port {
    pub(super) fn new(now: Instant, open: OpenPort) -> Self {
        let request_lifetime = open.config.limits.request_lifetime;
        Self {
            id: open.id,
            ways: open.ways.into_iter().map(Way::new).collect(),
            endpoint: Endpoint::new(now, open.config),
            connections: ConnectionMap::default(),
            appointments: BinaryHeap::new(),
            woken: Vec::new(),
            touched: Vec::new(),
            last_turn: now,
            has_more: false,
            was_urgent: false,
            gate: open.gate,
            links: open.links,
            placement: Placement::new(request_lifetime),
            shared: open.shared,
            requests: HashSet::new(),
            accepted: HashMap::new(),
            joining: HashMap::new(),
            legs: HashMap::new(),
            openers: HashMap::new(),
            snapshots: Snapshots::new(now),
            retiring: None,
            for_one_call: open.for_one_call,
            handed_over: 0,
            hand_over_lost: 0,
        }
    }

    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: Option<IpAddr>,
        bytes: &[u8],
    ) {
        self.snapshots.is_status_stale = true;
        self.endpoint.handle_datagram(now, from, to, bytes);
    }

    /// The shard a datagram belongs to. Only listeners' ports are shared by shards.
    ///
    /// Legs of one bonding group meet in the shard that the group's number names: the kernel
    /// spreads them by their addresses. Other callers are placed.
    pub(super) fn owner(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        here: &Door,
        doors: &[Arc<Door>],
    ) -> Option<Owner> {
        self.gate.as_ref()?;
        let (from, bytes) = (datagram.from, datagram.bytes);
        if let Some(owner) = steer::shard_of(bytes).or_else(|| self.links.owner_of(from, bytes)) {
            return Some(Owner::settled(owner));
        }
        let newcomer = self.endpoint.newcomer(now, from, bytes)?;
        match newcomer.group {
            Some(group) => Some(Owner::settled(group as usize % doors.len())),
            None if newcomer.is_known => None,
            None => {
                let caller = (from, newcomer.socket);
                Some(self.placement.choose(now, caller, here, doors))
            }
        }
    }

    /// Connections, and callers that may become some.
    pub(super) fn load(&self) -> usize {
        self.connections.len() + self.accepted.len() + self.requests.len()
    }

    /// Tells the other shards which links are here, before their senders learn it.
    pub(super) fn note_links(&mut self, here: &Door) {
        let changes: Vec<_> = std::iter::from_fn(|| self.endpoint.poll_link_change()).collect();
        self.links.note(here.index(), &changes);
    }

    pub(super) fn note_handed_over(&mut self, taken: bool) {
        self.handed_over += 1;
        self.hand_over_lost += u64::from(!taken);
    }

    pub(super) fn configure(&mut self, listener: ListenerConfig) {
        self.endpoint.set_listener(Some(listener));
    }

    /// Places a call; refusal to even try ends the connection at once.
    pub(super) fn call(&mut self, now: Instant, call: PlaceCall, door: &Arc<Door>) {
        let PlaceCall {
            called,
            guest,
            opener,
            ..
        } = call;
        let called = match called {
            Called::One(remote, config) => self.endpoint.connect(now, remote, *config),
            Called::Group(group) => self.endpoint.connect_group(now, *group),
        };
        match called {
            Ok(id) => {
                self.openers.extend(opener.map(|opener| (id, opener)));
                self.admit(now, id, guest, door);
            }
            Err(error) => {
                guest.turn_away(now, &EndReason::NotPlaced(error.to_string().into()));
                self.retire_after_its_call(now);
            }
        }
    }

    /// Has the keys of the other side of a rendezvous opened.
    fn ask_for_keys(&mut self, now: Instant, id: ConnectionId, material: KeyMaterial) {
        let busy = match self.openers.get(&id) {
            Some(opener) => opener.open(self.id, id, material.clone()).is_err(),
            None => true,
        };
        if busy {
            self.endpoint
                .give_keys(now, id, &material, Err(RejectReason::Overloaded));
        }
    }

    pub(super) fn give_keys(&mut self, now: Instant, opened: OpenedKeys) {
        let OpenedKeys {
            id, material, keys, ..
        } = opened;
        self.endpoint.give_keys(now, id, &material, keys);
    }

    /// Passes on what control decided about a stranger.
    pub(super) fn decide(&mut self, now: Instant, answer: Answer) {
        if !self.requests.remove(&answer.request) {
            // Gone meanwhile; a guest learns it by being dropped.
            return;
        }
        if let Some(guest) = answer.accepted {
            self.accepted.insert(answer.request, guest);
        }
        let comes_in = matches!(
            answer.decision,
            Decision::Accept { .. } | Decision::Join { .. }
        );
        if let Some(leg) = answer.leg.filter(|_| comes_in) {
            self.joining.insert(answer.request, leg);
        }
        self.snapshots.is_status_stale = true;
        self.endpoint.decide(now, answer.request, answer.decision);
    }

    pub(super) fn close(&mut self, now: Instant, id: ConnectionId) {
        if self.connections.contains_key(&id) {
            self.endpoint.close(now, id);
        }
    }

    /// Says goodbye to everybody; the port is finished when all is said, or at the deadline.
    pub(super) fn retire(
        &mut self,
        now: Instant,
        deadline: Instant,
        done: Option<oneshot::Sender<()>>,
    ) {
        self.endpoint.set_listener(None);
        for id in self.connections.keys() {
            self.endpoint.close(now, *id);
        }
        self.retiring = Some(Retiring { deadline, done });
    }

    pub(super) fn has_finished(&self, now: Instant) -> bool {
        let blocked = self.ways.iter().any(Way::is_blocked);
        let quiet = self.connections.is_empty() && !blocked && !self.has_more;
        self.retiring.is_some() && quiet || self.is_overdue(now)
    }

    /// When a port that retires goes, even if not everybody has been told.
    pub(super) fn goodbyes_end_at(&self) -> Option<Instant> {
        self.retiring.as_ref().map(|retiring| retiring.deadline)
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.goodbyes_end_at().is_some_and(|end| now >= end)
    }

    /// Who has not acknowledged everything by the deadline is told at least that it is over.
    pub(super) fn cut_off_the_last(&mut self, now: Instant) {
        if self.is_overdue(now) {
            for id in self.connections.keys() {
                self.endpoint.cut_off(now, *id);
            }
        }
    }

    /// The last act: whoever still waits is told, and the address is free again.
    pub(super) fn finish(mut self) {
        let done = self.retiring.take().and_then(|retiring| retiring.done);
        drop(self);
        if let Some(done) = done {
            // Whoever asked may have lost interest.
            let _ = done.send(());
        }
    }

    /// Takes a connection in, as soon as the endpoint has named it.
    fn admit(&mut self, now: Instant, id: ConnectionId, guest: Guest, door: &Arc<Door>) {
        let Some((mut role, shared)) = guest.arrive() else {
            return;
        };
        let waker = match &mut role {
            Role::Publisher(_) => None,
            Role::Reader(fountain) => {
                let pending = AtomicBool::new(false);
                let waker = FountainWaker {
                    door: Arc::clone(door),
                    port: self.id,
                    id,
                    pending,
                };
                let waker = Arc::new(waker);
                fountain.attach(Arc::clone(&waker) as _);
                Some(waker)
            }
        };
        // Set once: a connection never moves.
        let _ = shared.place.set((self.id, id));
        let connection = Connection {
            role,
            shared,
            waker,
            held: None,
            appointment: None,
            drops_before: self.socket_drops(),
            activity: Activity::new(now),
        };
        self.connections.insert(id, connection);
        self.snapshots.begin(now, id);
    }

    pub(super) fn handle_events(&mut self, now: Instant, door: &Arc<Door>) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request(request) => {
                    let id = request.id;
                    let open = self.retiring.is_none();
                    if let Some(gate) = self.gate.as_ref().filter(|_| open) {
                        // Before it is passed on: a full lobby postpones it by an answer.
                        self.requests.insert(id);
                        gate.pass(door, self.id, request);
                    }
                }
                Event::RequestGone(request) => {
                    self.requests.remove(&request);
                    self.accepted.remove(&request);
                    self.joining.remove(&request);
                }
                Event::Connected {
                    id,
                    request,
                    negotiated,
                } => {
                    let accepted = request.and_then(|request| self.accepted.remove(&request));
                    if let Some(guest) = accepted {
                        self.admit(now, id, guest, door);
                    }
                    self.connected(now, id, negotiated);
                }
                Event::KeysWanted { id, material } => self.ask_for_keys(now, id, material),
                Event::Refused { id, reason } => self.end(now, id, &EndReason::Refused(reason)),
                Event::Closed { id, reason } => {
                    // What arrived before the end still counts.
                    self.deliver(now);
                    self.end(now, id, &EndReason::Closed(reason));
                }
                Event::LegJoined {
                    leg, request, peer, ..
                } => {
                    let followed = request.and_then(|request| self.joining.remove(&request));
                    self.legs.extend(followed.map(|followed| (leg, followed)));
                    tracing::debug!(%peer, "a leg joined its group");
                }
                Event::LegLeft {
                    leg, peer, reason, ..
                } => {
                    self.legs.remove(&leg);
                    tracing::debug!(%peer, %reason, "a leg left its group");
                }
                Event::LegRefused {
                    peer, reason, way, ..
                } => {
                    tracing::debug!(%peer, %reason, "a leg of a group could not be made");
                    if let Some(way) = self.ways.get_mut(usize::from(way)) {
                        way.expire();
                    }
                }
                Event::Odd(oddity) => tracing::debug!(?oddity, "an odd packet was ignored"),
                other => tracing::debug!(?other, "an event nobody here knows"),
            }
        }
    }

    fn connected(&mut self, now: Instant, id: ConnectionId, negotiated: tidegate_srt::Negotiated) {
        self.openers.remove(&id);
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        connection.shared.set_connected(now, negotiated);
        self.woken.push(id);
        if self.retiring.is_some() || connection.shared.closing.load(Ordering::Acquire) {
            self.endpoint.close(now, id);
        }
    }

    fn end(&mut self, now: Instant, id: ConnectionId, reason: &EndReason) {
        self.openers.remove(&id);
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        self.snapshots.is_status_stale = true;
        if let Some(statistics) = self.endpoint.statistics(now, id) {
            let drops = self.socket_drops().saturating_sub(connection.drops_before);
            connection.shared.set_statistics(now, statistics, drops);
        }
        abandon(now, connection.role, &connection.shared, reason);
        self.retire_after_its_call(now);
    }

    /// A port opened for one call goes with it.
    fn retire_after_its_call(&mut self, now: Instant) {
        if self.for_one_call && self.connections.is_empty() {
            self.retiring = Some(Retiring {
                deadline: now + super::FAREWELL,
                done: None,
            });
        }
    }
}

/// However a port goes, and be it by a panic of its thread: whoever still waits is told.
impl Drop for Port {
    fn drop(&mut self) {
        for (_, connection) in self.connections.drain() {
            let now = self.last_turn;
            let reason = EndReason::Stopping;
            abandon(now, connection.role, &connection.shared, &reason);
        }
        for (_, guest) in self.accepted.drain() {
            guest.turn_away(self.last_turn, &EndReason::Stopping);
        }
    }
}

fn abandon(now: Instant, mut role: Role, shared: &ConnectionShared, reason: &EndReason) {
    role.closed(reason);
    shared.set_ended(now, reason.clone());
}
