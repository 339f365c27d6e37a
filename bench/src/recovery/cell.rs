//! One measurement: one pair of ends over one path.

use super::conditions::{Conditions, calm};
use super::drops;
use super::ends::{Drain, Ends, Feeder, Receiving, Role, Sending};
use super::path::{Passed, Path};
use crate::caller::Caller;
use crate::payload::{self, PAYLOAD_BYTES};
use crate::port::Scratch;
use anyhow::bail;
use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::time::Duration;
use tidegate_srt::{CallerConfig, ConnectionConfig};
use tidegate_testkit::free_udp_port;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

const RATE_BPS: u64 = 10_000_000;
const INTERVAL: Duration =
    Duration::from_nanos(PAYLOAD_BYTES as u64 * 8 * 1_000_000_000 / RATE_BPS);
/// How long a connection may take to be made and to bring the first payload.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Clean traffic before the losses begin.
const CALM: Duration = Duration::from_secs(1);
/// Lossy traffic before the measurement begins, until everything learnt is learnt.
const SETTLING: Duration = Duration::from_secs(6);
/// Traffic after it, until what was sent last has come out.
const COOL_DOWN: Duration = Duration::from_secs(3);
/// Never waits longer than this, so that what a peer wrote is taken in time.
const TURN: Duration = Duration::from_millis(5);

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    LibsrtToLibsrt,
    TidegateToLibsrt,
    LibsrtToTidegate,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [
        Self::LibsrtToLibsrt,
        Self::TidegateToLibsrt,
        Self::LibsrtToTidegate,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LibsrtToLibsrt => "libsrt → libsrt",
            Self::TidegateToLibsrt => "Tidegate → libsrt",
            Self::LibsrtToTidegate => "libsrt → Tidegate",
        }
    }
}

/// What one cell came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) unrecovered_percent: f64,
    pub(crate) wire: f64,
    /// Datagrams the machine delayed by more than two milliseconds.
    pub(crate) late_percent: f64,
    /// Datagrams the kernel dropped: with any, the figure does not count.
    pub(crate) host_drops: u64,
    /// How far the pacing of the stream fell behind.
    pub(crate) worst_lateness: Duration,
}

/// Measures one cell.
pub(crate) fn measure(
    program: &FilePath,
    who: Who,
    conditions: &Conditions,
    length: Duration,
    seed: u64,
) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let port = free_udp_port();
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    let path = Path::to(server, calm(), seed)?;
    let ends = start(program, who, conditions.latency, port, &path, folder.path())?;
    let mut run = Run::new(ends)?;
    run.connect()?;
    run.go_on_for(CALM)?;
    path.become_like(conditions.link.clone());
    run.go_on_for(SETTLING)?;
    let (first, before) = (run.next, path.passed());
    run.worst_lateness = Duration::ZERO;
    run.go_on_for(length)?;
    let (end, after) = (run.next, path.passed());
    let worst_lateness = run.worst_lateness;
    run.go_on_for(COOL_DOWN)?;
    let mut ports = path.ports().to_vec();
    ports.push(port);
    let host_drops = drops::of(&ports)?;
    let delivered = run.delivered(first, end);
    Ok(outcome(
        end - first,
        delivered,
        before,
        after,
        host_drops,
        worst_lateness,
    ))
}

fn outcome(
    sent: u64,
    delivered: u64,
    before: Passed,
    after: Passed,
    host_drops: u64,
    worst_lateness: Duration,
) -> Outcome {
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let data_bytes = after.data_bytes - before.data_bytes;
    let late = after.late - before.late;
    let forwarded = after.forwarded - before.forwarded;
    Outcome {
        unrecovered_percent: share(sent - delivered, sent) * 100.0,
        wire: share(data_bytes, sent * PAYLOAD_BYTES as u64),
        late_percent: share(late, forwarded) * 100.0,
        host_drops,
        worst_lateness,
    }
}

/// The listener first, then whoever calls it over the path.
fn start(
    program: &FilePath,
    who: Who,
    latency: Duration,
    port: u16,
    path: &Path,
    folder: &FilePath,
) -> anyhow::Result<Ends> {
    let listener = Role::Listener(port);
    let (sending, receiving) = match who {
        Who::LibsrtToLibsrt => {
            let drain = Drain::start(program, listener, latency)?;
            std::thread::sleep(CALM);
            let caller = Role::Caller(path.address());
            let feeder = Feeder::start(program, caller, latency, folder);
            (Sending::Feeder(feeder), Receiving::Drain(drain))
        }
        Who::TidegateToLibsrt => {
            let drain = Drain::start(program, listener, latency)?;
            (Sending::Ours, Receiving::Drain(drain))
        }
        Who::LibsrtToTidegate => {
            let feeder = Feeder::start(program, listener, latency, folder);
            (Sending::Feeder(feeder), Receiving::Ours)
        }
    };
    let client = if who == Who::LibsrtToLibsrt {
        None
    } else {
        std::thread::sleep(CALM);
        let config = CallerConfig {
            connection: ConnectionConfig {
                latency,
                peer_latency: latency,
                ..ConnectionConfig::default()
            },
            ..CallerConfig::default()
        };
        let local = [127, 0, 0, 1].into();
        Some(Caller::call_from(
            Clock.now(),
            local,
            path.address(),
            config,
        )?)
    };
    Ok(Ends {
        client,
        numbers: Vec::new(),
        sending,
        receiving,
        scratch: Scratch::new(),
    })
}

/// A stream under way.
struct Run {
    ends: Ends,
    poller: Poller,
    clock: Clock,
    start: Instant,
    /// The number of the next payload.
    next: u64,
    received: Vec<u64>,
    worst_lateness: Duration,
}

impl Run {
    fn new(ends: Ends) -> anyhow::Result<Self> {
        let poller = Poller::new()?;
        if let Some(client) = &ends.client {
            poller.add(client.descriptor(), 0, Interest::Read)?;
        }
        Ok(Self {
            ends,
            poller,
            clock: Clock,
            start: Instant::FAR_FUTURE,
            next: 0,
            received: Vec::new(),
            worst_lateness: Duration::ZERO,
        })
    }

    /// Waits for the connection, and for the first payload to come out.
    fn connect(&mut self) -> anyhow::Result<()> {
        let limit = self.clock.now() + CONNECT_LIMIT;
        while self
            .ends
            .client
            .as_ref()
            .is_some_and(|client| !client.is_connected())
        {
            if self.clock.now() > limit {
                bail!("no connection was made in time");
            }
            self.turn(limit)?;
        }
        self.start = self.clock.now();
        while self.received.is_empty() {
            if self.clock.now() > limit {
                bail!("nothing came out in time");
            }
            self.turn(limit)?;
        }
        Ok(())
    }

    fn go_on_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    fn due(&self) -> Instant {
        let nanos = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
        self.start + Duration::from_nanos(nanos * self.next)
    }

    fn turn(&mut self, end: Instant) -> anyhow::Result<()> {
        let mut now = self.clock.now();
        while self.due() <= now {
            let late = now.saturating_since(self.due());
            self.worst_lateness = self.worst_lateness.max(late);
            self.ends.send(now, self.next)?;
            self.next += 1;
            now = self.clock.now();
        }
        let mut wake = self.due().min(end).min(now + TURN);
        let Ends {
            client,
            numbers,
            scratch,
            ..
        } = &mut self.ends;
        let mut take =
            |_, bytes: &[u8]| numbers.extend(payload::mark(bytes).map(|mark| mark.number));
        if let Some(client) = client {
            if client.wakes_at() <= now {
                client.tick(now, scratch, &mut take)?;
            }
            wake = wake.min(client.wakes_at());
        }
        let wait = wake.saturating_since(self.clock.now());
        self.poller.wait(Some(wait))?;
        if let Some(client) = client
            && self.poller.ready().next().is_some()
        {
            client.receive(scratch, &mut take)?;
        }
        self.ends.take(&mut self.received);
        Ok(())
    }

    /// How many of these payloads came out.
    fn delivered(&mut self, first: u64, end: u64) -> u64 {
        self.received.sort_unstable();
        self.received.dedup();
        let counted = self.received.iter();
        counted
            .filter(|number| (first..end).contains(*number))
            .count() as u64
    }
}
