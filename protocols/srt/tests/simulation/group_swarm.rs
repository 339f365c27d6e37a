//! Bonding groups over many random networks: legs come, go, die, come back and take over.

use core::time::Duration;

use crate::support::bond::{Bond, LISTENER};
use crate::support::{MS, SECOND, Scenario, on_every_seed};
use crate::swarm::random_link;
use tidegate_netsim::{Chance, LinkConfig, Probability, SkewedClock};
use tidegate_srt::wire::GroupExtension;
use tidegate_srt::{CipherMode, KeyLength, KeyRefresh, SequenceNumber};
use tidegate_units::Instant;

const SEEDS: u64 = 60;
const FIRST_SEED: u64 = 20_000;
const FOUND_SEEDS: [u64; 0] = [];
/// Legs that ever call in one run.
const LEGS_MAX: usize = 12;

fn random_scenario(seed: u64, chance: &mut Chance) -> Scenario {
    let mut scenario = Scenario::new(seed).latency(20 * MS + chance.duration(900 * MS));
    let skew = |chance: &mut Chance| {
        let start = Instant::from_micros(chance.below(1 << 33));
        SkewedClock::new(start, chance.below(401) as i32 - 200)
    };
    scenario.caller_clock = skew(chance);
    scenario.listener_clock = skew(chance);
    if chance.happens(Probability::percent(50.0)) {
        let before = chance.below(3_000) as u32;
        scenario.first_sequence = Some(SequenceNumber::new(0x7FFF_FFFE - before));
        scenario.connection.first_timestamp_micros = u32::MAX - chance.below(6_000_000) as u32;
    }
    if chance.happens(Probability::percent(40.0)) {
        let mode = match chance.below(2) {
            0 => CipherMode::Ctr,
            _ => CipherMode::Gcm,
        };
        scenario = scenario.encrypted(KeyLength::Aes256).cipher(mode);
        scenario.connection.key_refresh = KeyRefresh::new(700, 200);
    }
    scenario
}

/// Whoever is not there by then joins later, if it can.
fn await_most(bond: &mut Bond) {
    bond.world.run_for(4 * SECOND);
    for leg in 0..bond.legs.len() {
        let is_there = bond.is_connected(leg);
        bond.legs[leg].carries = is_there || bond.scenario.passphrase.is_none();
    }
}

/// Something happens to the group.
fn disturb(bond: &mut Bond, chance: &mut Chance, spared: usize) {
    let leg = chance.below(bond.legs.len() as u64) as usize;
    let is_spared = leg < spared;
    match chance.below(6) {
        0 if !is_spared => bond.cut(leg),
        1 | 2 if !is_spared => bond.set_link(leg, &random_link(chance)),
        3 if !is_spared && bond.is_connected(leg) => bond.hang_up(leg),
        // Numbers are a part of what is encrypted, and those of a later leg begin elsewhere.
        4 if bond.scenario.passphrase.is_none() && bond.legs.len() < LEGS_MAX => {
            bond.call(&random_link(chance));
        }
        5 if bond.scenario.passphrase.is_none() && !bond.legs[leg].started => {
            let from = bond.sent() - chance.below(200.min(bond.sent() + 1));
            bond.take_over(leg, from);
        }
        _ => {}
    }
}

fn run(seed: u64) -> Bond {
    let mut chance = Chance::stream(seed, 96);
    let mut bond = Bond::new(random_scenario(seed, &mut chance));
    if chance.happens(Probability::percent(40.0)) {
        bond.group.kind = GroupExtension::BACKUP;
    }
    for _ in 0..=chance.below(4) {
        bond.call(&random_link(&mut chance));
    }
    await_most(&mut bond);
    let is_backup = bond.group.kind == GroupExtension::BACKUP;
    for leg in bond.legs.iter_mut().skip(1).filter(|_| is_backup) {
        leg.carries = false;
    }
    let rate = 0.5 + chance.fraction() * 7.5;
    for _ in 0..2 + chance.below(8) {
        let length = 50 * MS + chance.duration(SECOND);
        bond.stream(rate, length);
        disturb(&mut bond, &mut chance, 0);
    }
    bond
}

/// The harness compares every byte, and the order, with what was sent.
#[test]
fn any_group_delivers_a_correct_part_of_the_stream_and_all_its_legs_end() {
    on_every_seed(FIRST_SEED, SEEDS, &FOUND_SEEDS, |seed| {
        let mut bond = run(seed);
        for leg in 0..bond.legs.len() {
            bond.world.nodes[bond.legs[leg].node].down = true;
        }
        bond.world.run_for(Duration::from_secs(12));
        let listener = &bond.world.nodes[LISTENER].endpoint;
        assert_eq!(listener.connection_count(), 0, "seed {seed}");
        let groups = listener.counters().groups;
        assert_eq!((groups.groups, groups.legs), (0, 0), "seed {seed}");
        assert_eq!(listener.poll_timeout(), None, "seed {seed}");
    });
}

#[test]
fn one_good_leg_is_enough_whatever_the_others_do() {
    on_every_seed(FIRST_SEED, SEEDS, &FOUND_SEEDS, |seed| {
        let mut chance = Chance::stream(seed, 95);
        let mut bond = Bond::new(random_scenario(seed, &mut chance));
        bond.call(&LinkConfig::delayed(MS + chance.duration(150 * MS)));
        bond.await_legs();
        for _ in 0..chance.below(4) {
            bond.call(&random_link(&mut chance));
        }
        await_most(&mut bond);
        let rate = 0.5 + chance.fraction() * 7.5;
        for _ in 0..2 + chance.below(12) {
            bond.stream(rate, 50 * MS + chance.duration(SECOND));
            disturb(&mut bond, &mut chance, 1);
        }
        bond.settle();
        let (inbox, sent) = (bond.inbox(), bond.sent());
        assert_eq!((inbox.missing, inbox.delivered), (0, sent), "seed {seed}");
        assert!(inbox.worst_lateness.is_zero(), "seed {seed}: {inbox:?}");
        let total = bond.statistics().total;
        assert_eq!(total.packets_received_unique, sent, "seed {seed}");
        assert_eq!(total.packets_dropped, 0, "seed {seed}");
    });
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 20_003] {
        assert_eq!(
            run(seed).world.trace(),
            run(seed).world.trace(),
            "seed {seed}"
        );
    }
    assert_ne!(run(4).world.trace(), run(5).world.trace());
}
