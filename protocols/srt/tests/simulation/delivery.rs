//! What is sent arrives: bit for bit, in order, at its time.

use core::time::Duration;

use crate::support::{MS, Pair, SECOND, Scenario, Side};
use tidegate_netsim::{LinkConfig, Loss, Outage, Probability, Reordering};
use tidegate_units::Instant;

/// A connection, a stream over it in each direction in turn, and nothing lost.
fn stream_both_ways(scenario: impl Fn() -> Scenario, length: Duration) {
    for side in [Side::Caller, Side::Listener] {
        let mut pair = scenario().connect();
        pair.stream(side, 8.0, length);
        pair.assert_everything_arrived_from(side);
    }
}

#[test]
fn a_clean_link_delivers_everything_in_both_directions_at_once() {
    let mut pair = Scenario::new(1).connect();
    pair.publish(Side::Caller, 10.0, 5 * SECOND);
    pair.publish(Side::Listener, 3.0, 5 * SECOND);
    pair.world.run_for(7 * SECOND);
    for side in [Side::Caller, Side::Listener] {
        pair.assert_everything_arrived_from(side);
        assert_eq!(pair.wire(side).retransmissions, 0);
    }
}

#[test]
fn a_packet_is_due_one_latency_after_it_originated_and_comes_out_before() {
    for latency in [20 * MS, 120 * MS, 800 * MS] {
        let mut pair = Scenario::new(2).latency(latency).connect();
        pair.stream(Side::Caller, 4.0, 5 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        let inbox = pair.inbox(Side::Listener);
        // The time base holds the way of one handshake packet, 20 ms here.
        let expected = latency + 20 * MS;
        let (shortest, longest) = (inbox.shortest_delay.unwrap(), inbox.longest_delay.unwrap());
        assert!(
            shortest + 2 * MS >= expected,
            "{shortest:?} for {latency:?}"
        );
        assert!(longest <= expected + 2 * MS, "{longest:?} for {latency:?}");
        assert_eq!(inbox.worst_lateness, Duration::ZERO);
    }
}

#[test]
fn what_is_lost_and_resent_keeps_its_play_out_time() {
    let link = LinkConfig::delayed(20 * MS).losing(Probability::percent(8.0));
    let mut pair = Scenario::new(3).link(link).latency(300 * MS).connect();
    // The handshake itself may have been lost and repeated: settle first.
    pair.stream(Side::Caller, 8.0, 10 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    let inbox = pair.inbox(Side::Listener);
    let spread = inbox.longest_delay.unwrap() - inbox.shortest_delay.unwrap();
    assert!(spread <= 2 * MS, "play-out moved by {spread:?}");
    assert_eq!(inbox.worst_lateness, Duration::ZERO);
}

#[test]
fn five_percent_loss_is_repaired_bit_exactly_when_the_latency_allows() {
    stream_both_ways(
        || {
            let link = LinkConfig::delayed(25 * MS).losing(Probability::percent(5.0));
            Scenario::new(4).link(link).latency(500 * MS)
        },
        20 * SECOND,
    );
}

#[test]
fn long_bursts_are_repaired() {
    stream_both_ways(
        || {
            let link =
                LinkConfig::delayed(20 * MS).losing_in_bursts(Probability::percent(5.0), 30.0);
            Scenario::new(5).link(link).latency(800 * MS)
        },
        15 * SECOND,
    );
}

#[test]
fn an_outage_shorter_than_latency_minus_two_round_trips_loses_nothing() {
    let latency = 600 * MS;
    for (seed, length) in [
        (6, 50 * MS),
        (7, 200 * MS),
        (8, latency - 2 * 40 * MS - 60 * MS),
    ] {
        let outage = Outage::of(Instant::from_millis(3_000), length);
        let link = LinkConfig::delayed(20 * MS).with_outage(outage);
        let mut pair = Scenario::new(seed).link(link).latency(latency).connect();
        pair.stream(Side::Caller, 8.0, 8 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
    }
}

/// The sender still has the newest second of it, which comes late rather than never.
#[test]
fn an_outage_longer_than_the_latency_costs_no_more_than_its_own_time() {
    let outage = Outage::of(Instant::from_millis(3_000), 1_500 * MS);
    let link = LinkConfig::delayed(20 * MS).with_outage(outage);
    let mut pair = Scenario::new(9).link(link).latency(300 * MS).connect();
    pair.stream(Side::Caller, 8.0, 10 * SECOND);
    let inbox = pair.inbox(Side::Listener);
    let missed = 10.0 * inbox.missing as f64 / pair.sent(Side::Caller) as f64;
    assert!((0.3..1.5).contains(&missed), "{missed} s are missing");
    assert_eq!(inbox.delivered + inbox.missing, pair.sent(Side::Caller));
}

#[test]
fn reordering_loses_nothing_and_delivers_in_order() {
    let mut link = LinkConfig::delayed(30 * MS).jittering(15 * MS);
    link.reordering = Reordering {
        probability: Probability::percent(5.0),
        extra_delay: 25 * MS,
    };
    stream_both_ways(
        || Scenario::new(10).link(link.clone()).latency(300 * MS),
        8 * SECOND,
    );
}

#[test]
fn a_duplicated_packet_is_delivered_once() {
    let mut link = LinkConfig::delayed(20 * MS).jittering(5 * MS);
    link.duplication = Probability::percent(50.0);
    stream_both_ways(
        || Scenario::new(11).link(link.clone()).latency(200 * MS),
        5 * SECOND,
    );
}

#[test]
fn everything_at_once_is_survived() {
    let mut link = LinkConfig::delayed(20 * MS)
        .jittering(10 * MS)
        .losing_in_bursts(Probability::percent(3.0), 4.0);
    link.duplication = Probability::percent(3.0);
    link.reordering = Reordering {
        probability: Probability::percent(2.0),
        extra_delay: 15 * MS,
    };
    stream_both_ways(
        || Scenario::new(12).link(link.clone()).latency(600 * MS),
        15 * SECOND,
    );
}

#[test]
fn a_single_lost_packet_is_asked_for_at_once_and_comes_after_one_round_trip() {
    let mut pair = Scenario::new(13).latency(400 * MS).connect();
    let mut link = LinkConfig::delayed(20 * MS);
    link.loss = Loss::Nth {
        first: 100,
        count: 1,
    };
    let (from, to) = (
        pair.node(Side::Caller).address,
        pair.node(Side::Listener).address,
    );
    pair.world.network.configure(from, to, link);
    pair.stream(Side::Caller, 8.0, 3 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.wire(Side::Caller).retransmissions, 1);
    // Noticed with the packet behind it, one way back for the NAK, one way for the packet.
    let gap = pair.inbox(Side::Listener).longest_gap;
    assert!(gap < 40 * MS + 8 * MS, "{gap:?}");
}

#[test]
fn a_bottleneck_with_enough_room_loses_nothing() {
    let mut link = LinkConfig::delayed(20 * MS).losing(Probability::percent(2.0));
    link.rate = Some(tidegate_netsim::Rate {
        bitrate: tidegate_units::Bitrate::from_bps(12_500_000),
        queue_bytes: 200_000,
        overhead_bytes: 28,
    });
    let mut pair = Scenario::new(14).link(link).latency(600 * MS).connect();
    pair.stream(Side::Caller, 10.0, 10 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
}

/// 28,500 packets a second, of which almost a second waits behind a gap and is not
/// acknowledged: more than buffers of a fixed size would take.
#[test]
fn three_hundred_megabits_with_a_second_of_latency_have_room_on_both_sides() {
    let link = LinkConfig::delayed(30 * MS).losing(Probability::percent(3.0));
    let mut pair = Scenario::new(21).link(link).latency(SECOND).connect();
    // Nothing comes through for as long as the latency can bridge.
    let outage = Outage::of(pair.world.now + 3 * SECOND, 600 * MS);
    let (from, to) = (
        pair.node(Side::Caller).address,
        pair.node(Side::Listener).address,
    );
    let link = LinkConfig::delayed(30 * MS).with_outage(outage);
    let link = link.losing(Probability::percent(3.0));
    pair.world.network.configure(from, to, link);
    pair.stream(Side::Caller, 300.0, 8 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    let instant = pair.statistics(Side::Listener).instant;
    assert!(instant.receive_window_packets > 35_000, "{instant:?}");
    assert!(instant.receive_window_packets <= 51_200, "{instant:?}");
}

#[test]
fn a_receiver_with_too_little_latency_delivers_what_it_can_in_order_and_on_time() {
    let link = LinkConfig::delayed(50 * MS).losing(Probability::percent(10.0));
    let mut pair = Scenario::new(15).link(link).latency(60 * MS).connect();
    pair.stream(Side::Caller, 6.0, 10 * SECOND);
    let inbox = pair.inbox(Side::Listener);
    let unrecovered = inbox.unrecovered_percent();
    assert!((7.0..13.0).contains(&unrecovered), "{unrecovered} %");
    // The gap is given up when the packet behind it is due, which is at most a few packets late.
    assert!(
        inbox.worst_lateness <= 15 * MS,
        "{:?}",
        inbox.worst_lateness
    );
    assert!(alive(&pair));
}

fn alive(pair: &Pair) -> bool {
    pair.alive(Side::Caller) && pair.alive(Side::Listener)
}

/// A sender faster than its line: what is too late is given up at the sender, the rest is in
/// order and the session lives.
#[test]
fn a_stream_faster_than_its_line_is_thinned_out_and_not_delayed_for_ever() {
    let mut link = LinkConfig::delayed(20 * MS);
    link.rate = Some(tidegate_netsim::Rate {
        bitrate: tidegate_units::Bitrate::from_bps(5_000_000),
        queue_bytes: 60_000,
        overhead_bytes: 28,
    });
    let mut scenario = Scenario::new(16).latency(300 * MS);
    scenario.to_listener = link;
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, 8.0, 20 * SECOND);
    assert!(alive(&pair), "{:#?}", pair.events());
    let inbox = pair.inbox(Side::Listener);
    let share = inbox.delivered as f64 / pair.sent(Side::Caller) as f64;
    assert!(
        (0.25..0.65).contains(&share),
        "{share} of the stream came through"
    );
    assert!(
        inbox.worst_lateness <= 1_500 * MS,
        "{:?}",
        inbox.worst_lateness
    );
}

#[test]
fn the_larger_of_both_sides_latencies_is_used() {
    for (caller_wants, listener_wants) in [(80, 400), (400, 80), (200, 200), (0, 120)] {
        let mut scenario = Scenario::new(17);
        scenario.connection.peer_latency = caller_wants * MS;
        let mut pair = scenario.build();
        pair.node_mut(Side::Listener).admission.config.latency = listener_wants * MS;
        pair.call();
        assert!(pair.await_connection(SECOND));
        pair.stream(Side::Caller, 2.0, SECOND);
        let longest = pair.inbox(Side::Listener).longest_delay.unwrap();
        let expected = caller_wants.max(listener_wants) * MS + 20 * MS;
        assert!(
            longest >= expected && longest <= expected + 2 * MS,
            "{longest:?}"
        );
    }
}
