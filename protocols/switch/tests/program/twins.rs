//! Inputs that carry the same packets: whichever is cut, nothing is lost and nothing doubled.

use crate::stream::{SPEC, Spec, Stream};
use crate::world::World;
use tidegate_switch::twins::PrintKey;
use tidegate_switch::{How, OnAir, Options, Program};
use tidegate_units::Duration;

const KEY: PrintKey = PrintKey::new([
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x27D4_EB2F_1656_67C5,
]);

/// Two legs of one stream, each with its latency, the second so much later; the first is on air.
fn twins(latency: [u64; 2], later_millis: u64) -> World {
    let mut world = World::new(&latency.map(|latency| (SPEC, latency)));
    let options = Options {
        inputs: 2,
        delay: Duration::ZERO,
    };
    world.program = Program::new(&options);
    world.program.set_merging(Some(KEY));
    world.inputs[1].begins += Duration::from_millis(later_millis);
    world.order(0, How::Alive);
    world.run(3_000);
    assert_eq!(world.program.twin_of(0), Some(1));
    assert_eq!(world.program.twin_of(1), Some(0));
    world
}

/// All that came out, less the tables, is what was sent, from the first packet on.
fn assert_nothing_lost_or_doubled(world: &World) {
    assert_is_what_was_sent(world, 0);
}

/// The same, of an input that never began anew.
fn assert_is_what_was_sent(world: &World, input: usize) {
    let mut sent = Stream::new(SPEC);
    let millis = world.now.saturating_since(world.inputs[input].begins);
    let sent = sent.until(millis.as_micros() as i64 * 9 / 100);
    let sent: Vec<_> = sent.iter().flat_map(|(_, piece)| packets(piece)).collect();
    let out = world.out.iter().flat_map(|(_, it)| packets(&it.bytes));
    let out: Vec<_> = out.collect();
    let at = sent.iter().position(|it| *it == out[0]).expect("sent");
    let differs = out.iter().zip(&sent[at..]).position(|(a, b)| a != b);
    assert_eq!(differs, None, "of {}", out.len());
    assert!(
        out.len() + 3_000 > sent.len() - at,
        "{} of {}",
        out.len(),
        sent.len()
    );
}

fn packets(piece: &[u8]) -> impl Iterator<Item = [u8; 188]> {
    let packets = piece.as_chunks::<188>().0.iter().copied();
    packets.filter(|packet| {
        let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
        pid != 0 && pid != 0x1000
    })
}

#[test]
fn either_leg_is_cut_again_and_again_and_nothing_is_lost_or_doubled() {
    for (latency, later) in [([500, 500], 0), ([300, 200], 25), ([200, 400], 60)] {
        let mut world = twins(latency, later);
        for turn in 0..12 {
            let (cut, other) = (turn % 2, 1 - turn % 2);
            world.inputs[cut].alive = false;
            world.run(170);
            // What the rules decide when the one on air is silent.
            world.order(other, How::Gone);
            world.run(800);
            assert_eq!(world.program.status(world.now).on_air, OnAir::Input(other));
            world.inputs[cut].alive = true;
            world.run(900);
        }
        assert_nothing_lost_or_doubled(&world);
        let seen = world.seen();
        seen.is_sound();
        seen.has_no_gap(3600);
        assert_eq!(world.switches().len(), 13);
        assert!(
            world
                .switches()
                .iter()
                .all(|it| it.gap.is_zero() && it.repeated.is_zero())
        );
        assert!(
            seen.longest_silence() <= Duration::from_millis(45),
            "{:?}",
            seen.longest_silence()
        );
    }
}

#[test]
fn a_cut_that_nobody_acts_on_is_filled_all_the_same() {
    let mut world = twins([300, 300], 20);
    for turn in 0..8 {
        world.inputs[turn % 2].alive = false;
        world.run(1_500);
        world.inputs[turn % 2].alive = true;
        world.run(700);
    }
    assert_eq!(world.switches().len(), 1);
    assert_nothing_lost_or_doubled(&world);
    world.seen().is_sound();
}

#[test]
fn what_each_of_two_lossy_legs_lacks_the_other_brings() {
    let mut world = twins([250, 250], 15);
    // Never the same of both.
    let lost = |millis: u64| {
        let mixed = (millis + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
    };
    for _ in 0..20_000 {
        for (input, of) in world.inputs.iter_mut().enumerate() {
            let sent = world.now.saturating_since(of.begins).as_millis() as u64;
            of.alive = lost(sent) % 12 != input as u64;
        }
        world.run(1);
    }
    assert_nothing_lost_or_doubled(&world);
    world.seen().is_sound();
}

#[test]
fn without_any_latency_a_leg_that_is_cut_is_continued_by_a_later_one() {
    for later in [0, 30] {
        let mut world = twins([0, 0], later);
        for turn in 0..6 {
            world.inputs[turn % 2].alive = false;
            world.run(1_000);
            world.inputs[turn % 2].alive = true;
            world.run(1_000);
        }
        assert_nothing_lost_or_doubled(&world);
        world.seen().is_sound();
    }
}

#[test]
fn an_input_on_air_that_begins_anew_leaves_its_place_to_its_twin() {
    let mut world = twins([300, 300], 20);
    world.inputs[0].alive = false;
    world.run(100);
    // Nobody has decided anything, and it is back, with other times.
    world.restart(
        0,
        Spec {
            base: 900_000,
            ..SPEC
        },
        true,
    );
    world.run(2_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Input(1));
    assert_eq!(world.program.twin_of(0), None);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    // Its own lane is its own from its first packet on.
    world.order(0, How::Alive);
    world.run(2_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Input(0));
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
}

#[test]
fn a_twin_that_begins_anew_breaks_nothing_off_on_air_however_far_it_was_ahead() {
    for latency in [0, 60, 300] {
        for later in [5, 40, 150] {
            let mut world = twins([latency, latency], later);
            world.order(1, How::Alive);
            world.run(700);
            assert_eq!(world.program.status(world.now).on_air, OnAir::Input(1));
            for base in [400_000, 1_400_000] {
                world.restart(0, Spec { base, ..SPEC }, true);
                world.run(3_000);
            }
            let on_air = world.program.status(world.now).on_air;
            assert_eq!(on_air, OnAir::Input(1), "{latency} {later}");
            assert_eq!(world.switches().len(), 2, "{latency} {later}");
            assert_is_what_was_sent(&world, 1);
            world.seen().is_sound();
        }
    }
}

#[test]
fn an_input_on_air_that_has_another_stream_all_at_once_leaves_its_place_to_its_twin() {
    let mut world = twins([300, 300], 20);
    world.inputs[0].alive = false;
    world.run(100);
    world.restart(
        0,
        Spec {
            mark: b'C',
            base: 900_000,
            ..SPEC
        },
        false,
    );
    world.run(6_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Input(1));
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    assert!(seen.longest_silence() <= Duration::from_millis(45));
}

#[test]
fn one_stream_that_comes_later_than_it_could_be_waited_for_makes_no_twins() {
    let mut world = World::new(&[(SPEC, 500), (SPEC, 1_000)]);
    world.program.set_merging(Some(KEY));
    world.inputs[1].begins += Duration::from_millis(700);
    world.order(0, How::Alive);
    world.run(5_000);
    assert_eq!(world.program.twin_of(0), None);
}

#[test]
fn a_twin_that_has_another_stream_all_at_once_changes_nothing_on_air() {
    for latency in [0, 60, 300] {
        for later in [5, 40, 150] {
            let mut world = twins([latency, latency], later);
            world.order(1, How::Alive);
            world.run(700);
            for base in [200_000, 3_400_000] {
                let mark = b'C';
                world.restart(0, Spec { mark, base, ..SPEC }, false);
                world.run(4_000);
            }
            let what = format!("{latency} {later} {:?}", world.events);
            let on_air = world.program.status(world.now).on_air;
            assert_eq!(
                (on_air, world.switches().len()),
                (OnAir::Input(1), 2),
                "{what}"
            );
            assert_eq!(world.program.twin_of(1), None, "{what}");
            assert_is_what_was_sent(&world, 1);
            world.seen().is_sound();
        }
    }
}
