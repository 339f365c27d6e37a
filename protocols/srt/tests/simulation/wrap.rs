//! Every wire counter wraps, and nobody notices.

use core::time::Duration;

use std::cell::RefCell;
use std::rc::Rc;

use crate::support::{MS, Pair, SECOND, Scenario, Side, packets};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{KeyLength, MessageNumber, SequenceNumber};

fn lossy() -> LinkConfig {
    LinkConfig::delayed(20 * MS).losing(Probability::percent(5.0))
}

#[test]
fn the_sequence_number_wraps_under_loss() {
    for before in [0, 1, 2, 17, 700, 3_000] {
        let mut scenario = Scenario::new(30 + u64::from(before))
            .link(lossy())
            .latency(400 * MS);
        scenario.first_sequence = Some(SequenceNumber::new(0x7FFF_FFFE - before));
        let mut pair = scenario.connect();
        pair.publish(Side::Listener, 8.0, 5 * SECOND);
        pair.stream(Side::Caller, 8.0, 5 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        pair.assert_everything_arrived_from(Side::Listener);
    }
}

#[test]
fn the_message_number_wraps_under_loss() {
    let mut scenario = Scenario::new(31).link(lossy()).latency(400 * MS);
    scenario.connection.first_message = Some(MessageNumber::new(0x03FF_FFFF - 1_000));
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, 8.0, 5 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
}

#[test]
fn sequence_and_message_numbers_wrap_while_encrypted() {
    let mut scenario = Scenario::new(32).link(lossy()).latency(400 * MS);
    scenario = scenario.encrypted(KeyLength::Aes128);
    scenario.first_sequence = Some(SequenceNumber::new(0x7FFF_FFFF - 1_000));
    scenario.connection.first_message = Some(MessageNumber::new(0x03FF_FFFF - 1_500));
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, 8.0, 5 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
}

#[test]
fn the_timestamp_wraps_under_loss_and_play_out_times_do_not_move() {
    for before_micros in [0, 1_000, 2_500_000] {
        let mut scenario = Scenario::new(33).link(lossy()).latency(400 * MS);
        scenario.connection.first_timestamp_micros = u32::MAX - before_micros;
        let mut pair = scenario.connect();
        pair.publish(Side::Listener, 4.0, 5 * SECOND);
        pair.stream(Side::Caller, 4.0, 5 * SECOND);
        for side in [Side::Caller, Side::Listener] {
            pair.assert_everything_arrived_from(side);
            let inbox = pair.inbox(side.other());
            let spread = inbox.longest_delay.unwrap() - inbox.shortest_delay.unwrap();
            assert!(spread <= 2 * MS, "play-out moved by {spread:?}");
        }
    }
}

/// 2³² microseconds are 71.6 minutes: slow until shortly before, fast across, and again.
#[test]
fn three_hours_cross_the_timestamp_wrap_twice() {
    let mut pair = Scenario::new(35).link(lossy()).latency(400 * MS).connect();
    for _ in 0..2 {
        pair.stream(Side::Caller, 0.1, 70 * 60 * SECOND);
        pair.stream(Side::Caller, 2.0, 3 * 60 * SECOND);
    }
    pair.assert_everything_arrived_from(Side::Caller);
    let inbox = pair.inbox(Side::Listener);
    let spread = inbox.longest_delay.unwrap() - inbox.shortest_delay.unwrap();
    assert!(spread <= 12 * MS, "play-out moved by {spread:?}");
}

/// 2³¹ acknowledgements are 248 days.
#[test]
fn the_acknowledgement_number_wraps_and_the_round_trip_is_measured_beyond() {
    for before in [0, 1, 40, 150] {
        let seed = 36 + u64::from(before);
        let mut scenario = Scenario::new(seed).link(lossy()).latency(400 * MS);
        scenario.connection.first_ack_number = 0x7FFF_FFFF - before;
        let mut pair = scenario.connect();
        let numbers = acknowledgement_numbers(&mut pair);
        pair.stream(Side::Caller, 4.0, 3 * SECOND);
        let (from, to) = (
            pair.node(Side::Caller).address,
            pair.node(Side::Listener).address,
        );
        for (from, to) in [(from, to), (to, from)] {
            let link = LinkConfig::delayed(60 * MS);
            pair.world.network.configure(from, to, link);
        }
        pair.stream(Side::Caller, 4.0, 3 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        let rtt = pair.statistics(Side::Listener).instant.rtt;
        assert!((115 * MS..=125 * MS).contains(&rtt), "{rtt:?}");
        let mut numbers = numbers.borrow().clone();
        numbers.dedup();
        let wrapped = numbers.iter().position(|number| *number == 0x7FFF_FFFF);
        let wrapped = wrapped.expect("the last number is used");
        assert_eq!(numbers[wrapped + 1], 1);
        // What is confirmed is not repeated, so all is quiet at the end.
        let quiet = pair.wire(Side::Listener).datagrams;
        pair.world.run_for(10 * SECOND);
        let sent = pair.wire(Side::Listener).datagrams - quiet;
        assert!(sent <= 12, "{sent} datagrams in ten idle seconds");
    }
}

/// Of the full acknowledgements that the listener sends.
fn acknowledgement_numbers(pair: &mut Pair) -> Rc<RefCell<Vec<u32>>> {
    let numbers: Rc<RefCell<Vec<u32>>> = Rc::default();
    let seen = Rc::clone(&numbers);
    let from = pair.node(Side::Listener).address;
    pair.world.watch(move |datagram| {
        let number = packets::word(&datagram.bytes, 1).unwrap_or(0);
        let is_full = packets::is_control(&datagram.bytes, packets::ACK) && number != 0;
        if datagram.from == from && is_full {
            seen.borrow_mut().push(number);
        }
    });
    numbers
}

/// Nothing but keepalives crosses the wrap.
#[test]
fn a_connection_that_is_idle_over_the_wrap_plays_out_at_the_right_time_afterwards() {
    let mut pair = Scenario::new(34).latency(200 * MS).connect();
    pair.stream(Side::Caller, 2.0, 10 * SECOND);
    pair.world.run_for(Duration::from_secs(72 * 60));
    pair.stream(Side::Caller, 2.0, 10 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    let longest = pair.inbox(Side::Listener).longest_delay.unwrap();
    assert!(longest <= 230 * MS, "{longest:?}");
}
