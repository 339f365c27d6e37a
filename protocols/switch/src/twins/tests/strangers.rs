//! Who is no twin, and who no more.

use super::stream::{Leg, Shape, difference, run, stream};
use crate::twins::Merge;

const COUNT: usize = 16_000;

#[test]
fn two_encodings_of_one_picture_with_the_same_sound_are_never_merged() {
    let a = stream(&Shape::PLAIN, COUNT);
    let b = stream(
        &Shape {
            picture: 2,
            ..Shape::PLAIN
        },
        COUNT,
    );
    let mut merge = Merge::new(2, super::stream::KEY);
    let legs = [
        (&a[..], Leg::whole(COUNT, 5, 200)),
        (&b[..], Leg::whole(COUNT, 9, 200)),
    ];
    let rows = run(&mut merge, &legs, |_, merge| {
        assert_eq!(merge.twins(0).count(), 0)
    });
    assert_eq!(difference(&rows[0], &a), None);
    assert_eq!(difference(&rows[1], &b), None);
}

#[test]
fn legs_that_differ_in_what_only_fills_are_twins() {
    let a = stream(&Shape::PLAIN, COUNT);
    let mut b = Vec::new();
    for sent in &a {
        b.push(*sent);
        let mut null = *sent;
        null.bytes[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        null.bytes[4..].fill(0xFF);
        b.push(null);
    }
    let mut merge = Merge::new(2, super::stream::KEY);
    let mut leg = Leg::whole(2 * COUNT, 5, 200);
    leg.chunk = 14;
    let legs = [(&a[..], Leg::whole(COUNT, 5, 200)), (&b[..], leg)];
    let rows = run(&mut merge, &legs, |_, _| {});
    assert_eq!(merge.twins(0).collect::<Vec<_>>(), [1]);
    let without: Vec<_> = rows[0]
        .iter()
        .filter(|it| it.1.packet[1] != 0x1F)
        .cloned()
        .collect();
    assert_eq!(difference(&without, &a), None);
}

#[test]
fn a_twin_that_goes_its_own_way_is_let_go() {
    let a = stream(&Shape::PLAIN, COUNT);
    let mut b = stream(
        &Shape {
            picture: 2,
            sound: 2,
            ..Shape::PLAIN
        },
        COUNT,
    );
    b[..4000].copy_from_slice(&a[..4000]);
    let mut merge = Merge::new(2, super::stream::KEY);
    let legs = [
        (&a[..], Leg::whole(COUNT, 5, 200)),
        (&b[..], Leg::whole(COUNT, 30, 200)),
    ];
    let mut were_twins = false;
    let rows = run(&mut merge, &legs, |_, merge| {
        were_twins |= merge.are_twins(0, 1)
    });
    assert!(were_twins && !merge.are_twins(0, 1));
    for (row, sent) in rows.iter().zip([&a, &b]) {
        let end = &row[row.len() - 1000..];
        assert!(
            end.iter()
                .zip(&sent[COUNT - 1000..])
                .all(|(is, should)| is.1.packet == should.bytes)
        );
    }
}

#[test]
fn an_encoder_that_comes_back_with_something_else_gets_its_own_lane_again() {
    let a = stream(&Shape::PLAIN, COUNT);
    let mut again = stream(
        &Shape {
            picture: 2,
            sound: 2,
            ..Shape::PLAIN
        },
        COUNT,
    );
    again[..3000].copy_from_slice(&a[..3000]);
    let mut merge = Merge::new(2, super::stream::KEY);
    let legs = [
        (&again[..], Leg::whole(COUNT, 5, 200).without(3000..4000)),
        (&a[..], Leg::whole(COUNT, 5, 200)),
    ];
    let rows = run(&mut merge, &legs, |_, _| {});
    assert!(!merge.are_twins(0, 1));
    assert_eq!(difference(&rows[1], &a), None);
    let row = &rows[0];
    let fresh: Vec<_> = (0..row.len()).filter(|at| row[*at].1.fresh).collect();
    assert_eq!(fresh.len(), 1);
    assert_eq!(difference(&row[..fresh[0]].to_vec(), &a[..fresh[0]]), None);
    let rest = row[fresh[0]..].to_vec();
    assert_eq!(difference(&rest, &again[COUNT - rest.len()..]), None);
}
