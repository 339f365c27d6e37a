//! A session with a packet filter, whatever the network and a forger make of it.
//!
//! ```text
//!  how      cipher (2 bits: none, AES-CTR, none, AES-GCM) | arq (2) | layout (1)
//!  matrix   columns (low half), rows (high half)
//!  step …   an operation byte and an argument byte:
//!    0 n    the caller sends n % 32 payloads of different lengths
//!    1 n    n milliseconds pass
//!    2 n    the network delivers what is under way, less the i-th of eight where bit i of n is set
//!    3 n    the network loses what is under way
//!    4 n    the network delivers a copy of the n-th datagram under way, which stays under way
//!    5 n    the n-th datagram under way changes in a byte: the next two say which and into what
//!    6 n a line flags …  a forged FEC packet with n bytes, for the packet the newest one + a
//!    7 n a …             a forged data packet with n bytes, in place of the newest one + a
//! ```
//! What comes out goes up by one, less what is said to be lost. As long as nothing was forged,
//! and with AES-GCM even then, it is what was sent.
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tidegate_srt::fec::{ArqMode, ColumnLayout, Rows};
use tidegate_srt::wire::SequenceNumber;
use tidegate_srt::{
    CallerConfig, CipherMode, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint,
    EndpointConfig, EndpointLimits, Event, KeyLength, KeyRefresh, ListenerConfig, PacketFilter,
    Received, SessionKeys, SocketIdSpace, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

const STEPS_MAX: usize = 200;
const IN_FLIGHT_MAX: usize = 2_000;
const SENT_PER_DRAIN_MAX: usize = 10_000;
/// Near the wrap.
const FIRST_SEQUENCE: u32 = 0x7FFF_FFC0;
const CALLER: usize = 0;
const LISTENER: usize = 1;

fuzz_target!(|input: &[u8]| {
    let [how, matrix, rest @ ..] = input else {
        return;
    };
    let mut session = Session::connect(*how, filter(*how, *matrix));
    let mut rest = rest;
    for _ in 0..STEPS_MAX {
        let [operation, argument, tail @ ..] = rest else {
            break;
        };
        rest = session.step(*operation, *argument, tail);
    }
    session.deliver(0);
    session.in_flight.clear();
    session.pass(Duration::from_secs(20));
    for endpoint in &session.endpoints {
        assert_eq!(endpoint.connection_count(), 0, "silence ends every session");
    }
});

fn filter(how: u8, matrix: u8) -> PacketFilter {
    let rows = 2 + (matrix >> 4) % 5;
    PacketFilter {
        columns: 2 + matrix % 16 % 9,
        rows: match (matrix >> 4) / 5 {
            0 => Rows::Single,
            1 => Rows::Many(rows),
            _ => Rows::ColumnsAlone(rows),
        },
        layout: [ColumnLayout::Even, ColumnLayout::Staircase][usize::from(how >> 4 & 1)],
        arq: match how >> 2 & 3 {
            0 => ArqMode::Always,
            1 => ArqMode::Never,
            _ => ArqMode::OnRequest,
        },
    }
}

thread_local! {
    /// Derived once: two thousand rounds of PBKDF2 for each input would be all we do.
    static COUNTER_KEYS: SessionKeys = keys(CipherMode::Ctr);
    static GALOIS_KEYS: SessionKeys = keys(CipherMode::Gcm);
}

fn keys(mode: CipherMode) -> SessionKeys {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let passphrase = b"correct-horse-battery";
    SessionKeys::generate(passphrase, KeyLength::Aes128, mode, &mut random)
        .expect("a valid passphrase")
}

/// The `number`-th payload; lengths differ, so that a group's longest is not always the same.
fn payload(number: u64) -> Vec<u8> {
    let length = 8 + usize::try_from(number * 37 % 190).expect("it is small");
    let mut payload = vec![number as u8; length];
    payload[..8].copy_from_slice(&number.to_be_bytes());
    payload
}

struct Session {
    now: Instant,
    endpoints: [Endpoint; 2],
    connections: [Option<ConnectionId>; 2],
    /// The socket packets to each are for.
    sockets: [[u8; 4]; 2],
    config: ConnectionConfig,
    keys: Option<SessionKeys>,
    arq: ArqMode,
    in_flight: VecDeque<(usize, Vec<u8>)>,
    batch: TransmitBatch,
    sent: u64,
    /// What comes out may be a forger's.
    is_forged: bool,
    is_proof: bool,
    /// The sequence that has to come out next.
    next: Option<u64>,
}

impl Session {
    fn connect(how: u8, filter: PacketFilter) -> Self {
        let keys = match how & 3 {
            1 => Some(COUNTER_KEYS.with(SessionKeys::clone)),
            3 => Some(GALOIS_KEYS.with(SessionKeys::clone)),
            _ => None,
        };
        let config = ConnectionConfig {
            first_timestamp_micros: u32::MAX - 1_000_000,
            key_refresh: KeyRefresh::new(40, 15),
            packet_filter: Some(filter.to_string().parse().expect("it is one")),
            ..ConnectionConfig::default()
        };
        let listen = Some(ListenerConfig::default());
        let mut session = Self {
            now: Instant::from_millis(1_000),
            endpoints: [endpoint(1, None), endpoint(2, listen)],
            connections: [None; 2],
            sockets: [[0; 4]; 2],
            config: config.clone(),
            keys: keys.clone(),
            arq: filter.arq,
            in_flight: VecDeque::new(),
            batch: TransmitBatch::new(64 * 1024),
            sent: 0,
            is_forged: false,
            is_proof: how & 3 == 3,
            next: None,
        };
        let call = CallerConfig {
            stream_id: Bytes::from_static(b"live/fuzz"),
            keys,
            first_sequence: Some(SequenceNumber::new(FIRST_SEQUENCE)),
            connection: config,
            ..CallerConfig::default()
        };
        let call = session.endpoints[CALLER].connect(session.now, address(LISTENER), call);
        session.connections[CALLER] = Some(call.expect("a call can be made"));
        session.drain();
        for _ in 0..4 {
            session.deliver(0);
        }
        assert!(session.connections.iter().all(Option::is_some));
        session
    }

    fn step<'a>(&mut self, operation: u8, argument: u8, tail: &'a [u8]) -> &'a [u8] {
        match operation % 8 {
            0 => self.send(argument % 32),
            1 => self.pass(Duration::from_millis(argument.into())),
            2 => self.deliver(argument),
            3 => self.in_flight.clear(),
            4 => {
                let copied = self.in_flight.get(usize::from(argument)).cloned();
                if let Some((to, bytes)) = copied {
                    self.hand_in(to, &bytes);
                }
            }
            5 => return self.change(argument, tail),
            6 => return self.forge(argument, true, tail),
            _ => return self.forge(argument, false, tail),
        }
        tail
    }

    fn send(&mut self, payloads: u8) {
        let Some(id) = self.connections[CALLER] else {
            return;
        };
        for _ in 0..payloads {
            let bytes = Bytes::from(payload(self.sent));
            // A closed session or a full buffer refuses, which is fine here.
            let caller = &mut self.endpoints[CALLER];
            if caller.send(self.now, id, bytes, self.now).is_ok() {
                self.sent += 1;
            }
        }
        self.drain();
    }

    fn change<'a>(&mut self, place: u8, tail: &'a [u8]) -> &'a [u8] {
        let [at, byte, tail @ ..] = tail else {
            return &[];
        };
        if let Some((_, bytes)) = self.in_flight.get_mut(usize::from(place)) {
            let at = usize::from(*at) % bytes.len();
            self.is_forged |= bytes[at] != *byte;
            bytes[at] = *byte;
        }
        tail
    }

    fn forge<'a>(&mut self, length: u8, is_fec: bool, tail: &'a [u8]) -> &'a [u8] {
        let [offset, tail @ ..] = tail else {
            return &[];
        };
        let (body, tail) = tail.split_at(usize::from(length).min(tail.len()));
        let newest = FIRST_SEQUENCE
            .wrapping_add(self.sent as u32)
            .wrapping_sub(1);
        let sequence = newest.wrapping_add_signed(offset.cast_signed().into()) & 0x7FFF_FFFF;
        let message = if is_fec { 0 } else { 1 };
        let key = u32::from(offset % 3) << 27;
        let words = [
            sequence,
            3 << 30 | key | message,
            self.now.as_micros() as u32,
        ];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(&self.sockets[LISTENER]);
        bytes.extend_from_slice(body);
        self.is_forged = true;
        self.hand_in(LISTENER, &bytes);
        tail
    }

    fn deliver(&mut self, lost: u8) {
        let in_flight = std::mem::take(&mut self.in_flight);
        for (place, (to, bytes)) in in_flight.into_iter().enumerate() {
            if lost >> (place % 8) & 1 == 0 {
                self.hand_in(to, &bytes);
            }
        }
    }

    fn hand_in(&mut self, to: usize, bytes: &[u8]) {
        let (from, ip) = (address(1 - to), Some(address(to).ip()));
        self.endpoints[to].handle_datagram(self.now, from, ip, bytes);
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
        let timeouts = self.endpoints.iter().filter_map(Endpoint::poll_timeout);
        timeouts.min()
    }

    fn drain(&mut self) {
        for index in [CALLER, LISTENER] {
            while self.handle_events(index) {}
            self.transmit(index);
            while let Some(id) = self.endpoints[index].next_readable() {
                while let Some(received) = self.endpoints[index].poll_received(id) {
                    if index == LISTENER {
                        self.check(&received);
                    } else {
                        let is_forgery = self.is_forged && !self.is_proof;
                        assert!(is_forgery, "nobody sends to the caller");
                    }
                }
            }
        }
        self.check_limits();
    }

    fn check(&mut self, received: &Received) {
        let first = u64::from(received.dropped_before);
        if let Some(next) = self.next {
            assert_eq!(received.sequence, next + first, "in order, and once");
        }
        self.next = Some(received.sequence + 1);
        if self.is_proof || !self.is_forged {
            let sequence = received.sequence as u32 & 0x7FFF_FFFF;
            let number = sequence.wrapping_sub(FIRST_SEQUENCE) & 0x7FFF_FFFF;
            assert!(u64::from(number) < self.sent, "it was sent");
            assert_eq!(received.payload, payload(number.into()));
        }
    }

    fn check_limits(&mut self) {
        let Some(id) = self.connections[LISTENER] else {
            return;
        };
        let Some(statistics) = self.endpoints[LISTENER].statistics(self.now, id) else {
            return;
        };
        let (total, instant) = (statistics.total, statistics.instant);
        assert!(instant.receive_buffer_packets <= instant.receive_window_packets);
        assert!(total.filter_packets_rebuilt <= total.packets_received_unique);
        if self.arq == ArqMode::Never {
            assert_eq!(total.naks_sent, 0, "nothing is asked for");
        }
    }

    fn handle_events(&mut self, index: usize) -> bool {
        let mut has_decided = false;
        while let Some(event) = self.endpoints[index].poll_event() {
            match event {
                Event::Request(request) => {
                    let decision = Decision::Accept {
                        keys: self.keys.clone(),
                        config: self.config.clone(),
                    };
                    self.endpoints[index].decide(self.now, request.id, decision);
                    has_decided = true;
                }
                Event::Connected { id, negotiated, .. } => {
                    assert!(negotiated.packet_filter.is_some());
                    self.connections[index] = Some(id);
                }
                _ => {}
            }
        }
        has_decided
    }

    fn transmit(&mut self, index: usize) {
        let mut sent = 0;
        loop {
            self.batch.clear();
            let more = self.endpoints[index].poll_transmit(self.now, &mut self.batch);
            for datagram in self.batch.runs().flat_map(|run| run.datagrams()) {
                sent += 1;
                let to = 1 - index;
                if let Some(socket) = datagram.get(12..16).filter(|socket| **socket != [0; 4]) {
                    self.sockets[to].copy_from_slice(socket);
                }
                self.in_flight.push_back((to, datagram.to_vec()));
            }
            if !more {
                break;
            }
            assert!(sent < SENT_PER_DRAIN_MAX, "an endpoint never stops sending");
        }
        // The network forgets the oldest, as a router would.
        while self.in_flight.len() > IN_FLIGHT_MAX {
            self.in_flight.pop_front();
        }
    }
}

fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + index as u8], 9_000))
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
