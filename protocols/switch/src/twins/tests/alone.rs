//! Inputs that have nobody beside them.

use super::stream::{Bytes188, Leg, Shape, difference, run, stream};
use crate::twins::{Incoming, Merge};
use tidegate_units::{Duration, Instant};

const COUNT: usize = 12_000;

#[test]
fn nothing_is_remembered_of_an_input_while_no_other_brings_anything() {
    let sent = stream(&Shape::PLAIN, COUNT);
    let mut merge = Merge::new(3, super::stream::KEY);
    let legs = [
        (&sent[..], Leg::whole(COUNT, 5, 200)),
        // It is there for a second in the middle.
        (
            &sent[..],
            Leg::whole(COUNT, 9, 200)
                .without(0..4_000)
                .without(6_000..COUNT),
        ),
    ];
    let mut were_twins = false;
    let rows = run(&mut merge, &legs, |now, merge| {
        let millis = now.as_micros() / 1000 - 10_000;
        if millis < 2_000 {
            assert_eq!(merge.inputs[0].end(), 0);
        }
        were_twins |= merge.are_twins(0, 1);
    });
    assert!(were_twins);
    assert_eq!(difference(&rows[0], &sent), None);
    assert!(rows[0].iter().all(|it| !it.1.fresh));
}

#[test]
fn what_is_lost_in_front_of_a_packet_that_only_fills_is_told() {
    let mut null: Bytes188 = [0xFF; 188];
    null[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
    let mut media = null;
    media[1..4].copy_from_slice(&[1, 0, 0x11]);
    for is_alone in [true, false] {
        let mut merge = Merge::new(2, super::stream::KEY);
        let arrived = Instant::from_millis(5_000);
        let mut push = |input, bytes: Bytes188, lost_before| {
            let incoming = Incoming {
                bytes: &bytes,
                packet: bytes,
                arrived,
                due: arrived + Duration::from_millis(100),
                lost_before,
            };
            merge.push(input, incoming);
        };
        if !is_alone {
            push(1, media, 0);
        }
        push(0, media, 2);
        push(0, null, 3);
        push(0, media, 0);
        let told = core::iter::from_fn(|| merge.poll(arrived, 0));
        let told: Vec<_> = told.map(|it| it.lost_before).collect();
        assert_eq!(told, [2, 3, 0], "{is_alone}");
    }
}
