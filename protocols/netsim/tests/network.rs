//! The network as its users see it: addresses, datagrams, and one seed.

use core::time::Duration;
use std::net::SocketAddr;

use tidegate_netsim::{Datagram, LinkConfig, Network, Probability, Rate, Reordering};
use tidegate_units::{Bitrate, Instant};

const MS: Duration = Duration::from_millis(1);

fn here() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1))
}

fn there() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 2))
}

/// Everything that can go wrong, at once.
fn rough() -> LinkConfig {
    let bitrate = Bitrate::from_bps(20_000_000);
    LinkConfig {
        reordering: Reordering {
            probability: Probability::percent(3.0),
            extra_delay: 7 * MS,
        },
        duplication: Probability::percent(2.0),
        corruption: Probability::percent(1.0),
        rate: Some(Rate {
            bitrate,
            queue_bytes: 40_000,
            overhead_bytes: 28,
        }),
        ..LinkConfig::delayed(20 * MS)
    }
    .jittering(15 * MS)
    .losing_in_bursts(Probability::percent(5.0), 3.0)
}

fn drain(network: &mut Network, until: Instant) -> Vec<Datagram> {
    core::iter::from_fn(|| network.receive(until)).collect()
}

/// A second of traffic both ways, and what came of it.
fn second_of_traffic(seed: u64) -> (u64, Vec<Datagram>) {
    let mut network = Network::new(seed, rough());
    for n in 0_u32..2000 {
        let now = Instant::from_micros(u64::from(n) * 500);
        network.send(now, here(), there(), &n.to_be_bytes().repeat(300));
        network.send(now, there(), here(), &n.to_be_bytes());
    }
    let arrived = drain(&mut network, Instant::from_millis(5_000));
    (network.trace().value(), arrived)
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(second_of_traffic(42), second_of_traffic(42));
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(second_of_traffic(42).0, second_of_traffic(43).0);
}

#[test]
fn datagrams_arrive_in_the_order_of_their_arrival_times() {
    let mut network = Network::new(1, rough());
    for n in 0..500 {
        network.send(Instant::from_millis(n), here(), there(), b"x");
    }
    let mut last = Instant::ZERO;
    while let Some(next) = network.next_arrival() {
        assert!(next >= last);
        assert!(network.receive(next.offset_micros(-1)).is_none());
        assert!(network.receive(next).is_some());
        last = next;
    }
}

#[test]
fn each_direction_has_its_own_conditions() {
    let mut network = Network::new(1, LinkConfig::delayed(10 * MS));
    network.configure(
        there(),
        here(),
        LinkConfig::default().losing(Probability::ALWAYS),
    );
    for n in 0..50 {
        network.send(Instant::from_millis(n), here(), there(), b"there");
        network.send(Instant::from_millis(n), there(), here(), b"back");
    }
    let arrived = drain(&mut network, Instant::from_millis(1_000));
    assert_eq!(arrived.len(), 50);
    assert!(arrived.iter().all(|datagram| datagram.bytes == b"there"));
    assert_eq!(network.figures(there(), here()).lost, 50);
}

#[test]
fn the_losses_of_one_direction_do_not_depend_on_traffic_in_the_other() {
    let lossy = LinkConfig::default().losing(Probability::percent(30.0));
    let run = |echo: bool| {
        let mut network = Network::new(11, lossy.clone());
        for n in 0_u64..300 {
            network.send(Instant::from_millis(n), here(), there(), &n.to_be_bytes());
            if echo {
                network.send(Instant::from_millis(n), there(), here(), b"echo");
            }
        }
        let arrived = drain(&mut network, Instant::from_millis(1_000));
        arrived
            .into_iter()
            .filter(|datagram| datagram.to == there())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_damaged_datagram_differs_in_one_bit() {
    let config = LinkConfig {
        corruption: Probability::ALWAYS,
        ..LinkConfig::default()
    };
    let mut network = Network::new(1, config);
    network.send(Instant::ZERO, here(), there(), &[0; 40]);
    let datagram = network.receive(Instant::ZERO).unwrap();
    assert_eq!(
        datagram
            .bytes
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>(),
        1
    );
}
