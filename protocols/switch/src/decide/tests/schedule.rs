use std::time::Duration as Span;

use super::scene::{MS, SECOND, Show};
use crate::decide::*;
use crate::order::OnAir;

/// Shows start at this time and have run for a minute.
fn scheduled(entries: &[(u64, OnAir)]) -> Show {
    let start = Show::new(|_| {}).wall() + Span::from_secs(60);
    Show::running(|rules| {
        let entries = entries.iter().map(|(after, take)| ScheduledTake {
            at: start + Span::from_secs(*after),
            take: *take,
        });
        rules.schedule = entries.collect();
    })
}

#[test]
fn a_scheduled_take_happens_at_its_time() {
    let mut show = scheduled(&[(10, OnAir::Input(1)), (20, OnAir::Input(0))]);
    show.run(9_900 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.run(200 * MS);
    assert_eq!(show.aired(), [(OnAir::Input(1), "schedule")]);
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    assert_eq!(show.decide.next_scheduled(), None);
    assert_eq!(show.decide.counts().automatic_switches, 0);
}

#[test]
fn it_waits_a_minute_for_an_input_that_is_not_ready() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.dies(1);
    show.run(40 * SECOND);
    show.recovers(1);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn after_a_minute_it_is_missed_and_says_why() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.dies(1);
    show.run(80 * SECOND);
    assert_eq!(show.steps(), [Step::Missed]);
    assert!(
        show.last().text.contains("no packets"),
        "{}",
        show.last().text
    );
    show.recovers(1);
    show.run(80 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_lock_outweighs_the_schedule() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.decide.lock(show.now, None);
    show.run(11 * SECOND);
    assert_eq!(show.last().step, Step::Missed);
    show.decide.unlock(show.now, None);
    show.run(10 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn what_was_due_long_before_the_program_began_is_not_made_up_for() {
    let start = Show::new(|_| {}).wall();
    let mut show = Show::running(|rules| {
        rules.schedule = vec![ScheduledTake {
            at: start - Span::from_secs(600),
            take: OnAir::Input(1),
        }];
    });
    show.run(SECOND);
    assert!(show.decisions.is_empty());
}

#[test]
fn of_several_that_are_due_at_once_the_last_counts() {
    let mut show = scheduled(&[(12, OnAir::Input(2)), (11, OnAir::Input(1))]);
    show.now += 20 * SECOND;
    show.run(100 * MS);
    assert_eq!(show.aired(), [(OnAir::Input(2), "schedule")]);
}

#[test]
fn a_schedule_that_is_changed_does_nothing_twice() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.run(11 * SECOND);
    show.take(0).expect("it is ready");
    show.run(SECOND);
    let mut rules = show.decide.rules().clone();
    rules.schedule.push(ScheduledTake {
        at: show.wall() + Span::from_secs(10),
        take: OnAir::Input(2),
    });
    show.decide.set_rules(rules);
    show.run(5 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.run(6 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));
}
