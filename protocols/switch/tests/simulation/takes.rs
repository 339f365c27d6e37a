//! Takes between cameras that play on well.

use tidegate_netsim::Chance;
use tidegate_units::Duration;

use crate::camera::make::{Format, Make};
use crate::seeds::{many, on_every_seed};
use crate::world::{TICK, World};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// A take goes to a key frame that is at most so old, and a frame.
const HELD_MAX: Duration = Duration::from_millis(345);
/// Takes of each seed.
const TAKES: u64 = 20;

fn cameras(seed: u64) -> (Vec<Make>, Chance) {
    let mut chance = Chance::stream(seed, 1000);
    let format = Format::any(&mut chance);
    let count = 2 + chance.below(2);
    let makes = (0..count).map(|_| {
        let latency = 120 * MS + chance.duration(1200 * MS);
        Make::any(&mut chance, &format, latency)
    });
    let makes: Vec<_> = makes.collect();
    (makes, chance)
}

#[test]
fn random_takes_leave_no_trace_in_the_output() {
    on_every_seed(1, 10, &[], |seed| {
        let (makes, mut chance) = cameras(seed);
        let count = makes.len() as u64;
        let gop = makes.iter().map(Make::gop_time).max().unwrap_or_default();
        let slowest = makes.iter().map(|make| make.latency).max();
        let fastest = makes.iter().map(|make| make.latency).min();
        let skew = slowest.unwrap_or_default() - fastest.unwrap_or_default();
        let mut world = World::new(seed, makes, |_| {});
        world.run(6 * SECOND);
        let mut taken = 0;
        while taken < TAKES {
            let input = chance.below(count) as usize;
            if world.on_air().input() == Some(input) {
                continue;
            }
            taken += 1;
            world.take(input).expect("every camera is well");
            let in_time = world.run_until_on_air(input, gop + slowest.unwrap_or_default() + SECOND);
            assert!(in_time, "seed {seed}: {:?}", world.decisions.last());
            world.run(chance.duration(1500 * MS));
        }
        world.must_be_fine(&format!("seed {seed}"));
        let figures = &world.checker.figures;
        assert!(figures.cuts >= TAKES - 2, "seed {seed}: {figures:?}");
        assert!(figures.worst_gap == 0.0, "seed {seed}: {figures:?}");
        // At most one group of pictures is seen again, besides what the cameras' latencies differ
        // and what one of them was held.
        let most = gop + skew + HELD_MAX;
        assert!(
            figures.worst_repeat <= most,
            "seed {seed}: {most:?} {figures:?}"
        );
        let most = skew + HELD_MAX;
        assert!(
            figures.worst_skip <= most,
            "seed {seed}: {most:?} {figures:?}"
        );
        assert_eq!(world.decide.counts().switches, TAKES, "seed {seed}");
    });
}

#[test]
fn latency_does_not_grow_over_a_thousand_takes() {
    let mut makes = vec![Make::plain(500 * MS), Make::plain(500 * MS)];
    makes[1].pids = [0x21, 0x31, 0x41, 0x51];
    makes[1].base = 77_777;
    makes[1].sounds[0].together = 3;
    makes.iter_mut().for_each(|make| make.gop = 8);
    let mut world = World::new(3, makes, |_| {});
    world.run(5 * SECOND);
    for take in 0..many(100) {
        let input = 1 - world.on_air().input().expect("a camera");
        world.take(input).expect("both are well");
        let in_time = world.run_until_on_air(input, 2 * SECOND);
        assert!(in_time, "take {take}: {:?}", world.decisions.last());
        world.run(20 * TICK);
    }
    world.run(SECOND);
    world.must_be_fine("a thousand takes");
    let figures = &world.checker.figures;
    assert!(figures.worst_delay <= HELD_MAX, "{figures:#?}");
}
