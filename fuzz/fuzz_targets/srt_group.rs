//! A bonding group of two legs and a listener: the network of each leg, the leg itself and
//! strangers who know the group's number do as they like.
//!
//! The first byte chooses the kind (odd: backup). The rest is a list of steps, each an
//! operation byte and an argument byte:
//!
//! ```text
//!  0 n    the sender sends n % 16 payloads
//!  1 n    n milliseconds pass
//!  2 n    the network delivers what is under way, less the i-th of eight where bit i of n is set
//!  3 n    everything under way on leg n % 2 is lost, or on both (n > 127)
//!  4 n …  n bytes to the listener, as from leg n % 2, for that leg's socket
//!  5 n ab a forged ACK, NAK, drop request or data packet about the packets from the first + a
//!         to the first + b (signed), as from leg n % 2
//!  6 n …  a stranger, one of four, asks to be a leg: with the group's own block where n is even,
//!         with the next eight bytes as the block where it is odd. It is let in to join
//!         (n & 2) or as a first leg, and has the group's stream ID unless n & 16
//!  7 n    a SHUTDOWN as from leg n % 2
//!  8 n …  n bytes to the listener, as from a stranger that was let in
//! ```
//!
//! Whatever happens, what comes out of a group goes up by one, less what is said to be lost.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_srt::wire::{GroupExtension, SequenceNumber};
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig,
    EndpointLimits, Event, GroupCall, GroupKind, LegCall, ListenerConfig, SocketIdSpace,
    TransmitBatch,
};
use tidegate_units::{Duration, Instant};

const STEPS_MAX: usize = 200;
const DATAGRAMS_MAX: usize = 5_000;
const LEGS_MAX: usize = 8;
/// Near the wrap, and so near zero too: short inputs reach both.
const FIRST_SEQUENCE: u32 = 0x7FFF_FFF0;
const CALLER: usize = 0;
const LISTENER: usize = 1;

fuzz_target!(|input: &[u8]| {
    let Some((how, mut rest)) = input.split_first() else {
        return;
    };
    let kind = match how & 1 {
        0 => GroupKind::Broadcast,
        _ => GroupKind::Backup,
    };
    let mut session = Session::connect(kind);
    for _ in 0..STEPS_MAX {
        let [operation, argument, tail @ ..] = rest else {
            break;
        };
        rest = session.step(*operation, *argument, tail);
    }
    session.ends();
});

fn leg_address(leg: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, leg as u8], 9_000))
}

fn listener_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 9_000))
}

fn stranger_address(stranger: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, stranger & 3], 9_000))
}

struct Session {
    now: Instant,
    endpoints: [Endpoint; 2],
    group: ConnectionId,
    /// The number the legs name, as the listener heard it.
    number: Option<[u8; 8]>,
    /// How the next request is decided: join, or not.
    joins: bool,
    in_flight: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// The listener's socket for packets from an address, and the cookie it was given.
    sockets: BTreeMap<SocketAddr, [u8; 4]>,
    cookies: BTreeMap<SocketAddr, [u8; 4]>,
    /// What came out last, of each group.
    last: BTreeMap<ConnectionId, u64>,
    strangers: u32,
    batch: TransmitBatch,
}

impl Session {
    fn connect(kind: GroupKind) -> Self {
        let now = Instant::from_millis(1_000);
        let mut endpoints = [
            endpoint(1, None),
            endpoint(2, Some(ListenerConfig::default())),
        ];
        let caller = CallerConfig {
            stream_id: Bytes::from_static(b"live/fuzz"),
            first_sequence: Some(SequenceNumber::new(FIRST_SEQUENCE)),
            connection: connection_config(),
            ..CallerConfig::default()
        };
        let leg = |way| LegCall {
            remote: listener_address(),
            weight: u16::from(way),
            way,
        };
        let call = GroupCall::new(kind, vec![leg(0), leg(1)], caller);
        let group = endpoints[CALLER].connect_group(now, call);
        let mut session = Self {
            now,
            endpoints,
            group: group.expect("a group can call"),
            number: None,
            joins: false,
            in_flight: VecDeque::new(),
            sockets: BTreeMap::new(),
            cookies: BTreeMap::new(),
            last: BTreeMap::new(),
            strangers: 0,
            batch: TransmitBatch::new(64 * 1024),
        };
        session.drain();
        for _ in 0..4 {
            session.deliver(0);
        }
        assert_eq!(session.endpoints[LISTENER].connection_count(), 2);
        session.send(2);
        session.deliver(0);
        session
    }

    fn step<'a>(&mut self, operation: u8, argument: u8, tail: &'a [u8]) -> &'a [u8] {
        match operation % 9 {
            0 => self.send(argument),
            1 => self.pass(Duration::from_millis(argument.into())),
            2 => self.deliver(argument),
            3 => {
                let leg = leg_address(usize::from(argument & 1));
                let both = argument > 127;
                self.in_flight
                    .retain(|(from, to, _)| !both && *from != leg && *to != leg);
            }
            4 => return self.inject(leg_address(usize::from(argument & 1)), argument, tail),
            5 => return self.forge(argument, tail),
            6 => return self.knock(argument, tail),
            7 => {
                let words = [0x8005_0000, 0, 0, 1];
                let bytes: Vec<u8> = words
                    .iter()
                    .flat_map(|word: &u32| word.to_be_bytes())
                    .collect();
                self.inject(leg_address(usize::from(argument & 1)), 16, &bytes);
            }
            _ => return self.inject(stranger_address(argument), argument, tail),
        }
        tail
    }

    /// Bytes to the socket that the listener has for `from`.
    fn inject<'a>(&mut self, from: SocketAddr, length: u8, tail: &'a [u8]) -> &'a [u8] {
        let (bytes, tail) = tail.split_at(usize::from(length).min(tail.len()));
        let mut bytes = bytes.to_vec();
        if let (Some(place), Some(socket)) = (bytes.get_mut(12..16), self.sockets.get(&from)) {
            place.copy_from_slice(socket);
        }
        self.hand_in(from, LISTENER, &bytes);
        tail
    }

    fn forge<'a>(&mut self, what: u8, tail: &'a [u8]) -> &'a [u8] {
        let [a, b, tail @ ..] = tail else { return &[] };
        let sequence = |offset: u8| {
            let offset = i32::from(offset.cast_signed());
            FIRST_SEQUENCE.wrapping_add_signed(offset) & 0x7FFF_FFFF
        };
        let (first, last) = (sequence(*a), sequence(*b));
        let stamp = 11_000_000;
        let words = match what >> 1 & 3 {
            0 => vec![
                0x8002_0000,
                1,
                stamp,
                1,
                first,
                40_000,
                5_000,
                last & 0xFFFF,
            ],
            1 => vec![0x8003_0000, 0, stamp, 1, first | 1 << 31, last],
            2 => vec![0x8007_0000, 0, stamp, 1, first, last],
            // Where the top bit says so, from far ahead.
            _ => {
                let far = first.wrapping_add(u32::from(what >> 7) << 20) & 0x7FFF_FFFF;
                vec![far, 3 << 30 | 1 << 26 | 1, stamp, 1, 0x4740_0000]
            }
        };
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let from = leg_address(usize::from(what & 1));
        self.inject(from, bytes.len() as u8, &bytes);
        tail
    }

    /// A stranger asks with a cookie of its own.
    fn knock<'a>(&mut self, how: u8, tail: &'a [u8]) -> &'a [u8] {
        let from = stranger_address(how >> 2);
        self.strangers += 1;
        let socket = 0x0100_0000 + self.strangers;
        self.hand_in(from, LISTENER, &handshake(4, 2, 1, socket, [0; 4]));
        let cookie = self.cookies.get(&from).copied().unwrap_or_default();
        let (block, tail) = match (how & 1, self.number) {
            (0, Some(own)) => (own.to_vec(), tail),
            _ => {
                let (block, tail) = tail.split_at(tail.len().min(8));
                (block.to_vec(), tail)
            }
        };
        let mut conclusion = handshake(5, 5, 0xFFFF_FFFF, socket, cookie);
        for word in [0x0001_0003_u32, 0x0001_0505, 0x0000_00BF, 120 << 16 | 120] {
            conclusion.extend(word.to_be_bytes());
        }
        if how & 16 == 0 {
            conclusion.extend(b"\x00\x05\x00\x03evilzuf/\x00\x00\x00z");
        }
        conclusion.extend([0, 8, 0, (block.len() / 4) as u8]);
        conclusion.extend(&block[..block.len() / 4 * 4]);
        self.joins = how & 2 != 0;
        self.hand_in(from, LISTENER, &conclusion);
        self.joins = true;
        tail
    }

    fn send(&mut self, payloads: u8) {
        for _ in 0..payloads % 16 {
            let payload = Bytes::from_static(&[0x47; 188]);
            // A group without legs or a full buffer refuses, which is fine here.
            let _ = self.endpoints[CALLER].send(self.now, self.group, payload, self.now);
        }
        self.drain();
    }

    fn deliver(&mut self, lost: u8) {
        for (place, (from, to, bytes)) in
            std::mem::take(&mut self.in_flight).into_iter().enumerate()
        {
            if lost >> (place % 8) & 1 == 1 {
                continue;
            }
            let node = if to == listener_address() {
                LISTENER
            } else {
                CALLER
            };
            self.hand_in(from, node, &bytes);
        }
    }

    fn hand_in(&mut self, from: SocketAddr, node: usize, bytes: &[u8]) {
        self.endpoints[node].handle_datagram(self.now, from, None, bytes);
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut idle_wakes = 0;
        while let Some(next) = self.next_timeout().filter(|next| *next <= end) {
            idle_wakes = if next > self.now { 0 } else { idle_wakes + 1 };
            assert!(
                idle_wakes < 100,
                "an endpoint asks to be woken at {next} for ever"
            );
            self.now = self.now.max(next);
            for endpoint in &mut self.endpoints {
                if endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
                    endpoint.handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.endpoints
            .iter()
            .filter_map(Endpoint::poll_timeout)
            .min()
    }

    fn drain(&mut self) {
        for node in [CALLER, LISTENER] {
            self.transmit(node);
            while self.handle_events(node) {
                self.transmit(node);
            }
        }
        let listener = &mut self.endpoints[LISTENER];
        while let Some(id) = listener.next_readable() {
            while let Some(received) = listener.poll_received(id) {
                let lost = u64::from(received.dropped_before);
                let before = self.last.insert(id, received.sequence);
                if let Some(before) = before {
                    assert_eq!(received.sequence, before + 1 + lost, "out of order");
                }
            }
        }
    }

    fn handle_events(&mut self, node: usize) -> bool {
        let mut decided = false;
        while let Some(event) = self.endpoints[node].poll_event() {
            match event {
                Event::Request(request) => {
                    let (keys, config) = (None, connection_config());
                    let decision = if self.joins {
                        Decision::Join { keys, config }
                    } else {
                        Decision::Accept { keys, config }
                    };
                    // The first leg founds the group; the second joins it.
                    self.joins = true;
                    self.endpoints[node].decide(self.now, request.id, decision);
                    decided = true;
                }
                Event::LegJoined { group, .. } if node == LISTENER => {
                    let legs = self.endpoints[node].legs(self.now, group);
                    assert!(legs.len() <= LEGS_MAX);
                }
                _ => {}
            }
        }
        decided
    }

    fn transmit(&mut self, node: usize) {
        let mut sent = 0;
        loop {
            self.batch.clear();
            let more = self.endpoints[node].poll_transmit(self.now, &mut self.batch);
            for run in self.batch.runs() {
                let from = match node {
                    CALLER => leg_address(run.way.into()),
                    _ => listener_address(),
                };
                for datagram in run.datagrams() {
                    note(datagram, run.to, &mut self.sockets, &mut self.cookies);
                    if node == CALLER && is_conclusion(datagram) {
                        self.number = group_block(datagram).or(self.number);
                    }
                    self.in_flight.push_back((from, run.to, datagram.to_vec()));
                    sent += 1;
                }
            }
            if !more {
                break;
            }
            assert!(sent < DATAGRAMS_MAX, "an endpoint never stops sending");
        }
        // The network forgets the oldest, as a router would.
        while self.in_flight.len() > DATAGRAMS_MAX {
            self.in_flight.pop_front();
        }
    }

    /// The sender is gone for good, and in silence everything ends.
    fn ends(&mut self) {
        self.endpoints[CALLER].close(self.now, self.group);
        self.drain();
        self.in_flight.clear();
        self.pass(Duration::from_secs(20));
        for endpoint in &self.endpoints {
            assert_eq!(endpoint.connection_count(), 0, "silence ends every session");
        }
    }
}

/// Remembers the socket and the cookie that the listener tells an address.
fn note(
    bytes: &[u8],
    to: SocketAddr,
    sockets: &mut BTreeMap<SocketAddr, [u8; 4]>,
    cookies: &mut BTreeMap<SocketAddr, [u8; 4]>,
) {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    if bytes.starts_with(&[0x80, 0])
        && let (Some(socket), Some(cookie)) = (word(40), word(44))
    {
        if is_conclusion(bytes) {
            sockets.insert(to, socket);
        } else {
            cookies.insert(to, cookie);
        }
    }
}

fn is_conclusion(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x80, 0]) && bytes.get(36..40) == Some(&[0xFF; 4][..])
}

fn group_block(handshake: &[u8]) -> Option<[u8; 8]> {
    let mut rest = handshake.get(64..)?;
    while let [high, low, words_high, words_low, body @ ..] = rest {
        let bytes = usize::from(u16::from_be_bytes([*words_high, *words_low])) * 4;
        let (body, more) = body.split_at_checked(bytes)?;
        if [*high, *low] == [0, 8] {
            return body.try_into().ok();
        }
        rest = more;
    }
    None
}

fn handshake(version: u32, field: u32, request: u32, socket: u32, cookie: [u8; 4]) -> Vec<u8> {
    let cookie = u32::from_be_bytes(cookie);
    let words = [
        0x8000_0000,
        0,
        0,
        0,
        version,
        field,
        FIRST_SEQUENCE,
        1500,
        8192,
        request,
        socket,
        cookie,
        0x0200_00C0,
        0,
        0,
        0,
    ];
    words
        .iter()
        .flat_map(|word: &u32| word.to_be_bytes())
        .collect()
}

fn connection_config() -> ConnectionConfig {
    ConnectionConfig {
        // What forgers make fresh, too, is soon more than this.
        receive_buffer_packets: Some(64),
        ..ConnectionConfig::default()
    }
}

fn endpoint(number: u8, listen: Option<ListenerConfig>) -> Endpoint {
    let config = EndpointConfig {
        listen,
        socket_ids: SocketIdSpace { shard: 0 },
        cookie_key: CookieKey::new([number; 16]),
        limits: EndpointLimits::default(),
        seed: [number; 32],
    };
    Endpoint::new(Instant::from_millis(1_000), config)
}

const _: () = assert!(GroupExtension::BYTES == 8);
