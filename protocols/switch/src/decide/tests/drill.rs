use super::scene::{MS, SECOND, Show, by, to};
use crate::decide::*;
use crate::order::{How, OnAir};

#[test]
fn a_drill_on_air_takes_the_way_of_a_real_silence_and_says_how_it_went() {
    let mut show = Show::running(|_| {});
    assert_eq!(show.decide.drill_on_air(show.now, by("ada")), Ok(0));
    assert_eq!(show.decide.muted(), Some(0));
    show.run(140 * MS);
    assert!(show.orders.is_empty());
    show.run(20 * MS);
    assert_eq!(show.orders, [to(1, How::Starved)]);
    show.run(9 * SECOND);
    assert_eq!(show.aired(), [(OnAir::Input(1), "drill")]);
    show.run(SECOND);
    assert_eq!(show.decide.muted(), None);
    let ended = show.last();
    assert_eq!(
        (ended.step, ended.by.clone()),
        (Step::DrillPassed, by("ada"))
    );
    assert_eq!(
        ended.text,
        "main was cut for 10 s: backup took over, decided 150 ms after the last packet"
    );
    // The backup keeps the program until it is returned.
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn a_drill_on_air_tells_what_it_cuts_until_when_and_who_asked_until_it_is_over() {
    let mut show = Show::running(|_| {});
    assert_eq!(show.decide.drill_under_way(), None);
    let begun = show.now;
    show.decide.drill_on_air(begun, by("ada")).expect("a drill");
    let told = DrillUnderWay {
        input: 0,
        since: begun,
        ends: begun + DRILL_ON_AIR,
        by: by("ada"),
    };
    assert_eq!(show.decide.drill_under_way(), Some(told.clone()));
    // Also when another input is on air long since.
    show.run(9 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert_eq!(show.decide.drill_under_way(), Some(told));
    show.run(SECOND);
    assert_eq!(show.decide.drill_under_way(), None);
}

#[test]
fn taking_what_a_drill_cuts_ends_it_and_brings_it_back() {
    let mut show = Show::running(|_| {});
    show.decide.drill_on_air(show.now, None).expect("a drill");
    show.run(2 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.decide
        .take(show.now, OnAir::Input(0), false, by("ada"))
        .expect("main is well");
    assert_eq!(show.decide.drill_under_way(), None);
    show.drain();
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn drills_do_not_count_towards_the_latch() {
    let mut show = Show::running(|_| {});
    for _ in 0..5 {
        show.decide.drill_on_air(show.now, None).expect("a drill");
        show.run(20 * SECOND);
        assert_eq!(show.on_air, OnAir::Input(1));
        show.decide
            .return_home(show.now, None)
            .expect("main is back");
        show.drain();
        show.run(SECOND);
    }
    assert!(!show.decide.is_latched());
}

#[test]
fn a_drill_that_would_end_in_darkness_is_refused() {
    let mut show = Show::running(|_| {});
    show.dies(1);
    show.fires(2, "continuity", Fault::Damaged);
    show.step();
    let refusal = show.decide.drill_on_air(show.now, None).expect_err("no");
    assert_eq!(refusal.code(), "none_to_take_over");
    assert_eq!(
        refusal.to_string(),
        "no other input is ready to take over: backup: no packets, it delivers nothing; phone: continuity"
    );
}

#[test]
fn there_is_one_drill_at_a_time_and_none_while_the_automatic_is_off() {
    let mut show = Show::running(|_| {});
    show.decide.hold(show.now, true, None);
    assert_eq!(show.decide.may_drill(show.now), Err(Refusal::AutomaticOff));
    show.decide.hold(show.now, false, None);
    show.decide.lock(show.now, None);
    assert_eq!(show.decide.may_drill(show.now), Err(Refusal::Locked));
    show.decide.unlock(show.now, None);
    show.decide.drill_on_air(show.now, None).expect("a drill");
    assert_eq!(show.decide.may_drill(show.now), Err(Refusal::DrillUnderWay));
}

#[test]
fn a_lock_during_a_drill_keeps_the_program_and_the_drill_says_that_nothing_took_over() {
    let mut show = Show::running(|_| {});
    show.decide.drill_on_air(show.now, None).expect("a drill");
    show.decide.lock(show.now, None);
    show.step();
    assert_eq!(show.decide.muted(), None);
    assert_eq!(
        show.last().text,
        "main was cut for 0 ms only, as the program was locked, and nothing took over"
    );
    show.run(11 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_drill_ends_at_once_when_what_took_over_dies_and_there_is_nothing_else() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.dies(2);
    show.decide.drill_on_air(show.now, None).expect("a drill");
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.dies(1);
    show.run(20 * MS);
    assert_eq!(show.decide.muted(), None);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_hold_ends_a_drill() {
    let mut show = Show::running(|_| {});
    show.decide.drill_on_air(show.now, None).expect("a drill");
    show.decide.hold(show.now, true, None);
    show.step();
    assert_eq!(show.decide.muted(), None);
}

#[test]
fn what_a_drill_cuts_may_be_taken_or_returned_to_and_the_drill_ends() {
    let mut show = Show::running(|_| {});
    for is_return in [false, true] {
        show.decide.drill_on_air(show.now, None).expect("a drill");
        show.run(SECOND);
        assert_eq!(show.on_air, OnAir::Input(1));
        let asked = if is_return {
            show.decide.return_home(show.now, None)
        } else {
            show.take(0)
        };
        assert_eq!(asked, Ok(Accepted::Ordered(OnAir::Input(0))));
        show.drain();
        assert_eq!(show.decide.muted(), None);
        show.run(SECOND);
        assert_eq!(show.on_air, OnAir::Input(0));
    }
}
