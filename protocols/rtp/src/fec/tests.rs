use super::*;
use crate::{Delivered, Header, Receiver, ReceiverConfig};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeSet;
use tidegate_units::{Duration, Instant};

const HOLD: Duration = Duration::from_secs(2);

fn media(number: u64) -> Bytes {
    let header = Header {
        payload_type: 33,
        marker: number.is_multiple_of(7),
        sequence: (65_000 + number) as u16,
        timestamp: (number * 977) as u32,
        ssrc: 0xABCD_EF01,
    };
    // Of different lengths, so that length recovery has to work.
    let length = 188 * (1 + number % 7) as usize;
    let payload: Vec<u8> = (0..length)
        .map(|at| (at as u64 * 31 + number * 17) as u8)
        .collect();
    header.packet(&payload).into()
}

/// Everything a sender puts on the wire for `count` packets, in the order it leaves.
fn sent(matrix: Matrix, count: u64) -> Vec<(Option<Stream>, Bytes)> {
    let mut encoder = Encoder::new(matrix, 65_530);
    let mut wire = Vec::new();
    for number in 0..count {
        let datagram = media(number);
        encoder.on_packet(&datagram);
        wire.push((None, datagram));
        while let Some((stream, sum)) = encoder.poll() {
            wire.push((Some(stream), sum.into()));
        }
    }
    wire
}

fn receive(wire: &[(Option<Stream>, Bytes)], lost: &BTreeSet<u64>) -> (Vec<Delivered>, Receiver) {
    let config = ReceiverConfig {
        hold: HOLD,
        legs: 1,
        fec: true,
    };
    let mut receiver = Receiver::new(config);
    let mut delivered = Vec::new();
    let (mut now, mut number) = (Instant::from_millis(10), 0);
    for (stream, datagram) in wire {
        now += Duration::from_micros(100);
        if stream.is_some() {
            receiver.on_fec(now, datagram);
        } else {
            if !lost.contains(&number) {
                receiver.on_media(now, 0, datagram).expect("it is RTP");
            }
            number += 1;
        }
        delivered.extend(core::iter::from_fn(|| receiver.poll(now)));
    }
    (delivered, receiver)
}

fn assert_whole(wire: &[(Option<Stream>, Bytes)], delivered: &[Delivered]) {
    let media = wire.iter().filter(|(stream, _)| stream.is_none());
    let expected: Vec<_> = media.map(|(_, datagram)| datagram.slice(12..)).collect();
    let payloads: Vec<_> = delivered
        .iter()
        .map(|packet| packet.payload.clone())
        .collect();
    assert_eq!(payloads.len(), expected.len());
    assert!(payloads == expected, "bit by bit");
    assert!(delivered.iter().all(|packet| packet.lost_before == 0));
}

fn matrices() -> impl Strategy<Value = Matrix> {
    (1_u8..=20, 4_u8..=20, any::<bool>())
        .prop_map(|(columns, rows, row_sums)| Matrix {
            columns,
            rows,
            row_sums,
        })
        .prop_filter("allowed", |matrix| matrix.check().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_one_loss_per_column_is_rebuilt(matrix in matrices(), seed: u64) {
        let matrix = Matrix { row_sums: false, ..matrix };
        let (columns, rows) = (u64::from(matrix.columns), u64::from(matrix.rows));
        let wire = sent(matrix, columns * rows * 4);
        // Of each whole column, one packet.
        let mut state = seed | 1;
        let lost: BTreeSet<u64> = (0..columns).flat_map(|column| {
            let begins = column % rows;
            (0..2).map(move |block| (column, begins + block * rows))
        }).map(|(column, first_row)| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (first_row + (state >> 33) % rows) * columns + column
        }).filter(|number| *number > 0).collect();
        let (delivered, receiver) = receive(&wire, &lost);
        assert_whole(&wire, &delivered);
        prop_assert_eq!(receiver.counters().recovered, lost.len() as u64);
        prop_assert_eq!(receiver.counters().unrecovered, 0);
        prop_assert_eq!(receiver.counters().matrix, Some((matrix.columns, matrix.rows)));
    }

    #[test]
    fn any_one_loss_per_row_is_rebuilt(matrix in matrices(), seed: u64) {
        prop_assume!(matrix.row_sums);
        let (columns, rows) = (u64::from(matrix.columns), u64::from(matrix.rows));
        let wire = sent(matrix, columns * rows * 2 + 1);
        let mut state = seed | 1;
        let lost: BTreeSet<u64> = (0..rows * 2).map(|row| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            row * columns + (state >> 33) % columns
        }).filter(|number| *number > 0).collect();
        let (delivered, receiver) = receive(&wire, &lost);
        assert_whole(&wire, &delivered);
        prop_assert_eq!(receiver.counters().recovered, lost.len() as u64);
    }

    #[test]
    fn whatever_is_lost_nothing_wrong_is_delivered(
        matrix in matrices(), lost in prop::collection::btree_set(1_u64..300, 0..120),
    ) {
        let wire = sent(matrix, 320);
        let (delivered, receiver) = receive(&wire, &lost);
        let mut number = 0;
        for packet in &delivered {
            number += u64::from(packet.lost_before);
            prop_assert_eq!(&packet.payload, &media(number).slice(12..));
            number += 1;
        }
        let counters = receiver.counters();
        prop_assert_eq!(counters.received, 320 - lost.len() as u64);
        prop_assert!(counters.recovered <= lost.len() as u64);
    }

    #[test]
    fn any_bytes_are_a_sum_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = FecPacket::parse(&bytes) {
            prop_assert!(packet.step > 0 && packet.count > 0);
        }
        let config = ReceiverConfig { hold: HOLD, legs: 1, fec: true };
        let mut receiver = Receiver::new(config);
        receiver.on_media(Instant::ZERO, 0, &media(0)).expect("it is RTP");
        receiver.on_fec(Instant::ZERO, &bytes);
    }
}

#[test]
fn a_burst_as_long_as_a_row_is_rebuilt_from_columns() {
    let matrix = Matrix {
        columns: 10,
        rows: 5,
        row_sums: true,
    };
    let wire = sent(matrix, 300);
    let lost: BTreeSet<u64> = (123..133).collect();
    let (delivered, receiver) = receive(&wire, &lost);
    assert_whole(&wire, &delivered);
    assert_eq!(receiver.counters().recovered, 10);
}

#[test]
fn a_square_that_columns_and_rows_cannot_solve_is_given_up_and_counted() {
    let matrix = Matrix {
        columns: 5,
        rows: 5,
        row_sums: true,
    };
    let wire = sent(matrix, 100);
    // Rows 12 and 14, columns 0 and 2, and both columns' sums hold both rows.
    let lost = BTreeSet::from([60, 62, 70, 72]);
    let (delivered, mut receiver) = receive(&wire, &lost);
    assert_eq!(delivered.len(), 60);
    let late = Instant::from_millis(10) + HOLD * 2;
    let rest: Vec<_> = core::iter::from_fn(|| receiver.poll(late)).collect();
    assert_eq!(delivered.len() + rest.len(), 96);
    assert_eq!(receiver.counters().unrecovered, 4);
    assert_eq!(rest.iter().map(|packet| packet.lost_before).sum::<u32>(), 4);
}

#[test]
fn columns_end_one_after_the_other() {
    let matrix = Matrix {
        columns: 5,
        rows: 5,
        row_sums: false,
    };
    let wire = sent(matrix, 500);
    let mut run = 0;
    for (stream, _) in &wire {
        run = if stream.is_some() { run + 1 } else { 0 };
        assert!(run <= 1, "two sums in a row");
    }
    let sums = wire.iter().filter(|(stream, _)| stream.is_some()).count();
    // Column 0 has 20 whole ones in 100 rows, the others begin further down.
    assert_eq!(sums, 20 + 4 * 19);
}

#[test]
fn limits_are_those_of_the_standard() {
    let matrix = |columns, rows, row_sums| {
        Matrix {
            columns,
            rows,
            row_sums,
        }
        .check()
    };
    assert_eq!(matrix(10, 10, true), Ok(()));
    assert_eq!(matrix(1, 20, false), Ok(()));
    assert_eq!(matrix(3, 5, true), Err(MatrixError::Columns(3)));
    assert_eq!(matrix(21, 4, false), Err(MatrixError::Columns(21)));
    assert_eq!(matrix(5, 3, false), Err(MatrixError::Rows(3)));
    assert_eq!(
        matrix(11, 10, false),
        Err(MatrixError::Product {
            columns: 11,
            rows: 10
        })
    );
}
