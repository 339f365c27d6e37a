//! Long sessions, clocks that run apart, and how sessions end.

use core::time::Duration;

use crate::support::{MS, SECOND, Scenario, Side, packets};
use tidegate_netsim::{LinkConfig, Outage, Probability, SkewedClock};
use tidegate_units::Instant;

#[test]
fn a_peer_that_dies_is_noticed_after_the_idle_time_and_no_later() {
    for side in [Side::Caller, Side::Listener] {
        let mut pair = Scenario::new(60).connect();
        pair.stream(side.other(), 2.0, 2 * SECOND);
        let died = pair.world.now;
        pair.node_mut(side).down = true;
        pair.world.run_for(8 * SECOND);
        let (at, _) = pair
            .close_reason(side.other())
            .expect("silence ends a session");
        let noticed = at.saturating_since(died);
        assert!(
            (3_900 * MS..=6 * SECOND).contains(&noticed),
            "after {noticed:?}"
        );
        assert_eq!(pair.node(side.other()).endpoint.connection_count(), 0);
    }
}

#[test]
fn a_link_that_dies_ends_the_session_on_both_sides() {
    let outage = Outage::of(Instant::from_millis(2_000), 60 * SECOND);
    let link = LinkConfig::delayed(20 * MS).with_outage(outage);
    let mut pair = Scenario::new(61).link(link).connect();
    pair.publish(Side::Caller, 2.0, 4 * SECOND);
    pair.world.run_for(10 * SECOND);
    for side in [Side::Caller, Side::Listener] {
        let (at, _) = pair.close_reason(side).expect("both sides give up");
        assert!(
            (6_000_000..8_100_000).contains(&at.as_micros()),
            "{side:?} at {at}"
        );
        assert_eq!(pair.node(side).endpoint.connection_count(), 0);
    }
}

#[test]
fn an_idle_session_lives_on_keepalives_and_sleeps_in_between() {
    let mut pair = Scenario::new(62).connect();
    pair.stream(Side::Caller, 2.0, SECOND);
    let woken = |pair: &crate::support::Pair| {
        pair.world
            .nodes
            .iter()
            .map(|node| node.wake_ups)
            .sum::<u64>()
    };
    let before = (
        woken(&pair),
        pair.wire(Side::Caller),
        pair.wire(Side::Listener),
    );
    pair.world.run_for(60 * SECOND);
    assert!(pair.alive(Side::Caller) && pair.alive(Side::Listener));
    let wakes = woken(&pair) - before.0;
    assert!(wakes <= 60 * 2 * 4, "{wakes} wake-ups in an idle minute");
    for (side, before) in [(Side::Caller, before.1), (Side::Listener, before.2)] {
        let sent = pair.wire(side).datagrams - before.datagrams;
        assert!(
            (50..=65).contains(&sent),
            "{side:?} sent {sent} datagrams in an idle minute"
        );
    }
}

#[test]
fn an_outage_just_shorter_than_the_idle_time_is_survived() {
    let outage = Outage::of(Instant::from_millis(2_000), 3_500 * MS);
    let link = LinkConfig::delayed(20 * MS).with_outage(outage);
    let mut pair = Scenario::new(63).link(link).connect();
    pair.stream(Side::Caller, 4.0, 10 * SECOND);
    assert!(
        pair.alive(Side::Caller) && pair.alive(Side::Listener),
        "{:#?}",
        pair.events()
    );
    let inbox = pair.inbox(Side::Listener);
    assert_eq!(inbox.last, Some(pair.sent(Side::Caller) - 1));
}

#[test]
fn a_closed_session_ends_at_the_other_side_one_way_later() {
    for side in [Side::Caller, Side::Listener] {
        let mut pair = Scenario::new(64).connect();
        pair.stream(Side::Caller, 2.0, SECOND);
        let closed = pair.world.now;
        pair.close(side);
        pair.world.run_for(SECOND);
        let (at, _) = pair
            .close_reason(side.other())
            .expect("the shutdown arrives");
        assert!(at.saturating_since(closed) <= 21 * MS, "at {at}");
        for side in [Side::Caller, Side::Listener] {
            assert_eq!(pair.node(side).endpoint.connection_count(), 0);
        }
    }
}

#[test]
fn what_arrived_before_the_shutdown_is_still_delivered() {
    let link = LinkConfig::delayed(20 * MS);
    let mut pair = Scenario::new(65).link(link).latency(500 * MS).connect();
    pair.publish(Side::Caller, 4.0, 2 * SECOND);
    pair.world.run_for(2 * SECOND);
    pair.close(Side::Caller);
    pair.world.run_for(2 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
}

/// Reports and acknowledgements that were due then are due no more.
#[test]
fn a_shutdown_in_the_middle_of_losses_lets_the_receiver_sleep() {
    for seed in 700..720 {
        let link = LinkConfig::delayed(20 * MS).losing(Probability::percent(30.0));
        let mut pair = Scenario::new(seed).link(link).latency(2 * SECOND).build();
        pair.call();
        if !pair.await_connection(5 * SECOND) {
            continue;
        }
        let data = pair.watch_last_data(Side::Caller);
        pair.publish(Side::Caller, 8.0, SECOND);
        pair.world.run_for(500 * MS);
        let (_, timestamp, socket) = data.borrow().expect("media flows");
        // An encoder that does not wait for its last packets, and is gone.
        let shutdown = packets::control(packets::SHUTDOWN, 0, timestamp, socket, &[0]);
        pair.node_mut(Side::Caller).down = true;
        pair.hand_in(Side::Listener, &shutdown);
        let before = pair.node(Side::Listener).wake_ups;
        pair.world.run_for(6 * SECOND);
        let wakes = pair.node(Side::Listener).wake_ups - before;
        assert!(wakes < 500, "seed {seed}: {wakes} wake-ups after the end");
        assert_eq!(pair.node(Side::Listener).endpoint.connection_count(), 0);
    }
}

#[test]
fn a_thousand_sessions_one_after_the_other_leave_nothing_behind() {
    let mut pair = Scenario::new(66).build();
    for _ in 0..1_000 {
        pair.call();
        assert!(pair.await_new_connection(2 * SECOND));
        pair.close(Side::Caller);
        pair.world.run_for(50 * MS);
    }
    pair.world.run_for(10 * SECOND);
    for side in [Side::Caller, Side::Listener] {
        assert_eq!(pair.node(side).endpoint.connection_count(), 0);
        assert_eq!(
            pair.node(side).endpoint.poll_timeout(),
            None,
            "{side:?} has a timer left"
        );
    }
}

/// Ten minutes at 200 ppm are 120 ms: without tracing the drift the latency would be gone.
#[test]
fn clocks_that_run_apart_keep_the_latency() {
    for ppm in [-200, 200] {
        let link = LinkConfig::delayed(20 * MS).losing(Probability::percent(1.0));
        let mut scenario = Scenario::new(67).link(link).latency(200 * MS);
        scenario.listener_clock = SkewedClock::new(Instant::from_millis(5_000), ppm);
        let mut pair = scenario.connect();
        pair.stream(Side::Caller, 1.0, Duration::from_secs(600));
        let inbox = pair.inbox(Side::Listener);
        let (shortest, longest) = (inbox.shortest_delay.unwrap(), inbox.longest_delay.unwrap());
        assert!(
            shortest >= 200 * MS,
            "{ppm} ppm: play-out came as early as {shortest:?}"
        );
        assert!(
            longest <= 240 * MS,
            "{ppm} ppm: play-out came as late as {longest:?}"
        );
        assert_eq!(inbox.missing, 0);
    }
}

/// A process that is stopped for a while and continues.
#[test]
fn a_pause_of_the_receiver_loses_at_most_its_own_time() {
    let mut pair = Scenario::new(68).latency(300 * MS).connect();
    pair.publish(Side::Caller, 4.0, 8 * SECOND);
    pair.world.run_for(3 * SECOND);
    pair.node_mut(Side::Listener).down = true;
    pair.world.run_for(2 * SECOND);
    pair.node_mut(Side::Listener).down = false;
    pair.world.run_for(6 * SECOND);
    let inbox = pair.inbox(Side::Listener);
    assert_eq!(
        inbox.last,
        Some(pair.sent(Side::Caller) - 1),
        "{:#?}",
        pair.events()
    );
    let missing_seconds = 8.0 * inbox.missing as f64 / pair.sent(Side::Caller) as f64;
    assert!(missing_seconds < 2.2, "{missing_seconds} s are missing");
}
