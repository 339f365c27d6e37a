//! Everything at once: cameras that stall, leave and begin anew, while somebody takes.

use tidegate_netsim::{Chance, Probability};
use tidegate_switch::decide::Return;
use tidegate_units::Duration;

use crate::camera::What;
use crate::camera::make::{Format, Make};
use crate::seeds::on_every_seed;
use crate::world::World;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const ROUNDS: u64 = 25;

#[test]
fn whatever_cameras_do_the_output_has_no_fault_that_was_not_told() {
    let found = [138, 181, 272, 292, 404, 421, 2553, 3102, 3217, 22846];
    on_every_seed(1, 10, &found, |seed| {
        let mut chance = Chance::stream(seed, 1005);
        let format = Format::any(&mut chance);
        let count = 2 + chance.below(3);
        let makes = (0..count).map(|_| {
            let latency = 150 * MS + chance.duration(1500 * MS);
            Make::any(&mut chance, &format, latency)
        });
        let makes: Vec<_> = makes.collect();
        let gop = makes.iter().map(Make::gop_time).max();
        let mut world = World::new(seed, makes, |rules| {
            rules.dwell = SECOND;
            rules.return_after = 3 * SECOND;
            rules.return_to = [Return::Auto, Return::Manual][seed as usize % 2];
        });
        world.checker.stops_in_groups(&format);
        world.run(6 * SECOND);
        for _ in 0..ROUNDS {
            let input = chance.below(count) as usize;
            if chance.happens(Probability::percent(40.0)) {
                // It may be refused: not every camera is well.
                let _ = world.take(input);
            } else {
                let what = [What::Stall, What::Stall, What::Gone][chance.below(3) as usize];
                let most = [300 * MS, 4 * SECOND][chance.below(2) as usize];
                let length = 30 * MS + chance.duration(most);
                let after = chance.duration(300 * MS);
                world.trouble(input, what, after, length);
            }
            // Somebody looks, so that nothing latches.
            world.decide.unlock(world.now, None);
            world.run(chance.duration(2 * SECOND));
        }
        world.run(10 * SECOND);
        world.must_be_fine(&format!("seed {seed}"));
        let figures = &world.checker.figures;
        let held = gop.unwrap_or_default() + SECOND;
        assert!(figures.last_delay <= held, "seed {seed}: {figures:#?}");
        assert!(
            world.worst_queue < 8 * 1024 * 1024,
            "seed {seed}: {}",
            world.worst_queue
        );
    });
}
