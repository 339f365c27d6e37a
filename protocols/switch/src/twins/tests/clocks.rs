//! Legs behind devices that set the clock references anew.

use super::losses::lossy;
use super::stream::{
    Bytes188, Clocks, Dice, Leg, Row, Sent, Shape, clock, difference, run, stream, with_clock_anew,
    without_clocks,
};
use crate::twins::{Merge, Merged};
use tidegate_units::Instant;

const COUNT: usize = 12_000;

fn shape(clocks: Clocks) -> Shape {
    Shape {
        clocks,
        ..Shape::PLAIN
    }
}

/// A lane, with no clock reference saying anything.
fn timeless(row: &Row) -> Row {
    let mut row = row.clone();
    for (_, merged) in &mut row {
        let sent = Sent {
            bytes: merged.packet,
            at: merged.arrived,
        };
        merged.packet = without_clocks(&[sent])[0].bytes;
    }
    row
}

#[track_caller]
fn assert_whole(row: &Row, sent: &[Sent], what: &str) {
    let row = timeless(row);
    if let Some(difference) = difference(&row, &without_clocks(sent)) {
        panic!("{what}: {difference}");
    }
    assert!(row.iter().all(|it| !it.1.fresh), "{what}");
}

#[track_caller]
fn assert_clock_goes_on(row: &[(Instant, Merged<Bytes188>)], what: &str) {
    let clocks: Vec<_> = row.iter().filter_map(|it| clock(&it.1.packet)).collect();
    for pair in clocks.windows(2) {
        let step = pair[1] - pair[0];
        assert!((1..=50_000).contains(&step), "{what}: {pair:?}");
    }
}

#[test]
fn legs_that_differ_only_in_their_clock_complete_each_other() {
    for clocks in [Clocks::Along, Clocks::Alone] {
        for seed in 0..12 {
            let what = format!("{clocks:?} {seed}");
            let a = stream(&shape(clocks), COUNT);
            let b = with_clock_anew(&a, |number| 1_500 + number as i64 * 31 % 900);
            let mut legs = [
                Leg::whole(COUNT, 5, 300),
                Leg::whole(COUNT, 5 + 13 * seed, 300),
            ];
            lossy(&mut Dice(seed), &mut legs, &a, seed % 2 == 0);
            let [first, second] = legs;
            let mut merge = Merge::new(2, super::stream::KEY);
            let rows = run(&mut merge, &[(&a, first), (&b, second)], |_, _| {});
            assert!(merge.are_twins(0, 1), "{what}");
            for row in &rows {
                assert_whole(row, &a, &what);
                assert_clock_goes_on(row, &what);
            }
        }
    }
}

#[test]
fn legs_whose_clocks_are_far_apart_are_no_twins() {
    for clocks in [Clocks::Along, Clocks::Alone] {
        for off in [-2_000_000, -30_000, 12_000, 700_000] {
            let a = stream(&shape(clocks), COUNT);
            let b = with_clock_anew(&a, |_| 5_000_000 + off);
            let a = with_clock_anew(&a, |_| 5_000_000);
            let mut merge = Merge::new(2, super::stream::KEY);
            let legs = [
                (&a[..], Leg::whole(COUNT, 5, 200)),
                (&b[..], Leg::whole(COUNT, 9, 200)),
            ];
            let rows = run(&mut merge, &legs, |_, merge| {
                assert_eq!(merge.twins(0).count(), 0, "{clocks:?} {off}");
            });
            assert_eq!(difference(&rows[0], &a), None);
            assert_eq!(difference(&rows[1], &b), None);
        }
    }
}

#[test]
fn a_twin_whose_clock_leaps_is_let_go_and_nothing_is_lost_or_doubled() {
    for clocks in [Clocks::Along, Clocks::Alone] {
        for off in [-400_000, -12_000, 7_000, 17_000, 900_000] {
            let what = format!("{clocks:?} {off}");
            let a = stream(&shape(clocks), COUNT);
            let b = with_clock_anew(&a, |number| if number < 6_000 { 0 } else { off });
            let mut merge = Merge::new(2, super::stream::KEY);
            merge.set_on_air(Some(0));
            let legs = [
                (&a[..], Leg::whole(COUNT, 5, 200)),
                (&b[..], Leg::whole(COUNT, 9, 200)),
            ];
            let mut were_twins = false;
            let rows = run(&mut merge, &legs, |now, merge| {
                were_twins |= merge.are_twins(0, 1);
                assert_eq!(merge.leaves_for(now), None, "{what}");
            });
            assert!(were_twins && !merge.are_twins(0, 1), "{what}");
            if clocks == Clocks::Alone && off.abs() < 15_000 {
                // So little may be what one of them lacks, at first.
                for row in &rows {
                    assert!(row.len() <= a.len() + 4, "{what}: {}", row.len());
                }
                assert_clock_goes_on(&rows[0][7_000..], &what);
                continue;
            }
            // Its own clock stays the one of the lane on air.
            assert_clock_goes_on(&rows[0], &what);
            assert_whole(&rows[0], &a, &what);
            assert_whole(&rows[1], &a, &what);
        }
    }
}

#[test]
fn what_is_held_back_of_a_leg_is_nobodys_place() {
    for is_on_its_own in [false, true] {
        let sent = stream(&shape(Clocks::Alone), COUNT);
        let mut merge = Merge::new(2, super::stream::KEY);
        let legs = [
            (&sent[..2_000], Leg::whole(2_000, 5, 200)),
            (&sent[..2_000], Leg::whole(2_000, 9, 200)),
        ];
        // Twins, which have handed on all that came.
        let _ = run(&mut merge, &legs, |_, _| {});
        let lane = &mut merge.lanes[0];
        let last = lane.chain.last().expect("a row");
        // One of them has one packet more, and what it brings behind it is another stream; while
        // packets were handed on, that one was found in what the other had brought.
        let index = merge.inputs[0].end() - 1;
        let brought = merge.inputs[0].get(index).expect("a packet");
        let new = lane.node(0, index + 1, brought);
        let new = lane.chain.append(new);
        lane.leg_mut(0).expect("a leg").cursor = Some(new);
        lane.anchors.push_back((1, index, new));
        let now = brought.arrived;
        lane.leg_mut(1).expect("a leg").came = Some(now);
        if is_on_its_own {
            lane.remove(1, &merge.inputs);
        } else {
            lane.hold_back(now, 0, index + 1, index + 2);
            assert_eq!(lane.chain.last(), Some(last));
        }
        assert!(lane.anchors.is_empty());
    }
}
