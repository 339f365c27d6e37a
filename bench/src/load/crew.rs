//! The generators of a run, each on a thread of its own while they go on.

use super::Options;
use super::client::Client;
use super::generator::{Generator, Share};
use super::outcome::Outcome;
use super::schedule::packet_distance;
use crate::histogram::Histogram;
use crate::usage;
use anyhow::Context as _;
use std::time::Duration;
use tidegate_udp::Clock;

/// Publishers that one thread drives: with more it would be late.
const PUBLISHERS_PER_THREAD: usize = 500;
/// Threads; they share the machine with the server.
const THREADS_MAX: usize = 2;

pub(super) struct Crew {
    generators: Vec<Generator>,
    publishers: usize,
    packet_distance: Duration,
    busy_before: Duration,
    busy: Duration,
}

impl Crew {
    /// Makes every connection: publishers first, who then begin to send, and readers behind
    /// them. Where there are readers one thread does it all, since what they should get is what
    /// a publisher beside them has sent.
    pub(super) fn connect(options: &Options) -> anyhow::Result<Self> {
        let threads = options.publishers.div_ceil(PUBLISHERS_PER_THREAD);
        let of = match options.readers {
            0 => threads.clamp(1, THREADS_MAX),
            _ => 1,
        };
        let shares = (0..of).map(|number| Share { number, of });
        let mut generators = on_threads(shares, |share| Generator::connect(options, share))?;
        let now = Clock.now();
        for generator in &mut generators {
            generator.publish(options, now);
        }
        if let Some(first) = generators.first_mut() {
            first.connect_readers(options)?;
        }
        Ok(Self {
            generators,
            publishers: options.publishers,
            packet_distance: packet_distance(options.rate_bps),
            busy_before: Duration::ZERO,
            busy: Duration::ZERO,
        })
    }

    pub(super) fn go_on_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let generators = self.generators.iter_mut();
        on_threads(generators, |generator| generator.go_on_for(time)).map(|_| ())
    }

    /// What is sent from now on counts.
    pub(super) fn begin(&mut self) {
        self.generators.iter_mut().for_each(Generator::begin);
        self.busy_before = usage::own_cpu();
    }

    /// What is sent from now on does not count.
    pub(super) fn end(&mut self) {
        self.generators.iter_mut().for_each(Generator::end);
        self.busy = usage::own_cpu().saturating_sub(self.busy_before);
    }

    pub(super) fn outcome(self) -> Outcome {
        let mut clients = Vec::<Client>::new();
        let (mut published, mut lateness) = (0, Histogram::new());
        let mut time = Duration::ZERO;
        for generator in self.generators {
            let (its_clients, measured) = generator.into_parts();
            clients.extend(its_clients);
            published += measured.published;
            lateness.add(&measured.lateness);
            time += measured.time;
        }
        Outcome::of(&mut clients, self.publishers, Clock.now()).with_generator(
            published,
            self.packet_distance,
            &lateness,
            self.busy,
            time,
        )
    }
}

/// Does it with each of these on a thread of its own, and waits for all.
fn on_threads<T: Send, R: Send>(
    all: impl Iterator<Item = T>,
    act: impl Fn(T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    std::thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = all.map(|one| scope.spawn(move || act(one))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().ok());
        joined
            .map(|result| result.context("a generator crashed")?)
            .collect()
    })
}
