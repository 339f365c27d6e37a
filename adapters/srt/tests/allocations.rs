//! What media costs in allocations on its way: in, through a feed, out. Alone in its binary,
//! whose allocator counts.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use tidegate_engine::{Feed, FeedWriter, Reader, ReaderOptions, TsChunk};
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig,
    EndpointLimits, Event, ListenerConfig, Received, SocketIdSpace, TransmitBatch,
};
use tidegate_testkit::allocations::{CountingAllocator, allocations_in};
use tidegate_units::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CONNECTIONS: usize = 10;
/// Between two packets of one connection: about 6 Mbit/s.
const SPACING: Duration = Duration::from_micros(1750);
/// Packets before counting begins: two seconds of each connection, until every queue has its size.
const WARM_UP: usize = 1200 * CONNECTIONS;
const COUNTED: usize = 2400 * CONNECTIONS;

/// A caller and a listener with no way between them.
struct Wire {
    now: Instant,
    caller: Endpoint,
    listener: Endpoint,
    calls: Vec<ConnectionId>,
    there: TransmitBatch,
    back: TransmitBatch,
    payload: Bytes,
    sent: usize,
}

/// How often was allocated while so many packets were …
#[derive(Debug, Default)]
struct Counted {
    sending: u64,
    receiving: u64,
    relaying: u64,
    packets: u64,
}

fn near() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5000))
}

fn far() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 9000))
}

fn endpoint(listens: bool, shard: u8) -> Endpoint {
    let config = EndpointConfig {
        listen: listens.then(ListenerConfig::default),
        socket_ids: SocketIdSpace { shard },
        cookie_key: CookieKey::new([9; 16]),
        limits: EndpointLimits::default(),
        seed: [shard; 32],
    };
    Endpoint::new(Instant::ZERO, config)
}

/// What is in `batch` arrives, and is gone.
fn deliver(now: Instant, batch: &mut TransmitBatch, from: SocketAddr, to: &mut Endpoint) {
    for run in batch.runs() {
        for datagram in run.datagrams() {
            to.handle_datagram(now, from, None::<IpAddr>, datagram);
        }
    }
    batch.clear();
}

impl Wire {
    fn connected() -> Self {
        let mut wire = Self {
            now: Instant::from_millis(20_000),
            caller: endpoint(false, 1),
            listener: endpoint(true, 2),
            calls: Vec::new(),
            there: TransmitBatch::new(256 << 10),
            back: TransmitBatch::new(256 << 10),
            payload: Bytes::from(vec![0x47; 1316]),
            sent: 0,
        };
        for _ in 0..CONNECTIONS {
            let config = CallerConfig::default();
            wire.caller.connect(wire.now, far(), config).unwrap();
        }
        while wire.calls.len() < CONNECTIONS {
            wire.shake_hands();
        }
        wire
    }

    fn shake_hands(&mut self) {
        self.now += Duration::from_millis(5);
        self.caller.handle_timeout(self.now);
        self.caller.poll_transmit(self.now, &mut self.there);
        deliver(self.now, &mut self.there, near(), &mut self.listener);
        while let Some(event) = self.listener.poll_event() {
            if let Event::Request(request) = event {
                let config = ConnectionConfig::default();
                let decision = Decision::Accept { keys: None, config };
                self.listener.decide(self.now, request.id, decision);
            }
        }
        self.listener.poll_transmit(self.now, &mut self.back);
        deliver(self.now, &mut self.back, far(), &mut self.caller);
        while let Some(event) = self.caller.poll_event() {
            if let Event::Connected { id, .. } = event {
                self.calls.push(id);
            }
        }
    }

    /// `packets` of one connection leave and arrive in one turn, another connection each turn:
    /// `relay` gets them. Acknowledgements find their way back.
    fn turn(&mut self, packets: usize, counted: &mut Counted, relay: &mut impl FnMut(Received)) {
        self.now += SPACING * u32::try_from(packets).unwrap() / CONNECTIONS as u32;
        let now = self.now;
        let call = self.calls[self.sent / packets % CONNECTIONS];
        self.sent += packets;
        let ((), sending) = allocations_in(|| {
            self.caller.handle_timeout(now);
            for _ in 0..packets {
                let payload = self.payload.clone();
                self.caller.send(now, call, payload, now).unwrap();
            }
            self.caller.poll_transmit(now, &mut self.there);
        });
        let ((), receiving) = allocations_in(|| {
            self.listener.handle_timeout(now);
            deliver(now, &mut self.there, near(), &mut self.listener);
            self.listener.poll_transmit(now, &mut self.back);
        });
        let ((), relaying) = allocations_in(|| {
            while let Some(id) = self.listener.next_readable() {
                while let Some(received) = self.listener.poll_received(id) {
                    counted.packets += 1;
                    relay(received);
                }
            }
        });
        let ((), answering) = allocations_in(|| {
            deliver(now, &mut self.back, far(), &mut self.caller);
            self.caller.poll_transmit(now, &mut self.there);
        });
        counted.sending += sending + answering;
        counted.receiving += receiving;
        counted.relaying += relaying;
    }

    /// What the steady state allocates, in turns of so many packets.
    fn run(&mut self, packets: usize, mut relay: impl FnMut(Received)) -> Counted {
        for _ in 0..WARM_UP / packets {
            self.turn(packets, &mut Counted::default(), &mut relay);
        }
        let mut counted = Counted::default();
        for _ in 0..COUNTED / packets {
            self.turn(packets, &mut counted, &mut relay);
        }
        assert_eq!(counted.packets, COUNTED as u64, "all arrive");
        counted
    }
}

#[test]
fn a_connection_allocates_memory_for_many_payloads_at_once_and_nothing_to_send() {
    for packets_a_turn in [1, 6] {
        let counted = Wire::connected().run(packets_a_turn, drop);
        assert!(
            counted.receiving <= counted.packets / 10,
            "memory for payloads is taken by the two dozen: {counted:?}"
        );
        assert!(
            counted.sending <= counted.packets / 1000,
            "what is sent stays where it is: {counted:?}"
        );
    }
}

fn feed(readers: usize) -> (FeedWriter<TsChunk>, Vec<Reader<TsChunk>>) {
    let feed = Feed::new("camera");
    let readers = (0..readers).map(|_| feed.read_ts(ReaderOptions::default()));
    (feed.ts_writer(), readers.collect())
}

#[test]
fn a_feed_allocates_by_the_turn_however_many_read_it() {
    const TURN: usize = 6;
    let (mut writer, mut readers) = feed(20);
    let mut bytes_read = 0;
    let mut in_turn = 0;
    let relay = |received: Received| {
        writer.push(TsChunk {
            bytes: received.payload,
            origin: received.origin,
            arrived: received.arrived,
            due: received.due,
            lost_before: received.dropped_before,
        });
        in_turn += 1;
        if in_turn % TURN == 0 {
            writer.seal();
            for batch in readers.iter_mut().filter_map(Reader::try_next) {
                let payloads = batch.items().iter().map(|chunk| chunk.bytes.clone());
                bytes_read += payloads.map(|payload| payload.len()).sum::<usize>();
            }
        }
    };
    let counted = Wire::connected().run(TURN, relay);
    assert_eq!(bytes_read, 20 * 1316 * (WARM_UP + COUNTED));
    let turns = counted.packets / TURN as u64;
    assert!(counted.relaying <= 3 * turns, "{counted:?}");
}
