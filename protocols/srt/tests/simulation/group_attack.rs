//! Strangers who know the number of a bonding group, and legs that turn against it.

use core::time::Duration;

use crate::support::bond::{Bond, LISTENER};
use crate::support::node::Answer;
use crate::support::{MS, SECOND, Scenario};
use tidegate_netsim::{Chance, LinkConfig};
use tidegate_srt::wire::GroupExtension;
use tidegate_srt::{Event, KeyLength, RejectReason};

const RATE: f64 = 4.0;

fn link() -> LinkConfig {
    LinkConfig::delayed(20 * MS)
}

/// A group of two legs that carries its stream.
fn carrying(scenario: Scenario) -> Bond {
    let mut bond = Bond::broadcast(scenario.latency(200 * MS), &[link(), link()]);
    bond.stream(RATE, SECOND);
    bond
}

/// One more leg calls while the group goes on; whether it came in.
fn joins(bond: &mut Bond) -> bool {
    let leg = bond.call(&link());
    bond.stream(RATE, 4 * SECOND);
    let joined = bond.is_connected(leg);
    assert_eq!(bond.seen().len(), 2 + usize::from(joined));
    joined
}

#[track_caller]
fn assert_undisturbed(bond: &mut Bond) {
    bond.stream(RATE, SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
    let total = bond.statistics().total;
    assert_eq!((total.packets_lost, total.packets_dropped), (0, 0));
}

/// Somebody who decides on callers says of everyone with the group's number: let it join.
#[test]
fn the_groups_number_alone_lets_nobody_join() {
    let others: [fn(&mut Bond); 3] = [
        |bond| bond.scenario.stream_id = b"live/other".to_vec(),
        |bond| bond.scenario.stream_id.clear(),
        |bond| bond.group.kind = GroupExtension::BACKUP,
    ];
    for (seed, other) in (650..).zip(others) {
        let mut bond = carrying(Scenario::new(seed));
        let (stream_id, group) = (bond.scenario.stream_id.clone(), bond.group);
        other(&mut bond);
        assert!(!joins(&mut bond), "seed {seed}");
        (bond.scenario.stream_id, bond.group) = (stream_id, group);
        let leg = bond.call(&link());
        bond.stream(RATE, SECOND);
        assert!(bond.is_connected(leg), "a true leg still joins");
        assert_undisturbed(&mut bond);
    }
}

#[test]
fn a_leg_without_the_passphrase_or_with_another_does_not_join() {
    let other: Option<(&[u8], KeyLength)> = Some((b"another-passphrase", KeyLength::Aes128));
    for (seed, passphrase) in [(655, None), (656, other)] {
        let mut bond = carrying(Scenario::new(seed).encrypted(KeyLength::Aes128));
        bond.scenario.passphrase = passphrase;
        assert!(!joins(&mut bond), "seed {seed}");
        assert_undisturbed(&mut bond);
    }
}

/// Whoever decides is wrong about who needs keys.
#[test]
fn a_leg_in_clear_does_not_join_an_encrypted_group_whoever_lets_it_in() {
    let mut bond = carrying(Scenario::new(657).encrypted(KeyLength::Aes128));
    bond.world.nodes[LISTENER].admission.passphrase = None;
    bond.scenario.passphrase = None;
    assert!(!joins(&mut bond));
    let group = RejectReason::Peer(RejectReason::Group.code());
    let refused = |(_, event): &(_, Event)| matches!(event, Event::Refused { reason, .. } if *reason == group);
    let stranger = bond.legs[2].node;
    let events = &bond.world.nodes[stranger].events;
    assert!(events.iter().any(refused), "{events:?}");
    assert_undisturbed(&mut bond);
}

#[test]
fn a_ninth_leg_is_refused_and_the_group_goes_on() {
    let mut bond = Bond::broadcast(
        Scenario::new(658).latency(200 * MS),
        &[(); 8].map(|()| link()),
    );
    bond.stream(RATE, SECOND);
    let ninth = bond.call(&link());
    bond.stream(RATE, 2 * SECOND);
    assert!(!bond.is_connected(ninth));
    assert_eq!(bond.seen().len(), 8);
    // There is room again when one has left.
    bond.hang_up(0);
    bond.stream(RATE, SECOND);
    let another = bond.call(&link());
    bond.stream(RATE, SECOND);
    assert!(bond.is_connected(another));
    assert_undisturbed(&mut bond);
}

/// Further than there is room for: nobody could tell numbers closer by from a leg that is early.
#[test]
fn a_leg_with_numbers_from_elsewhere_does_not_disturb_those_that_carry_the_stream() {
    for (seed, ahead) in [
        (660, 20_000),
        (661, 1 << 19),
        (662, 1 << 22),
        (663, 1 << 30),
        (664, u32::MAX - 5_000),
        (665, u32::MAX - (1 << 22)),
    ] {
        let mut bond = carrying(Scenario::new(seed));
        bond.derange(1, ahead);
        bond.stream(RATE, 5 * SECOND);
        bond.derange(1, 0);
        assert_undisturbed(&mut bond);
    }
}

#[test]
fn random_numbers_among_those_of_a_leg_do_not_disturb_the_group() {
    let mut bond = carrying(Scenario::new(666));
    let mut chance = Chance::new(666);
    for _ in 0..200 {
        let ahead = 20_000 + chance.below(1 << 20);
        bond.derange(1, ahead as u32);
        bond.stream(RATE, 5 * MS);
        bond.derange(1, 0);
        bond.stream(RATE, 20 * MS);
    }
    assert_undisturbed(&mut bond);
}

/// As when all networks were away for long.
#[test]
fn numbers_that_are_far_ahead_on_every_leg_are_believed_when_they_stay() {
    let mut bond = carrying(Scenario::new(667));
    bond.give_up(20_000);
    bond.stream(RATE, 5 * SECOND);
    bond.settle();
    let inbox = bond.inbox();
    // What the first leg brings is believed when the second brings the same.
    assert_eq!(inbox.missing, 20_000);
    assert_eq!(inbox.missing + inbox.delivered, bond.sent());
}

#[test]
fn nobody_founds_a_group_who_is_not_let_in() {
    let mut scenario = Scenario::new(668);
    scenario.answer = Answer::Refuse(RejectReason::Forbidden);
    let mut bond = Bond::new(scenario);
    let leg = bond.call(&link());
    bond.world.run_for(Duration::from_secs(4));
    assert!(!bond.is_connected(leg));
    let connected = |(_, event): &(_, Event)| matches!(event, Event::Connected { .. });
    assert!(!bond.world.nodes[LISTENER].events.iter().any(connected));
}
