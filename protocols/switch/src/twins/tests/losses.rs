//! Nothing is lost or doubled as long as one leg has it.

use super::stream::{Bytes188, Dice, Leg, SOUND, Sent, Shape, VIDEO, difference, run, stream};
use crate::twins::Merge;
use proptest::prelude::*;

const COUNT: usize = 12_000;

/// All lanes hand on the original after they were joined, whose first part each got whole.
fn assert_whole(sent: &[Sent], legs: &[Leg], lanes: &[usize]) {
    let mut merge = Merge::new(legs.len(), super::stream::KEY);
    let with: Vec<_> = legs.iter().map(|leg| (sent, leg.clone())).collect();
    let rows = run(&mut merge, &with, |_, _| {});
    for lane in lanes {
        if let Some(difference) = difference(&rows[*lane], sent) {
            panic!("lane {lane}: {difference}");
        }
        assert!(rows[*lane].iter().all(|it| !it.1.fresh));
    }
}

#[test]
fn a_hole_is_filled_from_the_twin() {
    let sent = stream(&Shape::PLAIN, COUNT);
    let legs = [
        Leg::whole(COUNT, 5, 200).without(6000..6007),
        Leg::whole(COUNT, 5, 200).without(8001..8011),
    ];
    assert_whole(&sent, &legs, &[0, 1]);
}

#[test]
fn a_leg_that_is_cut_is_continued_and_comes_back() {
    let sent = stream(&Shape::PLAIN, COUNT);
    let legs = [
        Leg::whole(COUNT, 5, 300).without(3000..4003),
        Leg::whole(COUNT, 60, 300).without(7000..7999),
    ];
    assert_whole(&sent, &legs, &[0, 1]);
}

#[test]
fn a_burst_that_no_counter_shows_is_filled() {
    let sent = stream(
        &Shape {
            sound: 1,
            ..Shape::PLAIN
        },
        COUNT,
    );
    // Sixteen of one PID and none of another.
    let mut leg = Leg::whole(COUNT, 5, 300);
    let video = |number: &usize| sent[*number].bytes[2] == 0 && sent[*number].bytes[1] == 1;
    for number in (6000..).filter(video).take(16) {
        leg.carries[number] = false;
    }
    for delay in [0, 5, 80] {
        let legs = [leg.clone(), Leg::whole(COUNT, delay, 300)];
        assert_whole(&sent, &legs, &[0, 1]);
    }
}

/// Marks what each leg loses: bursts as a network and an operator make them, but never the same
/// packet on all legs, and none before the legs are known to be twins.
pub(super) fn lossy(dice: &mut Dice, legs: &mut [Leg], sent: &[Sent], cuts: bool) {
    let mut at = 1500;
    while at < sent.len() - 1500 {
        let leg = dice.roll() as usize % legs.len();
        let length = match dice.roll() % 6 {
            0 => 1,
            1 => 7,
            2 => 16,
            3 => dice.roll() as usize % 40,
            4 => dice.roll() as usize % 200,
            _ if cuts => 200 + dice.roll() as usize % 1500,
            _ => 3,
        };
        let end = (at + length).min(sent.len() - 1000);
        legs[leg].carries[at..end].fill(false);
        at = end + 40 + dice.roll() as usize % 400;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_losses_on_two_legs_leave_the_original(seed: u64, skew in 0_u64..150, back: bool, cuts: bool, chunk in 1_usize..9) {
        let sent = stream(&Shape { stuffing: seed.is_multiple_of(3).then_some(6), ..Shape::PLAIN }, COUNT);
        let mut legs = [Leg::whole(COUNT, 5, 300), Leg::whole(COUNT, 5 + skew, 300)];
        legs[1].chunk = chunk;
        if back {
            legs.swap(0, 1);
        }
        lossy(&mut Dice(seed), &mut legs, &sent, cuts);
        assert_whole(&sent, &legs, &[0, 1]);
    }

    #[test]
    fn any_losses_on_three_legs_leave_every_pid_as_it_was(seed: u64, a in 0_u64..100, b in 0_u64..100) {
        leave_every_pid(seed, a, b)?;
    }
}

/// Three legs with losses, the second and third so many milliseconds late: every PID comes as it
/// was.
fn leave_every_pid(seed: u64, a: u64, b: u64) -> Result<(), TestCaseError> {
    let sent = stream(&Shape::PLAIN, COUNT);
    let delays = [5, a, b];
    let mut legs = delays.map(|delay| Leg::whole(COUNT, delay, 300));
    let mut dice = Dice(seed);
    lossy(&mut dice, &mut legs[..2], &sent, true);
    lossy(&mut dice, &mut legs[2..], &sent, false);
    let mut merge = Merge::new(3, super::stream::KEY);
    let with: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
    for row in run(&mut merge, &with, |_, _| {}) {
        // Where no leg had two packets of one datagram, only those of one PID have an order.
        for pid in [VIDEO, SOUND] {
            let is = |bytes: &Bytes188| u16::from_be_bytes([bytes[1], bytes[2]]) == pid;
            let row = row.iter().filter(|it| is(&it.1.packet)).cloned().collect();
            let sent: Vec<_> = sent.iter().filter(|it| is(&it.bytes)).copied().collect();
            prop_assert_eq!(difference(&row, &sent), None);
        }
        prop_assert_eq!(row.len(), sent.len());
    }
    Ok(())
}

#[test]
fn losses_on_three_legs_that_once_were_not_filled_leave_every_pid_as_it_was() {
    for (seed, a, b) in [
        (6_183_035_597_381_368_053, 31, 5),
        (11_509_418_506_656_410_086, 79, 0),
    ] {
        leave_every_pid(seed, a, b).expect("every PID as it was");
    }
}

#[test]
fn what_a_twin_brings_too_late_to_go_on_air_is_counted() {
    let sent = stream(&Shape::PLAIN, COUNT);
    let too_late = |latency, on_air| {
        let legs = [
            Leg::whole(COUNT, 5, latency).without(6000..6030),
            Leg::whole(COUNT, 60, latency),
        ];
        let mut merge = Merge::new(2, super::stream::KEY);
        merge.set_on_air(on_air);
        let legs: Vec<_> = legs.iter().map(|leg| (&sent[..], leg.clone())).collect();
        let rows = run(&mut merge, &legs, |_, _| {});
        let missing = COUNT - rows[0].len();
        (merge.too_late(), missing)
    };
    assert_eq!(too_late(20, Some(0)), (30, 30));
    assert_eq!(too_late(20, Some(1)), (0, 30));
    assert_eq!(too_late(300, Some(0)), (0, 0));
}
