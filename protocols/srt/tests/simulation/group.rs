//! Bonding groups: several legs, one stream.

use core::time::Duration;

use crate::support::bond::{Bond, LISTENER};
use crate::support::{MS, SECOND, Scenario};
use tidegate_netsim::{LinkConfig, Outage, Probability, SkewedClock};
use tidegate_srt::{CipherMode, Event, FilterConfig, KeyLength, KeyRefresh, SequenceNumber};
use tidegate_units::Instant;

const RATE: f64 = 4.0;

fn delayed(delay: Duration) -> LinkConfig {
    LinkConfig::delayed(delay)
}

fn lossy(percent: f64) -> LinkConfig {
    delayed(20 * MS).losing(Probability::percent(percent))
}

fn scenario(seed: u64, latency: Duration) -> Scenario {
    Scenario::new(seed).latency(latency)
}

#[test]
fn what_one_leg_loses_another_brings_without_a_repetition() {
    let mut bond = Bond::broadcast(scenario(600, 120 * MS), &[lossy(10.0), delayed(20 * MS)]);
    bond.stream(RATE, 10 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
    let total = bond.statistics().total;
    assert_eq!((total.packets_lost, total.packets_dropped), (0, 0));
    assert_eq!(total.packets_received_unique, bond.sent());
    let repeated = bond.leg_statistics(0).total.packets_retransmitted;
    let lost = bond.seen()[0].statistics.total.packets_lost;
    assert!(
        lost > 300 && repeated * 20 < lost,
        "{repeated} of {lost} were repeated"
    );
}

#[test]
fn losses_on_every_leg_that_no_packet_suffers_on_all_are_made_good() {
    let links = [lossy(20.0), lossy(20.0), lossy(20.0)];
    let mut bond = Bond::broadcast(scenario(601, 400 * MS), &links);
    bond.stream(RATE, 20 * SECOND);
    bond.settle();
    bond.assert_complete();
    let total = bond.statistics().total;
    assert_eq!(total.packets_received_unique, bond.sent());
    let all: u64 = bond
        .seen()
        .iter()
        .map(|leg| leg.statistics.total.packets_received)
        .sum();
    assert_eq!(total.packets_received, all, "each packet is counted once");
    assert_eq!(total.packets_duplicate + bond.sent(), all);
}

/// The first leg sets the time base: the play-out delay is the negotiated one over its way.
#[test]
fn legs_of_unequal_length_play_out_at_one_steady_delay() {
    for (seed, delays) in [(602, [20 * MS, 300 * MS]), (603, [300 * MS, 20 * MS])] {
        let links = delays.map(delayed);
        let mut bond = Bond::broadcast(scenario(seed, 500 * MS), &links);
        bond.stream(RATE, 30 * SECOND);
        bond.settle();
        bond.assert_complete();
        bond.assert_steady(2 * MS);
        let delay = bond.inbox().longest_delay.unwrap();
        assert!(
            (delay.as_micros() as i64 - (delays[0] + 500 * MS).as_micros() as i64).abs() <= 2000,
            "{delay:?} instead of the way of the first leg and the latency"
        );
    }
}

#[test]
fn either_leg_of_unequal_length_may_be_cut_and_play_out_does_not_move() {
    for (seed, delays, cut) in [
        (604, [20 * MS, 300 * MS], 0),
        (605, [20 * MS, 300 * MS], 1),
        (606, [300 * MS, 20 * MS], 0),
        (607, [300 * MS, 20 * MS], 1),
    ] {
        let mut bond = Bond::broadcast(scenario(seed, 500 * MS), &delays.map(delayed));
        bond.stream(RATE, 5 * SECOND);
        bond.cut(cut);
        bond.stream(RATE, 30 * SECOND);
        assert_eq!(bond.states(), ["active", "down"], "seed {seed}");
        bond.settle();
        bond.assert_complete();
        bond.assert_steady(2 * MS);
    }
}

#[test]
fn jitter_that_reorders_on_all_legs_changes_nothing_of_the_order() {
    let links = [40 * MS, 25 * MS].map(|jitter| delayed(20 * MS).jittering(jitter));
    let mut bond = Bond::broadcast(scenario(608, 200 * MS), &links);
    // The time base begins with the way of one packet and becomes the mean of many.
    bond.stream(RATE, 5 * SECOND);
    for (_, _, inbox) in &mut bond.world.inboxes {
        inbox.restart_timing();
    }
    bond.stream(RATE, 30 * SECOND);
    bond.settle();
    let inbox = bond.inbox();
    assert_eq!((inbox.missing, inbox.delivered), (0, bond.sent()));
    bond.assert_steady(4 * MS);
}

/// Dead in every other second, from `first` on.
fn flapping(first: u64, seconds: u64) -> LinkConfig {
    (first..seconds)
        .step_by(2)
        .fold(delayed(20 * MS), |link, second| {
            link.with_outage(Outage::of(Instant::from_millis(second * 1000), SECOND))
        })
}

#[test]
fn a_leg_that_flaps_every_second_beside_a_good_one_costs_nothing() {
    let mut bond = Bond::broadcast(
        scenario(609, 120 * MS),
        &[flapping(2, 40), delayed(20 * MS)],
    );
    bond.stream(RATE, 40 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
    assert_eq!(bond.statistics().total.packets_lost, 0);
}

#[test]
fn two_legs_that_flap_in_turn_are_as_good_as_one() {
    let mut bond = Bond::broadcast(scenario(610, 120 * MS), &[flapping(2, 40), flapping(3, 40)]);
    bond.stream(RATE, 40 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
}

#[test]
fn legs_that_leave_and_come_anew_every_second_cost_nothing() {
    let mut bond = Bond::broadcast(scenario(611, 120 * MS), &[delayed(20 * MS)]);
    bond.stream(RATE, SECOND);
    for _ in 0..20 {
        let leg = bond.call(&delayed(45 * MS));
        bond.stream(RATE, SECOND);
        assert!(bond.is_connected(leg));
        bond.hang_up(leg);
    }
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
    let total = bond.statistics().total;
    assert!(
        total.packets_duplicate > bond.sent() / 2,
        "they did carry the stream"
    );
    // None is remembered but the latest.
    assert!(bond.seen().len() <= 8);
}

/// The whole group moves from network to network.
#[test]
fn the_stream_outlives_every_leg_it_began_with() {
    let mut bond = Bond::broadcast(scenario(612, 200 * MS), &[delayed(20 * MS)]);
    for old in 0..12 {
        bond.stream(RATE, SECOND);
        let way = (20 + 7 * old as u32) * MS;
        let leg = bond.call(&delayed(way));
        bond.stream(RATE, SECOND);
        assert!(bond.is_connected(leg));
        bond.hang_up(old);
    }
    bond.stream(RATE, 10 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
    let connected = |event: &Event| matches!(event, Event::Connected { .. });
    let events = bond.world.nodes[LISTENER].events.iter();
    assert_eq!(events.filter(|(_, event)| connected(event)).count(), 1);
}

#[test]
fn all_legs_but_one_may_be_cut_at_once() {
    let links = [20, 30, 40, 50].map(|ms| delayed(ms * MS));
    let mut bond = Bond::broadcast(scenario(613, 200 * MS), &links);
    bond.stream(RATE, 2 * SECOND);
    for leg in [0, 1, 3] {
        bond.cut(leg);
    }
    bond.stream(RATE, 4 * SECOND);
    let mut states = bond.states();
    states.sort_unstable();
    assert_eq!(states, ["active", "silent", "silent", "silent"]);
    bond.stream(RATE, 4 * SECOND);
    assert_eq!(bond.states(), ["active", "down", "down", "down"]);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
}

#[test]
fn sequence_numbers_and_timestamps_wrap_in_the_middle_on_legs_early_and_late() {
    for (seed, before) in [(614, 0), (615, 17), (616, 700)] {
        let mut scenario = scenario(seed, 300 * MS);
        scenario.first_sequence = Some(SequenceNumber::new(0x7FFF_FFFE - before));
        scenario.connection.first_timestamp_micros = u32::MAX - 3_500_000;
        let links = [
            lossy(10.0),
            delayed(60 * MS).losing(Probability::percent(10.0)),
        ];
        let mut bond = Bond::broadcast(scenario, &links);
        bond.stream(RATE, 2 * SECOND);
        bond.call(&lossy(10.0));
        bond.stream(RATE, 2 * SECOND);
        bond.cut(0);
        bond.stream(RATE, 10 * SECOND);
        bond.settle();
        bond.assert_complete();
        bond.assert_steady(2 * MS);
    }
}

/// What a backup sender has not seen acknowledged when it finds its active leg dead.
const UNACKNOWLEDGED: u64 = 120;

#[test]
fn a_backup_leg_takes_over_with_what_was_not_acknowledged_and_play_out_does_not_move() {
    for (seed, delays) in [
        (617, [20 * MS, 20 * MS]),
        (618, [20 * MS, 200 * MS]),
        (619, [200 * MS, 20 * MS]),
    ] {
        let mut bond = Bond::backup(scenario(seed, 800 * MS), &delays.map(delayed));
        bond.stream(RATE, 10 * SECOND);
        assert_eq!(bond.states(), ["active", "idle"], "seed {seed}");
        bond.cut(0);
        // Less than what was on its way is lost, and the sender finds out late.
        bond.stream(RATE, 150 * MS);
        bond.legs[0].carries = false;
        let from = bond.sent() - UNACKNOWLEDGED;
        bond.take_over(1, from);
        bond.stream(RATE, 30 * SECOND);
        assert_eq!(bond.states(), ["active", "down"], "seed {seed}");
        bond.settle();
        bond.assert_complete();
        bond.assert_steady(2 * MS);
    }
}

/// The leg that takes over has never measured anything, and nobody is left to compare with.
#[test]
fn a_backup_leg_takes_over_from_one_that_says_goodbye_and_play_out_does_not_move() {
    for (seed, delays) in [(629, [20 * MS, 200 * MS]), (630, [200 * MS, 20 * MS])] {
        let mut bond = Bond::backup(scenario(seed, 800 * MS), &delays.map(delayed));
        bond.stream(RATE, 10 * SECOND);
        bond.hang_up(0);
        let from = bond.sent() - UNACKNOWLEDGED;
        bond.take_over(1, from);
        bond.stream(RATE, 30 * SECOND);
        assert_eq!(bond.states(), ["active", "down"], "seed {seed}");
        bond.settle();
        bond.assert_complete();
        bond.assert_steady(2 * MS);
    }
}

/// The sender prefers its first leg and comes back to it: the one that took over is the oldest
/// then, and idle for good.
#[test]
fn drift_is_followed_over_the_leg_that_carries_and_not_over_the_oldest() {
    for ppm in [-200, 200] {
        let mut scenario = scenario(620, 300 * MS);
        scenario.caller_clock = SkewedClock::new(Instant::from_millis(7_000), ppm);
        let mut bond = Bond::backup(scenario, &[delayed(20 * MS), delayed(20 * MS)]);
        bond.stream(RATE, 5 * SECOND);
        bond.hang_up(0);
        let from = bond.sent();
        bond.take_over(1, from);
        bond.stream(RATE, 5 * SECOND);
        let back = bond.call(&delayed(20 * MS));
        bond.stream(RATE, SECOND);
        bond.legs[1].carries = false;
        assert!(bond.is_connected(back));
        bond.stream(0.5, 300 * SECOND);
        bond.settle();
        bond.assert_complete();
        // 200 ppm are 60 ms in five minutes.
        bond.assert_steady(12 * MS);
    }
}

#[test]
fn drift_is_followed_when_the_founding_leg_is_gone() {
    let mut scenario = scenario(621, 300 * MS);
    scenario.caller_clock = SkewedClock::new(Instant::from_millis(7_000), 200);
    let mut bond = Bond::broadcast(scenario, &[delayed(20 * MS), delayed(90 * MS)]);
    bond.stream(RATE, 5 * SECOND);
    bond.cut(0);
    bond.stream(0.5, 300 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(12 * MS);
}

#[test]
fn a_leg_that_joins_with_a_way_of_its_own_does_not_move_play_out() {
    let mut bond = Bond::broadcast(scenario(622, 600 * MS), &[delayed(20 * MS)]);
    bond.stream(RATE, 2 * SECOND);
    bond.call(&delayed(250 * MS));
    // The first leg goes before the second has measured anything.
    bond.stream(RATE, 1400 * MS);
    bond.hang_up(0);
    bond.stream(RATE, 20 * SECOND);
    bond.settle();
    bond.assert_complete();
    bond.assert_steady(2 * MS);
}

#[test]
fn each_leg_has_keys_of_its_own_which_change_on_the_way() {
    for (seed, mode) in [(623, CipherMode::Ctr), (624, CipherMode::Gcm)] {
        for length in [KeyLength::Aes128, KeyLength::Aes256] {
            let mut scenario = scenario(seed, 800 * MS).encrypted(length).cipher(mode);
            scenario.connection.key_refresh = KeyRefresh::new(700, 200);
            let links = [
                lossy(10.0),
                delayed(60 * MS).losing(Probability::percent(10.0)),
            ];
            let mut bond = Bond::broadcast(scenario, &links);
            bond.stream(RATE, 5 * SECOND);
            bond.cut(0);
            bond.stream(RATE, 10 * SECOND);
            bond.settle();
            bond.assert_complete();
            let total = bond.statistics().total;
            assert_eq!(total.packets_undecrypted, 0);
            assert!(total.key_refreshes > 8, "{} keys", total.key_refreshes);
        }
    }
}

#[test]
fn memory_is_bounded_at_both_ends_and_empty_at_the_end() {
    let links = [
        lossy(5.0),
        delayed(150 * MS).losing(Probability::percent(5.0)),
    ];
    let mut bond = Bond::broadcast(scenario(625, 400 * MS), &links);
    for _ in 0..60 {
        bond.stream(8.0, 500 * MS);
        let held = bond.statistics().instant.receive_buffer_packets;
        assert!(
            held < 1000,
            "{held} packets are held, of 304 in the latency"
        );
        for leg in 0..2 {
            let instant = bond.leg_statistics(leg).instant;
            assert!(
                instant.send_buffer_packets < 1500,
                "{}",
                instant.send_buffer_packets
            );
        }
    }
    bond.settle();
    bond.assert_complete();
    assert_eq!(bond.statistics().instant.receive_buffer_packets, 0);
    for leg in 0..2 {
        assert_eq!(bond.leg_statistics(leg).instant.send_buffer_packets, 0);
        assert_eq!(
            bond.seen()[leg].statistics.instant.receive_buffer_packets,
            0
        );
    }
}

/// More than what buffers are made for at first: 105 Mbit/s.
#[test]
fn room_grows_with_the_rate_as_it_does_without_a_group() {
    let links = [delayed(300 * MS), delayed(300 * MS)];
    let mut bond = Bond::broadcast(scenario(626, SECOND), &links);
    bond.stream(380.0, SECOND);
    // One packet is missing on both legs, and much comes before it is repeated.
    bond.cut(0);
    bond.cut(1);
    bond.send();
    bond.world.run_for(MS);
    bond.set_link(0, &links[0]);
    bond.set_link(1, &links[1]);
    bond.stream(380.0, 2 * SECOND);
    assert_eq!(bond.world.refused_sends, 0);
    assert!(bond.statistics().total.packets_lost > 0);
    assert_eq!(bond.statistics().total.packets_no_room, 0);
    bond.settle();
    bond.assert_complete();
}

#[test]
fn each_leg_may_have_a_packet_filter() {
    for filter in ["fec,cols:10,rows:5", "fec,cols:10,rows:5,arq:never"] {
        let mut scenario = scenario(627, 600 * MS);
        scenario.connection.packet_filter = Some(filter.parse::<FilterConfig>().unwrap());
        let mut bond = Bond::broadcast(scenario, &[lossy(2.0), lossy(2.0)]);
        bond.stream(RATE, 10 * SECOND);
        bond.settle();
        let inbox = bond.inbox();
        assert_eq!(
            (inbox.missing, inbox.delivered),
            (0, bond.sent()),
            "{filter}"
        );
        let rebuilt = bond.statistics().total.filter_packets_rebuilt;
        assert!(rebuilt > 50, "{filter}: {rebuilt} were rebuilt");
    }
}

#[test]
fn what_comes_after_it_was_given_up_is_belated_and_not_a_duplicate() {
    let links = [delayed(20 * MS), delayed(400 * MS)];
    let mut bond = Bond::broadcast(scenario(628, 200 * MS), &links);
    bond.stream(RATE, 2 * SECOND);
    bond.cut(0);
    bond.stream(RATE, 100 * MS);
    // What is missing can only be asked for when it is too late.
    bond.set_way_there(0, &links[0]);
    bond.stream(RATE, 500 * MS);
    bond.set_link(0, &links[0]);
    bond.stream(RATE, 2 * SECOND);
    bond.settle();
    let total = bond.statistics().total;
    assert!(
        total.packets_dropped > 0,
        "some could not be repeated in time"
    );
    assert_eq!(total.packets_belated, total.packets_dropped);
    let came = total.packets_received_unique + total.packets_duplicate + total.packets_belated;
    assert_eq!(came, total.packets_received);
}
