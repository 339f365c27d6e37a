use core::time::Duration;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tidegate_netsim::{Chance, Datagram, LinkConfig, SkewedClock};
use tidegate_srt::{
    CallerConfig, CipherMode, CloseReason, ConnectionConfig, ConnectionId, CookieKey, Endpoint,
    EndpointConfig, EndpointLimits, Event, KeyLength, ListenerConfig, SequenceNumber, SessionKeys,
    SocketIdSpace, Statistics,
};
use tidegate_units::Instant;

use super::inbox::Inbox;
use super::node::{Admission, Answer, Node};
use super::packets;
use super::payload::PAYLOAD_BYTES;
use super::wire::WireFigures;
use super::world::World;
use super::{MS, SECOND};

/// Which end of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Caller,
    Listener,
}

impl Side {
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Listener,
            Self::Listener => Self::Caller,
        }
    }
}

/// What a test varies; everything else is a clean 20 ms link and the defaults of live mode.
pub struct Scenario {
    pub seed: u64,
    pub to_listener: LinkConfig,
    pub to_caller: LinkConfig,
    pub connection: ConnectionConfig,
    pub caller_clock: SkewedClock,
    pub listener_clock: SkewedClock,
    pub passphrase: Option<(&'static [u8], KeyLength)>,
    pub cipher: CipherMode,
    pub stream_id: Vec<u8>,
    pub limits: EndpointLimits,
    pub admission_delay: Duration,
    pub answer: Answer,
    pub listener_passphrase: Option<&'static [u8]>,
    pub first_sequence: Option<SequenceNumber>,
}

impl Scenario {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            to_listener: LinkConfig::delayed(20 * MS),
            to_caller: LinkConfig::delayed(20 * MS),
            connection: ConnectionConfig::default(),
            // Far from zero and from each other, as two machines' clocks are.
            caller_clock: SkewedClock::new(Instant::from_millis(7_000), 0),
            listener_clock: SkewedClock::new(Instant::from_millis(3_000_000), 0),
            passphrase: None,
            cipher: CipherMode::Ctr,
            stream_id: b"live/test".to_vec(),
            limits: EndpointLimits::default(),
            admission_delay: Duration::ZERO,
            answer: Answer::Accept,
            listener_passphrase: None,
            first_sequence: None,
        }
    }

    /// The same conditions in both directions.
    pub fn link(mut self, link: LinkConfig) -> Self {
        self.to_listener = link.clone();
        self.to_caller = link;
        self
    }

    /// The latency both sides ask for, in both directions.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.connection.latency = latency;
        self.connection.peer_latency = latency;
        self
    }

    pub fn encrypted(mut self, length: KeyLength) -> Self {
        self.passphrase = Some((b"correct-horse-battery", length));
        self.listener_passphrase = Some(b"correct-horse-battery");
        self
    }

    /// The cipher mode the caller encrypts with.
    pub fn cipher(mut self, mode: CipherMode) -> Self {
        self.cipher = mode;
        self
    }

    /// Two nodes that have not spoken yet.
    pub fn build(self) -> Pair {
        let (caller, listener) = (caller_address(), listener_address());
        let mut world = World::new(self.seed, LinkConfig::delayed(20 * MS));
        world
            .network
            .configure(caller, listener, self.to_listener.clone());
        world
            .network
            .configure(listener, caller, self.to_caller.clone());
        let mut chance = Chance::stream(self.seed, u64::MAX);
        let admission = self.admission();
        for (address, clock, listens) in [
            (caller, self.caller_clock, false),
            (listener, self.listener_clock, true),
        ] {
            let config = self.endpoint_config(&mut chance, listens);
            let endpoint = Endpoint::new(clock.local(Instant::ZERO), config);
            world.add(Node::new(address, clock, endpoint, admission.clone()));
        }
        Pair {
            world,
            scenario: self,
            chance,
            caller: None,
            listener: None,
        }
    }

    /// Two nodes that are connected.
    pub fn connect(self) -> Pair {
        let mut pair = self.build();
        pair.call();
        assert!(
            pair.await_connection(10 * SECOND),
            "no connection: {:#?}",
            pair.events()
        );
        pair
    }

    pub(super) fn endpoint_config(&self, chance: &mut Chance, listens: bool) -> EndpointConfig {
        let listen = listens.then(ListenerConfig::default);
        let mut cookie_key = [0; 16];
        chance.fill(&mut cookie_key);
        EndpointConfig {
            listen,
            socket_ids: SocketIdSpace { shard: 5 },
            cookie_key: CookieKey::new(cookie_key),
            limits: self.limits,
            seed: chance.seed(),
        }
    }

    pub(super) fn caller_config(&self, keys: Option<SessionKeys>) -> CallerConfig {
        CallerConfig {
            stream_id: self.stream_id.clone().into(),
            keys,
            connection: self.connection.clone(),
            first_sequence: self.first_sequence,
            ..CallerConfig::default()
        }
    }

    pub(super) fn admission(&self) -> Admission {
        Admission {
            answer: self.answer,
            delay: self.admission_delay,
            passphrase: self.listener_passphrase.map(<[u8]>::to_vec),
            config: self.connection.clone(),
        }
    }
}

pub fn caller_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 40_001))
}

pub fn listener_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 9_000))
}

/// An address where nobody lives but an attacker.
pub fn attacker_address() -> SocketAddr {
    SocketAddr::from(([10, 66, 6, 6], 6_666))
}

/// A caller and a listener in a world.
pub struct Pair {
    pub world: World,
    pub scenario: Scenario,
    chance: Chance,
    caller: Option<ConnectionId>,
    listener: Option<ConnectionId>,
}

const CALLER: usize = 0;
const LISTENER: usize = 1;

impl Pair {
    /// The caller calls.
    pub fn call(&mut self) -> ConnectionId {
        let keys = self.fresh_keys();
        self.call_with(keys)
    }

    /// The caller calls with these keys.
    pub fn call_with(&mut self, keys: Option<SessionKeys>) -> ConnectionId {
        let config = self.scenario.caller_config(keys);
        let id = self.world.with(CALLER, |node, now| {
            let id = node.endpoint.connect(now, listener_address(), config);
            let id = id.expect("a call can be made");
            node.peers.push((id, listener_address()));
            id
        });
        self.caller = Some(id);
        id
    }

    /// New keys for the passphrase, if there is one.
    pub fn fresh_keys(&mut self) -> Option<SessionKeys> {
        self.scenario.passphrase.map(|(passphrase, length)| {
            let mut random = rand_chacha_of(&mut self.chance);
            SessionKeys::generate(passphrase, length, self.scenario.cipher, &mut random)
                .expect("a valid passphrase")
        })
    }

    /// One side begins a rendezvous: both do, when both are to meet.
    pub fn meet(&mut self, side: Side) -> ConnectionId {
        let keys = self.fresh_keys();
        let config = CallerConfig {
            rendezvous: true,
            ..self.scenario.caller_config(keys)
        };
        let remote = self.node(side.other()).address;
        let id = self.world.with(index(side), |node, now| {
            let id = node.endpoint.connect(now, remote, config);
            let id = id.expect("a rendezvous can be begun");
            node.peers.push((id, remote));
            id
        });
        match side {
            Side::Caller => self.caller = Some(id),
            Side::Listener => self.listener = Some(id),
        }
        id
    }

    /// Runs until both sides are connected; says whether they are.
    pub fn await_connection(&mut self, most: Duration) -> bool {
        let connected = |world: &World| {
            [CALLER, LISTENER]
                .iter()
                .all(|node| connected_id(&world.nodes[*node]).is_some())
        };
        let done = self.world.run_until(most, connected);
        self.caller = connected_id(&self.world.nodes[CALLER]).or(self.caller);
        self.listener = connected_id(&self.world.nodes[LISTENER]);
        done
    }

    /// Runs until the listener is connected, whatever the caller knows of it.
    pub fn await_listener(&mut self, most: Duration) -> bool {
        self.world
            .run_until(most, |world| connected_id(&world.nodes[LISTENER]).is_some());
        self.listener = connected_id(&self.world.nodes[LISTENER]);
        self.listener.is_some()
    }

    /// Runs until the call that was made last is connected on both sides.
    pub fn await_new_connection(&mut self, most: Duration) -> bool {
        for node in &mut self.world.nodes {
            node.events.clear();
        }
        self.await_connection(most)
    }

    /// Ends `side`'s connection.
    pub fn close(&mut self, side: Side) {
        let id = self.id(side);
        self.world
            .with(index(side), |node, now| node.endpoint.close(now, id));
    }

    /// Hands `side` a datagram as from the other side, past the network.
    pub fn hand_in(&mut self, side: Side, bytes: &[u8]) {
        let from = self.node(side.other()).address;
        let now = self.world.now;
        self.world
            .with(index(side), |node, _| node.hear(now, from, bytes));
    }

    /// When `side`'s call failed.
    pub fn refusal(&self, side: Side) -> Option<Instant> {
        let refused = |event: &Event| matches!(event, Event::Refused { .. });
        self.node(side)
            .events
            .iter()
            .find(|(_, event)| refused(event))
            .map(|(at, _)| *at)
    }

    /// Sequence, timestamp and socket of the newest data packet from `side`.
    pub fn watch_last_data(&mut self, side: Side) -> Rc<RefCell<Option<(u32, u32, u32)>>> {
        let last = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&last);
        let from = self.node(side).address;
        self.world.watch(move |datagram| {
            let words = [0, 2, 3].map(|n| packets::word(&datagram.bytes, n).unwrap_or(0));
            if datagram.from == from && packets::is_data(&datagram.bytes) {
                *seen.borrow_mut() = Some((words[0], words[1], words[2]));
            }
        });
        last
    }

    /// The socket that control packets from `side` are for.
    pub fn watch_last_control_socket(&mut self, side: Side) -> Rc<RefCell<Option<u32>>> {
        let last = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&last);
        let from = self.node(side).address;
        self.world.watch(move |datagram| {
            if datagram.from == from && !packets::is_data(&datagram.bytes) {
                *seen.borrow_mut() = packets::destination(&datagram.bytes);
            }
        });
        last
    }

    /// Everything that is sent from now on.
    pub fn record(&mut self) -> Rc<RefCell<Vec<Datagram>>> {
        let all = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&all);
        self.world
            .watch(move |datagram| seen.borrow_mut().push(datagram.clone()));
        all
    }

    pub fn id(&self, side: Side) -> ConnectionId {
        let id = match side {
            Side::Caller => self.caller,
            Side::Listener => self.listener,
        };
        id.expect("the pair is connected")
    }

    pub fn node(&self, side: Side) -> &Node {
        &self.world.nodes[index(side)]
    }

    pub fn node_mut(&mut self, side: Side) -> &mut Node {
        &mut self.world.nodes[index(side)]
    }

    /// `side` sends at this payload rate from now on, for `length`.
    pub fn publish(&mut self, side: Side, megabits_per_second: f64, length: Duration) {
        let seconds = PAYLOAD_BYTES as f64 * 8.0 / (megabits_per_second * 1e6);
        let interval = Duration::from_micros((seconds * 1e6).round() as u64);
        self.world
            .publish(index(side), self.id(side), interval, length);
    }

    /// `side` sends at this rate for `length`, and everything is played out.
    pub fn stream(&mut self, side: Side, megabits_per_second: f64, length: Duration) {
        self.publish(side, megabits_per_second, length);
        self.world
            .run_for(length + self.scenario.connection.latency + 2 * SECOND);
    }

    /// What `side` was delivered.
    pub fn inbox(&self, side: Side) -> Inbox {
        self.world.inbox(index(side), self.id(side))
    }

    /// Forgets the times of deliveries so far, for tests that let a connection settle.
    pub fn restart_timing(&mut self) {
        for (_, _, inbox) in &mut self.world.inboxes {
            inbox.restart_timing();
        }
    }

    /// How many payloads `side` sent.
    pub fn sent(&self, side: Side) -> u64 {
        self.world.sent(index(side), index(side.other()))
    }

    /// What `side` put on the wire.
    pub fn wire(&self, side: Side) -> WireFigures {
        self.world.wire_between(index(side), index(side.other()))
    }

    pub fn statistics(&mut self, side: Side) -> Statistics {
        let id = self.id(side);
        let statistics = self
            .world
            .with(index(side), |node, now| node.endpoint.statistics(now, id));
        statistics.expect("a connection that lives has statistics")
    }

    pub fn alive(&self, side: Side) -> bool {
        self.node(side).endpoint.negotiated(self.id(side)).is_some()
    }

    /// Why `side`'s connection ended.
    pub fn close_reason(&self, side: Side) -> Option<(Instant, CloseReason)> {
        self.node(side)
            .events
            .iter()
            .find_map(|(at, event)| match event {
                Event::Closed { reason, .. } => Some((*at, *reason)),
                _ => None,
            })
    }

    /// Everything both sides reported, for the message of a failed assertion.
    pub fn events(&self) -> Vec<&(Instant, Event)> {
        self.world
            .nodes
            .iter()
            .flat_map(|node| &node.events)
            .collect()
    }

    /// # Panics
    /// If anything `side` sent did not arrive at the other end.
    pub fn assert_everything_arrived_from(&self, side: Side) {
        let inbox = self.inbox(side.other());
        let sent = self.sent(side);
        assert!(sent > 0, "nothing was sent");
        assert_eq!(self.world.refused_sends, 0, "sends were refused");
        assert_eq!(
            inbox.missing, 0,
            "{} of {sent} payloads were lost",
            inbox.missing
        );
        assert_eq!(inbox.delivered, sent, "payloads delivered");
    }
}

fn connected_id(node: &Node) -> Option<ConnectionId> {
    node.events.iter().rev().find_map(|(_, event)| match event {
        Event::Connected { id, .. } => Some(*id),
        _ => None,
    })
}

const fn index(side: Side) -> usize {
    match side {
        Side::Caller => CALLER,
        Side::Listener => LISTENER,
    }
}

fn rand_chacha_of(chance: &mut Chance) -> rand_chacha::ChaCha20Rng {
    rand_core::SeedableRng::from_seed(chance.seed())
}
