//! The load generator: publishers and readers on one thread, evenly spaced.

use crate::client::{Client, Tally};
use crate::payload::PAYLOAD_BYTES;
use crate::port::Scratch;
use anyhow::bail;
use clap::Args;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

/// How long every connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Traffic before the measurement begins, so that buffers are full.
const WARM_UP: Duration = Duration::from_secs(3);
/// Traffic after it, so that what was sent last has arrived.
const COOL_DOWN: Duration = Duration::from_secs(2);
/// A generator later than this behind its schedule is the bottleneck itself.
const LATE_LIMIT: Duration = Duration::from_millis(20);

#[derive(Args)]
pub(crate) struct Options {
    /// Where publishers call, one address per publisher, or one for all.
    #[arg(long, value_delimiter = ',')]
    pub(crate) publish_to: Vec<SocketAddr>,
    /// Publishers.
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
    /// Where readers call.
    #[arg(long)]
    pub(crate) read_from: Option<SocketAddr>,
    /// Readers, all of the first publisher's stream.
    #[arg(long, default_value_t = 0)]
    pub(crate) readers: usize,
    /// Stream ID of publishers; `{}` becomes the publisher's number.
    #[arg(long, default_value = "live/{}")]
    pub(crate) publish_id: String,
    /// Stream ID of readers.
    #[arg(long, default_value = "out")]
    pub(crate) read_id: String,
    /// Payload rate of each publisher, bit/s.
    #[arg(long, default_value_t = 6_000_000)]
    pub(crate) rate_bps: u64,
    /// How long to measure.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
}

struct Load {
    clients: Vec<Client>,
    publishers: usize,
    poller: Poller,
    scratch: Scratch,
    clock: Clock,
    schedule: Schedule,
}

/// Every publisher's packets evenly spaced, the publishers evenly interleaved.
struct Schedule {
    interval: Duration,
    step: Duration,
    start: Instant,
    sent: u64,
    publishers: u64,
    worst_lateness: Duration,
}

impl Schedule {
    fn next(&self) -> Instant {
        let round = self.sent / self.publishers;
        let turn = self.sent % self.publishers;
        let rounds = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX) * round;
        let turns = u64::try_from(self.step.as_nanos()).unwrap_or(u64::MAX) * turn;
        self.start + Duration::from_nanos(rounds + turns)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut load = Load::connect(options)?;
    load.start(options);
    load.run_for(WARM_UP)?;
    let before = load.tally();
    let counted: Vec<usize> = load.clients.iter().map(|c| c.delays_us.len()).collect();
    load.schedule.worst_lateness = Duration::ZERO;
    say("measuring")?;
    load.run_for(Duration::from_secs(options.seconds))?;
    say("measured")?;
    let late = load.schedule.worst_lateness;
    let after = load.tally();
    let delays = Delays::of(&load.clients, &counted);
    load.run_for(COOL_DOWN)?;
    let now = load.clock.now();
    let retransmitted: u64 = load
        .clients
        .iter_mut()
        .map(|client| client.retransmitted(now))
        .sum();
    let packets = after.packets - before.packets;
    let report = serde_json::json!({
        "published_packets": load.schedule.sent,
        "received_packets": packets,
        "missing_packets": load.tally().missing,
        "retransmitted_packets": retransmitted,
        "latency_mean_ms": (after.latency_sum_us - before.latency_sum_us) as f64 / 1000.0 / packets.max(1) as f64,
        "latency_p50_ms": delays.percentile_ms(50),
        "latency_p99_ms": delays.percentile_ms(99),
        "latency_max_ms": after.latency_max_us as f64 / 1000.0,
        "worst_lateness_ms": late.as_secs_f64() * 1000.0,
        "kept_schedule": late <= LATE_LIMIT,
    });
    say(&report.to_string())
}

/// The delays of a measurement, shortest first.
struct Delays(Vec<u32>);

impl Delays {
    /// Those of every client from where it stood when the measurement began.
    fn of(clients: &[Client], counted: &[usize]) -> Self {
        let mut delays: Vec<u32> = clients
            .iter()
            .zip(counted)
            .flat_map(|(client, from)| client.delays_us[*from..].iter().copied())
            .collect();
        delays.sort_unstable();
        Self(delays)
    }

    fn percentile_ms(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        f64::from(self.0.get(index).copied().unwrap_or(0)) / 1000.0
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

impl Load {
    fn connect(options: &Options) -> anyhow::Result<Self> {
        let clock = Clock;
        let mut clients = Vec::new();
        let now = clock.now();
        for number in 0..options.publishers {
            let Some(to) = options
                .publish_to
                .get(number)
                .or(options.publish_to.first())
            else {
                bail!("--publish-to is missing");
            };
            let id = options.publish_id.replace("{}", &number.to_string());
            clients.push(Client::call(now, *to, &id)?);
        }
        for _ in 0..options.readers {
            let Some(from) = options.read_from else {
                bail!("--read-from is missing")
            };
            clients.push(Client::call(now, from, &options.read_id)?);
        }
        let poller = Poller::new()?;
        for (token, client) in clients.iter().enumerate() {
            poller.add(client.descriptor(), token as u64, Interest::Read)?;
        }
        let schedule = Schedule {
            interval: Duration::ZERO,
            step: Duration::ZERO,
            start: Instant::FAR_FUTURE,
            sent: 0,
            publishers: options.publishers as u64,
            worst_lateness: Duration::ZERO,
        };
        let scratch = Scratch::new();
        let mut load = Self {
            clients,
            publishers: options.publishers,
            poller,
            scratch,
            clock,
            schedule,
        };
        let limit = now + CONNECT_LIMIT;
        while load.clients.iter().any(|client| !client.connected) {
            if load.clock.now() > limit {
                bail!("not every connection was made in time");
            }
            load.turn(limit)?;
        }
        Ok(load)
    }

    fn start(&mut self, options: &Options) {
        let nanos = PAYLOAD_BYTES as u64 * 8 * 1_000_000_000 / options.rate_bps;
        self.schedule.interval = Duration::from_nanos(nanos);
        self.schedule.step = Duration::from_nanos(nanos / self.publishers.max(1) as u64);
        self.schedule.start = self.clock.now();
    }

    fn run_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    fn turn(&mut self, end: Instant) -> anyhow::Result<()> {
        let mut now = self.clock.now();
        while self.schedule.next() <= now {
            self.schedule.worst_lateness = self
                .schedule
                .worst_lateness
                .max(now.saturating_since(self.schedule.next()));
            let publisher = usize::try_from(self.schedule.sent % self.schedule.publishers)?;
            let number = self.schedule.sent / self.schedule.publishers;
            self.clients[publisher].send(now, number)?;
            self.clients[publisher].tick(now, &mut self.scratch)?;
            self.schedule.sent += 1;
            now = self.clock.now();
        }
        let mut wake = self.schedule.next().min(end);
        for client in &mut self.clients {
            if client.wakes_at() <= now {
                client.tick(now, &mut self.scratch)?;
            }
            wake = wake.min(client.wakes_at());
        }
        self.poller
            .wait(Some(wake.saturating_since(self.clock.now())))?;
        let ready: Vec<u64> = self.poller.ready().collect();
        let now = self.clock.now();
        for token in ready {
            self.clients[usize::try_from(token)?].turn(now, &mut self.scratch)?;
        }
        Ok(())
    }

    fn tally(&self) -> Tally {
        self.clients
            .iter()
            .fold(Tally::default(), |sum, client| Tally {
                packets: sum.packets + client.tally.packets,
                missing: sum.missing + client.tally.missing,
                latency_sum_us: sum.latency_sum_us + client.tally.latency_sum_us,
                latency_max_us: sum.latency_max_us.max(client.tally.latency_max_us),
            })
    }
}
