//! What a relay hop adds in delay: from a publisher's send call to a reader's receive call.

use crate::scenario::{Options, Scenario, eprint_progress, observe};
use crate::server::{LiveTransmit, OurServer, Server};
use tidegate_testkit::peers;

const SCENARIO: Scenario = Scenario {
    name: "relay hop",
    publishers: 1,
    readers: 1,
    peer_can: true,
};

/// Who relays, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relay {
    WhenDue,
    LowDelay,
    Peer,
}

impl Relay {
    const fn name(self) -> &'static str {
        match self {
            Self::WhenDue => "tidegate, when due",
            Self::LowDelay => "tidegate, low delay",
            Self::Peer => "srt-live-transmit",
        }
    }

    fn start(self, options: &Options) -> anyhow::Result<Box<dyn Server>> {
        let publishers = SCENARIO.publishers;
        Ok(match self {
            Self::WhenDue | Self::LowDelay => {
                let low_delay = self == Self::LowDelay;
                let server = OurServer::relaying(&options.tidegate, publishers, low_delay);
                Box::new(server)
            }
            Self::Peer => Box::new(LiveTransmit::start(publishers, true)?),
        })
    }
}

/// Delays of one measurement.
#[derive(Clone, Copy)]
struct Delay {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// Measures every kind of relay, taking turns, and prints a table.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.check()?;
    let mut relays = vec![Relay::WhenDue, Relay::LowDelay];
    if peers::have(&["srt-live-transmit"]) {
        relays.push(Relay::Peer);
    }
    let mut measured: Vec<(Relay, Result<Delay, String>)> = Vec::new();
    for round in 0..options.repeat {
        for relay in &relays {
            let (name, round, of) = (relay.name(), round + 1, options.repeat);
            eprint_progress(&format!("the delay of a hop: {name} ({round} of {of})"));
            measured.push((*relay, measure(*relay, options)?));
        }
    }
    println!("\n| relay hop (latency 120 ms) | p50 | p99 | longest |");
    println!("|---|---:|---:|---:|");
    for relay in relays {
        let of_relay = measured.iter().filter(|(other, _)| *other == relay);
        print(relay, of_relay.map(|(_, delay)| delay));
    }
    Ok(())
}

fn measure(relay: Relay, options: &Options) -> anyhow::Result<Result<Delay, String>> {
    let server = relay.start(options)?;
    let seen = observe(&*server, SCENARIO, options, || Ok(()))?;
    if let Some(why) = seen.refused {
        return Ok(Err(why));
    }
    let delay = seen.said.delay_ms;
    Ok(Ok(Delay {
        p50_ms: delay.p50,
        p99_ms: delay.p99,
        max_ms: delay.max,
    }))
}

/// Prints the measurement with the median p99; a refused one only when every one was.
fn print<'a>(relay: Relay, measured: impl Iterator<Item = &'a Result<Delay, String>>) {
    let measured: Vec<_> = measured.collect();
    let mut delays: Vec<Delay> = measured
        .iter()
        .filter_map(|m| m.as_ref().ok().copied())
        .collect();
    delays.sort_by(|a, b| a.p99_ms.total_cmp(&b.p99_ms));
    let name = relay.name();
    if let Some(delay) = delays.get(delays.len() / 2) {
        let Delay {
            p50_ms,
            p99_ms,
            max_ms,
        } = delay;
        println!("| {name} | {p50_ms:.2} ms | {p99_ms:.2} ms | {max_ms:.1} ms |");
    } else if let Some(why) = measured.iter().find_map(|m| m.as_ref().err()) {
        println!("| {name} | no figure: {why} | | |");
    }
}
