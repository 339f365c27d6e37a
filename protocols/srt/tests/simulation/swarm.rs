//! Many seeds, each with conditions of its own; and one seed twice.
//!
//! `make simulate SEEDS=100000` for a night. A failure names its seed:
//! `TIDEGATE_SIM_SEED=…` runs that one alone.

use core::time::Duration;

use crate::support::{MS, Pair, SECOND, Scenario, Side, on_every_seed};
use tidegate_netsim::{
    Chance, LinkConfig, Loss, Outage, Probability, Rate, Reordering, SkewedClock,
};
use tidegate_srt::{KeyLength, KeyRefresh, MessageNumber, SequenceNumber};
use tidegate_units::{Bitrate, Instant};

const DEFAULT_SEEDS: u64 = 100;
/// Longer than a rendezvous tries.
const RENDEZVOUS_PATIENCE: Duration = Duration::from_secs(32);
/// How often a run's figures are looked at.
const LOOKS: u32 = 16;
/// The most packets that any buffer may hold: 64 MiB.
const BUFFER_PACKETS_MAX: u64 = 51_200;
const FIRST_SEED: u64 = 10_000;
/// Seeds that once failed, run first for ever after: a late packet of a replaced key.
const FOUND_SEEDS: [u64; 1] = [12_723];

/// Conditions nobody chose: any of these must deliver a correct, ordered part of the stream.
pub(crate) fn random_link(chance: &mut Chance) -> LinkConfig {
    let mut link = LinkConfig::delayed(MS + chance.duration(120 * MS));
    link.jitter = chance.duration(30 * MS);
    link.jitter_reorders = chance.happens(Probability::percent(50.0));
    match chance.below(3) {
        0 => {}
        1 => link = link.losing(Probability::percent(chance.fraction() * 20.0)),
        _ => {
            let burst = 1.0 + chance.fraction() * 20.0;
            link = link.losing_in_bursts(Probability::percent(chance.fraction() * 15.0), burst);
        }
    }
    link.duplication = Probability::percent(chance.fraction() * 10.0);
    link.reordering = Reordering {
        probability: Probability::percent(chance.fraction() * 5.0),
        extra_delay: chance.duration(40 * MS),
    };
    if chance.happens(Probability::percent(20.0)) {
        let from = Instant::from_micros(chance.below(5_000_000));
        link = link.with_outage(Outage::of(from, chance.duration(2 * SECOND)));
    }
    if chance.happens(Probability::percent(20.0)) {
        let bitrate = Bitrate::from_bps(2_000_000 + chance.below(20_000_000));
        let queue_bytes = 10_000 + chance.below(500_000);
        link.rate = Some(Rate {
            bitrate,
            queue_bytes,
            overhead_bytes: 28,
        });
    }
    link
}

pub(crate) fn random_scenario(seed: u64) -> (Scenario, Chance) {
    let mut chance = Chance::stream(seed, 99);
    let mut scenario = Scenario::new(seed).latency(20 * MS + chance.duration(900 * MS));
    scenario.to_listener = random_link(&mut chance);
    scenario.to_caller = random_link(&mut chance);
    let skew = |chance: &mut Chance| {
        let start = Instant::from_micros(chance.below(1 << 33));
        SkewedClock::new(start, chance.below(401) as i32 - 200)
    };
    scenario.caller_clock = skew(&mut chance);
    scenario.listener_clock = skew(&mut chance);
    if chance.happens(Probability::percent(30.0)) {
        scenario = scenario.encrypted(KeyLength::Aes128);
        scenario.connection.key_refresh = KeyRefresh::new(700, 200);
    }
    if chance.happens(Probability::percent(50.0)) {
        let before = chance.below(3_000) as u32;
        scenario.first_sequence = Some(SequenceNumber::new(0x7FFF_FFFE - before));
        scenario.connection.first_timestamp_micros = u32::MAX - chance.below(6_000_000) as u32;
        scenario.connection.first_message = Some(MessageNumber::new(0x03FF_FFFF - before / 2));
        scenario.connection.first_ack_number = 0x7FFF_FFFF - before / 10;
    }
    (scenario, chance)
}

/// Whether nobody listens, and both sides call.
fn is_rendezvous(seed: u64) -> bool {
    !FOUND_SEEDS.contains(&seed) && Chance::stream(seed, 98).happens(Probability::percent(25.0))
}

/// One side calls, or both do, some time apart; says whether they are connected in the end.
pub(crate) fn connects(pair: &mut Pair) -> bool {
    let seed = pair.scenario.seed;
    if !is_rendezvous(seed) {
        pair.call();
        return pair.await_connection(6 * SECOND);
    }
    let mut chance = Chance::stream(seed, 97);
    let gap = chance.duration(SECOND);
    let first = if chance.happens(Probability::percent(50.0)) {
        Side::Caller
    } else {
        Side::Listener
    };
    pair.node_mut(Side::Listener).endpoint.set_listener(None);
    pair.meet(first);
    pair.world.run_for(gap);
    pair.meet(first.other());
    pair.await_connection(RENDEZVOUS_PATIENCE)
}

/// Connects, if the network lets it, and streams for some seconds; the harness checks every byte.
fn run(seed: u64) -> Pair {
    let (scenario, mut chance) = random_scenario(seed);
    let mut pair = scenario.build();
    if !connects(&mut pair) {
        // One side may hold half a session, which silence ends.
        pair.world.run_for(Duration::from_secs(12));
        return pair;
    }
    let length = SECOND + chance.duration(4 * SECOND);
    let rate = 0.5 + chance.fraction() * 11.5;
    let side = if chance.happens(Probability::percent(50.0)) {
        Side::Caller
    } else {
        Side::Listener
    };
    pair.publish(side, rate, length);
    let rest = pair.scenario.connection.latency + 2 * SECOND;
    for _ in 0..LOOKS {
        pair.world.run_for((length + rest) / LOOKS);
        figures_hold(&mut pair, side);
    }
    if chance.happens(Probability::percent(30.0)) && pair.alive(side) {
        pair.close(side);
    } else {
        pair.node_mut(side).down = true;
    }
    pair.world.run_for(Duration::from_secs(12));
    pair
}

/// Buffers keep to their limits, and the figures agree with each other, at any moment.
fn figures_hold(pair: &mut Pair, side: Side) {
    let (wire, handed_over) = (pair.wire(side), pair.sent(side));
    let is_encrypted = pair.scenario.passphrase.is_some();
    if pair.alive(side) {
        let sender = pair.statistics(side);
        let (sent, instant) = (sender.total, sender.instant);
        assert_eq!(sent.packets_sent, wire.data_packets);
        let copies = sent.packets_sent - sent.packets_sent_unique;
        assert_eq!(sent.packets_retransmitted, copies);
        assert!(
            instant.send_buffer_packets <= BUFFER_PACKETS_MAX,
            "{instant:?}"
        );
        assert!(instant.flight_packets <= sent.packets_sent_unique);
        let known = sent.packets_sent_unique + sent.packets_send_dropped;
        assert!(
            known + instant.send_buffer_packets >= handed_over,
            "{sent:?}"
        );
    }
    if pair.alive(side.other()) {
        let delivered = pair.inbox(side.other()).delivered;
        let receiver = pair.statistics(side.other());
        let (received, instant) = (receiver.total, receiver.instant);
        let window = instant.receive_window_packets;
        assert!(window <= BUFFER_PACKETS_MAX, "{instant:?}");
        assert!(instant.receive_buffer_packets <= window, "{instant:?}");
        assert!(received.packets_received_unique >= delivered);
        let others = received.packets_duplicate + received.packets_belated;
        let all = received.packets_received_unique + others + received.packets_no_room;
        if !is_encrypted {
            assert_eq!(received.packets_received, all, "{received:?}");
        }
    }
}

#[test]
fn any_network_delivers_a_correct_part_of_the_stream_and_sessions_end() {
    on_every_seed(FIRST_SEED, DEFAULT_SEEDS, &FOUND_SEEDS, |seed| {
        let pair = run(seed);
        for node in pair.world.nodes.iter().filter(|node| !node.down) {
            let left = node.endpoint.connection_count();
            assert_eq!(left, 0, "seed {seed}: {} has sessions", node.address);
        }
    });
}

/// Loss that can be repaired in time: many round trips of latency, room on the line.
pub(crate) fn recoverable_scenario(seed: u64) -> Scenario {
    let (mut scenario, mut chance) = random_scenario(seed);
    let one_way = MS + chance.duration(40 * MS);
    let jitter = chance.duration(10 * MS);
    let mut fair = |bursts: bool| {
        let percent = Probability::percent(chance.fraction() * 6.0);
        let link = LinkConfig::delayed(one_way).jittering(jitter);
        let mut link = if bursts {
            link.losing_in_bursts(percent, 1.0 + chance.fraction() * 9.0)
        } else {
            link.losing(percent)
        };
        link.duplication = Probability::percent(chance.fraction() * 5.0);
        link
    };
    // The way back carries a hundred packets a second: a burst of fifty there is half a second
    // without a single loss report, which no latency in this test outlasts.
    (scenario.to_listener, scenario.to_caller) = (fair(seed.is_multiple_of(2)), fair(false));
    let round_trip = 2 * (one_way + jitter);
    scenario.latency(200 * MS + round_trip * 12)
}

#[test]
fn loss_that_can_be_repaired_in_time_is_repaired() {
    on_every_seed(FIRST_SEED, DEFAULT_SEEDS, &FOUND_SEEDS, |seed| {
        let mut pair = recoverable_scenario(seed).build();
        // A handshake is a packet in 250 ms: a burst of ten outlasts every try.
        set_loss(&mut pair, false);
        assert!(connects(&mut pair), "seed {seed} did not connect");
        set_loss(&mut pair, true);
        pair.publish(Side::Caller, 4.0, 4 * SECOND);
        pair.world.run_for(3_900 * MS);
        // Behind the last packet the line is as sparse as the way back; the end is calm.
        set_loss(&mut pair, false);
        pair.world
            .run_for(pair.scenario.connection.latency + 2 * SECOND);
        let (inbox, sent) = (pair.inbox(Side::Listener), pair.sent(Side::Caller));
        assert_eq!((inbox.missing, inbox.delivered), (0, sent), "seed {seed}");
        assert!(
            inbox.worst_lateness.is_zero(),
            "seed {seed}: {:?}",
            inbox.worst_lateness
        );
        let spread = inbox
            .longest_delay
            .zip(inbox.shortest_delay)
            .map(|(most, least)| most - least);
        // The time base begins with the way of one packet and becomes the mean of many.
        let settling = pair.scenario.to_listener.jitter / 2;
        assert!(
            spread < Some(3 * MS + settling),
            "seed {seed}: play-out moved by {spread:?}"
        );
        figures_add_up(&mut pair, seed);
    });
}

/// Takes the losses of both directions away, or gives them back.
pub(crate) fn set_loss(pair: &mut Pair, lossy: bool) {
    let (caller, listener) = (
        pair.node(Side::Caller).address,
        pair.node(Side::Listener).address,
    );
    for (from, to, link) in [
        (caller, listener, &pair.scenario.to_listener),
        (listener, caller, &pair.scenario.to_caller),
    ] {
        let mut link = link.clone();
        if !lossy {
            link.loss = Loss::None;
        }
        pair.world.network.configure(from, to, link);
    }
}

fn figures_add_up(pair: &mut Pair, seed: u64) {
    let (sender, receiver) = (
        pair.statistics(Side::Caller),
        pair.statistics(Side::Listener),
    );
    let (sent, received) = (sender.total, receiver.total);
    assert_eq!(
        sent.packets_sent_unique,
        pair.sent(Side::Caller),
        "seed {seed}"
    );
    assert_eq!(
        sent.packets_sent,
        sent.packets_sent_unique + sent.packets_retransmitted
    );
    assert_eq!(
        received.packets_received_unique,
        pair.inbox(Side::Listener).delivered
    );
    assert_eq!(received.packets_dropped, 0, "seed {seed}");
    assert_eq!(
        sender.instant.flight_packets, 0,
        "seed {seed}: something is still in flight"
    );
    assert_eq!(sender.instant.send_buffer_packets, 0, "seed {seed}");
    assert_eq!(receiver.instant.receive_buffer_packets, 0, "seed {seed}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3, 10_007] {
        assert_eq!(
            run(seed).world.trace(),
            run(seed).world.trace(),
            "seed {seed}"
        );
    }
    assert_ne!(run(4).world.trace(), run(5).world.trace());
}
