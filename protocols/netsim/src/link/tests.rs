use core::time::Duration;

use tidegate_units::{Bitrate, Instant};

use super::*;
use crate::{Loss, Outage, Probability, Rate, Reordering};

const MS: Duration = Duration::from_millis(1);

fn link(config: LinkConfig) -> Link {
    Link::new(Chance::new(7), config)
}

/// Arrival times in the order of sending, one datagram each millisecond.
fn arrivals(link: &mut Link, datagrams: u64) -> Vec<Instant> {
    let sent = (0..datagrams).map(|n| link.send(Instant::from_millis(n), 1316));
    sent.filter_map(|fate| fate.original)
        .map(|arrival| arrival.at)
        .collect()
}

#[test]
fn a_clean_link_delays_and_does_nothing_else() {
    let mut link = link(LinkConfig::delayed(50 * MS));
    let fate = link.send(Instant::from_millis(3), 1316);
    let arrival = Arrival {
        at: Instant::from_millis(53),
        flipped_bit: None,
    };
    assert_eq!(
        fate,
        Fate {
            original: Some(arrival),
            duplicate: None
        }
    );
}

#[test]
fn jitter_keeps_the_order_unless_told_otherwise() {
    let config = LinkConfig {
        jitter: 20 * MS,
        ..LinkConfig::delayed(50 * MS)
    };
    assert!(arrivals(&mut link(config.clone()), 1000).is_sorted());
    let reordered = arrivals(&mut link(config.jittering(20 * MS)), 1000);
    assert!(!reordered.is_sorted());
    for (n, at) in reordered.iter().enumerate() {
        let travelled = at.saturating_since(Instant::from_millis(n as u64));
        assert!((50 * MS..=70 * MS).contains(&travelled));
    }
}

#[test]
fn a_held_back_datagram_is_overtaken_and_does_not_hold_up_others() {
    let mut config = LinkConfig::delayed(10 * MS);
    config.reordering = Reordering {
        probability: Probability::percent(10.0),
        extra_delay: 5 * MS,
    };
    let arrivals = arrivals(&mut link(config), 1000);
    let late = arrivals
        .iter()
        .enumerate()
        .filter(|(n, at)| at.saturating_since(Instant::from_millis(*n as u64)) == 15 * MS);
    assert!((60..140).contains(&late.count()));
    assert!(!arrivals.is_sorted());
}

#[test]
fn a_duplicate_travels_on_its_own() {
    let config = LinkConfig {
        duplication: Probability::ALWAYS,
        ..LinkConfig::default()
    };
    let mut link = link(config.jittering(10 * MS));
    let fates: Vec<Fate> = (0..50).map(|_| link.send(Instant::ZERO, 100)).collect();
    assert!(
        fates
            .iter()
            .all(|fate| fate.original.is_some() && fate.duplicate.is_some())
    );
    assert!(fates.iter().any(|fate| fate.original != fate.duplicate));
    assert_eq!(link.figures().duplicated, 50);
}

#[test]
fn corruption_names_a_bit_inside_the_datagram() {
    let config = LinkConfig {
        corruption: Probability::ALWAYS,
        ..LinkConfig::default()
    };
    let mut link = link(config);
    for _ in 0..200 {
        let arrival = link.send(Instant::ZERO, 3).original.unwrap();
        assert!(arrival.flipped_bit.unwrap() < 24);
    }
    assert_eq!(
        link.send(Instant::ZERO, 0).original.unwrap().flipped_bit,
        None
    );
}

#[test]
fn nothing_passes_in_an_outage_and_everything_after() {
    let outage = Outage::of(Instant::from_millis(10), 20 * MS);
    let mut link = link(LinkConfig::default().with_outage(outage));
    assert_eq!(arrivals(&mut link, 100).len(), 80);
    assert_eq!(link.figures().lost_in_outage, 20);
}

#[test]
fn a_datagram_longer_than_the_link_carries_is_lost() {
    let config = LinkConfig {
        largest_datagram_bytes: Some(1472),
        ..LinkConfig::default()
    };
    let mut link = link(config);
    assert!(link.send(Instant::ZERO, 1472).original.is_some());
    assert!(link.send(Instant::ZERO, 1473).original.is_none());
    assert_eq!(link.figures().too_long, 1);
}

#[test]
fn an_overloaded_bottleneck_delays_then_drops() {
    let bitrate = Bitrate::from_bps(5_000_000);
    let rate = Rate {
        bitrate,
        queue_bytes: 50_000,
        overhead_bytes: 28,
    };
    let mut link = link(LinkConfig {
        rate: Some(rate),
        ..LinkConfig::default()
    });
    let arrived = arrivals(&mut link, 1000);
    // 1344 bytes on the wire each millisecond are 10.75 Mbit/s: a good half has no room.
    assert!((460..520).contains(&arrived.len()), "{}", arrived.len());
    assert_eq!(link.figures().lost_in_queue, 1000 - arrived.len() as u64);
}

#[test]
fn the_chosen_loss_hits_the_chosen_datagrams() {
    let config = LinkConfig {
        loss: Loss::Nth { first: 1, count: 1 },
        ..LinkConfig::default()
    };
    let mut link = link(config);
    let arrived: Vec<bool> = (0..3)
        .map(|_| link.send(Instant::ZERO, 9).original.is_some())
        .collect();
    assert_eq!(arrived, [true, false, true]);
}
