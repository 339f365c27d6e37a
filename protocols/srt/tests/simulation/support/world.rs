use core::cmp::Reverse;
use core::time::Duration;
use std::cell::RefCell;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::rc::Rc;

use tidegate_netsim::{Datagram, LinkConfig, Network, SkewedClock};
use tidegate_srt::{ConnectionId, Received};
use tidegate_units::Instant;

use super::inbox::{Delivery, Inbox};
use super::key_streams::KeyStreams;
use super::libsrt::Model;
use super::node::{Node, Output};
use super::payload::Payloads;
use super::wire::{Verdict, WireFigures};

/// Steps that may happen at one instant before the run is called a livelock.
const STEPS_PER_INSTANT_MAX: u32 = 100_000;
/// Wake-ups one node may ask for at one instant.
const WAKES_PER_INSTANT_MAX: u32 = 50;

type Watcher = Box<dyn FnMut(&Datagram)>;
type Filter = Box<dyn FnMut(Instant, &Datagram) -> Verdict>;

/// Nodes, the network between them, and the one true clock.
pub struct World {
    pub now: Instant,
    pub network: Network,
    pub nodes: Vec<Node>,
    /// Ends that are not endpoints of ours, in the place of nodes that are down.
    pub models: Vec<Rc<RefCell<dyn Model>>>,
    pub wire: BTreeMap<(SocketAddr, SocketAddr), WireFigures>,
    /// Datagrams to addresses where no node lives: what an attacker gets to see.
    pub strays: Vec<Datagram>,
    pub inboxes: Vec<(usize, ConnectionId, Inbox)>,
    /// Sends the endpoint refused.
    pub refused_sends: u64,
    /// Throw away what is delivered: a test in which a peer sends what it likes.
    pub discards_deliveries: bool,
    pub key_streams: KeyStreams,
    payloads: Payloads,
    origins: BTreeMap<(SocketAddr, SocketAddr), Vec<Instant>>,
    /// Whose stream a leg of a group carries.
    streams: BTreeMap<SocketAddr, SocketAddr>,
    publishers: Vec<Publisher>,
    held: BinaryHeap<Reverse<Held>>,
    held_so_far: u64,
    filter: Option<Filter>,
    watchers: Vec<Watcher>,
    steps_at_now: u32,
    wakes_at_now: u32,
}

/// A datagram a test keeps back: until when, its number, from, to, its bytes.
type Held = (Instant, u64, SocketAddr, SocketAddr, Vec<u8>);

/// Somebody who sends at a steady pace.
#[derive(Debug, Clone, Copy)]
struct Publisher {
    node: usize,
    id: ConnectionId,
    next_at: Instant,
    until: Instant,
    interval: Duration,
}

impl World {
    pub fn new(seed: u64, link: LinkConfig) -> Self {
        Self {
            now: Instant::ZERO,
            network: Network::new(seed, link),
            nodes: Vec::new(),
            models: Vec::new(),
            wire: BTreeMap::new(),
            strays: Vec::new(),
            inboxes: Vec::new(),
            refused_sends: 0,
            discards_deliveries: false,
            key_streams: KeyStreams::default(),
            payloads: Payloads::new(seed),
            origins: BTreeMap::new(),
            streams: BTreeMap::new(),
            publishers: Vec::new(),
            held: BinaryHeap::new(),
            held_so_far: 0,
            filter: None,
            watchers: Vec::new(),
            steps_at_now: 0,
            wakes_at_now: 0,
        }
    }

    /// Lets `filter` see every datagram before the network does.
    pub fn intercept(&mut self, filter: impl FnMut(Instant, &Datagram) -> Verdict + 'static) {
        self.filter = Some(Box::new(filter));
    }

    /// Shows every datagram that is sent to `watcher`.
    pub fn watch(&mut self, watcher: impl FnMut(&Datagram) + 'static) {
        self.watchers.push(Box::new(watcher));
    }

    pub fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Does something to one node's endpoint and carries away what comes out.
    pub fn with<T>(&mut self, node: usize, act: impl FnOnce(&mut Node, Instant) -> T) -> T {
        let local = self.nodes[node].clock.local(self.now);
        let result = act(&mut self.nodes[node], local);
        self.drain(node);
        result
    }

    /// Puts a datagram on the wire as anybody can, with any sender address.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.network.send(self.now, from, to, bytes);
    }

    /// One node sends a payload each `interval` from now on, for `length`.
    pub fn publish(&mut self, node: usize, id: ConnectionId, interval: Duration, length: Duration) {
        let until = self.now + length;
        self.publishers.push(Publisher {
            node,
            id,
            next_at: self.now,
            until,
            interval,
        });
    }

    pub fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until `done` or until `length` has passed; says whether it was done.
    pub fn run_until(&mut self, length: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + length;
        while !done(self) {
            if !self.step(end) {
                self.now = end;
                return done(self);
            }
        }
        true
    }

    /// What the connection delivered so far.
    pub fn inbox(&self, node: usize, id: ConnectionId) -> Inbox {
        let found = self
            .inboxes
            .iter()
            .find(|(at, of, _)| (*at, *of) == (node, id));
        found.map(|(_, _, inbox)| inbox.clone()).unwrap_or_default()
    }

    /// How many payloads one address sent the other.
    pub fn sent(&self, from: usize, to: usize) -> u64 {
        let pair = (self.nodes[from].address, self.nodes[to].address);
        self.origins
            .get(&pair)
            .map_or(0, |origins| origins.len() as u64)
    }

    pub fn wire_between(&self, from: usize, to: usize) -> WireFigures {
        let pair = (self.nodes[from].address, self.nodes[to].address);
        self.wire.get(&pair).copied().unwrap_or_default()
    }

    /// Everything that happened, as one number.
    pub fn trace(&self) -> u64 {
        let mut trace = *self.network.trace();
        for node in &self.nodes {
            trace.note(b"node", self.now, &node.trace.value().to_be_bytes());
        }
        trace.value()
    }

    fn step(&mut self, end: Instant) -> bool {
        let Some(next) = self.next_event().filter(|next| *next <= end) else {
            return false;
        };
        self.advance(next.max(self.now));
        self.release_held();
        while let Some(datagram) = self.network.receive(self.now) {
            self.deliver(&datagram);
        }
        for publisher in 0..self.publishers.len() {
            self.publish_due(publisher);
        }
        self.publishers
            .retain(|publisher| publisher.next_at < publisher.until);
        self.wake_models();
        for node in 0..self.nodes.len() {
            if self.nodes[node]
                .next_wake_up()
                .is_some_and(|at| at <= self.now)
            {
                self.wakes_at_now += 1;
                self.nodes[node].wake(self.now);
                self.drain(node);
            }
        }
        true
    }

    fn next_event(&self) -> Option<Instant> {
        let nodes = self.nodes.iter().filter_map(Node::next_wake_up);
        let publishers = self.publishers.iter().map(|publisher| publisher.next_at);
        let held = self.held.peek().map(|Reverse((at, ..))| *at);
        let models = self.models.iter();
        let models = models.filter_map(|model| model.borrow().next_wake_up());
        nodes
            .chain(models)
            .chain(publishers)
            .chain(self.network.next_arrival())
            .chain(held)
            .min()
    }

    fn advance(&mut self, next: Instant) {
        if next > self.now {
            self.now = next;
            self.steps_at_now = 0;
            self.wakes_at_now = 0;
        }
        self.steps_at_now += 1;
        assert!(
            self.steps_at_now < STEPS_PER_INSTANT_MAX,
            "livelock at {}",
            self.now
        );
        let most = WAKES_PER_INSTANT_MAX * self.nodes.len() as u32;
        assert!(
            self.wakes_at_now < most,
            "wake-ups at {} that change nothing",
            self.now
        );
    }

    fn wake_models(&mut self) {
        for model in self.models.clone() {
            let due = model.borrow().next_wake_up();
            if due.is_some_and(|at| at <= self.now) {
                self.wakes_at_now += 1;
                model.borrow_mut().wake(self.now);
                self.drain_model(&model);
            }
        }
    }

    fn drain_model(&mut self, model: &Rc<RefCell<dyn Model>>) {
        let ends = model.borrow().ends();
        let datagrams = model.borrow_mut().drain();
        for bytes in datagrams {
            self.transmit(ends.own, ends.peer, bytes);
        }
    }

    fn deliver(&mut self, datagram: &Datagram) {
        let mut models = self.models.iter();
        if let Some(model) = models.find(|model| model.borrow().ends().own == datagram.to) {
            let model = Rc::clone(model);
            model.borrow_mut().hear(self.now, &datagram.bytes);
            self.drain_model(&model);
            return;
        }
        let Some(node) = self
            .nodes
            .iter()
            .position(|node| node.address == datagram.to)
        else {
            self.strays.push(datagram.clone());
            return;
        };
        self.nodes[node].hear(self.now, datagram.from, &datagram.bytes);
        self.drain(node);
    }

    fn publish_due(&mut self, index: usize) {
        while self.publishers[index].next_at <= self.now {
            let publisher = self.publishers[index];
            if publisher.next_at >= publisher.until {
                return;
            }
            self.publishers[index].next_at += publisher.interval;
            self.send_payload(publisher.node, publisher.id);
        }
    }

    /// Sends the next payload of a connection at once.
    pub fn send_payload(&mut self, node: usize, id: ConnectionId) {
        if self.nodes[node].down {
            return;
        }
        let peer = self.nodes[node].peer_of(id);
        let pair = (
            self.nodes[node].address,
            peer.expect("only a connected peer is sent to"),
        );
        let number = self.origins.entry(pair).or_default().len() as u64;
        let payload = self.payloads.make(number);
        let (origin, taken) = (self.nodes[node].clock.local(self.now), payload.clone());
        let endpoint = &mut self.nodes[node].endpoint;
        let sent = endpoint.send(origin, id, taken, origin);
        if let Some(negotiated) = endpoint.negotiated(id).filter(|_| sent.is_ok()) {
            self.key_streams.note(pair.0, negotiated, &payload);
        }
        self.drain(node);
        if sent.is_ok() {
            self.origins.entry(pair).or_default().push(self.now);
        } else {
            self.refused_sends += 1;
        }
    }

    /// What `leg` sends is the stream of `first`, the first leg of its group.
    pub fn share_stream(&mut self, leg: usize, first: usize) {
        let (leg, first) = (self.nodes[leg].address, self.nodes[first].address);
        self.streams.insert(leg, first);
    }

    /// A stream that is sent over several legs has one payload more.
    pub fn note_origin(&mut self, first: usize, to: usize) {
        let pair = (self.nodes[first].address, self.nodes[to].address);
        self.origins.entry(pair).or_default().push(self.now);
    }

    /// Sends the `number`-th payload of a group's stream over one leg; whether it was taken.
    pub fn send_over(&mut self, node: usize, id: ConnectionId, number: u64, at: Instant) -> bool {
        let payload = self.payloads.make(number);
        let origin = self.nodes[node].clock.local(at);
        let sent = self.with(node, |node, now| {
            node.endpoint.send(now, id, payload, origin)
        });
        self.refused_sends += u64::from(sent.is_err());
        sent.is_ok()
    }

    fn drain(&mut self, node: usize) {
        let Output {
            datagrams,
            received,
        } = self.nodes[node].drain(self.now);
        let from = self.nodes[node].address;
        for (to, bytes) in datagrams {
            self.transmit(from, to, bytes);
        }
        for (id, received) in received {
            if self.discards_deliveries {
                continue;
            }
            self.take(node, id, &received);
        }
    }

    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.wire.entry((from, to)).or_default().note(&bytes);
        self.key_streams.look_at(from, &bytes);
        let datagram = Datagram { from, to, bytes };
        for watcher in &mut self.watchers {
            watcher(&datagram);
        }
        let verdict = self
            .filter
            .as_mut()
            .map(|filter| filter(self.now, &datagram));
        match verdict.unwrap_or(Verdict::Pass) {
            Verdict::Pass => self.network.send(self.now, from, to, &datagram.bytes),
            Verdict::Drop => {}
            Verdict::Change(bytes) => self.network.send(self.now, from, to, &bytes),
            Verdict::Hold(time) => {
                self.held_so_far += 1;
                let at = self.now + time;
                self.held
                    .push(Reverse((at, self.held_so_far, from, to, datagram.bytes)));
            }
        }
    }

    fn release_held(&mut self) {
        while self
            .held
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= self.now)
        {
            if let Some(Reverse((_, _, from, to, bytes))) = self.held.pop() {
                self.network.send(self.now, from, to, &bytes);
            }
        }
    }

    fn take(&mut self, node: usize, id: ConnectionId, received: &Received) {
        let peer = self.nodes[node]
            .peer_of(id)
            .expect("data comes on a connection that is known");
        let peer = self.streams.get(&peer).copied().unwrap_or(peer);
        let number = self.payloads.recognise(&received.payload);
        let number = number.expect("a delivered payload equals one that was sent, bit for bit");
        let origins = &self.origins[&(peer, self.nodes[node].address)];
        let clock: SkewedClock = self.nodes[node].clock;
        let delivery = Delivery {
            now: self.now,
            due: clock.global(received.due),
            sent: origins[number as usize],
        };
        let place = self
            .inboxes
            .iter()
            .position(|(at, of, _)| (*at, *of) == (node, id));
        let place = place.unwrap_or_else(|| {
            self.inboxes.push((node, id, Inbox::default()));
            self.inboxes.len() - 1
        });
        self.inboxes[place].2.take(number, received, &delivery);
    }
}
