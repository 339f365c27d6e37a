//! A network path on loopback: it delays, loses and reorders what passes, both ways, as its
//! seed says, and counts what the sender put on the wire.

use anyhow::Context as _;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_netsim::{Chance, Link, LinkConfig};
use tidegate_udp::{Clock, Interest, Options, Outbox, Poller, RecvBatch, Run, Socket};
use tidegate_units::Instant;

/// IPv4 and UDP headers.
const LOWER_HEADER_BYTES: u64 = 28;
/// A datagram forwarded later than this behind its time was delayed by the machine.
const LATE: Duration = Duration::from_millis(2);
/// Longest wait after which the thread looks whether it should end.
const TICK: Duration = Duration::from_millis(50);
/// Bytes a socket may owe the kernel.
const OUTBOX_BYTES: usize = 1 << 20;
/// Datagrams under way; what comes beyond is a fault of the measurement, and counted as late.
const IN_FLIGHT_MAX: usize = 100_000;

/// What passed so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    /// Bytes of data packets that were sent into the path, lower headers included.
    pub(crate) data_bytes: u64,
    /// Datagrams that came out, both ways, and how many of them late by the machine's fault.
    pub(crate) forwarded: u64,
    pub(crate) late: u64,
}

#[derive(Default)]
struct Shared {
    data_bytes: AtomicU64,
    forwarded: AtomicU64,
    late: AtomicU64,
    caller_port: AtomicU16,
    stop: AtomicBool,
    /// Conditions to change to.
    wanted: Mutex<Option<LinkConfig>>,
}

/// Whoever calls [`Self::address`] reaches the server, and hears from it.
pub(crate) struct Path {
    shared: Arc<Shared>,
    front: SocketAddr,
    back: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Path {
    /// A path of `config` to `server`; the `seed` decides what is lost.
    pub(crate) fn to(server: SocketAddr, config: LinkConfig, seed: u64) -> anyhow::Result<Self> {
        let shared = Arc::<Shared>::default();
        let mut carrier = Carrier::new(server, config, seed, Arc::clone(&shared))?;
        let [front, back] = [0, 1].map(|side: usize| carrier.sides[side].socket.local_addr());
        let thread = std::thread::spawn(move || carrier.run());
        Ok(Self {
            shared,
            front,
            back,
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.front
    }

    /// The ports of its own sockets and of the caller.
    pub(crate) fn ports(&self) -> [u16; 3] {
        let caller = self.shared.caller_port.load(Ordering::Relaxed);
        [self.front.port(), self.back.port(), caller]
    }

    /// Both directions become like this.
    pub(crate) fn become_like(&self, config: LinkConfig) {
        if let Ok(mut wanted) = self.shared.wanted.lock() {
            *wanted = Some(config);
        }
    }

    pub(crate) fn passed(&self) -> Passed {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Passed {
            data_bytes: read(&self.shared.data_bytes),
            forwarded: read(&self.shared.forwarded),
            late: read(&self.shared.late),
        }
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One end of the path: what comes in here goes out at the other end.
struct Side {
    socket: Socket,
    outbox: Outbox,
    link: Link,
    /// Who is behind this end.
    peer: Option<SocketAddr>,
}

/// A datagram under way, ordered by arrival and then by the order of sending.
type InFlight = Reverse<(Instant, u64, usize, Vec<u8>)>;

struct Carrier {
    sides: [Side; 2],
    under_way: BinaryHeap<InFlight>,
    sent: u64,
    incoming: RecvBatch,
    poller: Poller,
    clock: Clock,
    shared: Arc<Shared>,
}

impl Carrier {
    fn new(
        server: SocketAddr,
        config: LinkConfig,
        seed: u64,
        shared: Arc<Shared>,
    ) -> anyhow::Result<Self> {
        let side = |number: u64, peer: Option<SocketAddr>| {
            let socket = Socket::bind(([127, 0, 0, 1], 0).into(), &Options::default())
                .context("no socket for the path")?;
            anyhow::Ok(Side {
                socket,
                outbox: Outbox::new(OUTBOX_BYTES),
                link: Link::new(Chance::stream(seed, number), config.clone()),
                peer,
            })
        };
        let sides = [side(0, None)?, side(1, Some(server))?];
        let poller = Poller::new()?;
        for (token, side) in (0..).zip(&sides) {
            poller.add(&side.socket, token, Interest::Read)?;
        }
        Ok(Self {
            sides,
            under_way: BinaryHeap::new(),
            sent: 0,
            incoming: RecvBatch::new(),
            poller,
            clock: Clock,
            shared,
        })
    }

    fn run(&mut self) {
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now = self.clock.now();
            let next = self.under_way.peek().map(|Reverse((at, ..))| *at);
            let wait = next.map_or(TICK, |at| at.saturating_since(now).min(TICK));
            // An error here ends in a path that carries nothing, which the figures show.
            let _ = self.poller.wait(Some(wait));
            self.change();
            for side in 0..self.sides.len() {
                self.take_in(side);
            }
            self.let_out();
        }
    }

    fn change(&mut self) {
        let wanted = self.shared.wanted.lock().ok();
        if let Some(config) = wanted.and_then(|mut wanted| wanted.take()) {
            for side in &mut self.sides {
                side.link.reconfigure(config.clone());
            }
        }
    }

    fn take_in(&mut self, side: usize) {
        let now = self.clock.now();
        let Self {
            sides,
            under_way,
            incoming,
            shared,
            ..
        } = self;
        let side_in = &mut sides[side];
        while side_in.socket.recv(incoming).is_ok_and(|count| count > 0) {
            for datagram in incoming.datagrams() {
                if side == 0 {
                    side_in.peer = Some(datagram.from);
                    let port = datagram.from.port();
                    shared.caller_port.store(port, Ordering::Relaxed);
                }
                let bytes = datagram.bytes;
                if is_data(bytes) {
                    let on_wire = bytes.len() as u64 + LOWER_HEADER_BYTES;
                    shared.data_bytes.fetch_add(on_wire, Ordering::Relaxed);
                }
                let Some(arrival) = side_in.link.send(now, bytes.len()).original else {
                    continue;
                };
                if under_way.len() >= IN_FLIGHT_MAX {
                    shared.late.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                self.sent += 1;
                under_way.push(Reverse((arrival.at, self.sent, 1 - side, bytes.to_vec())));
            }
            if !incoming.is_full() {
                break;
            }
        }
    }

    fn let_out(&mut self) {
        let now = self.clock.now();
        while let Some(Reverse((at, ..))) = self.under_way.peek()
            && *at <= now
            && let Some(Reverse((at, _, side, bytes))) = self.under_way.pop()
        {
            let late = u64::from(now.saturating_since(at) > LATE);
            self.shared.late.fetch_add(late, Ordering::Relaxed);
            self.shared.forwarded.fetch_add(1, Ordering::Relaxed);
            let side = &mut self.sides[side];
            let Some(to) = side.peer else { continue };
            let run = Run {
                to,
                from: None,
                bytes: &bytes,
                segment_bytes: bytes.len(),
            };
            side.outbox.send(&side.socket, &[run]);
        }
    }
}

/// The first bit of a control packet is set.
fn is_data(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|byte| byte & 0x80 == 0)
}
