use super::*;
use crate::Header;
use bytes::Bytes;
use proptest::prelude::*;
use tidegate_units::{Duration, Instant};

const HOLD: Duration = Duration::from_millis(50);
/// Unlike the receiver's first number, so that a restart shows.
const NEW: u16 = 40_000;

fn packet(sequence: u16, ssrc: u32) -> Bytes {
    let header = Header {
        payload_type: 33,
        sequence,
        timestamp: u32::from(sequence) * 10,
        ssrc,
        marker: false,
    };
    header.packet(&sequence.to_be_bytes()).into()
}

fn receiver(legs: usize) -> Receiver {
    Receiver::new(ReceiverConfig {
        hold: HOLD,
        legs,
        fec: false,
    })
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(1000 + millis)
}

fn numbers(receiver: &mut Receiver, now: Instant) -> Vec<u16> {
    core::iter::from_fn(|| receiver.poll(now))
        .map(|packet| u16::from_be_bytes([packet.payload[0], packet.payload[1]]))
        .collect()
}

fn take(receiver: &mut Receiver, now: Instant, leg: usize, sequences: &[u16]) {
    for sequence in sequences {
        receiver
            .on_media(now, leg, &packet(*sequence, 7))
            .expect("it is RTP");
    }
}

#[test]
fn order_is_restored_across_the_wrap() {
    let mut receiver = receiver(1);
    take(&mut receiver, at(0), 0, &[65_534, 0, 65_535, 2, 1]);
    assert_eq!(numbers(&mut receiver, at(0)), [65_534, 65_535, 0, 1, 2]);
    assert_eq!(receiver.counters().reordered, 2);
}

#[test]
fn a_hole_is_given_up_when_what_is_behind_it_is_due() {
    let mut receiver = receiver(1);
    take(&mut receiver, at(0), 0, &[1]);
    take(&mut receiver, at(3), 0, &[4]);
    take(&mut receiver, at(9), 0, &[5]);
    assert_eq!(numbers(&mut receiver, at(52)), [1]);
    assert_eq!(receiver.deadline(), Some(at(3) + HOLD));
    let delivered = receiver.poll(at(53)).expect("it is due");
    assert_eq!((delivered.lost_before, delivered.arrived), (2, at(3)));
    assert_eq!(numbers(&mut receiver, at(53)), [5]);
    take(&mut receiver, at(54), 0, &[3, 6]);
    assert_eq!(numbers(&mut receiver, at(54)), [6]);
    assert_eq!(
        (receiver.counters().late, receiver.counters().unrecovered),
        (1, 2)
    );
}

#[test]
fn a_packet_out_of_order_is_due_no_later_than_the_one_behind_it() {
    let mut receiver = receiver(1);
    take(&mut receiver, at(0), 0, &[1, 3]);
    take(&mut receiver, at(40), 0, &[2]);
    let due: Vec<_> = core::iter::from_fn(|| receiver.poll(at(40)))
        .map(|packet| packet.due)
        .collect();
    assert_eq!(due, [at(0) + HOLD; 3]);
}

#[test]
fn a_sender_that_begins_anew_loses_nothing() {
    for (ssrc, first) in [(7, NEW), (8, NEW), (8, 12)] {
        let mut receiver = receiver(1);
        take(&mut receiver, at(0), 0, &[9, 10, 11]);
        assert_eq!(numbers(&mut receiver, at(0)), [9, 10, 11]);
        let mut restarted = Vec::new();
        for sequence in first..first + 6 {
            receiver
                .on_media(at(5), 0, &packet(sequence, ssrc))
                .expect("it is RTP");
            restarted.extend(core::iter::from_fn(|| receiver.poll(at(5))).map(|new| new.restarted));
        }
        assert_eq!(restarted, [true, false, false, false, false, false]);
        assert_eq!(
            (receiver.counters().restarts, receiver.counters().strays),
            (1, 0)
        );
    }
}

#[test]
fn single_strays_disturb_nothing() {
    let mut receiver = receiver(1);
    take(
        &mut receiver,
        at(0),
        0,
        &[1, 30_000, 2, 30_001, 3, 30_002, 4, 30_003, 5],
    );
    assert_eq!(numbers(&mut receiver, at(0)), [1, 2, 3, 4, 5]);
    assert_eq!(
        (receiver.counters().strays, receiver.counters().restarts),
        (4, 0)
    );
}

#[test]
fn two_legs_with_losses_make_one_whole_stream() {
    let mut receiver = receiver(2);
    let mut got = Vec::new();
    for number in 0..5000_u16 {
        let now = at(u64::from(number));
        if number % 10 >= 3 {
            take(&mut receiver, now, 0, &[number]);
        }
        // The other leg is 30 ms behind, and loses others.
        if let Some(older) = number.checked_sub(30).filter(|older| older % 10 < 7) {
            take(&mut receiver, now, 1, &[older]);
        }
        got.extend(numbers(&mut receiver, now));
    }
    let whole: Vec<u16> = (3..got.len() as u16 + 3).collect();
    assert_eq!(got, whole);
    assert!(got.len() > 4900);
    let (counters, legs) = (*receiver.counters(), receiver.legs());
    assert_eq!((counters.unrecovered, counters.restarts), (0, 0));
    for leg in &legs {
        let expected = leg.received * 3 / 7;
        assert!(leg.missing.abs_diff(expected) < 500, "{leg:?}");
        assert!(!leg.is_foreign && leg.mismatched == 0);
    }
    assert_eq!(legs[1].behind.as_millis() / 10, 2, "{legs:?}");
}

#[test]
fn a_slower_leg_of_the_stream_before_does_not_bring_it_back() {
    let mut receiver = receiver(2);
    take(&mut receiver, at(0), 0, &[1, 2, 3, 4, 5, 6, 7, 8]);
    take(&mut receiver, at(0), 1, &[1, 2]);
    for sequence in NEW..NEW + 5 {
        receiver
            .on_media(at(1), 0, &packet(sequence, 9))
            .expect("it is RTP");
    }
    take(&mut receiver, at(2), 1, &[3, 4, 5, 6, 7, 8]);
    for sequence in NEW..NEW + 6 {
        receiver
            .on_media(at(3), 1, &packet(sequence, 9))
            .expect("it is RTP");
    }
    let whole: Vec<_> = (1..9).chain(NEW..NEW + 6).collect();
    assert_eq!(numbers(&mut receiver, at(3)), whole);
    assert_eq!(receiver.counters().restarts, 1);
}

#[test]
fn a_leg_with_another_stream_is_recognised_and_not_used() {
    let mut receiver = receiver(2);
    for number in 0..20 {
        take(&mut receiver, at(0), 0, &[number]);
        let mut other = packet(number, 7).to_vec();
        other[4] ^= 0xFF;
        receiver
            .on_media(at(0), 1, &other.into())
            .expect("it is RTP");
    }
    let legs = receiver.legs();
    assert!(legs[1].is_foreign && !legs[0].is_foreign);
    assert_eq!(numbers(&mut receiver, at(0)).len(), 20);
    take(&mut receiver, at(1), 1, &[20]);
    assert!(
        numbers(&mut receiver, at(1)).is_empty(),
        "it is not believed"
    );
    take(&mut receiver, at(3000), 1, &[20, 21]);
    assert_eq!(
        numbers(&mut receiver, at(3000)),
        [20, 21],
        "unless nobody else is there"
    );
}

#[test]
fn what_is_no_packet_changes_nothing() {
    let mut receiver = receiver(1);
    assert!(
        receiver
            .on_media(at(0), 0, &Bytes::from_static(&[0x47; 188]))
            .is_err()
    );
    assert_eq!(*receiver.counters(), Counters::default());
}

/// A network that held packets back brings many in a row, all too late.
#[test]
fn late_packets_in_a_row_are_no_new_stream() {
    let mut receiver = receiver(1);
    take(&mut receiver, at(0), 0, &[1, 2, 10, 11]);
    assert_eq!(numbers(&mut receiver, at(60)), [1, 2, 10, 11]);
    take(&mut receiver, at(60), 0, &[12]);
    take(&mut receiver, at(62), 0, &[3, 4, 5, 6, 7, 8, 9]);
    take(&mut receiver, at(62), 0, &[13]);
    assert_eq!(numbers(&mut receiver, at(62)), [12, 13]);
    let counters = receiver.counters();
    assert_eq!((counters.late, counters.restarts), (7, 0));
}

#[test]
fn a_sender_that_begins_anew_with_lower_numbers_is_followed() {
    let mut receiver = receiver(1);
    take(&mut receiver, at(0), 0, &[100, 101]);
    assert_eq!(numbers(&mut receiver, at(0)), [100, 101]);
    take(&mut receiver, at(300), 0, &[50, 51, 52, 53, 54]);
    assert_eq!(numbers(&mut receiver, at(300)), [50, 51, 52, 53, 54]);
    assert_eq!(receiver.counters().restarts, 1);
}

#[test]
fn two_legs_that_begin_anew_together_are_followed() {
    let mut receiver = receiver(2);
    take(&mut receiver, at(0), 0, &[1, 2]);
    take(&mut receiver, at(0), 1, &[1, 2]);
    for number in 0..20 {
        take(&mut receiver, at(number), 0, &[NEW + number as u16]);
        // The other leg is a little behind.
        if let Some(older) = number.checked_sub(2) {
            take(&mut receiver, at(number), 1, &[NEW + older as u16]);
        }
    }
    let whole: Vec<_> = [1, 2].into_iter().chain(NEW..NEW + 20).collect();
    assert_eq!(numbers(&mut receiver, at(20)), whole);
    assert_eq!(receiver.counters().restarts, 1);
}

#[test]
fn what_a_slower_leg_still_brings_of_the_old_stream_is_not_of_the_new_one() {
    let mut receiver = receiver(2);
    take(&mut receiver, at(0), 0, &[100, 101, 102, 103, 104, 105]);
    take(&mut receiver, at(0), 1, &[100, 101]);
    for sequence in 12..17 {
        let new = packet(sequence, 9);
        receiver.on_media(at(1), 0, &new).expect("it is RTP");
    }
    // Ahead of the new numbers.
    take(&mut receiver, at(2), 1, &[102, 103, 104, 105]);
    for sequence in 12..18 {
        let new = packet(sequence, 9);
        receiver.on_media(at(3), 1, &new).expect("it is RTP");
    }
    let whole: Vec<_> = (100..106).chain(12..18).collect();
    assert_eq!(numbers(&mut receiver, at(500)), whole);
    let counters = receiver.counters();
    assert_eq!((counters.restarts, counters.unrecovered), (1, 0));
}

#[test]
fn a_leg_that_comes_back_under_another_name_helps_again() {
    let mut receiver = receiver(2);
    let mut got = Vec::new();
    for number in 1..40 {
        let name = if number < 20 { 7 } else { 8 };
        if number != 30 {
            take(&mut receiver, at(u64::from(number)), 0, &[number]);
        }
        let other = packet(number, name);
        let now = at(u64::from(number));
        receiver.on_media(now, 1, &other).expect("it is RTP");
        got.extend(numbers(&mut receiver, now));
    }
    assert_eq!(got, (1..40).collect::<Vec<_>>());
    assert_eq!(receiver.counters().restarts, 0);
}

/// Numbers that leap as far as they may, again and again before anybody looks.
#[test]
fn leaping_numbers_fill_no_memory() {
    let mut receiver = receiver(1);
    for leap in 0..1000_u16 {
        take(&mut receiver, at(0), 0, &[leap.wrapping_mul(8000)]);
    }
    assert!(receiver.places() <= 32_768, "{}", receiver.places());
    take(&mut receiver, at(1), 0, &[5, 6, 7, 8, 9]);
    let came = numbers(&mut receiver, at(100));
    assert!(came.ends_with(&[5, 6, 7, 8, 9]), "{came:?}");
}

proptest! {
    #[test]
    fn each_packet_comes_out_once_and_in_order(
        sequences in prop::collection::vec((0_u16..600, 0_usize..2, 0_u64..4), 1..800),
    ) {
        let mut receiver = receiver(2);
        let mut out = Vec::new();
        let mut now = at(0);
        for (sequence, leg, millis) in sequences {
            now += Duration::from_millis(millis);
            take(&mut receiver, now, leg, &[sequence]);
            let mut lost_or_there = Vec::new();
            while let Some(packet) = receiver.poll(now) {
                lost_or_there.push((u16::from_be_bytes([packet.payload[0], packet.payload[1]]), packet));
            }
            out.extend(lost_or_there);
        }
        out.extend(core::iter::from_fn(|| receiver.poll(now + HOLD)).map(|packet| {
            (u16::from_be_bytes([packet.payload[0], packet.payload[1]]), packet)
        }));
        let mut next = None;
        for (number, packet) in out {
            if !packet.restarted && let Some(next) = next {
                prop_assert_eq!(u32::from(number), u32::from(next) + packet.lost_before);
            }
            next = Some(number + 1);
        }
    }
}
