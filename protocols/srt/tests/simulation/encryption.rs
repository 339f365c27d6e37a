//! Encrypted sessions: keys, their refresh, and everything that must not get through.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::support::packets;
use crate::support::pair::{caller_address, listener_address};
use crate::support::{MS, Pair, SECOND, Scenario, Side, Verdict};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{CipherMode, KeyLength, KeyRefresh};

const MODES: [CipherMode; 2] = [CipherMode::Ctr, CipherMode::Gcm];
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
    for mode in MODES {
        for (seed, length) in (40..).zip(LENGTHS) {
            let scenario = Scenario::new(seed)
                .link(lossy(5.0))
                .latency(400 * MS)
                .cipher(mode)
                .encrypted(length);
            let mut pair = scenario.connect();
            pair.stream(Side::Caller, 8.0, 5 * SECOND);
            pair.assert_everything_arrived_from(Side::Caller);
        }
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
    for mode in MODES {
        refresh_from(Side::Caller, 44, mode);
    }
}

#[test]
fn keys_are_refreshed_from_the_listener_under_loss_without_a_gap() {
    for mode in MODES {
        refresh_from(Side::Listener, 45, mode);
    }
}

fn refresh_from(side: Side, seed: u64, mode: CipherMode) {
    let mut scenario = Scenario::new(seed).link(lossy(10.0)).latency(600 * MS);
    scenario = scenario.cipher(mode);
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
    MODES.into_iter().for_each(repeat_ciphertext);
}

fn repeat_ciphertext(mode: CipherMode) {
    let mut scenario = Scenario::new(46).link(lossy(20.0)).latency(800 * MS);
    scenario.connection.key_refresh = often();
    let scenario = scenario.cipher(mode).encrypted(KeyLength::Aes192);
    let mut pair = scenario.connect();
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
    pair.world.key_streams.may_cross = true;
    pair.publish(Side::Caller, 2.0, 2 * SECOND);
    pair.publish(Side::Listener, 2.0, 2 * SECOND);
    pair.world.run_for(4 * SECOND);
    let crossed = pair.world.key_streams.crossed;
    assert!((1..=8).contains(&crossed), "{crossed} key streams shared");
    // One way is 20 ms: eight packets at most can cross, and then one side stops.
    let fewer = pair.sent(Side::Listener).min(pair.sent(Side::Caller));
    assert!(
        fewer <= 8,
        "{fewer} payloads went out in the weaker direction"
    );
    assert!(pair.alive(Side::Caller) && pair.alive(Side::Listener));
}

/// In Galois mode a nonce used twice gives the authentication key away, so the accepting side
/// takes a key of its own before it sends: both directions work, even when they begin in the
/// same instant, and go on working when the keys of both are changed.
#[test]
fn in_galois_mode_both_directions_send_at_once_with_keys_of_their_own() {
    let mut scenario = Scenario::new(53).link(lossy(2.0)).latency(400 * MS);
    scenario.connection.key_refresh = often();
    let scenario = scenario
        .cipher(CipherMode::Gcm)
        .encrypted(KeyLength::Aes128);
    let mut pair = scenario.connect();
    let first: Rc<RefCell<BTreeMap<bool, u32>>> = Rc::default();
    let seen = Rc::clone(&first);
    pair.world.watch(move |datagram| {
        if packets::is_data(&datagram.bytes) {
            let flags = packets::word(&datagram.bytes, 1).unwrap_or(0);
            let from_caller = datagram.from == caller_address();
            seen.borrow_mut()
                .entry(from_caller)
                .or_insert(flags >> 27 & 3);
        }
    });
    pair.publish(Side::Caller, 4.0, 5 * SECOND);
    pair.publish(Side::Listener, 4.0, 5 * SECOND);
    pair.world.run_for(8 * SECOND);
    assert_eq!(*first.borrow(), BTreeMap::from([(true, 1), (false, 2)]));
    for side in [Side::Caller, Side::Listener] {
        let inbox = pair.inbox(side.other());
        assert_eq!((inbox.delivered, inbox.missing), (pair.sent(side), 0));
    }
    assert_eq!(pair.world.refused_sends, 0);
}

/// Somebody on the way changes every twentieth packet. In Galois mode each is found out, and
/// repaired like a loss; none takes the place of the true one.
#[test]
fn packets_changed_on_the_way_are_repaired_in_galois_mode() {
    let mut scenario = Scenario::new(54).latency(400 * MS);
    scenario.connection.key_refresh = often();
    let scenario = scenario
        .cipher(CipherMode::Gcm)
        .encrypted(KeyLength::Aes256);
    let mut pair = scenario.connect();
    let count = Rc::new(RefCell::new(0_u32));
    let counted = Rc::clone(&count);
    pair.world.intercept(move |_, datagram| {
        if datagram.from != caller_address() || !packets::is_data(&datagram.bytes) {
            return Verdict::Pass;
        }
        let mut count = counted.borrow_mut();
        *count += 1;
        if !count.is_multiple_of(20) {
            return Verdict::Pass;
        }
        let mut bytes = datagram.bytes.clone();
        let at = 4 + *count as usize % (bytes.len() - 4);
        bytes[at] ^= 0x10;
        Verdict::Change(bytes)
    });
    pair.stream(Side::Caller, 8.0, 5 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    let total = pair.statistics(Side::Listener).total;
    assert!(total.packets_undecrypted > 100, "{total:?}");
}

/// What does not open in Galois mode, whyever, may be anybody's: it must not take the place of
/// the true packet.
#[test]
fn in_galois_mode_no_forged_packet_takes_the_place_of_the_true_one() {
    let other_key: fn(&mut Vec<u8>) = |bytes| bytes[4] ^= 0b11 << 3;
    let shorter_than_a_tag: fn(&mut Vec<u8>) = |bytes| bytes.truncate(16 + 9);
    // The listener sends with a key of its own; with the first one, it was somebody else.
    for (from, change) in [
        (Side::Caller, other_key),
        (Side::Caller, shorter_than_a_tag),
        (Side::Listener, other_key),
        (Side::Listener, shorter_than_a_tag),
    ] {
        let scenario = Scenario::new(55).latency(400 * MS);
        let scenario = scenario
            .cipher(CipherMode::Gcm)
            .encrypted(KeyLength::Aes128);
        let mut pair = scenario.connect();
        pair.publish(from.other(), 2.0, 4 * SECOND);
        change_every_twentieth(&mut pair, from, change);
        pair.stream(from, 4.0, 4 * SECOND);
        pair.assert_everything_arrived_from(from);
        let total = pair.statistics(from.other()).total;
        assert!(total.packets_undecrypted > 50, "{total:?}");
        assert_eq!(total.packets_dropped, 0);
    }
}

fn change_every_twentieth(pair: &mut Pair, from: Side, change: fn(&mut Vec<u8>)) {
    let address = pair.node(from).address;
    let mut count = 0_u32;
    pair.world.intercept(move |_, datagram| {
        if datagram.from != address || !packets::is_data(&datagram.bytes) {
            return Verdict::Pass;
        }
        count += 1;
        if !count.is_multiple_of(20) {
            return Verdict::Pass;
        }
        let mut bytes = datagram.bytes.clone();
        change(&mut bytes);
        Verdict::Change(bytes)
    });
}

/// The check that every encrypted scenario runs under, at work.
#[test]
#[should_panic(expected = "one key stream for two packets")]
fn a_key_stream_that_is_used_twice_is_noticed() {
    let mut scenario = Scenario::new(58).encrypted(KeyLength::Aes128);
    scenario.first_sequence = Some(tidegate_srt::SequenceNumber::new(1000));
    let mut pair = scenario.build();
    let keys = pair.fresh_keys();
    for _ in 0..2 {
        // The second call has the keys of the first one, and counts from the same number.
        pair.call_with(keys.clone());
        assert!(pair.await_new_connection(5 * SECOND));
        pair.publish(Side::Caller, 4.0, SECOND);
        pair.world.run_for(3 * SECOND);
        pair.close(Side::Caller);
        pair.world.run_for(5 * SECOND);
    }
}

#[test]
fn a_caller_that_comes_back_uses_no_key_stream_again() {
    for (seed, mode) in (59..).zip(MODES) {
        let mut scenario = Scenario::new(seed).cipher(mode);
        scenario.first_sequence = Some(tidegate_srt::SequenceNumber::new(1000));
        let mut pair = scenario.encrypted(KeyLength::Aes128).build();
        for _ in 0..3 {
            pair.call();
            assert!(pair.await_new_connection(5 * SECOND));
            pair.publish(Side::Caller, 4.0, SECOND);
            pair.world.run_for(3 * SECOND);
            pair.close(Side::Caller);
            pair.world.run_for(5 * SECOND);
        }
        let checked = pair.world.key_streams.checked;
        assert!(checked > 1000, "{checked} packets checked");
    }
}
