//! Key frames that take longer to arrive than they may wait, as of encoders that send at a constant
//! rate: whatever is on air plays on evenly, held by as much as its key frames need.

use crate::stream::{SPEC, Spec};
use crate::world::World;
use crate::{OTHER, on_air};
use tidegate_switch::{How, OnAir};
use tidegate_units::{Duration, Instant};

/// Two thirds of a second are needed for a key frame …
const RATE: u64 = 500_000;
/// … of this size.
const SLOW: Spec = Spec {
    mark: b'B',
    first_pid: 0x200,
    base: 77_000_123,
    gop: 50,
    key_bytes: 40_000,
    lead_ticks: 90_000,
    ..SPEC
};
const MS: Duration = Duration::from_millis(1);

fn slow_alone(latency: u64) -> World {
    let mut world = World::new(&[(SLOW, latency)]);
    world.inputs[0].bits_per_second = Some(RATE);
    world.order(0, How::Alive);
    world.run(12_000);
    world
}

/// The longest time without a packet, and the most that any was late, from a moment on.
fn longest(world: &World, from: Instant) -> (Duration, Duration) {
    let out: Vec<_> = world.out.iter().filter(|(now, _)| *now >= from).collect();
    let waits = out
        .windows(2)
        .map(|pair| pair[1].0.saturating_since(pair[0].0));
    let late = out
        .iter()
        .map(|(now, emitted)| now.saturating_since(emitted.due));
    (
        waits.max().unwrap_or_default(),
        late.max().unwrap_or_default(),
    )
}

#[test]
fn a_program_begins_with_a_key_frame_that_arrives_slowly_and_plays_evenly_from_then_on() {
    for (latency, least, most) in [(0, 600, 760), (300, 300, 460), (1_000, 0, 0)] {
        let world = slow_alone(latency);
        let status = world.program.status(world.now);
        assert_eq!(status.on_air, OnAir::Input(0), "latency {latency}");
        let delay = world.switches()[0].delay;
        assert!(
            (least * MS..=most * MS).contains(&delay),
            "latency {latency}: {delay:?}"
        );
        assert_eq!(status.delay, delay, "it stays what it was");
        let began = world.out[0].0;
        assert!(began <= Instant::from_millis(1_000_000) + 3_000 * MS);
        let (silence, late) = longest(&world, began);
        assert!(silence <= 60 * MS, "latency {latency}: {silence:?}");
        assert!(late <= 60 * MS, "latency {latency}: {late:?}");
        world.seen().is_sound_but_for_a_leap();
    }
}

#[test]
fn a_take_goes_to_a_key_frame_that_arrives_slowly_and_back_and_no_latency_is_left_over() {
    let mut world = World::new(&[(SPEC, 500), (SLOW, 0)]);
    world.inputs[1].bits_per_second = Some(RATE);
    world.order(0, How::Alive);
    world.run(5_000);
    for _ in 0..3 {
        world.order(1, How::Alive);
        world.run(5_000);
        let switched = *world.switches().last().expect("a switch");
        assert_eq!(switched.to, OnAir::Input(1));
        assert_eq!(switched.gap, Duration::ZERO);
        assert!(
            (600 * MS..=900 * MS).contains(&switched.delay),
            "{switched:?}"
        );
        let (silence, _) = longest(&world, switched.at + 100 * MS);
        assert!(silence <= 60 * MS, "{silence:?}");
        world.order(0, How::Alive);
        world.run(4_000);
        let switched = *world.switches().last().expect("a switch");
        assert_eq!(switched.to, OnAir::Input(0));
        assert!(switched.delay <= 120 * MS, "{switched:?}");
    }
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
}

#[test]
fn what_arrives_slowly_takes_over_from_what_is_gone() {
    for how in [How::Starved, How::Gone, How::Damaged] {
        let mut world = on_air(&[(SPEC, 500), (SLOW, 0)]);
        world.inputs[1].bits_per_second = Some(RATE);
        world.run(5_000);
        world.inputs[0].alive = false;
        world.run(150);
        world.order(1, how);
        world.run(6_000);
        let switched = world.switches()[1];
        assert_eq!(switched.to, OnAir::Input(1), "{how:?}");
        assert!(switched.gap <= 1_500 * MS, "{how:?}: {switched:?}");
        let seen = world.seen();
        seen.is_sound_but_for_a_leap();
        let last = seen.pictures.last().expect("a picture");
        assert_eq!(last.mark, b'B', "{how:?}");
    }
}

#[test]
fn what_arrives_slowly_ends_a_darkness_and_plays_evenly_from_then_on() {
    for how in [How::Starved, How::Gone, How::Damaged] {
        let mut world = on_air(&[(SPEC, 500), (SLOW, 0)]);
        world.inputs[1].bits_per_second = Some(RATE);
        world.run(5_000);
        world.inputs[0].alive = false;
        world.run(2_500);
        world.order(1, how);
        world.run(8_000);
        let switched = world.switches()[1];
        assert_eq!(switched.to, OnAir::Input(1), "{how:?}");
        assert!(switched.delay >= 600 * MS, "{how:?}: {switched:?}");
        let (silence, late) = longest(&world, switched.at + 100 * MS);
        assert!(silence <= 60 * MS, "{how:?}: {silence:?}");
        assert!(late <= 60 * MS, "{how:?}: {late:?}");
    }
}

#[test]
fn a_key_frame_is_there_to_be_taken_when_it_is_whole() {
    let mut world = slow_alone(0);
    let mut ages = Vec::new();
    for _ in 0..400 {
        world.run(10);
        let lane = world.program.lane(OnAir::Input(0), world.now);
        ages.push(lane.key_frame_age);
    }
    let taken = ages.iter().flatten().count();
    // From when it is whole it can be taken for a second; the next one comes after two.
    assert!((180..=230).contains(&taken), "{taken}");
    let oldest = ages.iter().flatten().max();
    assert!(oldest <= Some(&(1_800 * MS)), "{oldest:?}");
}

#[test]
fn a_key_frame_that_was_held_up_once_is_not_what_all_is_delayed_for() {
    let b = Spec {
        key_bytes: 20_000,
        ..OTHER
    };
    let mut world = World::new(&[(SPEC, 500), (b, 0)]);
    // A seventh of a second for a key frame.
    world.inputs[1].bits_per_second = Some(1_200_000);
    world.order(0, How::Alive);
    world.run(5_060);
    world.inputs[1].stalled = true;
    world.run(1_600);
    world.inputs[1].stalled = false;
    world.order(1, How::Alive);
    world.run(3_000);
    let switched = world.switches()[1];
    assert!(switched.delay <= 400 * MS, "{switched:?}");
    world.seen().is_sound();
}
