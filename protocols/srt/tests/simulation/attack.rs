//! Strangers and spoofers: what they may cost, and that they get nothing.

use std::net::SocketAddr;

use crate::support::node::Answer;
use crate::support::packets::{
    self, ACK, ACKACK, CONCLUSION, DROPREQ, Handshake, INDUCTION, KEEPALIVE, NAK, PEER_ERROR,
    SHUTDOWN,
};
use crate::support::pair::{attacker_address, caller_address, listener_address};
use crate::support::{MS, Pair, SECOND, Scenario, Side};
use tidegate_netsim::{Chance, LinkConfig, Probability};
use tidegate_srt::Event;

/// Sends a datagram from the attacker's own address and returns what comes back within a second.
fn probe(pair: &mut Pair, bytes: &[u8]) -> Vec<Vec<u8>> {
    pair.world.strays.clear();
    pair.world
        .inject(attacker_address(), listener_address(), bytes);
    pair.world.run_for(SECOND);
    pair.world
        .strays
        .drain(..)
        .map(|datagram| datagram.bytes)
        .collect()
}

fn sessions(pair: &Pair) -> usize {
    pair.node(Side::Listener).endpoint.connection_count()
}

/// How many callers somebody was asked to decide on.
fn requests(pair: &Pair) -> usize {
    let events = pair.node(Side::Listener).events.iter();
    events
        .filter(|(_, event)| matches!(event, Event::Request(_)))
        .count()
}

/// A flood must not become a flood of journal entries.
fn journal_entries(pair: &Pair) -> usize {
    let events = pair.node(Side::Listener).events.iter();
    events
        .filter(|(_, event)| matches!(event, Event::Odd(_)))
        .count()
}

#[test]
fn an_induction_gets_one_answer_no_longer_than_itself_and_leaves_no_state() {
    let mut pair = Scenario::new(70).build();
    let induction = Handshake::induction(77).packet();
    let answers = probe(&mut pair, &induction);
    assert_eq!(answers.len(), 1);
    assert!(answers[0].len() <= induction.len());
    assert_eq!(packets::handshake_request(&answers[0]), Some(INDUCTION));
    assert_eq!(packets::destination(&answers[0]), Some(77));
    assert_eq!(sessions(&pair), 0);
    assert_eq!(pair.node(Side::Listener).endpoint.poll_timeout(), None);
}

#[test]
fn a_conclusion_with_a_forged_cookie_gets_nothing() {
    let mut pair = Scenario::new(71).build();
    let honest = probe(&mut pair, &Handshake::induction(77).packet());
    let cookie = packets::cookie(&honest[0]).unwrap();
    let mut chance = Chance::new(71);
    let mut guesses = vec![
        0,
        1,
        !cookie,
        cookie ^ 1,
        cookie.wrapping_add(1),
        cookie.swap_bytes(),
    ];
    guesses.extend(
        (0..500)
            .map(|_| chance.below(1 << 32) as u32)
            .filter(|guess| *guess != cookie),
    );
    for guess in guesses {
        let conclusion = Handshake::conclusion(77, guess).packet();
        pair.world
            .inject(attacker_address(), listener_address(), &conclusion);
    }
    pair.world.strays.clear();
    pair.world.run_for(5 * SECOND);
    assert!(
        pair.world.strays.is_empty(),
        "{} answers",
        pair.world.strays.len()
    );
    assert_eq!(requests(&pair), 0);
    assert_eq!(sessions(&pair), 0);
}

#[test]
fn a_cookie_is_worth_nothing_from_another_address_or_port_or_after_two_minutes() {
    let mut pair = Scenario::new(72).build();
    let honest = probe(&mut pair, &Handshake::induction(77).packet());
    let cookie = packets::cookie(&honest[0]).unwrap();
    let conclusion = Handshake::conclusion(77, cookie).packet();
    let other_port = SocketAddr::new(attacker_address().ip(), 7_777);
    let other_host = SocketAddr::from(([10, 66, 6, 7], attacker_address().port()));
    for from in [other_port, other_host] {
        pair.world.inject(from, listener_address(), &conclusion);
    }
    pair.world.run_for(121 * SECOND);
    pair.world
        .inject(attacker_address(), listener_address(), &conclusion);
    pair.world.strays.clear();
    pair.world.run_for(SECOND);
    assert!(pair.world.strays.is_empty());
    assert_eq!(requests(&pair), 0);
}

#[test]
fn the_same_cookie_from_its_own_address_is_accepted() {
    let mut pair = Scenario::new(73).build();
    let honest = probe(&mut pair, &Handshake::induction(77).packet());
    let cookie = packets::cookie(&honest[0]).unwrap();
    let answers = probe(&mut pair, &Handshake::conclusion(77, cookie).packet());
    assert!(
        answers
            .iter()
            .any(|a| packets::handshake_request(a) == Some(CONCLUSION))
    );
    assert_eq!(sessions(&pair), 1);
}

#[test]
fn thousands_of_conclusions_that_nobody_decides_on_stay_bounded() {
    let mut scenario = Scenario::new(74);
    scenario.answer = Answer::Silence;
    let mut pair = scenario.build();
    let honest = probe(&mut pair, &Handshake::induction(77).packet());
    let cookie = packets::cookie(&honest[0]).unwrap();
    for socket in 1..=5_000 {
        let conclusion = Handshake::conclusion(socket, cookie).packet();
        pair.world
            .inject(attacker_address(), listener_address(), &conclusion);
        pair.world.run_for(MS / 5);
    }
    assert_eq!(sessions(&pair), 0);
    let passed_on = requests(&pair);
    assert!(
        (1..=1_024).contains(&passed_on),
        "{passed_on} requests were passed on"
    );
    // Every pending handshake has a lifetime, and then nothing is left.
    pair.world.run_for(30 * SECOND);
    assert_eq!(pair.node(Side::Listener).endpoint.poll_timeout(), None);
}

#[test]
fn an_honest_caller_connects_in_a_flood_of_bogus_conclusions() {
    let mut pair = Scenario::new(75).build();
    let mut chance = Chance::new(75);
    for _ in 0..5_000 {
        let from = SocketAddr::from(([192, 0, 2, 1], 1_024 + chance.below(50_000) as u16));
        let socket = chance.below(1 << 30) as u32;
        let bogus = Handshake::conclusion(socket, chance.below(1 << 32) as u32).packet();
        pair.world.inject(from, listener_address(), &bogus);
    }
    pair.call();
    assert!(pair.await_connection(SECOND));
    assert_eq!(sessions(&pair), 1);
    assert!(
        journal_entries(&pair) <= 20,
        "{} journal entries",
        journal_entries(&pair)
    );
}

/// What somebody who knows everything but cannot send from the peer's address may try.
fn hostile_packets(socket: u32, sequence: u32, timestamp: u32) -> Vec<Vec<u8>> {
    let ack = [sequence + 100, 1, 1, 0, 0, 0, 0];
    vec![
        packets::control(SHUTDOWN, 0, timestamp, socket, &[0]),
        packets::control(ACK, 1, timestamp, socket, &ack),
        packets::control(NAK, 0, timestamp, socket, &[sequence]),
        packets::control(NAK, 0, timestamp, socket, &[1 << 31, 0x7FFF_FFFE]),
        packets::control(DROPREQ, 0, timestamp, socket, &[sequence, sequence + 5_000]),
        packets::control(ACKACK, 1, timestamp, socket, &[0]),
        packets::control(KEEPALIVE, 0, timestamp ^ 1 << 31, socket, &[0]),
        packets::control(PEER_ERROR, 4_000, timestamp, socket, &[0]),
        packets::data(sequence + 1, 1, timestamp, socket, &[0x47; 1316]),
    ]
}

#[test]
fn an_off_path_attacker_who_knows_the_socket_ids_cannot_close_corrupt_or_delay() {
    let mut pair = Scenario::new(76).latency(200 * MS).connect();
    let to_listener = pair.watch_last_data(Side::Caller);
    let to_caller = pair.watch_last_control_socket(Side::Listener);
    pair.publish(Side::Caller, 6.0, 5 * SECOND);
    for _ in 0..80 {
        pair.world.run_for(50 * MS);
        let (sequence, timestamp, socket) = to_listener.borrow().unwrap_or((1, 1, 1));
        for hostile in hostile_packets(socket, sequence, timestamp) {
            pair.world
                .inject(attacker_address(), listener_address(), &hostile);
            let same_host = SocketAddr::new(caller_address().ip(), 40_002);
            pair.world.inject(same_host, listener_address(), &hostile);
        }
        for hostile in hostile_packets(to_caller.borrow().unwrap_or(1), sequence, timestamp) {
            pair.world
                .inject(attacker_address(), caller_address(), &hostile);
        }
    }
    pair.world.run_for(3 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.wire(Side::Caller).retransmissions, 0);
    assert!(pair.inbox(Side::Listener).longest_delay.unwrap() <= 222 * MS);
    assert!(pair.world.strays.is_empty(), "the attacker got an answer");
}

/// Out of range, from the true peer: a bug of the peer, which must not cost the stream.
#[test]
fn impossible_acks_naks_and_drop_requests_are_ignored() {
    let mut pair = Scenario::new(77).latency(300 * MS).connect();
    let data = pair.watch_last_data(Side::Caller);
    let caller_socket = pair.watch_last_control_socket(Side::Listener);
    pair.publish(Side::Caller, 6.0, 4 * SECOND);
    for _ in 0..60 {
        pair.world.run_for(50 * MS);
        let (sequence, timestamp, listener_socket) = data.borrow().unwrap_or((1, 1, 1));
        let far = sequence.wrapping_add(0x2000_0000) & 0x7FFF_FFFF;
        let socket = caller_socket.borrow().unwrap_or(1);
        for impossible in [
            packets::control(ACK, 7, timestamp, socket, &[far, 1, 1, 8_000, 1, 1, 1]),
            packets::control(ACK, 0, timestamp, socket, &[far]),
            packets::control(ACK, 9, timestamp, socket, &[0xFFFF_FFFF, 1, 1, 8_000]),
            packets::control(NAK, 0, timestamp, socket, &[far]),
            packets::control(NAK, 0, timestamp, socket, &[far | 1 << 31, far + 9]),
            packets::control(NAK, 0, timestamp, socket, &[sequence | 1 << 31]),
            packets::control(NAK, 0, timestamp, socket, &[far | 1 << 31, sequence]),
            packets::control(ACKACK, 0xFFFF_0000, timestamp, socket, &[0]),
        ] {
            pair.world
                .inject(listener_address(), caller_address(), &impossible);
        }
        for impossible in [
            packets::control(DROPREQ, 0, timestamp, listener_socket, &[far, far + 9]),
            packets::control(DROPREQ, 0, timestamp, listener_socket, &[far, sequence]),
            packets::control(DROPREQ, 0, timestamp, listener_socket, &[1 << 31, 1 << 31]),
            packets::control(ACKACK, 0x7000_0000, timestamp, listener_socket, &[0]),
            packets::data(far, 9, timestamp, listener_socket, b"from nowhere"),
        ] {
            pair.world
                .inject(caller_address(), listener_address(), &impossible);
        }
    }
    pair.world.run_for(3 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    pair.assert_everything_arrived_from(Side::Caller);
}

#[test]
fn truncated_copies_of_real_packets_break_nothing() {
    let mut pair = Scenario::new(78).latency(300 * MS).connect();
    let seen = pair.record();
    pair.publish(Side::Caller, 6.0, 3 * SECOND);
    let mut chance = Chance::new(78);
    for _ in 0..200 {
        pair.world.run_for(10 * MS);
        let recorded = seen.borrow();
        let original = recorded[chance.below(recorded.len() as u64) as usize].clone();
        drop(recorded);
        // A cut data packet is a shorter data packet: its place must be taken already.
        let cut = if packets::is_data(&original.bytes) {
            chance.below(16)
        } else {
            chance.below(original.bytes.len() as u64)
        };
        let bytes = &original.bytes[..cut as usize];
        pair.world.inject(original.from, original.to, bytes);
    }
    pair.world.run_for(3 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    pair.assert_everything_arrived_from(Side::Caller);
}

/// Mutations from a foreign address: whatever they say, the session does not hear them.
#[test]
fn mutated_copies_of_real_packets_from_elsewhere_break_nothing() {
    let mut pair = Scenario::new(79).latency(300 * MS).connect();
    let seen = pair.record();
    pair.publish(Side::Caller, 6.0, 3 * SECOND);
    let mut chance = Chance::new(79);
    for _ in 0..300 {
        pair.world.run_for(8 * MS);
        let recorded = seen.borrow();
        let original = recorded[chance.below(recorded.len() as u64) as usize].clone();
        drop(recorded);
        let mut bytes = original.bytes;
        for _ in 0..=chance.below(8) {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] = chance.below(256) as u8;
        }
        pair.world.inject(attacker_address(), original.to, &bytes);
    }
    pair.world.run_for(3 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    pair.assert_everything_arrived_from(Side::Caller);
}

/// Damage on the path itself, which UDP's checksum would normally catch. Payload may be
/// damaged then – SRT has no checksum of its own – so only control packets are.
#[test]
fn control_packets_damaged_on_the_path_never_panic_and_never_stop_the_stream() {
    for seed in 800..820 {
        let mut scenario = Scenario::new(seed).latency(400 * MS);
        scenario.to_caller.corruption = Probability::percent(5.0);
        let mut pair = scenario.build();
        pair.call();
        if !pair.await_connection(5 * SECOND) {
            continue;
        }
        pair.stream(Side::Caller, 4.0, 5 * SECOND);
        // A flipped bit can make an ACK of any other packet, so a loss is possible, an end is not –
        // unless the flip made a SHUTDOWN.
        let inbox = pair.inbox(Side::Listener);
        assert!(inbox.delivered > 0, "seed {seed}");
    }
}

#[test]
fn noise_does_not_keep_a_listener_from_sleeping() {
    let mut pair = Scenario::new(80).build();
    let mut chance = Chance::new(80);
    for _ in 0..20_000 {
        let mut noise = vec![0; chance.below(1_500) as usize];
        chance.fill(&mut noise);
        pair.world
            .inject(attacker_address(), listener_address(), &noise);
    }
    pair.world.run_for(SECOND);
    assert_eq!(sessions(&pair), 0);
    assert!(
        pair.world.strays.is_empty(),
        "{} answers",
        pair.world.strays.len()
    );
    pair.world.run_for(60 * SECOND);
    assert_eq!(pair.node(Side::Listener).endpoint.poll_timeout(), None);
}

#[test]
fn a_link_that_eats_large_packets_only_still_connects_and_reports_the_loss() {
    let mut scenario = Scenario::new(81);
    scenario.to_listener = LinkConfig {
        largest_datagram_bytes: Some(1_000),
        ..LinkConfig::delayed(20 * MS)
    };
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, 4.0, 3 * SECOND);
    assert_eq!(pair.inbox(Side::Listener).delivered, 0);
    assert!(pair.alive(Side::Caller) && pair.alive(Side::Listener));
}

/// A router that moves the caller to another port: SRT cannot tell that from a thief.
#[test]
fn a_session_does_not_move_to_another_address_by_itself() {
    let mut pair = Scenario::new(82).latency(200 * MS).connect();
    let seen = pair.record();
    pair.publish(Side::Caller, 4.0, 2 * SECOND);
    pair.world.run_for(500 * MS);
    let before = pair.inbox(Side::Listener).delivered;
    pair.node_mut(Side::Caller).down = true;
    let moved = SocketAddr::new(caller_address().ip(), 50_000);
    let packets: Vec<_> = seen
        .borrow()
        .iter()
        .map(|datagram| datagram.bytes.clone())
        .collect();
    for bytes in packets {
        pair.world.inject(moved, listener_address(), &bytes);
    }
    pair.world.run_for(10 * SECOND);
    assert!(pair.inbox(Side::Listener).delivered <= before + 20);
    assert!(
        pair.world.strays.is_empty(),
        "media or control went to the new address"
    );
    assert_eq!(sessions(&pair), 0);
}

/// Everything that was ever sent, again, from the right addresses.
#[test]
fn a_replayed_session_changes_nothing() {
    let mut pair = Scenario::new(83)
        .latency(200 * MS)
        .encrypted(tidegate_srt::KeyLength::Aes128);
    pair.connection.key_refresh = tidegate_srt::KeyRefresh::new(400, 100);
    let mut pair = pair.build();
    let seen = pair.record();
    pair.call();
    assert!(pair.await_connection(SECOND));
    pair.publish(Side::Caller, 6.0, 6 * SECOND);
    for _ in 0..40 {
        pair.world.run_for(100 * MS);
        let replay: Vec<_> = seen.borrow().iter().rev().take(200).cloned().collect();
        for datagram in replay.iter().rev() {
            pair.world
                .inject(datagram.from, datagram.to, &datagram.bytes);
        }
    }
    pair.world.run_for(5 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    pair.assert_everything_arrived_from(Side::Caller);
}
