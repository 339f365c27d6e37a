//! One media thread.
//!
//! A turn:
//!
//! ```text
//!  wait ─▶ commands ─▶ sockets ─▶ timers ─▶ events ─▶ deliver ─▶ fountains ─▶ transmit ─┐
//!   ▲        (all with one `now`)                                                        │
//!   └──────────────── at least `moderation` after the last turn, when busy ◀────────────┘
//!
//! While it does not wait, nobody has to wake it: it looks at its door once more before it does.
//! ```

mod door;
mod fountain;
mod links;
mod media;
mod moderation;
mod placement;
mod port;
mod snapshots;
mod turn;
mod way;

pub(crate) use door::Door;
use door::ShutAtEnd;
pub use door::{COMMANDS_MAX, HANDED_MAX, WOKEN_MAX};
pub(crate) use links::LinkMap;
pub use placement::PLACED_MAX;
pub(crate) use placement::best_for_one_more;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidegate_srt::TransmitBatch;
use tidegate_udp::{Clock, Interest, Poller, RecvBatch};
use tidegate_units::Instant;
use tokio::sync::oneshot;

use crate::command::PortId;
use crate::config::ShardsConfig;
use moderation::Moderation;
use port::Port;

/// Scratch for outgoing datagrams: several full segmentation runs.
const TRANSMIT_BYTES: usize = 256 << 10;
/// The poller's name for the shard's own waker; ports are named by their number.
const WAKER_TOKEN: u64 = 0;
/// How often it is looked at, at most, which connections are due for a snapshot.
const SWEEP: Duration = Duration::from_millis(25);
/// How long goodbyes may take when the shard stops.
const FAREWELL: Duration = Duration::from_millis(500);

pub(crate) struct Shard {
    door: Arc<Door>,
    doors: Arc<[Arc<Door>]>,
    clock: Clock,
    poller: Poller,
    received: RecvBatch,
    transmit: TransmitBatch,
    ports: HashMap<PortId, Port>,
    /// Sockets of ports that have several: which port's, and which of its own.
    ways: HashMap<PortId, (PortId, usize)>,
    moderation: Moderation,
    /// Connections that were sent here, ever; it wraps.
    taken: u32,
    next_sweep: Instant,
    stopping: Option<Stopping>,
}

struct Stopping {
    deadline: Instant,
    done: Vec<oneshot::Sender<()>>,
}

impl Shard {
    pub(crate) fn new(
        index: usize,
        doors: Arc<[Arc<Door>]>,
        config: &ShardsConfig,
    ) -> io::Result<Self> {
        let door = Arc::clone(&doors[index]);
        let poller = Poller::new()?;
        poller.add(door.waker(), WAKER_TOKEN, Interest::Read)?;
        let clock = Clock::start();
        Ok(Self {
            door,
            doors,
            clock,
            poller,
            received: RecvBatch::new(),
            transmit: TransmitBatch::new(TRANSMIT_BYTES),
            ports: HashMap::new(),
            ways: HashMap::new(),
            moderation: Moderation::new(config.moderation, clock.now()),
            taken: 0,
            next_sweep: clock.now(),
            stopping: None,
        })
    }

    /// Turns until told to stop.
    pub(crate) fn run(mut self) {
        let _shut = ShutAtEnd(Arc::clone(&self.door));
        while !self.has_stopped() {
            self.moderation.hold_back(&self.clock);
            self.wait();
            self.turn();
        }
        for done in self.stopping.into_iter().flat_map(|stopping| stopping.done) {
            // Whoever asked may have lost interest.
            let _ = done.send(());
        }
    }

    fn wait(&mut self) {
        self.door.waker().rest();
        let timeout = if self.door.is_waited_at() {
            Some(Duration::ZERO)
        } else {
            self.time_to_wait()
        };
        if let Err(error) = self.poller.wait(timeout) {
            tracing::error!(%error, "a media thread cannot wait for its sockets");
            std::thread::sleep(SWEEP);
        }
        let was_woken = self.poller.ready().any(|token| token == WAKER_TOKEN);
        self.door.waker().attend(was_woken);
    }

    fn has_stopped(&self) -> bool {
        let Some(stopping) = &self.stopping else {
            return false;
        };
        self.ports.is_empty() || self.clock.now() >= stopping.deadline
    }

    /// Time until something is due by itself; `None` sleeps until woken.
    fn time_to_wait(&self) -> Option<Duration> {
        let mut next = self.ports.values().filter_map(Port::next_due).min();
        if let Some(sweep) = self.ports.values().filter_map(Port::sweep_at).min() {
            let sweep = sweep.max(self.next_sweep);
            next = Some(next.map_or(sweep, |next| next.min(sweep)));
        }
        if let Some(stopping) = &self.stopping {
            next = Some(next.map_or(stopping.deadline, |next| next.min(stopping.deadline)));
        }
        next.map(|next| next.saturating_since(self.clock.now()))
    }
}
