//! An SRTLA sender, forgers and strangers at one listener.
//!
//! A phone with two links has registered and publishes over them. Then the input says what
//! happens, each step an operation byte and an argument byte:
//!
//! ```text
//!  0 n …  n bytes from address n % 8; the first byte is made one of SRTLA's
//!  1 n    n × 50 milliseconds pass
//!  2 n    REG1 from address n % 8
//!  3 n m  REG2 from address n % 8 with the name offered last (m: which bit is wrong; 0: none)
//!  4 n    REG2 from address n % 8 with the phone's name
//!  5 n …  n bytes of SRT from the phone's link n % 2, for the socket of its connection
//!  6 n    the phone sends n % 16 payloads, over its links in turn
//!  7 n    REG2 with the name offered last, from the phone's link n % 2
//! ```
//!
//! Whatever happens, nobody but the phone is sent more than came from his address, and when
//! all are silent nothing is left.
#![no_main]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_srt::srtla::wire::{ID_BYTES, kind, registration};
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig,
    EndpointLimits, Event, ListenerConfig, SocketIdSpace, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

const STEPS_MAX: usize = 200;
const DATAGRAMS_PER_STEP_MAX: usize = 10_000;
const LINKS: usize = 2;

fuzz_target!(|input: &[u8]| {
    let mut scene = Scene::publishing();
    let mut rest = input;
    for _ in 0..STEPS_MAX {
        let [operation, argument, tail @ ..] = rest else {
            break;
        };
        rest = scene.step(*operation, *argument, tail);
        scene.check_bounds();
    }
    scene.cut = true;
    scene.pass(Duration::from_secs(60));
    scene.check_bounds();
    let counters = scene.listener.counters();
    assert_eq!(counters.srtla.bundles, 0, "silence ends every bundle");
    assert_eq!(counters.srtla.links, 0, "and its links");
    assert_eq!(scene.listener.connection_count(), 0, "and every connection");
    assert_eq!(scene.links_known, 0, "and whoever steers is told");
});

struct Scene {
    now: Instant,
    listener: Endpoint,
    caller: Endpoint,
    call: Option<ConnectionId>,
    batch: TransmitBatch,
    /// Bytes from and to each address.
    traffic: BTreeMap<SocketAddr, (usize, usize)>,
    offered: [u8; ID_BYTES],
    phones_name: [u8; ID_BYTES],
    /// The socket of the phone's connection at the listener.
    socket: [u8; 4],
    turn: usize,
    links_known: i64,
    /// Nothing of the phone gets through any more.
    cut: bool,
}

fn endpoint(now: Instant, number: u8, listen: Option<ListenerConfig>) -> Endpoint {
    let config = EndpointConfig {
        listen,
        socket_ids: SocketIdSpace { shard: 0 },
        cookie_key: CookieKey::new([number; 16]),
        limits: EndpointLimits::default(),
        seed: [number; 32],
    };
    Endpoint::new(now, config)
}

fn link(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number % LINKS as u8], 4000))
}

fn stranger(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, number % 2, number % 8], 4000))
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5000))
}

impl Scene {
    fn publishing() -> Self {
        let now = Instant::from_millis(100_000);
        let mut scene = Self {
            now,
            listener: endpoint(now, 2, Some(ListenerConfig::default())),
            caller: endpoint(now, 1, None),
            call: None,
            batch: TransmitBatch::new(64 * 1024),
            traffic: BTreeMap::new(),
            offered: [0; ID_BYTES],
            phones_name: [0; ID_BYTES],
            socket: [0; 4],
            turn: 0,
            links_known: 0,
            cut: false,
        };
        scene.hand_in(link(0), &registration(kind::REG1, &[1; ID_BYTES]));
        scene.phones_name = scene.offered;
        for number in 0..LINKS as u8 {
            scene.hand_in(
                link(number),
                &registration(kind::REG2, &scene.phones_name.clone()),
            );
        }
        let call = scene.caller.connect(now, local(), CallerConfig::default());
        scene.call = Some(call.expect("a call can be made"));
        scene.drain();
        assert_eq!(scene.listener.connection_count(), 1);
        scene
    }

    fn step<'a>(&mut self, operation: u8, argument: u8, tail: &'a [u8]) -> &'a [u8] {
        let from = stranger(argument);
        match operation % 8 {
            0 => {
                let (mut bytes, tail) = take(argument, tail);
                if let Some(first) = bytes.first_mut() {
                    *first = 0x90 + *first % 3;
                }
                self.hand_in(from, &bytes);
                return tail;
            }
            1 => self.pass(Duration::from_millis(u64::from(argument) * 50)),
            2 => self.hand_in(from, &registration(kind::REG1, &[argument; ID_BYTES])),
            3 => {
                let [wrong, tail @ ..] = tail else { return &[] };
                let mut name = self.offered;
                name[usize::from(*wrong)] ^= u8::from(*wrong != 0);
                self.hand_in(from, &registration(kind::REG2, &name));
                return tail;
            }
            4 => self.hand_in(from, &registration(kind::REG2, &self.phones_name.clone())),
            5 => {
                let (mut bytes, tail) = take(argument, tail);
                if let Some(socket) = bytes.get_mut(12..16)
                    && socket != [0; 4]
                {
                    socket.copy_from_slice(&self.socket);
                }
                self.hand_in(link(argument), &bytes);
                return tail;
            }
            6 => self.publish(argument % 16),
            _ => self.hand_in(
                link(argument),
                &registration(kind::REG2, &self.offered.clone()),
            ),
        }
        tail
    }

    fn publish(&mut self, payloads: u8) {
        let Some(call) = self.call else { return };
        for _ in 0..payloads {
            // A closed session or a full buffer refuses, which is fine here.
            let payload = Bytes::from_static(&[0x47; 188]);
            let _ = self.caller.send(self.now, call, payload, self.now);
        }
        self.drain();
    }

    fn hand_in(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.traffic.entry(from).or_default().0 += bytes.len();
        self.listener.handle_datagram(self.now, from, None, bytes);
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut idle_wakes = 0;
        loop {
            let timeouts = [self.listener.poll_timeout(), self.caller.poll_timeout()];
            let Some(next) = timeouts
                .into_iter()
                .flatten()
                .min()
                .filter(|next| *next <= end)
            else {
                break;
            };
            idle_wakes = if next > self.now { 0 } else { idle_wakes + 1 };
            assert!(
                idle_wakes < 100,
                "an endpoint asks to be woken at {next} for ever"
            );
            self.now = self.now.max(next);
            for endpoint in [&mut self.listener, &mut self.caller] {
                if endpoint.poll_timeout().is_some_and(|due| due <= self.now) {
                    endpoint.handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let mut datagrams = 0;
        while self.listener_speaks() | self.caller_speaks() {
            datagrams += 1;
            assert!(
                datagrams < DATAGRAMS_PER_STEP_MAX,
                "they never stop talking"
            );
        }
    }

    /// One round of the listener's; false if it had nothing to say.
    fn listener_speaks(&mut self) -> bool {
        while let Some((_, is_here)) = self.listener.poll_link_change() {
            self.links_known += if is_here { 1 } else { -1 };
        }
        while let Some(event) = self.listener.poll_event() {
            if let Event::Request(request) = event {
                let config = ConnectionConfig::default();
                let decision = Decision::Accept { keys: None, config };
                self.listener.decide(self.now, request.id, decision);
            }
        }
        while let Some(id) = self.listener.next_readable() {
            while self.listener.poll_received(id).is_some() {}
        }
        self.batch.clear();
        self.listener.poll_transmit(self.now, &mut self.batch);
        for run in self.batch.runs() {
            for bytes in run.datagrams() {
                self.traffic.entry(run.to).or_default().1 += bytes.len();
                if bytes.starts_with(&kind::REG2.to_be_bytes()) {
                    self.offered.copy_from_slice(&bytes[2..]);
                } else if run.to.ip() == link(0).ip() || run.to.ip() == link(1).ip() {
                    self.caller.handle_datagram(self.now, local(), None, bytes);
                }
            }
        }
        !self.batch.is_empty()
    }

    /// One round of the caller's, its packets spread over the phone's links.
    fn caller_speaks(&mut self) -> bool {
        while self.caller.poll_event().is_some() {}
        self.batch.clear();
        self.caller.poll_transmit(self.now, &mut self.batch);
        for bytes in self.batch.runs().flat_map(|run| run.datagrams()) {
            if let Some(socket) = bytes.get(12..16).filter(|socket| **socket != [0; 4]) {
                self.socket.copy_from_slice(socket);
            }
            if self.cut {
                continue;
            }
            self.turn += 1;
            let from = link(self.turn as u8);
            self.traffic.entry(from).or_default().0 += bytes.len();
            self.listener.handle_datagram(self.now, from, None, bytes);
        }
        !self.batch.is_empty()
    }

    fn check_bounds(&self) {
        for (address, (from, to)) in &self.traffic {
            let is_phone = address.ip() == link(0).ip() || address.ip() == link(1).ip();
            assert!(
                is_phone || to <= from,
                "{address} sent {from} bytes and got {to}"
            );
        }
    }
}

fn take(length: u8, tail: &[u8]) -> (Vec<u8>, &[u8]) {
    let (bytes, tail) = tail.split_at(usize::from(length).min(tail.len()));
    (bytes.to_vec(), tail)
}
