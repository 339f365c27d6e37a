use std::time::Duration as Span;

use super::scene::{MS, SECOND, Show, fine};
use crate::decide::*;
use crate::order::OnAir;

/// The second was on air before the restart, locked or held; the others are fine.
fn restarted(locked: bool, change: impl FnOnce(&mut Rules)) -> Show {
    let mut show = Show::new(change);
    show.decide.hold(show.now, true, None);
    show.decide.expect(1, locked);
    show.views[0] = fine();
    show.views[2] = fine();
    show
}

#[test]
fn nothing_goes_on_air_before_what_was_there_before_a_restart() {
    let mut show = restarted(true, |_| {});
    show.run(60 * SECOND);
    assert!(show.orders.is_empty(), "{:?}", show.orders);
    show.views[1] = fine();
    show.run(20 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn the_slate_covers_the_time_until_it_is_back() {
    let mut show = restarted(true, |_| {});
    show.slate_ready = true;
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.views[1] = fine();
    show.run(20 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn an_operator_takes_another_meanwhile_or_lets_the_program_go() {
    let mut show = restarted(false, |_| {});
    show.run(SECOND);
    show.take(2).expect("it is ready");
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));

    let mut show = restarted(true, |_| {});
    show.run(SECOND);
    show.decide.unlock(show.now, None);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn the_schedule_goes_by_the_lock_that_is_still_to_be_put_back() {
    let at = Show::new(|_| {}).wall() + Span::from_secs(10);
    let entry = ScheduledTake {
        at,
        take: OnAir::Input(0),
    };
    let mut show = restarted(true, |rules| rules.schedule.push(entry));
    show.run(11 * SECOND);
    assert!(show.orders.is_empty());
    assert_eq!(show.last().step, Step::Missed);

    // A hold lets takes through, once it is back.
    let mut show = restarted(false, |rules| rules.schedule.push(entry));
    show.run(11 * SECOND);
    assert!(show.orders.is_empty());
    show.views[1] = fine();
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn what_is_back_after_a_restart_is_not_returned_from() {
    let mut show = restarted(true, |rules| rules.return_to = Return::Auto);
    show.views[1] = fine();
    show.run(SECOND);
    show.decide.hold(show.now, false, None);
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
}
