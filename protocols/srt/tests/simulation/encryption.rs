//! Encrypted sessions: keys, their refresh, and everything that must not get through.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::support::packets;
use crate::support::pair::{caller_address, listener_address};
use crate::support::{MS, Pair, SECOND, Scenario, Side, Verdict};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{KeyLength, KeyRefresh};

const LENGTHS: [KeyLength; 3] = [KeyLength::Aes128, KeyLength::Aes192, KeyLength::Aes256];

fn lossy(percent: f64) -> LinkConfig {
    LinkConfig::delayed(20 * MS).losing(Probability::percent(percent))
}

/// Refreshes every 1,000 packets, announced 300 before: several a second.
fn often() -> KeyRefresh {
    KeyRefresh::new(1_000, 300)
}

#[test]
fn every_key_length_delivers_everything_under_loss() {
    for (seed, length) in (40..).zip(LENGTHS) {
        let scenario = Scenario::new(seed)
            .link(lossy(5.0))
            .latency(400 * MS)
            .encrypted(length);
        let mut pair = scenario.connect();
        pair.stream(Side::Caller, 8.0, 5 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
    }
}

#[test]
fn no_payload_is_on_the_wire_in_the_clear() {
    let mut pair = Scenario::new(43).encrypted(KeyLength::Aes256).connect();
    let clear = Rc::new(RefCell::new(0));
    let seen = Rc::clone(&clear);
    pair.world.intercept(move |_, datagram| {
        if packets::is_data(&datagram.bytes) {
            let flags = packets::word(&datagram.bytes, 1).unwrap_or(0);
            // A payload starts with its number, which is small: six zero bytes in the clear.
            let looks_clear = datagram.bytes[16..].starts_with(&[0; 6]);
            *seen.borrow_mut() += u32::from(flags >> 27 & 3 == 0 || looks_clear);
        }
        Verdict::Pass
    });
    pair.stream(Side::Caller, 8.0, 2 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(*clear.borrow(), 0);
}

#[test]
fn keys_are_refreshed_from_the_caller_under_loss_without_a_gap() {
    refresh_from(Side::Caller, 44);
}

#[test]
fn keys_are_refreshed_from_the_listener_under_loss_without_a_gap() {
    refresh_from(Side::Listener, 45);
}

fn refresh_from(side: Side, seed: u64) {
    let mut scenario = Scenario::new(seed).link(lossy(8.0)).latency(600 * MS);
    scenario.connection.key_refresh = often();
    let mut pair = scenario.encrypted(KeyLength::Aes128).connect();
    let slots = key_slots_seen(&mut pair, side);
    pair.stream(side, 8.0, 12 * SECOND);
    pair.assert_everything_arrived_from(side);
    // 760 packets a second for twelve seconds are nine refreshes.
    assert!(*slots.borrow() >= 8, "{} switches", slots.borrow());
}

/// Counts how often the key slot of new packets from `side` changes.
fn key_slots_seen(pair: &mut Pair, side: Side) -> Rc<RefCell<u32>> {
    let switches = Rc::new(RefCell::new(0));
    let counted = Rc::clone(&switches);
    let from = pair.node(side).address;
    let mut last = None;
    pair.world.intercept(move |_, datagram| {
        let bytes = &datagram.bytes;
        if datagram.from == from && packets::is_data(bytes) && !packets::is_retransmission(bytes) {
            let slot = packets::word(bytes, 1).map(|flags| flags >> 27 & 3);
            *counted.borrow_mut() += u32::from(last.is_some() && last != slot);
            last = slot;
        }
        Verdict::Pass
    });
    switches
}

#[test]
fn a_retransmission_carries_the_same_ciphertext_even_after_a_refresh() {
    let mut scenario = Scenario::new(46).link(lossy(20.0)).latency(800 * MS);
    scenario.connection.key_refresh = often();
    let mut pair = scenario.encrypted(KeyLength::Aes192).connect();
    let sent: Rc<RefCell<BTreeMap<u32, Vec<u8>>>> = Rc::default();
    let seen = Rc::clone(&sent);
    let differing = Rc::new(RefCell::new(0));
    let differ = Rc::clone(&differing);
    pair.world.intercept(move |_, datagram| {
        if datagram.from == caller_address() && packets::is_data(&datagram.bytes) {
            let sequence = packets::word(&datagram.bytes, 0).unwrap_or(0);
            let mut seen = seen.borrow_mut();
            let first = seen
                .entry(sequence)
                .or_insert_with(|| datagram.bytes[16..].to_vec());
            *differ.borrow_mut() += u32::from(*first != datagram.bytes[16..]);
        }
        Verdict::Pass
    });
    pair.stream(Side::Caller, 8.0, 8 * SECOND);
    assert!(pair.wire(Side::Caller).retransmissions > 500);
    assert_eq!(
        *differing.borrow(),
        0,
        "a key stream was used for two plaintexts"
    );
}

#[test]
fn a_wrong_passphrase_is_refused() {
    let mut scenario = Scenario::new(47).encrypted(KeyLength::Aes128);
    scenario.listener_passphrase = Some(b"another-passphrase");
    refused(scenario);
}

#[test]
fn a_plain_caller_is_refused_by_an_encrypted_listener() {
    let mut scenario = Scenario::new(48).encrypted(KeyLength::Aes128);
    scenario.passphrase = None;
    refused(scenario);
}

#[test]
fn an_encrypted_caller_is_refused_by_a_plain_listener() {
    let mut scenario = Scenario::new(49).encrypted(KeyLength::Aes128);
    scenario.listener_passphrase = None;
    refused(scenario);
}

fn refused(scenario: Scenario) {
    let mut pair = scenario.build();
    pair.call();
    assert!(!pair.await_connection(5 * SECOND));
    assert!(pair.refusal(Side::Caller).is_some(), "{:#?}", pair.events());
    assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 0);
    assert_eq!(pair.node(Side::Caller).endpoint.connection_count(), 0);
}

/// Even from the right address, with the right socket ID, at the right place.
#[test]
fn a_clear_packet_in_an_encrypted_session_is_never_delivered() {
    let mut pair = Scenario::new(50).encrypted(KeyLength::Aes128).connect();
    let last = pair.watch_last_data(Side::Caller);
    pair.publish(Side::Caller, 4.0, 2 * SECOND);
    for _ in 0..20 {
        pair.world.run_for(50 * MS);
        let Some((sequence, timestamp, socket)) = *last.borrow() else {
            continue;
        };
        let forged = packets::data(sequence + 1, 9, timestamp + 1_000, socket, &[0x47; 1316]);
        // The harness would recognise it as nothing that was sent, and fail the test.
        pair.world.nodes[1].hear(pair.world.now, caller_address(), &forged);
    }
    pair.world.run_for(3 * SECOND);
    assert!(pair.alive(Side::Listener));
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.node(Side::Listener).address, listener_address());
}

/// Both directions start with one key and one sequence space: a second stream would repeat the
/// key stream of the first.
#[test]
fn no_two_payloads_of_both_directions_share_a_key_stream() {
    let mut pair = Scenario::new(51).encrypted(KeyLength::Aes128).connect();
    let used: Rc<RefCell<BTreeMap<(u32, u32), Side>>> = Rc::default();
    let (seen, clashes) = (Rc::clone(&used), Rc::new(RefCell::new(0)));
    let clashed = Rc::clone(&clashes);
    pair.world.watch(move |datagram| {
        if packets::is_data(&datagram.bytes) {
            let from = if datagram.from == caller_address() {
                Side::Caller
            } else {
                Side::Listener
            };
            let words = [0, 1].map(|n| packets::word(&datagram.bytes, n).unwrap_or(0));
            let first = *seen
                .borrow_mut()
                .entry((words[0], words[1] >> 27 & 3))
                .or_insert(from);
            *clashed.borrow_mut() += u32::from(first != from);
        }
    });
    pair.publish(Side::Caller, 2.0, 2 * SECOND);
    pair.world.run_for(SECOND);
    pair.publish(Side::Listener, 2.0, SECOND);
    pair.world.run_for(3 * SECOND);
    assert_eq!(*clashes.borrow(), 0);
    assert!(
        pair.world.refused_sends > 0,
        "the second direction is refused, and says so"
    );
    let inbox = pair.inbox(Side::Listener);
    assert_eq!(
        (inbox.delivered, inbox.missing),
        (pair.sent(Side::Caller), 0)
    );
}

/// Both start in the same instant, before either has heard from the other.
#[test]
fn two_first_payloads_that_cross_on_the_way_do_not_share_a_key_stream_for_long() {
    let mut pair = Scenario::new(52).encrypted(KeyLength::Aes128).connect();
    pair.publish(Side::Caller, 2.0, 2 * SECOND);
    pair.publish(Side::Listener, 2.0, 2 * SECOND);
    pair.world.run_for(4 * SECOND);
    // One way is 20 ms: eight packets at most can cross, and then one side stops.
    let fewer = pair.sent(Side::Listener).min(pair.sent(Side::Caller));
    assert!(
        fewer <= 8,
        "{fewer} payloads went out in the weaker direction"
    );
    assert!(pair.alive(Side::Caller) && pair.alive(Side::Listener));
}
