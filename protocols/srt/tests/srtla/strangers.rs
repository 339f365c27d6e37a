use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_netsim::LinkConfig;
use tidegate_srt::srtla::LinkState;
use tidegate_srt::srtla::wire::{kind, registration};
use tidegate_srt::{ConnectionConfig, Decision, ListenerConfig};

use super::world::{MS, SECOND, World};

const ERROR: [u8; 2] = kind::ERROR.to_be_bytes();
const NO_GROUP: [u8; 2] = kind::NO_GROUP.to_be_bytes();
const WELCOME: [u8; 2] = kind::REG3.to_be_bytes();

fn stranger(network: u8, host: u8) -> SocketAddr {
    SocketAddr::from(([203, network, 113, host], 7000))
}

/// The name the server offers to somebody at `from`.
fn name_for(world: &mut World, from: SocketAddr) -> [u8; 256] {
    let answers = world.ask(from, &registration(kind::REG1, &[3; 256]));
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0][..2], kind::REG2.to_be_bytes());
    answers[0][2..].try_into().expect("a name has 256 bytes")
}

#[test]
fn an_offer_costs_nothing_until_it_is_taken_up() {
    let mut world = World::new();
    for host in 1..=200 {
        name_for(&mut world, stranger(0, host));
    }
    let srtla = world.server.counters().srtla;
    assert_eq!((srtla.offered, srtla.bundles, srtla.links), (200, 0, 0));
}

#[test]
fn a_name_that_is_wrong_or_too_old_is_no_group() {
    let mut world = World::new();
    let from = stranger(0, 1);
    let name = name_for(&mut world, from);
    let mut wrong = name;
    wrong[255] ^= 1;
    assert_eq!(
        world.ask(from, &registration(kind::REG2, &wrong)),
        [NO_GROUP]
    );
    wrong = name;
    wrong[128] ^= 1;
    assert_eq!(
        world.ask(from, &registration(kind::REG2, &wrong)),
        [NO_GROUP]
    );
    world.run_for(10 * SECOND);
    assert_eq!(
        world.ask(from, &registration(kind::REG2, &name)),
        [NO_GROUP]
    );
    assert_eq!(world.server.counters().srtla.unknown, 3);
}

#[test]
fn who_is_not_registered_is_not_answered() {
    let mut world = World::new();
    let from = stranger(0, 1);
    let nothing: [Vec<u8>; 0] = [];
    assert_eq!(world.ask(from, &[0x90, 0]), nothing);
    assert_eq!(world.server.counters().srtla.unknown, 1);
    for nonsense in [&[0x90][..], &[0x91; 44], &[0x92, 0x02], &[0x92, 0, 1, 2, 3]] {
        assert_eq!(world.ask(from, nonsense), nothing);
    }
    assert_eq!(world.server.counters().srtla.malformed, 4);
}

#[test]
fn a_bundle_has_eight_links_and_no_more() {
    let mut world = World::new();
    let name = name_for(&mut world, stranger(0, 1));
    let join = registration(kind::REG2, &name);
    for host in 1..=8 {
        assert_eq!(
            world.ask(stranger(0, host), &join),
            [WELCOME],
            "link {host}"
        );
    }
    assert_eq!(world.ask(stranger(0, 9), &join), [ERROR]);
    // Whose answer was lost asks again.
    assert_eq!(world.ask(stranger(0, 8), &join), [WELCOME]);
    assert_eq!(world.server.counters().srtla.refused, 1);
}

#[test]
fn one_network_gets_no_more_than_its_share_of_unproven_bundles() {
    let mut world = World::new();
    for host in 1..=16 {
        let from = stranger(0, host);
        let name = name_for(&mut world, from);
        assert_eq!(world.ask(from, &registration(kind::REG2, &name)), [WELCOME]);
    }
    let (neighbour, other) = (stranger(0, 17), stranger(1, 1));
    let name = name_for(&mut world, neighbour);
    assert_eq!(
        world.ask(neighbour, &registration(kind::REG2, &name)),
        [ERROR]
    );
    let name = name_for(&mut world, other);
    assert_eq!(
        world.ask(other, &registration(kind::REG2, &name)),
        [WELCOME]
    );
}

#[test]
fn a_full_house_of_unproven_bundles_keeps_nobody_out() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    for network in 0..25 {
        for host in 1..=12 {
            let from = stranger(network, host);
            let ask = registration(kind::REG1, &[3; 256]);
            world.inject(from, &ask);
        }
    }
    world.run_for(100 * MS);
    let offers: Vec<_> = world.strays.drain(..).collect();
    assert_eq!(offers.len(), 300);
    for (from, mut offer) in offers {
        offer[..2].copy_from_slice(&kind::REG2.to_be_bytes());
        world.inject(from, &offer);
        world.run_for(3 * MS);
    }
    world.run_for(100 * MS);
    assert_eq!(world.server.counters().srtla.bundles, 200);
    // The phone that streams is still there, and a second one gets in.
    let second = world.add_phone(&[LinkConfig::delayed(20 * MS)]);
    world.run_until(3 * SECOND, |world| world.phones[second].sender.is_in_use(0));
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_bundle_without_a_connection_is_forgotten_after_fifteen_seconds() {
    let mut world = World::new();
    let phone = world.add_phone(&[LinkConfig::delayed(20 * MS)]);
    world.run_until(3 * SECOND, |world| world.phones[phone].sender.is_in_use(0));
    // Its keepalives alone do not hold it, but it registers anew and may stream later.
    world.run_for(17 * SECOND);
    let srtla = world.server.counters().srtla;
    assert_eq!(srtla.bundles_unproven, 1);
    assert_eq!(srtla.bundles_opened, 2);
    world.phones[phone].call(world.now, SECOND);
    world.run_until(5 * SECOND, |world| world.phones[phone].connected);
}

#[test]
fn a_sender_that_fails_to_authenticate_loses_its_bundle_and_is_throttled() {
    let mut world = World::new();
    world.refuses = true;
    for port in 1..=4 {
        let phone = world.add_phone(&[LinkConfig::delayed(20 * MS)]);
        world.phones[phone].addresses[0] = SocketAddr::from(([203, 0, 113, 7], port));
    }
    for _ in 0..30 {
        for phone in 0..4 {
            world.phones[phone].call(world.now, SECOND);
        }
        world.run_for(150 * MS);
    }
    let srtla = world.server.counters().srtla;
    assert!(srtla.bundles_unproven > 0, "{srtla:?}");
    assert!(srtla.throttled > 0, "{srtla:?}");
    assert!(world.connections.is_empty());
}

#[test]
fn a_banned_address_hears_nothing_and_joins_no_bundle() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    let banned = ["203.0.113.1/32".parse().unwrap()];
    world.server.set_listener(Some(ListenerConfig {
        banned: Arc::new(banned.into_iter().collect()),
        ..ListenerConfig::default()
    }));
    let name = world.phones[0].sender.id().unwrap().try_into().unwrap();
    let nothing: [Vec<u8>; 0] = [];
    let join = registration(kind::REG2, &name);
    assert_eq!(world.ask(stranger(0, 2), &join)[0], WELCOME);
    for asked in [&join, &registration(kind::REG1, &[3; 256]), &vec![0x90, 0]] {
        assert_eq!(world.ask(stranger(0, 1), asked), nothing);
    }
    assert_eq!(world.server.counters().banned, 3);
    assert_eq!(world.server.counters().srtla.links, 3);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_request_shows_the_real_address_of_its_link() {
    let world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    let request = &world.requests[0];
    assert!(request.via_srtla);
    assert!(world.phones[0].addresses.contains(&request.peer));
}

#[test]
fn a_link_in_use_cannot_be_taken_away_by_naming_another_bundle() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    let name = name_for(&mut world, stranger(0, 1));
    let victim = world.phones[0].addresses[0];
    world.inject(victim, &registration(kind::REG2, &name));
    world.run_for(5 * SECOND);
    assert_eq!(world.links().len(), 2);
    assert_eq!(world.server.counters().srtla.refused, 1);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_wrong_or_refused_name_detaches_no_link_that_is_silent_for_a_moment() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    world.phones[0].cut[0] = true;
    world.run_for(5 * SECOND);
    assert_eq!(world.states(), [LinkState::Silent, LinkState::Active]);
    // What anybody can send in its name: nobody's name, and one in a network that is full.
    let silent = world.phones[0].addresses[0];
    world.inject(silent, &registration(kind::REG2, &[9; 256]));
    let mut names = Vec::new();
    for host in 1..=17 {
        names.push(name_for(&mut world, stranger(0, host)));
    }
    for (name, host) in names.iter().zip(1..=17) {
        world.ask(stranger(0, host), &registration(kind::REG2, name));
    }
    world.inject(silent, &registration(kind::REG2, &names[16]));
    world.run_for(100 * MS);
    assert_eq!(world.states(), [LinkState::Silent, LinkState::Active]);
    world.phones[0].cut[0] = false;
    world.run_for(2 * SECOND);
    assert_eq!(world.states(), [LinkState::Active, LinkState::Active]);
    assert_eq!(world.server.counters().srtla.links_lost, 0);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_caller_whose_bundle_is_gone_when_it_is_accepted_does_not_become_a_connection() {
    let mut world = World::new();
    world.hesitates = true;
    let phone = world.add_phone(&[LinkConfig::delayed(20 * MS)]);
    world.run_until(3 * SECOND, |world| world.phones[phone].sender.is_in_use(0));
    world.run_for(13 * SECOND);
    world.phones[phone].call(world.now, SECOND);
    world.run_until(SECOND, |world| !world.requests.is_empty());
    world.run_until(2500 * MS, |world| {
        world.server.counters().srtla.bundles_unproven == 1
    });
    let request = world.requests[0].id;
    let config = ConnectionConfig::default();
    let decision = Decision::Accept { keys: None, config };
    world.server.decide(world.now, request, decision);
    world.run_for(300 * MS);
    assert_eq!(world.gone, [request]);
    assert_eq!(world.server.connection_count(), 0);
    assert!(world.connections.is_empty());
}

#[test]
fn an_address_that_only_somebody_else_named_is_sent_no_more_than_came_from_it() {
    let mut world = World::publishing(&[30 * MS], 2 * SECOND);
    // Whoever knows the bundle's name may claim that a third party is one of its links. The
    // phone's own registration says the name.
    let victim = stranger(9, 9);
    let name = world.phones[0].sender.id().unwrap().try_into().unwrap();
    world.strays.clear();
    world.inject(victim, &registration(kind::REG2, &name));
    world.run_for(5 * SECOND);
    let sent: usize = world.strays.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(!world.strays.is_empty());
    assert!(sent <= 258, "{sent} bytes went to somebody who sent 258");
    assert!(world.server.counters().srtla.withheld > 100);
}

#[test]
fn nobody_can_come_from_the_address_that_stands_for_a_bundle() {
    let mut world = World::publishing(&[30 * MS], 2 * SECOND);
    let malformed = world.server.counters().srtla.malformed;
    let wrong = world.server.counters().wrong_address;
    for identity in ["[100::5:0:0:1]:0", "[100::1]:9"] {
        let forged: SocketAddr = identity.parse().unwrap();
        world.inject(forged, &[0x90, 0]);
        let mut induction = vec![0x80, 0, 0, 0];
        induction.resize(64, 0);
        world.inject(forged, &induction);
    }
    world.run_for(SECOND);
    assert!(world.strays.is_empty(), "{:?}", world.strays);
    assert_eq!(world.server.counters().wrong_address, wrong + 2);
    assert_eq!(world.server.counters().srtla.malformed, malformed);
}
