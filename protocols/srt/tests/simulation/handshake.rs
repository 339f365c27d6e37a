//! Connecting when the network does its worst.

use std::cell::RefCell;
use std::rc::Rc;

use crate::support::node::Answer;
use crate::support::packets::{self, CONCLUSION, INDUCTION};
use crate::support::pair::{attacker_address, caller_address, listener_address};
use crate::support::{MS, SECOND, Scenario, Side, Verdict};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{Event, RejectReason};

/// Loses the first `count` handshakes of this kind from this address.
fn lose_handshakes(pair: &mut crate::support::Pair, side: Side, request: u32, mut count: u32) {
    let from = pair.node(side).address;
    pair.world.intercept(move |_, datagram| {
        let hit = datagram.from == from
            && packets::handshake_request(&datagram.bytes) == Some(request)
            && count > 0;
        count -= u32::from(hit);
        if hit { Verdict::Drop } else { Verdict::Pass }
    });
}

#[test]
fn a_caller_connects_in_two_round_trips() {
    let pair = Scenario::new(20).connect();
    assert!(pair.world.now.as_micros() <= 85_000, "{}", pair.world.now);
}

#[test]
fn a_lost_handshake_of_any_kind_is_repeated() {
    for (side, request) in [
        (Side::Caller, INDUCTION),
        (Side::Listener, INDUCTION),
        (Side::Caller, CONCLUSION),
        (Side::Listener, CONCLUSION),
    ] {
        let mut pair = Scenario::new(21).build();
        lose_handshakes(&mut pair, side, request, 2);
        pair.call();
        assert!(pair.await_connection(2 * SECOND), "{side:?} {request:#x}");
        pair.stream(Side::Caller, 4.0, SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
    }
}

#[test]
fn the_repeated_answer_names_the_same_socket_and_makes_no_second_connection() {
    let mut pair = Scenario::new(22).build();
    let answers = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&answers);
    let listener = pair.node(Side::Listener).address;
    pair.world.intercept(move |_, datagram| {
        let answer = packets::handshake_request(&datagram.bytes) == Some(CONCLUSION);
        if answer && datagram.from == listener {
            seen.borrow_mut().push(datagram.bytes.clone());
            return if seen.borrow().len() < 4 {
                Verdict::Drop
            } else {
                Verdict::Pass
            };
        }
        Verdict::Pass
    });
    pair.call();
    assert!(pair.await_connection(2 * SECOND));
    let answers = answers.borrow();
    assert!(answers.len() >= 4);
    // Everything but the timestamp is the same.
    assert!(
        answers
            .iter()
            .all(|answer| answer[16..] == answers[0][16..])
    );
    assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 1);
    let requests = pair.node(Side::Listener).events.iter();
    let requests = requests.filter(|(_, event)| matches!(event, Event::Request(_)));
    assert_eq!(requests.count(), 1);
}

#[test]
fn a_conclusion_repeated_while_media_flows_is_answered_and_disturbs_nothing() {
    let mut pair = Scenario::new(23).build();
    let kept = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&kept);
    pair.world.intercept(move |_, datagram| {
        if datagram.from == caller_address()
            && packets::handshake_request(&datagram.bytes) == Some(CONCLUSION)
        {
            *seen.borrow_mut() = Some(datagram.bytes.clone());
        }
        Verdict::Pass
    });
    pair.call();
    assert!(pair.await_connection(SECOND));
    pair.publish(Side::Caller, 4.0, 3 * SECOND);
    let conclusion = kept.borrow().clone().expect("a conclusion was sent");
    for _ in 0..10 {
        pair.world.run_for(100 * MS);
        pair.world
            .inject(caller_address(), listener_address(), &conclusion);
    }
    pair.world.run_for(4 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 1);
}

#[test]
fn data_that_overtakes_the_answer_is_kept_or_repaired() {
    for held in [5 * MS, 60 * MS, 400 * MS] {
        let mut pair = Scenario::new(24).latency(800 * MS).build();
        let listener = pair.node(Side::Listener).address;
        let mut left = 1;
        pair.world.intercept(move |_, datagram| {
            let answer = packets::handshake_request(&datagram.bytes) == Some(CONCLUSION);
            if answer && datagram.from == listener && left > 0 {
                left -= 1;
                return Verdict::Hold(held);
            }
            Verdict::Pass
        });
        pair.call();
        pair.await_listener(SECOND);
        // The listener sends at once: its media is faster than its answer.
        pair.stream(Side::Listener, 4.0, 2 * SECOND);
        assert!(pair.await_connection(SECOND));
        pair.assert_everything_arrived_from(Side::Listener);
    }
}

/// A listener is connected before its caller is, and says that it is there.
#[test]
fn keepalives_that_come_before_the_answer_disturb_nothing() {
    let mut pair = Scenario::new(31).build();
    let listener = pair.node(Side::Listener).address;
    let all = pair.record();
    pair.world.intercept(move |now, datagram| {
        let answer = packets::handshake_request(&datagram.bytes) == Some(CONCLUSION);
        if answer && datagram.from == listener && now.as_micros() < 2_400_000 {
            return Verdict::Drop;
        }
        Verdict::Pass
    });
    pair.call();
    pair.await_listener(SECOND);
    let keepalive = all.borrow().iter().find_map(|datagram| {
        let own = datagram.from == caller_address();
        let asked = packets::handshake_request(&datagram.bytes) == Some(CONCLUSION);
        let socket = packets::word(&datagram.bytes, 10)?;
        (own && asked).then(|| packets::control(packets::KEEPALIVE, 0, 0, socket, &[0]))
    });
    for _ in 0..5 {
        pair.hand_in(Side::Caller, keepalive.as_ref().unwrap());
        pair.world.run_for(100 * MS);
    }
    assert!(pair.await_connection(3 * SECOND), "{:#?}", pair.events());
    pair.stream(Side::Listener, 4.0, SECOND);
    pair.assert_everything_arrived_from(Side::Listener);
}

#[test]
fn handshakes_that_come_twice_and_out_of_order_make_one_connection() {
    for seed in 400..440 {
        let mut link = LinkConfig::delayed(20 * MS)
            .jittering(400 * MS)
            .losing(Probability::percent(20.0));
        link.jitter_reorders = true;
        link.duplication = Probability::ALWAYS;
        let mut pair = Scenario::new(seed).latency(2 * SECOND).link(link).build();
        pair.call();
        assert!(pair.await_connection(3 * SECOND), "seed {seed}");
        pair.stream(Side::Caller, 1.0, SECOND);
        for side in [Side::Caller, Side::Listener] {
            assert_eq!(pair.node(side).endpoint.connection_count(), 1, "{seed}");
        }
        let requests = pair.node(Side::Listener).events.iter();
        let requests = requests.filter(|(_, event)| matches!(event, Event::Request(_)));
        assert_eq!(requests.count(), 1, "seed {seed}");
        assert!(pair.inbox(Side::Listener).delivered > 0, "seed {seed}");
    }
}

#[test]
fn a_listener_that_takes_two_seconds_to_decide_still_gets_its_caller() {
    let mut scenario = Scenario::new(25);
    scenario.admission_delay = 2 * SECOND;
    let mut pair = scenario.build();
    pair.call();
    assert!(pair.await_connection(3 * SECOND));
    assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 1);
    pair.stream(Side::Caller, 4.0, SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
}

#[test]
fn a_refused_caller_learns_it_at_once_and_leaves_nothing_behind() {
    let mut scenario = Scenario::new(26);
    scenario.answer = Answer::Refuse(RejectReason::Forbidden);
    let mut pair = scenario.build();
    pair.call();
    assert!(!pair.await_connection(5 * SECOND));
    let refused = pair.refusal(Side::Caller);
    assert!(
        refused.is_some_and(|at| at.as_micros() < 200_000),
        "{:#?}",
        pair.events()
    );
    for side in [Side::Caller, Side::Listener] {
        assert_eq!(pair.node(side).endpoint.connection_count(), 0);
    }
}

#[test]
fn a_caller_nobody_answers_gives_up_at_its_time_and_stops_sending() {
    let mut scenario = Scenario::new(27);
    scenario.to_caller = LinkConfig::default().losing(Probability::ALWAYS);
    let mut pair = scenario.build();
    pair.call();
    assert!(!pair.await_connection(4 * SECOND));
    let gave_up = pair
        .refusal(Side::Caller)
        .expect("the caller gives up")
        .as_micros();
    assert!((2_900_000..3_300_000).contains(&gave_up), "{gave_up}");
    let sent = pair.wire(Side::Caller).datagrams;
    assert!(
        (10..=14).contains(&sent),
        "{sent} inductions in three seconds"
    );
    pair.world.run_for(5 * SECOND);
    assert_eq!(pair.wire(Side::Caller).datagrams, sent);
}

#[test]
fn half_of_all_datagrams_lost_still_connects() {
    for seed in 200..230 {
        let link = LinkConfig::delayed(20 * MS).losing(Probability::percent(50.0));
        let mut pair = Scenario::new(seed).link(link).build();
        pair.call();
        // Three seconds are twelve tries: the odds of failing are small, and these seeds do not.
        let connected = pair.await_connection(5 * SECOND);
        let refused = pair.refusal(Side::Caller).is_some();
        assert!(
            connected || refused,
            "seed {seed}: neither connected nor refused"
        );
    }
}

#[test]
fn two_callers_with_one_address_are_two_connections() {
    let mut pair = Scenario::new(28).build();
    pair.call();
    pair.call();
    assert!(pair.await_connection(SECOND));
    pair.world.run_for(SECOND);
    assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 2);
}

#[test]
fn a_stranger_gets_no_answer_to_what_is_not_a_handshake() {
    let mut pair = Scenario::new(29).build();
    let to = listener_address();
    pair.world.inject(
        attacker_address(),
        to,
        &packets::data(5, 1, 0, 77, b"media"),
    );
    pair.world.inject(
        attacker_address(),
        to,
        &packets::control(packets::KEEPALIVE, 0, 0, 0, &[0]),
    );
    pair.world
        .inject(attacker_address(), to, b"GET / HTTP/1.1\r\n\r\n");
    pair.world.inject(attacker_address(), to, b"");
    pair.world.run_for(SECOND);
    assert!(pair.world.strays.is_empty());
}
