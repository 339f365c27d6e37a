//! A whole session: after a real handshake, a stranger and both peers' networks do as they like.
//!
//! The first byte says whether the session is encrypted (odd; 3 of four: with AES-GCM), with
//! keys that change every few packets. The rest is a list of steps, each an operation byte and an argument byte:
//!
//! ```text
//!  0 n …  n bytes to the listener, as from the caller, for the listener's socket
//!  1 n    n milliseconds pass
//!  2 n …  n bytes to the listener from a stranger
//!  3 n    the caller sends n % 16 payloads
//!  4 n    the network delivers what is under way, less the i-th of eight where bit i of n is set
//!  5 n    the network loses what is under way
//!  6 n …  n bytes to the caller, as from the listener, for the caller's socket
//!  7 n    the listener sends n % 16 payloads
//!  8 n ab a forged ACK, NAK, drop request or data packet about the packets from the first + a
//!         to the first + b (signed), to the listener (n even) or the caller
//! ```
//!
//! Whole packets written by the fuzzer rarely name a sequence number that matters; the last
//! operation always does.
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tidegate_srt::wire::SequenceNumber;
use tidegate_srt::{
    CallerConfig, CipherMode, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint,
    EndpointConfig, EndpointLimits, Event, KeyLength, KeyRefresh, ListenerConfig, SessionKeys,
    SocketIdSpace, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

const STEPS_MAX: usize = 200;
/// Datagrams one input may bring out of an endpoint that was sent 16 payloads.
const DATAGRAMS_PER_INPUT_MAX: usize = 5_000;
/// Near the wrap, and so near zero too: short inputs reach both.
const FIRST_SEQUENCE: u32 = 0x7FFF_FFF0;

fuzz_target!(|input: &[u8]| {
    let Some((how, mut rest)) = input.split_first() else {
        return;
    };
    let keys = match how & 3 {
        1 => Some(COUNTER_KEYS.with(SessionKeys::clone)),
        3 => Some(GALOIS_KEYS.with(SessionKeys::clone)),
        _ => None,
    };
    let mut session = Session::connect(keys);
    for _ in 0..STEPS_MAX {
        let [operation, argument, tail @ ..] = rest else {
            break;
        };
        rest = session.step(*operation, *argument, tail);
    }
    session.in_flight.clear();
    session.pass(Duration::from_secs(20));
    for peer in &session.peers {
        assert_eq!(
            peer.endpoint.connection_count(),
            0,
            "silence ends every session"
        );
    }
});

const CALLER: usize = 0;
const LISTENER: usize = 1;

struct Peer {
    endpoint: Endpoint,
    address: SocketAddr,
    connection: Option<ConnectionId>,
    /// The socket its packets from the other side are for.
    socket: [u8; 4],
}

thread_local! {
    /// Derived once: two thousand rounds of PBKDF2 for each input would be all we do.
    static COUNTER_KEYS: SessionKeys = keys(CipherMode::Ctr);
    static GALOIS_KEYS: SessionKeys = keys(CipherMode::Gcm);
}

fn keys(mode: CipherMode) -> SessionKeys {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (passphrase, length) = (b"correct-horse-battery", KeyLength::Aes128);
    SessionKeys::generate(passphrase, length, mode, &mut random).expect("a valid passphrase")
}

fn connection_config() -> ConnectionConfig {
    ConnectionConfig {
        first_timestamp_micros: u32::MAX - 1_000_000,
        key_refresh: KeyRefresh::new(16, 5),
        ..ConnectionConfig::default()
    }
}

struct Session {
    now: Instant,
    peers: [Peer; 2],
    keys: Option<SessionKeys>,
    in_flight: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    batch: TransmitBatch,
}

impl Session {
    fn connect(keys: Option<SessionKeys>) -> Self {
        let mut session = Self {
            keys: keys.clone(),
            now: Instant::from_millis(1_000),
            peers: [peer(1, None), peer(2, Some(ListenerConfig::default()))],
            in_flight: VecDeque::new(),
            batch: TransmitBatch::new(64 * 1024),
        };
        let config = CallerConfig {
            stream_id: Bytes::from_static(b"live/fuzz"),
            keys,
            first_sequence: Some(SequenceNumber::new(FIRST_SEQUENCE)),
            connection: connection_config(),
            ..CallerConfig::default()
        };
        let to = session.peers[LISTENER].address;
        let call = session.peers[CALLER]
            .endpoint
            .connect(session.now, to, config);
        session.peers[CALLER].connection = Some(call.expect("a call can be made"));
        session.drain();
        for _ in 0..4 {
            session.deliver(0);
        }
        assert!(
            session
                .peers
                .iter()
                .all(|peer| peer.endpoint.connection_count() == 1)
        );
        session.send(CALLER, 2);
        session.send(LISTENER, 2);
        session.deliver(0);
        session
    }

    fn step<'a>(&mut self, operation: u8, argument: u8, tail: &'a [u8]) -> &'a [u8] {
        match operation % 9 {
            0 => return self.inject(CALLER, LISTENER, argument, tail),
            1 => self.pass(Duration::from_millis(argument.into())),
            2 => {
                let (bytes, tail) = tail.split_at(usize::from(argument).min(tail.len()));
                let stranger = SocketAddr::from(([192, 0, 2, 9], 9));
                self.hand_in(stranger, LISTENER, bytes);
                return tail;
            }
            3 => self.send(CALLER, argument),
            4 => self.deliver(argument),
            5 => self.in_flight.clear(),
            6 => return self.inject(LISTENER, CALLER, argument, tail),
            7 => self.send(LISTENER, argument),
            _ => return self.forge(argument, tail),
        }
        tail
    }

    fn inject<'a>(&mut self, from: usize, to: usize, length: u8, tail: &'a [u8]) -> &'a [u8] {
        let (bytes, tail) = tail.split_at(usize::from(length).min(tail.len()));
        let mut bytes = bytes.to_vec();
        if let Some(socket) = bytes.get_mut(12..16)
            && socket != [0; 4]
        {
            socket.copy_from_slice(&self.peers[to].socket);
        }
        self.hand_in(self.peers[from].address, to, &bytes);
        tail
    }

    fn forge<'a>(&mut self, what: u8, tail: &'a [u8]) -> &'a [u8] {
        let [a, b, tail @ ..] = tail else { return &[] };
        let sequence = |offset: u8| {
            let offset = i32::from(offset.cast_signed());
            FIRST_SEQUENCE.wrapping_add_signed(offset) & 0x7FFF_FFFF
        };
        let (first, last) = (sequence(*a), sequence(*b));
        let stamp = u32::MAX - 900_000;
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
            _ => vec![first, 3 << 30 | 1 << 26 | 1, stamp, 1, 0x4740_0000],
        };
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let (from, to) = if what & 1 == 0 {
            (CALLER, LISTENER)
        } else {
            (LISTENER, CALLER)
        };
        self.inject(from, to, bytes.len() as u8, &bytes);
        tail
    }

    fn hand_in(&mut self, from: SocketAddr, to: usize, bytes: &[u8]) {
        let ip = Some(self.peers[to].address.ip());
        self.peers[to]
            .endpoint
            .handle_datagram(self.now, from, ip, bytes);
        self.drain();
    }

    fn send(&mut self, from: usize, payloads: u8) {
        let Some(id) = self.peers[from].connection else {
            return;
        };
        for _ in 0..payloads % 16 {
            let payload = Bytes::from_static(&[0x47; 188]);
            // A closed session or a full buffer refuses, which is fine here.
            let _ = self.peers[from]
                .endpoint
                .send(self.now, id, payload, self.now);
        }
        self.drain();
    }

    fn deliver(&mut self, lost: u8) {
        let in_flight = std::mem::take(&mut self.in_flight);
        for (place, (from, to, bytes)) in in_flight.into_iter().enumerate() {
            if lost >> (place % 8) & 1 == 1 {
                continue;
            }
            if let Some(index) = self.peers.iter().position(|peer| peer.address == to) {
                self.hand_in(from, index, &bytes);
            }
        }
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
            for peer in &mut self.peers {
                if peer
                    .endpoint
                    .poll_timeout()
                    .is_some_and(|at| at <= self.now)
                {
                    peer.endpoint.handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.peers
            .iter()
            .filter_map(|peer| peer.endpoint.poll_timeout())
            .min()
    }

    fn drain(&mut self) {
        for index in [CALLER, LISTENER] {
            while self.handle_events(index) | self.transmit(index) {}
            let endpoint = &mut self.peers[index].endpoint;
            while let Some(id) = endpoint.next_readable() {
                while endpoint.poll_received(id).is_some() {}
            }
        }
    }

    fn handle_events(&mut self, index: usize) -> bool {
        let peer = &mut self.peers[index];
        let mut decided = false;
        while let Some(event) = peer.endpoint.poll_event() {
            match event {
                Event::Request(request) => {
                    let keys = self.keys.clone();
                    let decision = Decision::Accept {
                        keys,
                        config: connection_config(),
                    };
                    peer.endpoint.decide(self.now, request.id, decision);
                    decided = true;
                }
                Event::Connected { id, .. } => peer.connection = Some(id),
                _ => {}
            }
        }
        decided
    }

    fn transmit(&mut self, index: usize) -> bool {
        let mut sent = 0;
        loop {
            self.batch.clear();
            let more = self.peers[index]
                .endpoint
                .poll_transmit(self.now, &mut self.batch);
            let from = self.peers[index].address;
            for run in self.batch.runs() {
                for datagram in run.datagrams() {
                    learn_socket(&mut self.peers, run.to, datagram);
                    self.in_flight.push_back((from, run.to, datagram.to_vec()));
                    sent += 1;
                }
            }
            if !more {
                break;
            }
            assert!(
                sent < DATAGRAMS_PER_INPUT_MAX,
                "an endpoint never stops sending"
            );
        }
        // The network forgets the oldest, as a router would.
        while self.in_flight.len() > DATAGRAMS_PER_INPUT_MAX {
            self.in_flight.pop_front();
        }
        false
    }
}

/// Remembers which socket the packets to an address are for.
fn learn_socket(peers: &mut [Peer], to: SocketAddr, bytes: &[u8]) {
    let peer = peers.iter_mut().find(|peer| peer.address == to);
    if let (Some(peer), Some(socket)) = (peer, bytes.get(12..16))
        && socket != [0; 4]
    {
        peer.socket.copy_from_slice(socket);
    }
}

fn peer(number: u8, listen: Option<ListenerConfig>) -> Peer {
    let config = EndpointConfig {
        listen,
        socket_ids: SocketIdSpace { shard: 0 },
        cookie_key: CookieKey::new([number; 16]),
        limits: EndpointLimits::default(),
        seed: [number; 32],
    };
    Peer {
        endpoint: Endpoint::new(Instant::from_millis(1_000), config),
        address: SocketAddr::from(([10, 0, 0, number], 9_000)),
        connection: None,
        socket: [0; 4],
    }
}
