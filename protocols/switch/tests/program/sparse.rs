//! Pictures that are complete in few places only: a cut does not wait for one of them for long.

use crate::stream::Spec;
use crate::{OTHER, SPEC, on_air};
use tidegate_switch::{How, OnAir};
use tidegate_units::Duration;

/// Behind the picture that the encoder dropped, nothing tells that none is still to come.
const DROPS: Spec = Spec {
    b_frames: 2,
    gop: 50,
    drops: true,
    ..SPEC
};
/// In step with it, a second later.
const IN_STEP: Spec = Spec { gop: 51, ..OTHER };
const MS: Duration = Duration::from_millis(1);

#[test]
fn a_take_is_not_held_back_by_more_than_a_limit_where_nothing_is_complete() {
    for latency in [0, 120, 500, 2_500] {
        let mut world = crate::World::new(&[(DROPS, latency), (IN_STEP, latency)]);
        world.inputs[1].begins += 1_000 * MS;
        world.order(0, How::Alive);
        world.run(6_000);
        world.order(1, How::Alive);
        world.run(2_040 + 800 + latency);
        let switched = *world.switches().last().expect("a switch");
        assert_eq!(switched.to, OnAir::Input(1), "latency {latency}");
        assert!(
            switched.delay <= 800 * MS,
            "latency {latency}: {switched:?}"
        );
        assert_eq!(switched.gap, Duration::ZERO);
        world.run(1_000);
        world.seen().is_sound();
    }
}

#[test]
fn what_is_gone_is_left_within_the_same_limit() {
    for how in [How::Gone, How::Starved, How::Damaged] {
        for later in [0, 500, 1_000, 1_500] {
            let mut world = on_air(&[(DROPS, 2_500), (IN_STEP, 2_500)]);
            world.run(5_000 + later);
            world.inputs[0].alive = false;
            world.run(150);
            if how == How::Gone {
                world.program.ended(OnAir::Input(0));
            }
            world.order(1, how);
            world.run(6_000);
            let switched = world.switches()[1];
            assert_eq!(switched.to, OnAir::Input(1), "{how:?} {later}");
            assert!(
                switched.delay <= 1_100 * MS,
                "{how:?} {later}: {switched:?}"
            );
            world.seen().is_sound_but_for_a_leap();
        }
    }
}
