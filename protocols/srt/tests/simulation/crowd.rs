//! Many connections on one port.

use crate::support::crowd::{Crowd, LISTENER, ipv4, ipv6};
use crate::support::{MS, SECOND, Scenario};
use tidegate_netsim::{LinkConfig, Loss, Probability};

fn lossy(percent: f64) -> LinkConfig {
    LinkConfig::delayed(20 * MS).losing(Probability::percent(percent))
}

/// Every payload of every sender arrived, and at nobody else.
fn assert_all_arrived(crowd: &Crowd, from_callers: bool) {
    for caller in crowd.callers() {
        let (from, to, id) = if from_callers {
            (caller, LISTENER, crowd.listener_id(caller))
        } else {
            (LISTENER, caller, crowd.id(caller))
        };
        let inbox = crowd.world.inbox(to, id);
        let sent = crowd.world.sent(from, to);
        assert!(sent > 0, "nothing was sent");
        assert_eq!(
            (inbox.delivered, inbox.missing),
            (sent, 0),
            "caller {caller}"
        );
    }
    assert_eq!(crowd.world.refused_sends, 0);
}

#[test]
fn forty_publishers_share_a_port_under_loss() {
    let scenario = Scenario::new(300).link(lossy(3.0)).latency(400 * MS);
    let mut crowd = Crowd::new(scenario, 40, ipv4);
    crowd.call(MS);
    crowd.world.run_for(2 * SECOND);
    for caller in crowd.callers() {
        let id = crowd.id(caller);
        crowd.world.publish(caller, id, 5 * MS, 3 * SECOND);
    }
    crowd.world.run_for(5 * SECOND);
    assert_eq!(crowd.world.nodes[LISTENER].endpoint.connection_count(), 40);
    assert_all_arrived(&crowd, true);
}

#[test]
fn one_stream_fans_out_to_forty_readers_and_a_bad_line_costs_only_its_own() {
    let scenario = Scenario::new(301).link(lossy(1.0)).latency(300 * MS);
    let mut crowd = Crowd::new(scenario, 40, ipv6);
    crowd.call(MS);
    crowd.world.run_for(2 * SECOND);
    let bad = 17;
    crowd.set_link(LISTENER, bad, lossy(60.0));
    crowd.set_link(bad, LISTENER, lossy(60.0));
    for caller in crowd.callers() {
        let id = crowd.listener_id(caller);
        crowd.world.publish(LISTENER, id, 5 * MS, 3 * SECOND);
    }
    crowd.world.run_for(5 * SECOND);
    for caller in crowd.callers().filter(|caller| *caller != bad) {
        let inbox = crowd.world.inbox(caller, crowd.id(caller));
        let sent = crowd.world.sent(LISTENER, caller);
        assert_eq!(
            (inbox.delivered, inbox.missing),
            (sent, 0),
            "reader {caller}"
        );
        assert!(inbox.worst_lateness.is_zero());
    }
    let inbox = crowd.world.inbox(bad, crowd.id(bad));
    assert!(inbox.delivered > 0 && inbox.missing > 0);
}

#[test]
fn two_hundred_callers_at_the_same_moment_all_connect() {
    let mut crowd = Crowd::new(Scenario::new(302), 200, ipv4);
    crowd.call(core::time::Duration::ZERO);
    crowd.world.run_for(SECOND);
    assert_eq!(crowd.world.nodes[LISTENER].endpoint.connection_count(), 200);
    for caller in crowd.callers() {
        let _ = (crowd.id(caller), crowd.listener_id(caller));
    }
}

#[test]
fn callers_that_vanish_are_forgotten_and_the_others_stay() {
    let scenario = Scenario::new(303).latency(200 * MS);
    let mut crowd = Crowd::new(scenario, 20, ipv4);
    crowd.call(MS);
    crowd.world.run_for(SECOND);
    for caller in crowd.callers().filter(|caller| caller % 2 == 0) {
        crowd.world.nodes[caller].down = true;
    }
    crowd.world.run_for(8 * SECOND);
    assert_eq!(crowd.world.nodes[LISTENER].endpoint.connection_count(), 10);
}

/// A receiver that hears nothing any more must not cost its neighbours memory or time.
#[test]
fn a_reader_whose_line_is_cut_does_not_hold_up_the_sender() {
    let scenario = Scenario::new(304).latency(200 * MS);
    let mut crowd = Crowd::new(scenario, 2, ipv4);
    crowd.call(MS);
    crowd.world.run_for(SECOND);
    let cut = LinkConfig {
        loss: Loss::Random(Probability::ALWAYS),
        ..LinkConfig::default()
    };
    crowd.set_link(2, LISTENER, cut.clone());
    crowd.set_link(LISTENER, 2, cut);
    let id = crowd.listener_id(1);
    crowd.world.publish(LISTENER, id, MS, 4 * SECOND);
    let id = crowd.listener_id(2);
    crowd.world.publish(LISTENER, id, MS, 4 * SECOND);
    crowd.world.run_for(12 * SECOND);
    let inbox = crowd.world.inbox(1, crowd.id(1));
    assert_eq!(
        (inbox.delivered, inbox.missing),
        (crowd.world.sent(LISTENER, 1), 0)
    );
    assert_eq!(crowd.world.nodes[LISTENER].endpoint.connection_count(), 1);
}
