use std::time::Duration as Span;

use super::scene::{MS, SECOND, Show, fine};
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

/// What was told as missed, and why.
fn missed(show: &Show) -> Vec<(OnAir, &str)> {
    let missed = show.decisions.iter();
    let missed = missed.filter(|decision| decision.step == Step::Missed);
    let reason = |text: &'_ str| {
        text.split_once("was not done: ")
            .map(|(_, reason)| reason.len())
    };
    missed
        .map(|decision| {
            let text = &*decision.text;
            let length = reason(text).expect("it says why");
            (decision.to, &text[text.len() - length..])
        })
        .collect()
}

const OVERTAKEN: &str = "the one of phone was due as well, and came after it";

#[test]
fn of_several_that_are_due_at_once_the_last_counts_and_the_others_are_told() {
    let mut show = scheduled(&[(12, OnAir::Input(2)), (11, OnAir::Input(1))]);
    show.now += 20 * SECOND;
    show.run(100 * MS);
    assert_eq!(show.aired(), [(OnAir::Input(2), "schedule")]);
    assert_eq!(missed(&show), [(OnAir::Input(1), OVERTAKEN)]);
}

#[test]
fn of_two_at_the_same_time_the_one_that_stands_last_counts_and_the_other_is_told() {
    let mut show = scheduled(&[
        (10, OnAir::Input(1)),
        (10, OnAir::Input(2)),
        (10, OnAir::Input(2)),
    ]);
    show.run(11 * SECOND);
    assert_eq!(show.aired(), [(OnAir::Input(2), "schedule")]);
    assert_eq!(missed(&show), [(OnAir::Input(1), OVERTAKEN)]);
    let last = show.decide.last_missed().expect("one");
    assert_eq!((&*last.take, &*last.reason), ("backup", OVERTAKEN));
}

#[test]
fn one_that_waits_for_its_input_is_told_when_the_next_one_comes() {
    let mut show = scheduled(&[(10, OnAir::Input(1)), (20, OnAir::Input(2))]);
    show.dies(1);
    show.run(21 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));
    assert_eq!(missed(&show), [(OnAir::Input(1), OVERTAKEN)]);
}

#[test]
fn what_a_clock_leaps_over_is_told_and_what_it_comes_to_again_is_not_done_twice() {
    let mut show = scheduled(&[(10, OnAir::Input(1)), (500, OnAir::Input(2))]);
    show.now += 400 * SECOND;
    show.run(100 * MS);
    assert_eq!(missed(&show), [(OnAir::Input(1), "too late")]);
    show.run(101 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));
    let seen = show.decide.schedule_seen();
    show.take(0).expect("it is ready");
    let back = show.wall() - Span::from_secs(60);
    let scene = Scene {
        on_air: show.on_air,
        is_starved: false,
        is_over: false,
        inputs: &show.views,
        slate_ready: false,
    };
    show.decide.step(show.now, back, scene);
    assert_eq!(show.decide.next_scheduled(), None);
    assert_eq!(show.decide.schedule_seen(), seen);
}

/// The same program, begun anew so many seconds later.
fn restarted(before: &Show, after: u32) -> Show {
    let rules = before.decide.rules().clone();
    let mut show = Show::new(|new| *new = rules);
    let seen = before.decide.schedule_seen().expect("it has a schedule");
    show.decide.resume_schedule(seen);
    show.now = before.now + after * SECOND;
    show.views = vec![fine(); 3];
    show
}

#[test]
fn after_a_restart_nothing_is_done_twice() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.run(11 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    let mut again = restarted(&show, 5);
    again.run(60 * SECOND);
    assert_eq!(again.on_air, OnAir::Input(0));
    assert_eq!(missed(&again), []);
}

#[test]
fn what_was_due_while_the_program_did_not_run_is_told_or_made_up_for_within_a_minute() {
    let mut show = scheduled(&[(10, OnAir::Input(1)), (400, OnAir::Input(2))]);
    show.run(SECOND);
    let mut again = restarted(&show, 420);
    again.run(10 * SECOND);
    assert_eq!(again.on_air, OnAir::Input(2));
    let reason = "the switch did not run at its time";
    assert_eq!(missed(&again), [(OnAir::Input(1), reason)]);
}

#[test]
fn an_entry_that_was_over_when_it_was_set_is_told() {
    let mut show = scheduled(&[(10, OnAir::Input(1))]);
    show.run(11 * SECOND);
    let mut rules = show.decide.rules().clone();
    rules.schedule.push(ScheduledTake {
        at: show.wall() - Span::from_secs(5),
        take: OnAir::Input(2),
    });
    show.decide.set_rules(rules);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    let reason = "its time had passed when it was set";
    assert_eq!(missed(&show), [(OnAir::Input(2), reason)]);
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
