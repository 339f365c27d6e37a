//! A packet filter where both sides call. The winner of the contest asks, as a caller does; the
//! other answers, but knows nothing better than what both say.

use crate::rendezvous::{begin, initiator_of};
use crate::support::{MS, Pair, SECOND, Scenario, Side};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{Event, FilterConfig, RejectCode, RejectReason};

const BOTH: [Side; 2] = [Side::Caller, Side::Listener];
const FILTER: &str = "fec,cols:5,rows:5,arq:never";

fn filter(text: &str) -> Option<FilterConfig> {
    (!text.is_empty()).then(|| text.parse().expect("a filter"))
}

fn calm() -> LinkConfig {
    LinkConfig::delayed(30 * MS)
}

/// Both begin to call, each with a filter of its own, or none.
fn begun(seed: u64, caller: &str, listener: &str) -> Pair {
    let mut pair = Scenario::new(seed).link(calm()).latency(200 * MS).build();
    for side in BOTH {
        pair.node_mut(side).endpoint.set_listener(None);
    }
    for (side, text) in BOTH.into_iter().zip([caller, listener]) {
        pair.scenario.connection.packet_filter = filter(text);
        pair.meet(side);
    }
    pair
}

fn agreed(pair: &Pair) -> [Option<String>; 2] {
    BOTH.map(|side| {
        let negotiated = pair.node(side).endpoint.negotiated(pair.id(side));
        let filter = negotiated.and_then(|negotiated| negotiated.packet_filter);
        filter.map(|filter| filter.to_string())
    })
}

#[test]
fn what_both_say_is_used_in_both_directions_whoever_asks() {
    let mut initiators = Vec::new();
    for seed in 400..408 {
        let mut scenario = Scenario::new(seed).link(calm()).latency(200 * MS);
        scenario.connection.packet_filter = filter(FILTER);
        let mut pair = scenario.build();
        let initiator = initiator_of(&mut pair);
        begin(&mut pair, Side::Caller, 20 * MS);
        assert!(pair.await_connection(5 * SECOND), "{:#?}", pair.events());
        initiators.extend(*initiator.borrow());
        let lossy = calm().losing(Probability::percent(1.0));
        for side in BOTH {
            let (from, to) = (pair.node(side).address, pair.node(side.other()).address);
            pair.world.network.configure(from, to, lossy.clone());
            pair.publish(side, 6.0, 3 * SECOND);
        }
        pair.world.run_for(4 * SECOND);
        for side in BOTH {
            let total = pair.statistics(side).total;
            assert!(total.filter_packets_sent > 500, "seed {seed}: {total:?}");
            assert!(total.filter_packets_rebuilt > 5, "seed {seed}: {total:?}");
            assert_eq!((total.naks_sent, total.packets_retransmitted), (0, 0));
        }
    }
    assert!(
        BOTH.iter().all(|side| initiators.contains(side)),
        "both roles were played"
    );
}

#[test]
fn of_one_side_alone_a_filter_is_used_if_that_side_asks() {
    let mut used = [0, 0];
    for seed in 410..426 {
        for (caller, listener, who) in [(FILTER, "", Side::Caller), ("", FILTER, Side::Listener)] {
            let mut pair = begun(seed, caller, listener);
            let initiator = initiator_of(&mut pair);
            assert!(pair.await_connection(5 * SECOND), "{:#?}", pair.events());
            let [one, other] = agreed(&pair);
            assert_eq!(one, other, "seed {seed}: both have the same");
            let asks = *initiator.borrow() == Some(who);
            assert_eq!(one.is_some(), asks, "seed {seed}: {who:?}");
            used[usize::from(asks)] += 1;
            pair.publish(Side::Caller, 4.0, SECOND);
            pair.stream(Side::Listener, 4.0, SECOND);
            for side in BOTH {
                pair.assert_everything_arrived_from(side);
            }
        }
    }
    assert!(
        used[0] > 0 && used[1] > 0,
        "both roles were played: {used:?}"
    );
}

#[test]
fn filters_that_differ_or_say_too_little_are_refused_and_both_sides_say_why() {
    for (caller, listener) in [(FILTER, "fec,cols:6"), (FILTER, "fec"), ("fec", "fec")] {
        for seed in 430..438 {
            let mut pair = begun(seed, caller, listener);
            assert!(
                !pair.await_connection(4 * SECOND),
                "{caller} and {listener}"
            );
            for side in BOTH {
                let refused = pair.node(side).events.iter().any(|(_, event)| {
                    let at_peer = RejectReason::Peer(RejectCode::new(14));
                    matches!(event, Event::Refused { reason, .. }
                        if *reason == RejectReason::Filter || *reason == at_peer)
                });
                assert!(refused, "seed {seed}, {side:?}: {:?}", pair.events());
                assert_eq!(pair.node(side).endpoint.connection_count(), 0);
            }
        }
    }
}
