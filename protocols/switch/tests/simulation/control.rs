//! Whether cameras and checker are worth anything: an untouched camera passes, a hard cut does not.

use tidegate_netsim::Chance;
use tidegate_switch::Emitted;
use tidegate_units::{Duration, Instant};

use crate::camera::make::{Format, Make};
use crate::camera::{Arrival, Camera, Registry};
use crate::checker::Checker;
use crate::seeds::on_every_seed;
use crate::world::TICK;

const MS: Duration = Duration::from_millis(1);

/// What arrives of a camera from a second before this until then.
fn film(camera: &mut Camera, from: u64, until: u64) -> Vec<Arrival> {
    let mut out = Vec::new();
    let mut now = Instant::from_millis(from);
    while now < Instant::from_millis(until) {
        now += TICK;
        camera.poll(now, &mut out);
    }
    out
}

fn show(checker: &mut Checker, arrivals: &[Arrival]) {
    for arrival in arrivals {
        let emitted = Emitted {
            bytes: arrival.bytes.clone(),
            due: arrival.due,
        };
        checker.emitted(arrival.arrived, &emitted);
    }
}

#[test]
fn a_camera_as_it_is_has_no_fault() {
    on_every_seed(1, 10, &[], |seed| {
        let mut chance = Chance::stream(seed, 1004);
        let format = Format::any(&mut chance);
        let make = Make::any(&mut chance, &format, 300 * MS);
        let registry = Registry::default();
        let mut camera = Camera::new(0, make, chance, registry.clone());
        let arrivals = film(&mut camera, 1000, 30_000);
        let mut checker = Checker::new(registry);
        show(&mut checker, &arrivals);
        assert!(
            checker.problems.is_empty(),
            "seed {seed}: {:#?}",
            checker.problems
        );
        let figures = &checker.figures;
        assert!(
            figures.pictures > 600 && figures.sounds > 1000,
            "{figures:?}"
        );
        assert!(figures.worst_offset <= 2.0, "{figures:?}");
    });
}

#[test]
fn a_hard_cut_is_full_of_faults() {
    let registry = Registry::default();
    let cameras = [0, 1].map(|number| {
        let mut make = Make::plain(200 * MS);
        make.base = 1_000_000 - 1_000_000 * number as i64;
        make.gop = 20 + number as u32;
        let chance = Chance::stream(1, number);
        let mut camera = Camera::new(number as usize, make, chance, registry.clone());
        film(&mut camera, 1000, 10_000)
    });
    let mut checker = Checker::new(registry);
    let half = cameras[0].len() / 2;
    show(&mut checker, &cameras[0][..half]);
    assert!(checker.problems.is_empty(), "{:#?}", checker.problems);
    let is_later = |arrival: &&Arrival| arrival.due > cameras[0][half].due;
    let rest: Vec<_> = cameras[1].iter().filter(is_later).cloned().collect();
    show(&mut checker, &rest);
    for word in [
        "counter",
        "the clock goes back",
        "decoding time steps",
        "leaps",
        "sound leaps",
        "cut to a",
    ] {
        let said = |(_, problem): &(Instant, String)| problem.contains(word);
        let found = checker.problems.iter().any(said);
        assert!(found, "{word} is not among {:#?}", checker.problems);
    }
}
