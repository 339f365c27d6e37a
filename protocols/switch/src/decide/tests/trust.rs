use super::scene::{MS, SECOND, Show, by};
use crate::decide::*;
use crate::order::OnAir;

/// Three automatic switches, the last to `phone`.
fn latched() -> Show {
    let mut show = Show::running(|_| {});
    show.dies(0);
    show.run(SECOND);
    show.dies(1);
    show.run(SECOND);
    show.recovers(0);
    show.run(10 * SECOND);
    show.dies(2);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.recovers(1);
    show.recovers(2);
    show.run(5 * SECOND);
    show
}

#[test]
fn three_automatic_switches_in_five_minutes_latch_and_alarm() {
    let mut show = latched();
    assert!(show.decide.is_latched());
    let told = show.steps();
    assert_eq!(
        told.iter().filter(|step| **step == Step::Latched).count(),
        1
    );
    show.fires(0, "continuity", Fault::Damaged);
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    assert!(
        show.last().text.contains("somebody has to look"),
        "{}",
        show.last().text
    );
}

#[test]
fn three_automatic_switches_over_a_longer_time_do_not_latch() {
    let mut show = Show::running(|_| {});
    for round in 0..12 {
        let on_air = show.on_air.input().expect("an input");
        show.dies(on_air);
        show.run(SECOND);
        show.recovers(on_air);
        show.run(150 * SECOND);
        assert!(!show.decide.is_latched(), "after round {round}");
    }
    assert_eq!(show.decide.counts().automatic_switches, 12);
}

#[test]
fn while_latched_darkness_ends_only_for_an_input_that_was_clean_for_long() {
    let mut show = latched();
    show.dies(0);
    show.run(20 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert!(show.decide.is_latched());
}

#[test]
fn while_latched_the_slate_covers_darkness_and_gives_way_to_the_same_input() {
    let mut show = latched();
    show.slate_ready = true;
    show.dies(0);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.recovers(0);
    show.run(4 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_take_a_return_an_unlock_or_a_hold_let_go_releases_the_latch() {
    let commands: [fn(&mut Show); 4] = [
        |show| assert!(show.take(1).is_ok()),
        // It stands on the first of the order: nothing to do, but somebody has looked.
        |show| assert!(show.decide.return_home(show.now, None).is_err()),
        |show| show.decide.unlock(show.now, by("ada")),
        |show| show.decide.hold(show.now, false, by("ada")),
    ];
    for command in commands {
        let mut show = latched();
        command(&mut show);
        assert!(!show.decide.is_latched());
        show.run(SECOND);
        let input = show.on_air.input().expect("an input");
        show.dies(input);
        show.run(SECOND);
        assert_ne!(show.on_air, OnAir::Input(input));
    }
}

#[test]
fn a_lock_is_moved_by_nothing() {
    let mut show = Show::running(|rules| rules.return_to = Return::Auto);
    show.decide.lock(show.now, by("ada"));
    assert_eq!(show.take(1), Err(Refusal::Locked));
    let forced = show.decide.take(show.now, OnAir::Input(1), true, None);
    assert_eq!(forced, Err(Refusal::Locked));
    assert_eq!(
        show.decide.return_home(show.now, None),
        Err(Refusal::Locked)
    );
    show.dies(0);
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    assert!(show.orders.is_empty());
    assert_eq!(show.steps(), [Step::Set, Step::Stayed]);
    show.decide.unlock(show.now, by("ada"));
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn a_locked_program_is_covered_by_the_slate_and_comes_back_to_the_same_input() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.decide.lock(show.now, None);
    show.dies(0);
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.recovers(0);
    show.run(4 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_hold_stops_the_automatic_and_lets_takes_through() {
    let mut show = Show::running(|_| {});
    show.decide.hold(show.now, true, by("ada"));
    show.dies(0);
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.take(2).expect("takes work");
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
    assert_eq!(show.last().by, by("ada"));
    show.dies(2);
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));
    show.decide.hold(show.now, false, by("ada"));
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn a_lock_takes_back_an_automatic_order_but_not_what_was_taken_before() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.dies(0);
    show.step();
    show.decide.lock(show.now, None);
    show.step();
    assert_eq!(show.decide.next(), None);
    show.decide.unlock(show.now, None);
    show.recovers(0);
    show.run(SECOND);
    show.take(1).expect("it is ready");
    show.decide.lock(show.now, None);
    show.run(SECOND);
    assert_eq!(show.decide.next(), Some(OnAir::Input(1)));
}
