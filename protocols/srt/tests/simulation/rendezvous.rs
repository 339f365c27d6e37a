//! Two sides that call each other, when the network does its worst.

use core::time::Duration;

use crate::support::packets::{self, AGREEMENT, CONCLUSION, WAVE_A_HAND};
use crate::support::pair::{attacker_address, caller_address, listener_address};
use crate::support::{MS, Pair, SECOND, Scenario, Side, Verdict, on_every_seed};
use tidegate_netsim::{Chance, LinkConfig, Probability};
use tidegate_srt::{Event, KeyLength, RejectReason};

const BOTH: [Side; 2] = [Side::Caller, Side::Listener];
const DEFAULT_SEEDS: u64 = 60;

/// Nobody listens: the two call each other, `gap` apart.
pub(crate) fn begin(pair: &mut Pair, first: Side, gap: Duration) {
    for side in BOTH {
        pair.node_mut(side).endpoint.set_listener(None);
    }
    pair.meet(first);
    pair.world.run_for(gap);
    pair.meet(first.other());
}

fn met(scenario: Scenario, first: Side, gap: Duration) -> Pair {
    let mut pair = scenario.build();
    begin(&mut pair, first, gap);
    assert!(pair.await_connection(25 * SECOND), "{:#?}", pair.events());
    pair
}

/// Which side answered: the one that sends no AGREEMENT.
pub(crate) fn initiator_of(pair: &mut Pair) -> std::rc::Rc<std::cell::RefCell<Option<Side>>> {
    let found = std::rc::Rc::new(std::cell::RefCell::new(None));
    let seen = std::rc::Rc::clone(&found);
    pair.world.watch(move |datagram| {
        if packets::handshake_request(&datagram.bytes) == Some(AGREEMENT) {
            let side = if datagram.from == caller_address() {
                Side::Caller
            } else {
                Side::Listener
            };
            *seen.borrow_mut() = Some(side);
        }
    });
    found
}

#[test]
fn two_that_call_each_other_meet_whoever_comes_first() {
    for seed in 300..320 {
        for first in BOTH {
            for gap in [Duration::ZERO, 3 * MS, 300 * MS, 12 * SECOND] {
                let mut pair = met(Scenario::new(seed), first, gap);
                pair.stream(first, 4.0, SECOND);
                pair.assert_everything_arrived_from(first);
            }
        }
    }
}

#[test]
fn media_flows_both_ways_each_counted_from_its_own_number() {
    let mut pair = met(Scenario::new(321), Side::Caller, 40 * MS);
    let numbers = BOTH.map(|side| {
        let negotiated = pair.node(side).endpoint.negotiated(pair.id(side)).unwrap();
        (negotiated.send_sequence, negotiated.receive_sequence)
    });
    assert_eq!(numbers[0], (numbers[1].1, numbers[1].0));
    assert_ne!(numbers[0].0, numbers[0].1);
    for side in BOTH {
        pair.publish(side, 4.0, SECOND);
    }
    pair.world.run_for(4 * SECOND);
    for side in BOTH {
        pair.assert_everything_arrived_from(side);
    }
}

#[test]
fn a_third_of_everything_lost_still_meets_encrypted_or_not() {
    on_every_seed(0, DEFAULT_SEEDS, &[], |seed| {
        let mut chance = Chance::stream(seed, 7);
        let mut link = LinkConfig::delayed(MS + chance.duration(80 * MS));
        link.jitter = chance.duration(60 * MS);
        link.jitter_reorders = true;
        link.duplication = Probability::percent(10.0);
        let mut scenario = Scenario::new(20_000 + seed)
            .latency(1500 * MS)
            .link(link.losing(Probability::percent(30.0)));
        if chance.happens(Probability::percent(50.0)) {
            scenario = scenario.encrypted(KeyLength::Aes256);
        }
        let first = BOTH[chance.below(2) as usize];
        let gap = chance.duration(600 * MS);
        let mut pair = met(scenario, first, gap);
        pair.publish(first, 2.0, SECOND);
        pair.world.run_for(4 * SECOND);
        let delivered = pair.inbox(first.other()).delivered;
        assert!(delivered > 0, "seed {seed}: nothing came out");
        pair.close(first);
        pair.world.run_for(10 * SECOND);
        for side in BOTH {
            let left = pair.node(side).endpoint.connection_count();
            assert_eq!(left, 0, "seed {seed}");
        }
    });
}

/// Without its AGREEMENT the responder learns from media that it is connected, or from the
/// AGREEMENT that answers its repeated conclusion.
#[test]
fn a_lost_agreement_costs_nothing() {
    for media in [true, false] {
        let mut pair = Scenario::new(330).build();
        let mut left = if media { u32::MAX } else { 3 };
        pair.world.intercept(move |_, datagram| {
            let agreement = packets::handshake_request(&datagram.bytes) == Some(AGREEMENT);
            left -= u32::from(agreement && left > 0);
            if agreement && left > 0 {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let initiator = initiator_of(&mut pair);
        begin(&mut pair, Side::Caller, 5 * MS);
        if media {
            let done = |pair: &Pair| {
                initiator
                    .borrow()
                    .is_some_and(|side| is_connected(pair, side))
            };
            while !done(&pair) {
                pair.world.run_for(MS);
            }
            let side = initiator.borrow().unwrap();
            pair.publish(side, 4.0, SECOND);
            pair.world.run_for(4 * SECOND);
            assert!(pair.await_connection(SECOND));
            pair.assert_everything_arrived_from(side);
        } else {
            assert!(pair.await_connection(2 * SECOND), "{:#?}", pair.events());
        }
    }
}

fn is_connected(pair: &Pair, side: Side) -> bool {
    let events = &pair.node(side).events;
    events
        .iter()
        .any(|(_, event)| matches!(event, Event::Connected { .. }))
}

#[test]
fn media_that_overtakes_the_agreement_is_taken_and_nothing_is_lost() {
    for held in [30 * MS, 400 * MS] {
        let mut pair = Scenario::new(331).latency(800 * MS).build();
        pair.world.intercept(move |_, datagram| {
            let agreement = packets::handshake_request(&datagram.bytes) == Some(AGREEMENT);
            if agreement {
                Verdict::Hold(held)
            } else {
                Verdict::Pass
            }
        });
        let initiator = initiator_of(&mut pair);
        begin(&mut pair, Side::Listener, 5 * MS);
        while !initiator
            .borrow()
            .is_some_and(|side| is_connected(&pair, side))
        {
            pair.world.run_for(MS);
        }
        let side = initiator.borrow().unwrap();
        pair.publish(side, 4.0, 2 * SECOND);
        pair.world.run_for(5 * SECOND);
        assert!(pair.await_connection(SECOND));
        pair.assert_everything_arrived_from(side);
    }
}

#[test]
fn every_kind_of_handshake_may_get_lost() {
    for side in BOTH {
        for request in [WAVE_A_HAND, CONCLUSION, AGREEMENT] {
            for count in [1, 3] {
                let mut pair = Scenario::new(332).encrypted(KeyLength::Aes128).build();
                let from = pair.node(side).address;
                let mut left = count;
                pair.world.intercept(move |_, datagram| {
                    let hit = left > 0
                        && datagram.from == from
                        && packets::handshake_request(&datagram.bytes) == Some(request);
                    left -= u32::from(hit);
                    if hit { Verdict::Drop } else { Verdict::Pass }
                });
                begin(&mut pair, side, 30 * MS);
                assert!(
                    pair.await_connection(3 * SECOND),
                    "{side:?} {request:#x} {count}"
                );
                pair.stream(side, 4.0, SECOND);
                pair.assert_everything_arrived_from(side);
            }
        }
    }
}

#[test]
fn conclusions_repeated_while_media_flows_disturb_nothing() {
    let mut pair = Scenario::new(333).build();
    let all = pair.record();
    begin(&mut pair, Side::Caller, 30 * MS);
    assert!(pair.await_connection(SECOND));
    let handshakes: Vec<_> = all.borrow().clone();
    assert!(handshakes.len() >= 5);
    pair.publish(Side::Caller, 4.0, 3 * SECOND);
    for round in 0..10 {
        pair.world.run_for(100 * MS);
        for old in &handshakes {
            let late = round % 2 == 0 || old.from == caller_address();
            if late {
                pair.world.inject(old.from, old.to, &old.bytes);
            }
        }
    }
    pair.world.run_for(4 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    for side in BOTH {
        assert_eq!(pair.node(side).endpoint.connection_count(), 1);
    }
}

#[test]
fn a_wrong_passphrase_is_told_to_both_sides() {
    for seed in 340..350 {
        let mut scenario = Scenario::new(seed).encrypted(KeyLength::Aes128);
        // The keys are made with one passphrase, and the peer's opened with another.
        scenario.listener_passphrase = Some(b"wrong-horse-battery");
        let mut pair = scenario.build();
        begin(&mut pair, Side::Caller, 10 * MS);
        assert!(!pair.await_connection(3 * SECOND));
        let reasons: Vec<_> = BOTH
            .iter()
            .flat_map(|side| &pair.node(*side).events)
            .filter_map(|(_, event)| match event {
                Event::Refused { reason, .. } => Some(*reason),
                _ => None,
            })
            .collect();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(
            reasons.contains(&RejectReason::WrongPassphrase),
            "{reasons:?}"
        );
        let told = RejectReason::Peer(RejectReason::WrongPassphrase.code());
        assert!(reasons.contains(&told), "{reasons:?}");
    }
}

/// libsrt, as responder, has no other word for a request it does not agree with.
#[test]
fn a_peer_that_hangs_up_ends_the_meeting_at_once() {
    let mut pair = Scenario::new(352).build();
    let sent = pair.record();
    pair.node_mut(Side::Caller).endpoint.set_listener(None);
    pair.meet(Side::Caller);
    pair.world.run_for(100 * MS);
    let socket = sent.borrow().iter().find_map(|datagram| {
        let own = datagram.from == caller_address();
        packets::word(&datagram.bytes, 10).filter(|_| own)
    });
    let hangs_up = |socket| packets::control(packets::SHUTDOWN, 0, 0, socket, &[0]);
    pair.hand_in(Side::Caller, &hangs_up(0x0BAD_0BAD));
    pair.world.run_for(50 * MS);
    assert!(pair.events().is_empty(), "{:#?}", pair.events());
    pair.hand_in(Side::Caller, &hangs_up(socket.unwrap()));
    pair.world.run_for(50 * MS);
    let reason = pair
        .node(Side::Caller)
        .events
        .iter()
        .find_map(|(_, event)| match event {
            Event::Refused { reason, .. } => Some(*reason),
            _ => None,
        });
    assert!(matches!(reason, Some(RejectReason::Peer(code)) if code.name() == "PEER"));
}

/// Whoever can send in the peer's name, but not read what the peer is sent, stops nobody and
/// gets nothing: no media leaves before the peer has shown that it heard us.
#[test]
fn forged_waves_neither_connect_nor_delay() {
    let mut pair = Scenario::new(351).build();
    let wave = packets::Handshake {
        request: WAVE_A_HAND,
        ..packets::Handshake::conclusion(0x0BAD_0BAD, 77)
    };
    pair.node_mut(Side::Listener).endpoint.set_listener(None);
    pair.meet(Side::Caller);
    for _ in 0..20 {
        let (from, to) = (listener_address(), caller_address());
        pair.world.inject(from, to, &wave.packet());
        // Not even the whole handshake, as long as it is not addressed to our socket.
        let conclusion = packets::Handshake::conclusion(0x0BAD_0BAD, 77);
        pair.world.inject(from, to, &conclusion.packet());
        pair.world.inject(attacker_address(), to, &wave.packet());
        pair.world.run_for(50 * MS);
    }
    assert!(!is_connected(&pair, Side::Caller));
    pair.meet(Side::Listener);
    for _ in 0..6 {
        pair.world
            .inject(listener_address(), caller_address(), &wave.packet());
        pair.world.run_for(50 * MS);
    }
    assert!(pair.await_connection(100 * MS), "{:#?}", pair.events());
}

/// Every one of them could be the true peer; answering each would let anybody aim our long
/// handshakes at it, a dozen bytes for each of his own.
#[test]
fn a_flood_of_forged_waves_draws_little_and_keeps_nobody_apart() {
    for encrypted in [false, true] {
        let mut scenario = Scenario::new(354);
        if encrypted {
            scenario = scenario.encrypted(KeyLength::Aes256);
        }
        let mut pair = scenario.build();
        pair.node_mut(Side::Listener).endpoint.set_listener(None);
        pair.meet(Side::Caller);
        let mut forged = 0;
        let mut flood = |pair: &mut Pair, millis: u32| {
            for _ in 0..3 * millis {
                forged += 1;
                let wave = packets::Handshake {
                    request: WAVE_A_HAND,
                    ..packets::Handshake::conclusion(0x0BAD_0000 + forged, 77 + forged)
                };
                let (from, to) = (listener_address(), caller_address());
                pair.world.inject(from, to, &wave.packet());
                pair.world.run_for(MS / 3);
            }
        };
        flood(&mut pair, 5000);
        // One answer in 50 ms, and the first wave of all is answered at once.
        let drawn = pair.wire(Side::Caller);
        assert!(drawn.datagrams <= 5 * 20 + 2, "{drawn:?}");
        assert!(drawn.bytes < 30_000, "{drawn:?}");
        assert!(!is_connected(&pair, Side::Caller));
        pair.meet(Side::Listener);
        flood(&mut pair, 600);
        assert!(pair.await_connection(MS), "{:#?}", pair.events());
        pair.stream(Side::Listener, 4.0, SECOND);
        pair.assert_everything_arrived_from(Side::Listener);
    }
}

#[test]
fn a_peer_that_starts_anew_is_met_within_two_seconds() {
    let mut pair = Scenario::new(352).build();
    // The first one's answer never arrives, and then it is gone.
    let from = pair.node(Side::Listener).address;
    let mut left = 6;
    pair.world.intercept(move |_, datagram| {
        let conclusion = packets::handshake_request(&datagram.bytes) == Some(CONCLUSION);
        let hit = conclusion && datagram.from != from && left > 0;
        left -= u32::from(hit);
        if hit { Verdict::Drop } else { Verdict::Pass }
    });
    begin(&mut pair, Side::Caller, 10 * MS);
    pair.world.run_for(400 * MS);
    let gone = pair.id(Side::Listener);
    pair.world
        .with(1, |node, now| node.endpoint.close(now, gone));
    pair.meet(Side::Listener);
    assert!(pair.await_connection(2 * SECOND), "{:#?}", pair.events());
    pair.stream(Side::Listener, 4.0, SECOND);
    pair.assert_everything_arrived_from(Side::Listener);
}

#[test]
fn a_rendezvous_nobody_comes_to_waits_ten_times_as_long_as_a_call() {
    let mut pair = Scenario::new(353).build();
    pair.node_mut(Side::Listener).down = true;
    pair.meet(Side::Caller);
    pair.world.run_for(40 * SECOND);
    let gave_up = pair.refusal(Side::Caller).expect("it gives up").as_micros();
    assert!((29_900_000..30_300_000).contains(&gave_up), "{gave_up}");
    assert_eq!(pair.node(Side::Caller).endpoint.connection_count(), 0);
    let sent = pair.wire(Side::Caller).datagrams;
    assert!(
        (110..=125).contains(&sent),
        "{sent} waves in thirty seconds"
    );
}
