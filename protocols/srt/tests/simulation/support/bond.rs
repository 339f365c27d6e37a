//! A sender over a bonding group, as libsrt's is seen from outside: each leg is a connection
//! of its own, from an address of its own, and all of them carry one stream with the same
//! sequence numbers and timestamps.
//!
//! ```text
//!  leg 0 (node 1) ─┐ conclusion + GROUP block ┐
//!  leg 1 (node 2) ─┼── numbers + shift ───────┼──▶ listener (node 0): one connection
//!  leg 2 (node 3) ─┘ ◀── ACK, NAK − shift ────┘
//! ```
//!
//! A leg's own first number is what the stream was at when it called. When it begins to carry
//! the stream its numbers jump to where that is by then, as libsrt's do: that is the shift.

use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use tidegate_netsim::{Chance, Datagram, LinkConfig};
use tidegate_srt::wire::{ExtensionFlags, GroupExtension};
use tidegate_srt::{
    ConnectionId, Endpoint, Event, LegStatus, SequenceNumber, SessionKeys, Statistics,
};
use tidegate_units::Instant;

use super::inbox::Inbox;
use super::node::Node;
use super::packets::{self, ACK, DROPREQ, NAK};
use super::pair::{Scenario, listener_address};
use super::payload::PAYLOAD_BYTES;
use super::world::World;
use super::{MS, SECOND, Verdict};

pub const LISTENER: usize = 0;
const SEQUENCE_MASK: u32 = 0x7FFF_FFFF;
/// Where the extension blocks of a handshake begin.
const BLOCKS_AT: usize = 64;
const GROUP_COMMAND: u8 = 8;
/// What the group's clock shows when its first leg calls, unless the scenario says.
const CLOCK_STARTS_MICROS: u32 = 5_000_000;

/// How a leg introduces itself and which of its numbers stand for which of the stream.
#[derive(Debug, Clone, Copy)]
struct Guise {
    group: GroupExtension,
    shift: u32,
}

type Guises = Rc<RefCell<BTreeMap<SocketAddr, Guise>>>;

/// One leg of the sender.
#[derive(Debug, Clone, Copy)]
pub struct Leg {
    pub node: usize,
    pub id: ConnectionId,
    /// The number of the stream's payload that its first own number stands for.
    first: u64,
    /// It is to carry payloads as soon as it can.
    pub carries: bool,
    /// It has carried some: its numbers go on from there.
    pub started: bool,
}

/// The sender's legs, and the listener.
pub struct Bond {
    pub world: World,
    pub scenario: Scenario,
    pub legs: Vec<Leg>,
    /// Which group the legs name, and as what.
    pub group: GroupExtension,
    pub first_sequence: u32,
    chance: Chance,
    guises: Guises,
    /// When each payload so far came into being.
    sent: Vec<Instant>,
    clock_zero_micros: Option<i64>,
}

impl Bond {
    /// Nobody has called yet.
    pub fn new(scenario: Scenario) -> Self {
        let mut world = World::new(scenario.seed, LinkConfig::delayed(20 * MS));
        let mut chance = Chance::stream(scenario.seed, u64::MAX);
        let config = scenario.endpoint_config(&mut chance, true);
        let clock = scenario.listener_clock;
        let endpoint = Endpoint::new(clock.local(Instant::ZERO), config);
        let admission = scenario.admission();
        world.add(Node::new(listener_address(), clock, endpoint, admission));
        let guises = Guises::default();
        let worn = Rc::clone(&guises);
        world.intercept(move |_, datagram| disguise(&worn.borrow(), datagram));
        Self {
            world,
            legs: Vec::new(),
            group: GroupExtension {
                group: GroupExtension::ID_BIT | 4711,
                kind: GroupExtension::BROADCAST,
                flags: 0,
                weight: 0,
            },
            first_sequence: scenario
                .first_sequence
                .map_or(1_000_000, SequenceNumber::value),
            scenario,
            chance,
            guises,
            sent: Vec::new(),
            clock_zero_micros: None,
        }
    }

    /// A broadcast group over these links, all of its legs connected.
    pub fn broadcast(scenario: Scenario, links: &[LinkConfig]) -> Self {
        let mut bond = Self::new(scenario);
        bond.call_in_turn(links);
        bond
    }

    /// A backup group whose first leg carries and whose second is idle.
    pub fn backup(scenario: Scenario, links: &[LinkConfig; 2]) -> Self {
        let mut bond = Self::new(scenario);
        bond.group.kind = GroupExtension::BACKUP;
        bond.call_in_turn(links);
        bond.legs[1].carries = false;
        bond
    }

    /// The first leg of the list is the one that founds the group.
    fn call_in_turn(&mut self, links: &[LinkConfig]) {
        for link in links {
            self.call(link);
            self.await_legs();
        }
        self.world.run_for(400 * MS);
    }

    /// One more leg calls, over a link like this in both directions; its number.
    pub fn call(&mut self, link: &LinkConfig) -> usize {
        let leg = self.legs.len();
        let node = self.world.nodes.len();
        let octet = u8::try_from(node).expect("a few legs");
        let address = SocketAddr::from(([10, 7, octet, 1], 40_000));
        let clock = self.scenario.caller_clock;
        let local = clock.local(self.world.now);
        let config = self.scenario.endpoint_config(&mut self.chance, false);
        let endpoint = Endpoint::new(local, config);
        let admission = self.scenario.admission();
        self.world
            .add(Node::new(address, clock, endpoint, admission));
        self.world.share_stream(node, 1);
        self.set_link_of(node, link);
        let guise = Guise {
            group: self.group,
            shift: 0,
        };
        self.guises.borrow_mut().insert(address, guise);
        let keys = self.keys();
        let mut config = self.scenario.caller_config(keys);
        let first = self.sent.len() as u64;
        config.first_sequence = Some(SequenceNumber::new(self.sequence(first)));
        config.connection.first_timestamp_micros = self.clock_shows(local);
        let id = self.world.with(node, |node, now| {
            let id = node.endpoint.connect(now, listener_address(), config);
            let id = id.expect("a call can be made");
            node.peers.push((id, listener_address()));
            id
        });
        self.legs.push(Leg {
            node,
            id,
            first,
            carries: true,
            started: false,
        });
        leg
    }

    fn keys(&mut self) -> Option<SessionKeys> {
        let (passphrase, length) = self.scenario.passphrase?;
        let mut random: rand_chacha::ChaCha20Rng =
            rand_core::SeedableRng::from_seed(self.chance.seed());
        let keys = SessionKeys::generate(passphrase, length, self.scenario.cipher, &mut random);
        Some(keys.expect("a valid passphrase"))
    }

    /// All legs share the clock of the first.
    fn clock_shows(&mut self, local: Instant) -> u32 {
        let now = local.as_micros().cast_signed();
        let first = match self.scenario.connection.first_timestamp_micros {
            0 => CLOCK_STARTS_MICROS,
            asked => asked,
        };
        let zero = *self.clock_zero_micros.get_or_insert(now - i64::from(first));
        let shows = (now - zero).cast_unsigned() & u64::from(u32::MAX);
        // Zero would mean: as you like.
        u32::try_from(shows).unwrap_or(0).max(1)
    }

    fn sequence(&self, number: u64) -> u32 {
        (u64::from(self.first_sequence) + number) as u32 & SEQUENCE_MASK
    }

    fn set_link_of(&mut self, node: usize, link: &LinkConfig) {
        let address = self.world.nodes[node].address;
        let network = &mut self.world.network;
        network.configure(address, listener_address(), link.clone());
        network.configure(listener_address(), address, link.clone());
    }

    pub fn set_link(&mut self, leg: usize, link: &LinkConfig) {
        self.set_link_of(self.legs[leg].node, link);
    }

    /// The link that a leg's packets take; the answers go on as before.
    pub fn set_way_there(&mut self, leg: usize, link: &LinkConfig) {
        let address = self.world.nodes[self.legs[leg].node].address;
        let network = &mut self.world.network;
        network.configure(address, listener_address(), link.clone());
    }

    /// Nothing gets through on this leg any more, in either direction.
    pub fn cut(&mut self, leg: usize) {
        let dead = LinkConfig::delayed(MS).losing(tidegate_netsim::Probability::percent(100.0));
        self.set_link(leg, &dead);
    }

    /// The sender ends this leg.
    pub fn hang_up(&mut self, leg: usize) {
        let Leg { node, id, .. } = self.legs[leg];
        self.world
            .with(node, |node, now| node.endpoint.close(now, id));
        self.legs[leg].carries = false;
    }

    /// Runs until all legs are connected.
    ///
    /// # Panics
    /// If they are not within ten seconds.
    pub fn await_legs(&mut self) {
        let nodes: Vec<usize> = self.legs.iter().map(|leg| leg.node).collect();
        let done = self.world.run_until(10 * SECOND, |world| {
            nodes.iter().all(|node| is_connected(&world.nodes[*node]))
        });
        assert!(
            done,
            "not all legs connected: {:#?}",
            self.world.nodes[LISTENER].events
        );
    }

    pub fn is_connected(&self, leg: usize) -> bool {
        is_connected(&self.world.nodes[self.legs[leg].node])
    }

    /// The next payload leaves on all legs that carry.
    pub fn send(&mut self) {
        let number = self.sent.len() as u64;
        self.world.note_origin(1, LISTENER);
        self.sent.push(self.world.now);
        for leg in 0..self.legs.len() {
            self.send_on(leg, number);
        }
    }

    fn send_on(&mut self, leg: usize, number: u64) {
        if !self.legs[leg].carries || !self.is_connected(leg) {
            return;
        }
        if !std::mem::replace(&mut self.legs[leg].started, true) {
            self.jump(leg, number);
        }
        let Leg { node, id, .. } = self.legs[leg];
        let at = self.sent[number as usize];
        if !self.world.send_over(node, id, number, at) {
            // A leg with a hole in its numbers is no leg.
            self.hang_up(leg);
        }
    }

    fn jump(&mut self, leg: usize, number: u64) {
        let Leg { node, first, .. } = self.legs[leg];
        let shift = number.wrapping_sub(first) as u32;
        assert!(
            shift == 0 || self.scenario.passphrase.is_none(),
            "numbers are a part of what is encrypted: a leg that jumps must be plain"
        );
        let address = self.world.nodes[node].address;
        if let Some(guise) = self.guises.borrow_mut().get_mut(&address) {
            guise.shift = shift;
        }
    }

    /// The numbers that the leg's packets bear are this far ahead of the stream's from now on.
    pub fn derange(&mut self, leg: usize, ahead: u32) {
        let address = self.world.nodes[self.legs[leg].node].address;
        if let Some(guise) = self.guises.borrow_mut().get_mut(&address) {
            guise.shift = ahead & SEQUENCE_MASK;
        }
    }

    /// The next `count` payloads are too late before any leg was able to send them.
    pub fn give_up(&mut self, count: u32) {
        for _ in 0..count {
            self.world.note_origin(1, LISTENER);
            self.sent.push(self.world.now);
        }
        for guise in self.guises.borrow_mut().values_mut() {
            guise.shift = guise.shift.wrapping_add(count) & SEQUENCE_MASK;
        }
    }

    /// The leg begins to carry, and first repeats everything from payload `from` on.
    pub fn take_over(&mut self, leg: usize, from: u64) {
        self.legs[leg].carries = true;
        for number in from..self.sent.len() as u64 {
            self.send_on(leg, number);
        }
    }

    /// Streams at this payload rate for `length`.
    pub fn stream(&mut self, megabits_per_second: f64, length: Duration) {
        let seconds = PAYLOAD_BYTES as f64 * 8.0 / (megabits_per_second * 1e6);
        let interval = Duration::from_micros((seconds * 1e6).round() as u64);
        let end = self.world.now + length;
        while self.world.now < end {
            self.send();
            self.world.run_for(interval);
        }
    }

    /// Waits until everything sent is played out.
    pub fn settle(&mut self) {
        self.world
            .run_for(self.scenario.connection.latency + 2 * SECOND);
    }

    pub fn sent(&self) -> u64 {
        self.sent.len() as u64
    }

    /// The group at the listener.
    pub fn id(&self) -> ConnectionId {
        let events = self.world.nodes[LISTENER].events.iter().rev();
        let connected = events.filter_map(|(_, event)| match event {
            Event::Connected { id, .. } => Some(*id),
            _ => None,
        });
        connected.take(1).next().expect("the group is there")
    }

    pub fn inbox(&self) -> Inbox {
        self.world.inbox(LISTENER, self.id())
    }

    pub fn statistics(&mut self) -> Statistics {
        let id = self.id();
        let figures = |node: &mut Node, now| node.endpoint.statistics(now, id);
        self.world
            .with(LISTENER, figures)
            .expect("the group is there")
    }

    /// How the listener sees the legs, the oldest first and lost ones last.
    pub fn seen(&mut self) -> Vec<LegStatus> {
        let id = self.id();
        self.world
            .with(LISTENER, |node, now| node.endpoint.legs(now, id))
    }

    pub fn states(&mut self) -> Vec<&'static str> {
        self.seen().iter().map(|leg| leg.state.name()).collect()
    }

    /// What a leg's sender counted.
    pub fn leg_statistics(&mut self, leg: usize) -> Statistics {
        let Leg { node, id, .. } = self.legs[leg];
        let figures = self
            .world
            .with(node, |node, now| node.endpoint.statistics(now, id));
        figures.expect("the leg is there")
    }

    /// # Panics
    /// If anything that was sent did not come out, in order, once, and in time.
    pub fn assert_complete(&self) {
        let inbox = self.inbox();
        assert_eq!(
            (inbox.missing, inbox.delivered),
            (0, self.sent()),
            "{inbox:?}"
        );
        assert!(inbox.worst_lateness.is_zero(), "{:?}", inbox.worst_lateness);
    }

    /// # Panics
    /// If the time between coming into being and play-out moved by more than `most`.
    pub fn assert_steady(&self, most: Duration) {
        let inbox = self.inbox();
        let spread = inbox.longest_delay.zip(inbox.shortest_delay);
        let spread = spread.map(|(longest, shortest)| longest - shortest);
        assert!(spread <= Some(most), "play-out moved by {spread:?}");
    }
}

fn is_connected(node: &Node) -> bool {
    let mut connected = false;
    for (_, event) in &node.events {
        match event {
            Event::Connected { .. } => connected = true,
            Event::Closed { .. } => return false,
            _ => {}
        }
    }
    connected
}

/// What the network sees of a leg's packets, and the leg of the answers.
fn disguise(guises: &BTreeMap<SocketAddr, Guise>, datagram: &Datagram) -> Verdict {
    let bytes = &datagram.bytes;
    if let Some(guise) = guises.get(&datagram.from) {
        if packets::handshake_request(bytes) == Some(packets::CONCLUSION) {
            return Verdict::Change(introduced(bytes, &guise.group));
        }
        let words: &[usize] = match () {
            () if packets::is_data(bytes) => &[0],
            () if packets::is_control(bytes, DROPREQ) => &[4, 5],
            () => &[],
        };
        return shifted(bytes, words, guise.shift);
    }
    if let Some(guise) = guises.get(&datagram.to) {
        if packets::handshake_request(bytes) == Some(packets::CONCLUSION) {
            return Verdict::Change(without_group(bytes));
        }
        let words: Vec<usize> = match () {
            () if packets::is_control(bytes, ACK) => vec![4],
            () if packets::is_control(bytes, NAK) => (4..bytes.len() / 4).collect(),
            () => Vec::new(),
        };
        return shifted(bytes, &words, guise.shift.wrapping_neg());
    }
    Verdict::Pass
}

/// The conclusion of a leg: one block more.
pub fn introduced(conclusion: &[u8], group: &GroupExtension) -> Vec<u8> {
    let mut bytes = conclusion.to_vec();
    let flags = u16::from_be_bytes([bytes[22], bytes[23]]);
    let flags = flags | ExtensionFlags::CONFIGURATION.bits();
    bytes[22..24].copy_from_slice(&flags.to_be_bytes());
    bytes.extend([0, GROUP_COMMAND, 0, 2]);
    bytes.extend(group.to_bytes());
    bytes
}

/// The answer to it: a leg's own endpoint has not asked for a group.
fn without_group(answer: &[u8]) -> Vec<u8> {
    let (head, mut rest) = answer.split_at(BLOCKS_AT);
    let mut bytes = head.to_vec();
    while let [command_high, command_low, words_high, words_low, ..] = *rest {
        let words = u16::from_be_bytes([words_high, words_low]);
        let (block, more) = rest.split_at(4 + usize::from(words) * 4);
        if [command_high, command_low] != [0, GROUP_COMMAND] {
            bytes.extend(block);
        }
        rest = more;
    }
    bytes
}

/// Adds `shift` to the sequence numbers in these words.
fn shifted(packet: &[u8], words: &[usize], shift: u32) -> Verdict {
    if shift == 0 || words.is_empty() {
        return Verdict::Pass;
    }
    let mut bytes = packet.to_vec();
    for at in words {
        if let Some(word) = packets::word(packet, *at) {
            let number = word.wrapping_add(shift) & SEQUENCE_MASK;
            let word = word & !SEQUENCE_MASK | number;
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_be_bytes());
        }
    }
    Verdict::Change(bytes)
}
