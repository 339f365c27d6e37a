//! Cameras that stop, for a moment or for good.

use tidegate_netsim::Chance;
use tidegate_units::Duration;

use crate::camera::What;
use crate::camera::make::{Format, Make};
use crate::seeds::{many, on_every_seed};
use crate::world::World;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_camera_that_stops_within_its_latency_is_followed_by_the_other_without_any_gap() {
    on_every_seed(1, 20, &[], |seed| {
        let mut chance = Chance::stream(seed, 1001);
        let format = Format::any(&mut chance);
        let makes = (0..2).map(|_| {
            let latency = 500 * MS + chance.duration(1000 * MS);
            Make::any(&mut chance, &format, latency)
        });
        let makes: Vec<_> = makes.collect();
        let frame = Duration::from_secs_f64(format.frame_ticks as f64 / 90_000.0);
        let gop = makes[1].gop_time();
        let mut world = World::new(seed, makes, |_| {});
        world.run(6 * SECOND + chance.duration(SECOND));
        let what = [What::Stall, What::Gone][chance.below(2) as usize];
        world.trouble(0, what, Duration::ZERO, 20 * SECOND);
        world.run(5 * SECOND);
        world.must_be_fine(&format!("seed {seed}, {what:?}"));
        assert_eq!(
            world.on_air().input(),
            Some(1),
            "seed {seed}: {:?}",
            world.steps()
        );
        let aired = world.aired().expect("a switch");
        assert!(aired.decided_after <= 200 * MS, "seed {seed}: {aired:?}");
        let figures = &world.checker.figures;
        assert_eq!(figures.cuts, 1, "seed {seed}: {figures:?}");
        assert!(figures.worst_gap == 0.0, "seed {seed}: {figures:?}");
        assert!(
            figures.worst_silence <= frame + 5 * MS,
            "seed {seed}: {figures:?}"
        );
        let picture_wait = frame * 2 + 5 * MS;
        assert!(
            figures.worst_picture_wait <= picture_wait,
            "seed {seed}: {figures:?}"
        );
        assert!(
            figures.worst_delay <= gop + frame,
            "seed {seed}: {figures:?}"
        );
    });
}

#[test]
fn silences_that_the_latency_heals_are_no_switch() {
    let mut world = World::new(
        5,
        vec![Make::plain(600 * MS), Make::plain(600 * MS)],
        |_| {},
    );
    world.run(6 * SECOND);
    let mut chance = Chance::stream(5, 1002);
    for _ in 0..many(50) {
        let length = 100 * MS + chance.duration(450 * MS);
        world.trouble(0, What::Stall, Duration::ZERO, length);
        world.run(length + 300 * MS + chance.duration(200 * MS));
    }
    world.must_be_fine("silences");
    assert_eq!(world.decide.counts().switches, 0);
    assert!(world.decide.counts().averted > 0);
    assert_eq!(world.checker.figures.cuts, 0);
}

#[test]
fn with_little_latency_and_long_groups_at_most_one_group_is_missing() {
    on_every_seed(1, 10, &[], |seed| {
        let mut chance = Chance::stream(seed, 1003);
        let mut makes = vec![Make::plain(120 * MS), Make::plain(120 * MS)];
        makes[1].gop = 50;
        makes[1].pids = [0x21, 0x31, 0x41, 0x51];
        let mut world = World::new(seed, makes, |_| {});
        world.run(6 * SECOND + chance.duration(2 * SECOND));
        world.trouble(0, What::Stall, Duration::ZERO, 20 * SECOND);
        world.run(5 * SECOND);
        world.must_be_fine(&format!("seed {seed}"));
        assert_eq!(world.on_air().input(), Some(1), "seed {seed}");
        let figures = &world.checker.figures;
        assert!(
            figures.worst_silence <= 2 * SECOND,
            "seed {seed}: {figures:?}"
        );
        assert!(world.aired().expect("a switch").decided_after <= 200 * MS);
    });
}
