//! The figures add up, on both sides, at any moment.

use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, SECOND, Scenario, Side};
use tidegate_netsim::{LinkConfig, Probability};

/// Bytes of a data packet as SRT statistics count it: payload and 44 bytes of headers.
const COUNTED_BYTES: u64 = PAYLOAD_BYTES as u64 + 44;

fn rough() -> LinkConfig {
    let mut link = LinkConfig::delayed(30 * MS)
        .jittering(10 * MS)
        .losing(Probability::percent(8.0));
    link.duplication = Probability::percent(4.0);
    link
}

#[test]
fn the_senders_figures_are_what_was_sent() {
    let mut pair = Scenario::new(90).link(rough()).latency(250 * MS).connect();
    pair.publish(Side::Caller, 8.0, 10 * SECOND);
    for _ in 0..50 {
        pair.world.run_for(200 * MS);
        let (statistics, wire) = (pair.statistics(Side::Caller), pair.wire(Side::Caller));
        let total = statistics.total;
        assert_eq!(total.packets_sent, wire.data_packets);
        assert_eq!(total.packets_retransmitted, wire.retransmissions);
        assert_eq!(
            total.packets_sent_unique + total.packets_retransmitted,
            total.packets_sent
        );
        assert_eq!(total.bytes_sent, wire.data_bytes);
        assert_eq!(total.bytes_sent, total.packets_sent * COUNTED_BYTES);
        assert_eq!(
            total.bytes_retransmitted,
            total.packets_retransmitted * COUNTED_BYTES
        );
        let queued = statistics.instant.send_buffer_packets;
        let handed_over = pair.sent(Side::Caller);
        assert!(total.packets_sent_unique + total.packets_send_dropped + queued >= handed_over);
        assert!(total.packets_sent_unique <= handed_over);
        assert!(statistics.instant.flight_packets <= total.packets_sent_unique);
    }
}

#[test]
fn the_receivers_figures_are_what_was_delivered_and_lost() {
    let mut pair = Scenario::new(91).link(rough()).latency(110 * MS).connect();
    let (from, to) = (
        pair.node(Side::Caller).address,
        pair.node(Side::Listener).address,
    );
    pair.publish(Side::Caller, 8.0, 10 * SECOND);
    for _ in 0..60 {
        pair.world.run_for(200 * MS);
        let total = pair.statistics(Side::Listener).total;
        let inbox = pair.inbox(Side::Listener);
        let waiting = total.packets_received_unique - inbox.delivered;
        assert!(
            waiting <= 400,
            "{waiting} packets wait in the receive buffer"
        );
        assert_eq!(
            total.packets_received,
            total.packets_received_unique
                + total.packets_duplicate
                + total.packets_belated
                + total.packets_no_room,
        );
        assert!(total.packets_dropped >= inbox.missing);
        assert!(total.packets_lost >= total.packets_dropped);
    }
    let total = pair.statistics(Side::Listener).total;
    let inbox = pair.inbox(Side::Listener);
    assert_eq!(total.packets_received_unique, inbox.delivered);
    assert_eq!(total.packets_dropped, inbox.missing);
    let link = pair.world.network.figures(from, to);
    assert!(total.packets_received <= link.sent - link.lost + link.duplicated);
    assert!(
        inbox.missing > 0 && total.packets_belated > 0,
        "too easy: {inbox:?}"
    );
}

#[test]
fn intervals_add_up_to_the_total_however_often_one_asks() {
    let mut pair = Scenario::new(92).link(rough()).connect();
    pair.publish(Side::Caller, 6.0, 5 * SECOND);
    let mut sums = [(0, 0, 0), (0, 0, 0)];
    for _ in 0..6 {
        pair.world.run_for(SECOND);
        for (sum, side) in sums.iter_mut().zip([Side::Caller, Side::Listener]) {
            let interval = pair.statistics(side).interval;
            sum.0 += interval.packets_sent;
            sum.1 += interval.packets_received;
            sum.2 += interval.bytes_received;
        }
        pair.world.run_for(200 * MS);
        for side in [Side::Caller, Side::Listener] {
            let statistics = pair.statistics(side);
            assert_eq!(statistics.interval, pair.statistics(side).interval);
        }
    }
    pair.world.run_for(SECOND);
    for (sum, side) in sums.iter_mut().zip([Side::Caller, Side::Listener]) {
        let interval = pair.statistics(side).interval;
        sum.0 += interval.packets_sent;
        sum.1 += interval.packets_received;
        sum.2 += interval.bytes_received;
    }
    for (sum, side) in sums.iter().zip([Side::Caller, Side::Listener]) {
        let total = pair.statistics(side).total;
        let counted = (
            total.packets_sent,
            total.packets_received,
            total.bytes_received,
        );
        assert_eq!(*sum, counted);
    }
}

#[test]
fn round_trip_rate_and_latency_are_those_of_the_link() {
    let link = LinkConfig::delayed(45 * MS);
    let mut pair = Scenario::new(93).link(link).latency(250 * MS).connect();
    pair.publish(Side::Caller, 8.0, 10 * SECOND);
    pair.world.run_for(8 * SECOND);
    for side in [Side::Caller, Side::Listener] {
        let instant = pair.statistics(side).instant;
        assert!(
            (88 * MS..=95 * MS).contains(&instant.rtt),
            "{side:?} {:?}",
            instant.rtt
        );
    }
    let received = pair.statistics(Side::Listener);
    assert_eq!(received.instant.receive_latency, 250 * MS);
    assert_eq!(pair.statistics(Side::Caller).instant.send_latency, 250 * MS);
    pair.world.run_for(SECOND);
    let rate = pair.statistics(Side::Listener).receive_rate.as_bps() as f64;
    let expected = 8e6 * COUNTED_BYTES as f64 / PAYLOAD_BYTES as f64;
    assert!(
        (rate / expected - 1.0).abs() < 0.02,
        "{rate} instead of {expected}"
    );
}
