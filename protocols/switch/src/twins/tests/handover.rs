//! Taking turns.

use super::stream::{Dice, Leg, Row, Shape, difference, run, stream};
use crate::twins::Merge;
use tidegate_units::Duration;

#[test]
fn twins_change_places_at_any_packet_and_the_row_goes_on() {
    let count = 20_000;
    let sent = stream(&Shape::PLAIN, count);
    let legs = [Leg::whole(count, 5, 200), Leg::whole(count, 40, 250)];
    let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
    let mut merge = Merge::new(2, super::stream::KEY);
    // Known as twins after a while, then once in 37 ms.
    let turn = |millis: u64| millis.checked_sub(11_000).map_or(0, |past| past / 37);
    let rows = run(&mut merge, &legs, |now, merge| {
        let millis = now.as_micros() / 1000;
        if turn(millis) != turn(millis + 1) {
            merge.swap(0, 1);
        }
    });
    let mut all: Row = Vec::new();
    for (lane, row) in rows.into_iter().enumerate() {
        let on_air = |millis: u64| turn(millis) % 2 == lane as u64;
        all.extend(row.into_iter().filter(|it| on_air(it.0.as_micros() / 1000)));
    }
    all.sort_by_key(|it| it.0);
    assert_eq!(difference(&all, &sent), None);
}

#[test]
fn legs_that_are_cut_in_turn_for_ever_leave_the_times_where_they_were() {
    let count = 240_000;
    let sent = stream(&Shape::PLAIN, count);
    let mut legs = [Leg::whole(count, 5, 300), Leg::whole(count, 35, 300)];
    for leg in &mut legs {
        leg.jitter = Duration::from_millis(3);
    }
    let mut at = 2000;
    let mut dice = Dice(4);
    for turn in 0.. {
        let length = 100 + dice.roll() as usize % 300;
        if at + length + 3000 > count {
            assert!(turn > 400, "{turn} cuts");
            break;
        }
        legs[turn % 2].carries[at..at + length].fill(false);
        at += length + 300;
    }
    let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
    let mut merge = Merge::new(2, super::stream::KEY);
    let rows = run(&mut merge, &legs, |_, _| {});
    for row in &rows {
        assert_eq!(difference(row, &sent), None);
        let late = |at: usize| row[at].1.due.micros_from(sent[at].at);
        let moved = late(count - 1) - late(0);
        assert!(moved.abs() < 5000, "{moved} µs");
    }
}

#[test]
fn a_twin_that_begins_anew_leaves_the_row_of_the_other_as_it_is_however_far_it_was_ahead() {
    let count = 12_000;
    let sent = stream(&Shape::PLAIN, count);
    for latency in [0, 60, 300] {
        for (own, other) in [(60, 5), (200, 5), (5, 60), (5, 5)] {
            for lost in [0..0, 5_100..5_150, 5_900..6_020] {
                // With little latency nothing waits for what is slower.
                if latency < 100 && own < other && !lost.is_empty() {
                    continue;
                }
                let what = format!("{latency} {own} {other} {lost:?}");
                let legs = [
                    Leg::whole(count, own, latency).without(lost),
                    Leg::whole(count, other, latency),
                ];
                let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
                let mut merge = Merge::new(2, super::stream::KEY);
                // The other has brought thirty packets more than its own input lacks.
                let begins_anew = sent[6_050].at + Duration::from_millis(other);
                let mut were_twins = false;
                let rows = run(&mut merge, &legs, |now, merge| {
                    if now == begins_anew {
                        were_twins = merge.are_twins(0, 1);
                        merge.restart(now, 1);
                    }
                });
                assert!(were_twins && merge.are_twins(0, 1), "{what}");
                assert!(rows[0].iter().all(|it| !it.1.fresh), "{what}");
                assert_eq!(difference(&rows[0], &sent), None, "{what}");
            }
        }
    }
}

#[test]
fn one_may_come_back_at_the_very_packet_at_which_the_other_ends() {
    let count = 12_000;
    let sent = stream(&Shape::PLAIN, count);
    for (a, b) in [(5, 5), (5, 60), (60, 5)] {
        let legs = [
            Leg::whole(count, a, 300).without(4998..8000),
            Leg::whole(count, b, 300).without(3003..4998),
        ];
        let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
        let mut merge = Merge::new(2, super::stream::KEY);
        let rows = run(&mut merge, &legs, |_, _| {});
        assert_eq!(difference(&rows[0], &sent), None, "{a} {b}");
        assert_eq!(difference(&rows[1], &sent), None, "{a} {b}");
    }
}

#[test]
fn without_latency_a_slower_twin_goes_on_where_the_faster_is_cut() {
    let count = 12_000;
    let sent = stream(&Shape::PLAIN, count);
    for (a, b) in [(5, 5), (5, 60), (60, 5)] {
        let legs = [
            Leg::whole(count, a, 0).without(4998..6000),
            Leg::whole(count, b, 0).without(8001..9000),
        ];
        let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
        let mut merge = Merge::new(2, super::stream::KEY);
        let rows = run(&mut merge, &legs, |_, _| {});
        for row in &rows {
            assert_eq!(difference(row, &sent), None, "{a} {b}");
        }
    }
}
