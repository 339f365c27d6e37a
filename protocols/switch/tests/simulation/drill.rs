//! Drills that nobody sees.

use tidegate_switch::OnAir;
use tidegate_switch::drill::{Report, Shadow};
use tidegate_units::Duration;

use crate::camera::What;
use crate::camera::make::Make;
use crate::world::{SILENT_AFTER, World};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a drill of the second of two cameras says; the program itself must not notice.
fn drill(backup: Make, prepare: impl FnOnce(&mut World)) -> Report {
    let mut world = World::new(9, vec![Make::plain(800 * MS), backup], |_| {});
    world.run(6 * SECOND);
    prepare(&mut world);
    let (cut, to) = (OnAir::Input(0), OnAir::Input(1));
    let shadow = Shadow::begin(&world.program, cut, to, SILENT_AFTER, world.now);
    world.shadow = Some(shadow);
    let mut report = None;
    for _ in 0..200 {
        world.run(100 * MS);
        let shadow = world.shadow.as_ref().expect("a drill");
        if shadow.is_over(world.now) {
            report = Some(shadow.report(world.now));
            break;
        }
    }
    world.must_be_fine("a program during a drill");
    assert_eq!(world.on_air(), OnAir::Input(0));
    assert_eq!(world.decide.counts().switches, 0);
    report.expect("drills end")
}

fn other() -> Make {
    Make {
        pids: [0x21, 0x31, 0x41, 0x51],
        base: 5_000_000_000,
        ..Make::plain(700 * MS)
    }
}

#[test]
fn a_good_backup_passes_and_nobody_has_noticed() {
    let report = drill(other(), |_| {});
    assert!(report.passed, "{report:#?}");
    assert_eq!(report.gap, Duration::ZERO);
    assert!(report.silence <= 45 * MS, "{report:#?}");
    assert!(report.decided_after <= 200 * MS, "{report:#?}");
    // Its key frame is at most one group old.
    assert!(report.repeated <= SECOND + 100 * MS, "{report:#?}");
}

#[test]
fn a_backup_in_another_size_is_told_with_both_formats() {
    let mut backup = other();
    backup.look.size = (40, 30);
    let report = drill(backup, |_| {});
    assert!(!report.passed);
    let said = report.problems.join("\n");
    assert!(
        said.contains("1280x720") && said.contains("640x480"),
        "{report:#?}"
    );
}

#[test]
fn a_backup_that_is_gone_is_told_as_darkness() {
    let report = drill(other(), |world| {
        world.trouble(1, What::Gone, Duration::ZERO, 60 * SECOND);
        world.run(2 * SECOND);
    });
    assert!(!report.passed);
    assert_eq!(report.would, "viewers would have lost the picture");
}
