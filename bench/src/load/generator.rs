//! The generator's turns: send what is due, let time pass, read what came.

use super::Options;
use super::client::{Client, Wire};
use super::schedule::Schedule;
use crate::caller::{self, Caller};
use crate::floor::PlainClient;
use crate::histogram::Histogram;
use crate::impairment::Impairment;
use crate::port::Scratch;
use anyhow::{Context as _, bail};
use std::time::Duration;
use tidegate_srt::{CallerConfig, ConnectionConfig};
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

/// How long every connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(40);
/// Calls under way at once: strangers are admitted at a limited pace.
const CALLS_AT_ONCE: usize = 50;
/// Clients are looked at for what time asks of them this often.
const SWEEP: Duration = Duration::from_millis(1);
/// Clients looked at before it is looked whether a publisher's turn has come: a thousand readers
/// that acknowledge at once take milliseconds.
const CLIENTS_AT_ONCE: usize = 32;
/// Publishers' turns taken before what came is read.
const TURNS_AT_ONCE: usize = 64;

/// Publishers and readers of one thread.
pub(super) struct Generator {
    share: Share,
    clients: Vec<Client>,
    /// The first of the clients publish, the others read.
    publishers: usize,
    schedule: Schedule,
    poller: Poller,
    scratch: Scratch,
    clock: Clock,
    next_sweep: Instant,
    measured: Measured,
}

/// Of so many generators this one: the publishers take turns in belonging to one.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) number: usize,
    pub(super) of: usize,
}

impl Share {
    /// The publishers that belong to it, of `all`.
    fn publishers(self, all: usize) -> usize {
        (all + self.of - 1 - self.number) / self.of
    }

    /// The number that a publisher of it has among all.
    const fn number_of(self, publisher: usize) -> usize {
        publisher * self.of + self.number
    }
}

/// What is known of a generator itself in the time that is measured.
pub(super) struct Measured {
    is_on: bool,
    began: Instant,
    pub(super) time: Duration,
    /// Packets that it published.
    pub(super) published: u64,
    pub(super) lateness: Histogram,
}

impl Generator {
    /// Connects its share of the publishers.
    pub(super) fn connect(options: &Options, share: Share) -> anyhow::Result<Self> {
        let clock = Clock;
        let now = clock.now();
        let mut generator = Self {
            share,
            clients: Vec::new(),
            publishers: share.publishers(options.publishers),
            schedule: Schedule::new(options.spacing, 0, 0, now),
            poller: Poller::new()?,
            scratch: Scratch::new(),
            clock,
            next_sweep: now,
            measured: Measured::nothing(now),
        };
        let calls = (0..generator.publishers).map(|publisher| share.number_of(publisher));
        generator.call_all(options, calls)?;
        Ok(generator)
    }

    /// Its publishers send from now on, evenly between those of other generators.
    pub(super) fn publish(&mut self, options: &Options, now: Instant) {
        let new = |start| Schedule::new(options.spacing, options.rate_bps, self.publishers, start);
        let interval = new(now).interval();
        let turn = interval / u32::try_from(options.publishers.max(1)).unwrap_or(u32::MAX);
        let turns_before = u32::try_from(self.share.number).unwrap_or(u32::MAX);
        self.schedule = new(now + turn * turns_before);
    }

    /// Connects the readers, who want a stream to read.
    pub(super) fn connect_readers(&mut self, options: &Options) -> anyhow::Result<()> {
        let first = options.publishers;
        self.call_all(options, first..first + options.readers)
    }

    /// Makes the connections of clients with these numbers.
    fn call_all(
        &mut self,
        options: &Options,
        numbers: impl IntoIterator<Item = usize>,
    ) -> anyhow::Result<()> {
        let limit = self.clock.now() + CONNECT_LIMIT;
        for number in numbers {
            self.wait_while(limit, |connecting| connecting >= CALLS_AT_ONCE)?;
            self.add(options, number)?;
        }
        self.wait_while(limit, |connecting| connecting > 0)
    }

    pub(super) fn go_on_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    /// What is sent from now on counts.
    pub(super) fn begin(&mut self) {
        let first = self.schedule.sent_by_first();
        for client in &mut self.clients {
            client.arrivals.begin(first);
        }
        self.measured = Measured {
            is_on: true,
            ..Measured::nothing(self.clock.now())
        };
    }

    /// What is sent from now on does not count.
    pub(super) fn end(&mut self) {
        let end = self.schedule.sent_by_first();
        for client in &mut self.clients {
            client.arrivals.end(end);
        }
        let measured = &mut self.measured;
        measured.is_on = false;
        measured.time = self.clock.now().saturating_since(measured.began);
    }

    /// Its clients, and what is known of itself.
    pub(super) fn into_parts(self) -> (Vec<Client>, Measured) {
        (self.clients, self.measured)
    }

    fn add(&mut self, options: &Options, number: usize) -> anyhow::Result<()> {
        let client = Client::new(call(options, number, self.clock.now())?);
        let token = self.clients.len() as u64;
        self.poller
            .add(client.descriptor(), token, Interest::Read)?;
        self.clients.push(client);
        Ok(())
    }

    /// Goes on while the number of connections not yet made is like this.
    fn wait_while(&mut self, limit: Instant, is_so: impl Fn(usize) -> bool) -> anyhow::Result<()> {
        loop {
            let connecting = self.clients.iter().filter(|client| !client.is_connected());
            let connecting = connecting.count();
            if !is_so(connecting) {
                return Ok(());
            }
            if self.clock.now() > limit {
                bail!("{connecting} connections were not made in time");
            }
            self.turn(limit)?;
        }
    }

    fn turn(&mut self, end: Instant) -> anyhow::Result<()> {
        self.send_due()?;
        let now = self.clock.now();
        if now >= self.next_sweep {
            self.sweep()?;
            self.next_sweep = now + SWEEP;
        }
        let wake = self.schedule.next_at().min(self.next_sweep).min(end);
        let wait = wake.saturating_since(self.clock.now());
        self.poller.wait(Some(wait))?;
        for token in self.poller.ready() {
            self.clients[usize::try_from(token)?].receive(&mut self.scratch)?;
        }
        Ok(())
    }

    /// Does what time asks of the clients, and sends what becomes due meanwhile.
    fn sweep(&mut self) -> anyhow::Result<()> {
        for first in (0..self.clients.len()).step_by(CLIENTS_AT_ONCE) {
            let now = self.clock.now();
            for client in self.clients[first..].iter_mut().take(CLIENTS_AT_ONCE) {
                if client.wakes_at() <= now {
                    client.tick(now, &mut self.scratch)?;
                }
            }
            self.send_due()?;
        }
        Ok(())
    }

    fn send_due(&mut self) -> anyhow::Result<()> {
        for _ in 0..TURNS_AT_ONCE {
            let (now, due) = (self.clock.now(), self.schedule.next_at());
            if due > now {
                break;
            }
            let turn = self.schedule.take();
            if self.measured.is_on {
                let late = now.saturating_since(due).as_micros();
                self.measured.published += turn.numbers.end - turn.numbers.start;
                self.measured
                    .lateness
                    .record(u64::try_from(late).unwrap_or(u64::MAX));
            }
            self.clients[turn.publisher].send(now, turn.numbers, &mut self.scratch)?;
        }
        Ok(())
    }
}

impl Measured {
    fn nothing(began: Instant) -> Self {
        Self {
            is_on: false,
            began,
            time: Duration::ZERO,
            published: 0,
            lateness: Histogram::new(),
        }
    }
}

/// Begins the call of the client with this number.
fn call(options: &Options, number: usize, now: Instant) -> anyhow::Result<Wire> {
    let publishes = number < options.publishers;
    let to = if publishes {
        let to = options.publish_to.get(number);
        let to = to.or(options.publish_to.first());
        *to.context("--publish-to is missing")?
    } else {
        options.read_from.context("--read-from is missing")?
    };
    if options.plain {
        let client = if publishes {
            PlainClient::publish(now, to, number)
        } else {
            PlainClient::read(now, to, number - options.publishers, options.answers)
        };
        return Ok(Wire::Plain(Box::new(client?)));
    }
    let (id, passphrase) = if publishes {
        let id = options.publish_id.replace("{}", &number.to_string());
        (id, &options.publish_passphrase)
    } else {
        (options.read_id.clone(), &options.read_passphrase)
    };
    let keys = passphrase
        .as_ref()
        .map(|text| caller::keys(text.as_bytes()));
    let latency = Duration::from_millis(options.latency_ms);
    let config = CallerConfig {
        stream_id: id.into_bytes().into(),
        keys: keys.transpose()?,
        connection: ConnectionConfig {
            latency,
            ..ConnectionConfig::default()
        },
        connect_timeout: CONNECT_LIMIT,
        ..CallerConfig::default()
    };
    let mut caller = Caller::call(now, to, config)?;
    let conditions = options.conditions();
    if !conditions.is_clean() {
        caller.impair(Impairment::new(&conditions, number as u64));
    }
    Ok(Wire::Srt(Box::new(caller)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_publisher_belongs_to_one_generator_and_their_shares_are_even() {
        for (all, of) in [(1, 1), (7, 2), (1000, 2), (1000, 3)] {
            let mut numbers = Vec::new();
            for number in 0..of {
                let share = Share { number, of };
                let publishers = share.publishers(all);
                assert!((all / of..=all.div_ceil(of)).contains(&publishers));
                numbers.extend((0..publishers).map(|publisher| share.number_of(publisher)));
            }
            numbers.sort_unstable();
            assert_eq!(numbers, (0..all).collect::<Vec<_>>(), "{all} of {of}");
        }
    }
}
