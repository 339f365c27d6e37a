//! What strangers with a wrong passphrase cost: handshakes by the hundred beside live streams,
//! from one address and from many, while honest callers want in.

use crate::caller::{Caller, keys};
use crate::load::Spacing;
use crate::measure::observe;
use crate::port::{Port, Scratch};
use crate::runner::{Options, eprint_progress};
use crate::scenario::{Scenario, USUAL_BPS};
use crate::servers::{HONEST_ID, HONEST_PASSPHRASE, OurServer, Server as _};
use crate::usage;
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tidegate_srt::{CallerConfig, Event};
use tidegate_udp::{Clock, Interest, Poller};

const SCENARIO: Scenario = Scenario {
    name: "attack",
    title: "20 → 0, attacked",
    publishers: 20,
    readers: 0,
    rate_bps: USUAL_BPS,
    spacing: Spacing::Evenly,
    low_delay: false,
    is_encrypted: false,
};

const WRONG_PASSPHRASE: &[u8] = b"this is not the passphrase";
/// Wrong-key handshakes begun every second.
const KNOCKS_PER_SECOND: u64 = 500;
/// Addresses of a flood that comes from many.
const MANY_ADDRESSES: u8 = 250;
/// Time between two honest callers.
const HONEST_INTERVAL: Duration = Duration::from_millis(100);
/// An honest caller that is not in by then counts as turned away.
const HONEST_PATIENCE: Duration = Duration::from_secs(3);

/// What one attack cost.
struct Cost {
    grown_megabytes: f64,
    missing: u64,
    honest_p50: Duration,
    honest_p99: Duration,
    honest: usize,
    turned_away: usize,
    knocks: u64,
}

/// Attacks from one address, then from many, and prints a table.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.check()?;
    println!(
        "\n| wrong-key handshakes beside 20 × 6 Mbit/s | begun | memory | media lost | honest caller p50 | p99 | turned away |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, addresses) in [
        ("none", 0),
        ("from one address", 1),
        ("from 250 addresses", MANY_ADDRESSES),
    ] {
        eprint_progress(&format!("an attack: {name}"));
        let cost = match measure(options, addresses)? {
            Ok(cost) => cost,
            Err(why) => {
                println!("| {name} | no figure: {why} | | | | | |");
                continue;
            }
        };
        println!(
            "| {name} | {} | {:+.1} MB | {} | {:.0} ms | {:.0} ms | {} of {} |",
            cost.knocks,
            cost.grown_megabytes,
            cost.missing,
            cost.honest_p50.as_secs_f64() * 1000.0,
            cost.honest_p99.as_secs_f64() * 1000.0,
            cost.turned_away,
            cost.honest + cost.turned_away,
        );
    }
    Ok(())
}

/// One attack, or why it does not count.
fn measure(options: &Options, addresses: u8) -> anyhow::Result<Result<Cost, String>> {
    let server = OurServer::guarded(&options.tidegate, SCENARIO.publishers);
    let to = server.read_from();
    let is_over = AtomicBool::new(false);
    let knocks = AtomicU64::new(0);
    // The load generator warms the server up first; the strangers come when it measures.
    let begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            wait_for(&begun, &is_over);
            if addresses > 0 {
                flood(to, addresses, &is_over, &knocks)
            } else {
                Ok(())
            }
        });
        let honest = scope.spawn(|| {
            wait_for(&begun, &is_over);
            honest_callers(to, &is_over)
        });
        let before = Cell::new(0);
        let seen = observe(&server, &SCENARIO, options.seconds, || {
            before.set(usage::of(server.processes())?.resident_bytes);
            begun.store(true, Ordering::Release);
            Ok(())
        });
        is_over.store(true, Ordering::Release);
        let seen = seen?;
        let bottleneck = seen.said.bottleneck();
        flood
            .join()
            .map_err(|_| anyhow::anyhow!("the flood crashed"))??;
        let mut times = honest
            .join()
            .map_err(|_| anyhow::anyhow!("an honest caller crashed"))??;
        times.in_time.sort_unstable();
        let cost = Cost {
            grown_megabytes: (seen.after.resident_bytes as f64 - before.get() as f64) / 1e6,
            missing: server.missing_packets().max(seen.said.given_up_packets),
            honest_p50: percentile(&times.in_time, 50),
            honest_p99: percentile(&times.in_time, 99),
            honest: times.in_time.len(),
            turned_away: times.turned_away,
            knocks: knocks.load(Ordering::Relaxed),
        };
        Ok(bottleneck.map_or(Ok(cost), Err))
    })
}

fn wait_for(begun: &AtomicBool, is_over: &AtomicBool) {
    while !begun.load(Ordering::Acquire) && !is_over.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// Begins handshakes with a wrong passphrase, each a caller of its own, until it is over.
fn flood(
    to: SocketAddr,
    addresses: u8,
    is_over: &AtomicBool,
    knocks: &AtomicU64,
) -> anyhow::Result<()> {
    let clock = Clock;
    let keys = keys(WRONG_PASSPHRASE)?;
    let mut poller = Poller::new()?;
    let mut ports = Vec::new();
    for number in 0..addresses {
        let local: IpAddr = Ipv4Addr::new(127, 2, number, 1).into();
        let port = Port::open(clock.now(), local)?;
        poller.add(port.descriptor(), u64::from(number), Interest::Read)?;
        ports.push(port);
    }
    let mut scratch = Scratch::new();
    let began = clock.now();
    while !is_over.load(Ordering::Acquire) {
        let now = clock.now();
        let due = now.saturating_since(began).as_millis() as u64 * KNOCKS_PER_SECOND / 1000;
        while knocks.load(Ordering::Relaxed) < due {
            let number = knocks.fetch_add(1, Ordering::Relaxed) as usize % ports.len();
            let config = CallerConfig {
                stream_id: HONEST_ID.into(),
                keys: Some(keys.clone()),
                ..CallerConfig::default()
            };
            // What the caller's own limits forbid was tried all the same.
            let _ = ports[number].endpoint.connect(now, to, config);
        }
        for port in &mut ports {
            if port.wakes_at() <= now {
                port.tick(now);
                port.transmit(now, &mut scratch);
            }
        }
        poller.wait(Some(Duration::from_millis(2)))?;
        let ready: Vec<u64> = poller.ready().collect();
        for token in ready {
            let port = &mut ports[usize::try_from(token)?];
            port.receive(&mut scratch)?;
            while let Some(event) = port.endpoint.poll_event() {
                anyhow::ensure!(
                    !matches!(event, Event::Connected { .. }),
                    "a wrong passphrase let somebody in"
                );
            }
            port.transmit(clock.now(), &mut scratch);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Times {
    in_time: Vec<Duration>,
    turned_away: usize,
}

/// One caller after the other, each from an address of its own in another prefix than the flood.
fn honest_callers(to: SocketAddr, is_over: &AtomicBool) -> anyhow::Result<Times> {
    let clock = Clock;
    let keys = keys(HONEST_PASSPHRASE.as_bytes())?;
    let mut scratch = Scratch::new();
    let mut times = Times::default();
    let mut number = 0_u16;
    while !is_over.load(Ordering::Acquire) {
        let began = clock.now();
        let [high, low] = number.to_be_bytes();
        number += 1;
        let local = Ipv4Addr::new(127, 9, high, low.max(1)).into();
        let config = CallerConfig {
            stream_id: HONEST_ID.into(),
            keys: Some(keys.clone()),
            ..CallerConfig::default()
        };
        let mut client = Caller::call_from(began, local, to, config)?;
        let mut poller = Poller::new()?;
        poller.add(client.descriptor(), 0, Interest::Read)?;
        let outcome = loop {
            let now = clock.now();
            let waited = now.saturating_since(began);
            if waited > HONEST_PATIENCE || client.receive(&mut scratch, &mut |_, _| {}).is_err() {
                break None;
            }
            client.tick(now, &mut scratch, &mut |_, _| {})?;
            if client.is_connected() {
                break Some(waited);
            }
            let wake = client.wakes_at().saturating_since(now);
            poller.wait(Some(wake.min(HONEST_INTERVAL)))?;
        };
        match outcome {
            Some(waited) => times.in_time.push(waited),
            None => times.turned_away += 1,
        }
        client.leave(clock.now(), &mut scratch);
        std::thread::sleep(HONEST_INTERVAL);
    }
    Ok(times)
}
