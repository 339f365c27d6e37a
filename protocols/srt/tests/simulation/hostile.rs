//! Peers that were let in and then misbehave: what they can cost.

use crate::support::packets;
use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, SECOND, Scenario, Side};
use tidegate_netsim::{Chance, LinkConfig};

/// Packets a receiver may hold at half a second of latency.
const RECEIVE_PACKETS_MAX: u64 = 10_000;

/// A publisher that sends every other packet, then anything within the window and beyond.
#[test]
fn a_publisher_full_of_holes_makes_the_receiver_hold_and_send_no_more_than_its_limits() {
    let mut pair = Scenario::new(400).latency(500 * MS).connect();
    let data = pair.watch_last_data(Side::Caller);
    pair.publish(Side::Caller, 4.0, 100 * MS);
    pair.world.run_for(SECOND);
    let (sequence, timestamp, socket) = data.borrow().expect("media flows");
    pair.node_mut(Side::Caller).down = true;
    pair.world.discards_deliveries = true;
    let mut chance = Chance::new(400);
    let before = pair.wire(Side::Listener);
    let mut most_held = 0;
    for step in 0..20_000_u32 {
        let jump = if step % 2 == 0 {
            2 * step % 8_000
        } else {
            chance.below(20_000) as u32
        };
        let at = sequence.wrapping_add(2 + jump) & 0x7FFF_FFFF;
        let stamp = timestamp.wrapping_add(950_000 + step * 50);
        let packet = packets::data(at, 1 + step, stamp, socket, &[0x47; PAYLOAD_BYTES]);
        pair.hand_in(Side::Listener, &packet);
        if step % 20 == 0 {
            pair.world.run_for(MS);
            let held = pair
                .statistics(Side::Listener)
                .instant
                .receive_buffer_packets;
            assert!(held <= RECEIVE_PACKETS_MAX, "{held} packets are held");
            most_held = most_held.max(held);
        }
    }
    assert!(most_held > 3_000, "too easy: {most_held} packets were held");
    let sent = pair.wire(Side::Listener);
    let bytes_per_second = sent.bytes - before.bytes;
    // It sent us 27 MB in this second.
    assert!(
        bytes_per_second < 3_000_000,
        "{bytes_per_second} bytes of reports in a second"
    );
}

/// A publisher that sends on although nobody takes what it sent, and no room is left.
#[test]
fn a_publisher_that_ignores_the_window_fills_it_and_no_more() {
    let mut pair = Scenario::new(402).latency(500 * MS).connect();
    let data = pair.watch_last_data(Side::Caller);
    pair.publish(Side::Caller, 4.0, 100 * MS);
    pair.world.run_for(SECOND);
    let (sequence, timestamp, socket) = data.borrow().expect("media flows");
    pair.node_mut(Side::Caller).down = true;
    pair.node_mut(Side::Listener).reads_nothing = true;
    for step in 0..20_000_u32 {
        let (at, stamp) = (sequence + 1 + step, timestamp + 950_000 + step * 50);
        let packet = packets::data(at, 1 + step, stamp, socket, &[0x47; PAYLOAD_BYTES]);
        pair.hand_in(Side::Listener, &packet);
    }
    let statistics = pair.statistics(Side::Listener);
    let (total, instant) = (statistics.total, statistics.instant);
    let held = instant.receive_buffer_packets;
    assert!(
        (8_000..=RECEIVE_PACKETS_MAX).contains(&held),
        "{held} packets"
    );
    assert_eq!(held, instant.receive_window_packets);
    assert_eq!(held + total.packets_no_room, 20_000, "{total:?}");
}

/// A reader that reports everything lost, again and again, from close by.
#[test]
fn a_reader_that_reports_everything_lost_gets_each_packet_once_per_round_trip_at_most() {
    let scenario = Scenario::new(401)
        .link(LinkConfig::delayed(2 * MS))
        .latency(200 * MS);
    let mut pair = scenario.connect();
    let data = pair.watch_last_data(Side::Listener);
    pair.publish(Side::Listener, 4.0, 4 * SECOND);
    let first = {
        pair.world.run_for(500 * MS);
        data.borrow().expect("media flows").0
    };
    let socket = pair.watch_last_control_socket(Side::Caller);
    for _ in 0..1_000 {
        pair.world.run_for(MS);
        let (newest, timestamp, _) = data.borrow().expect("media flows");
        let Some(socket) = *socket.borrow() else {
            continue;
        };
        let nak = [first | 1 << 31, newest & 0x7FFF_FFFF];
        let nak = packets::control(packets::NAK, 0, timestamp, socket, &nak);
        pair.hand_in(Side::Listener, &nak);
    }
    pair.world.run_for(5 * SECOND);
    pair.assert_everything_arrived_from(Side::Listener);
    let wire = pair.wire(Side::Listener);
    let original = wire.data_packets - wire.retransmissions;
    // An acknowledgement every 10 ms leaves a handful of packets to ask for.
    let share = wire.retransmissions as f64 / original as f64;
    assert!(share < 3.0, "{share} retransmissions for each packet");
}
