//! Sums of SMPTE 2022-1: an honest sender's with losses, and whatever else comes.
//!
//! ```text
//!  columns | rows | step …
//!  step     what | length | bytes
//!           0 the next datagram arrives, 1 it is lost, 2 a sum of the fuzzer's,
//!           3 a packet of the fuzzer's
//! ```
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_rtp::fec::{Encoder, FecPacket, Matrix, Stream};
use tidegate_rtp::{Header, Receiver, ReceiverConfig};
use tidegate_units::{Duration, Instant};

const FIRST: u16 = 65_400;
const PACKETS: u16 = 300;

fuzz_target!(|input: &[u8]| {
    let _ = FecPacket::parse(input);
    let [columns, rows, steps @ ..] = input else {
        return;
    };
    let matrix = Matrix {
        columns: *columns,
        rows: *rows,
        row_sums: true,
    };
    if matrix.check().is_err() {
        return;
    }
    let wire = sent(matrix);
    let hold = Duration::from_millis(50);
    let config = ReceiverConfig {
        hold,
        legs: 1,
        fec: true,
    };
    let mut receiver = Receiver::new(config);
    let (mut steps, mut wire, mut now) = (steps, wire.iter(), Instant::ZERO);
    let mut is_honest = true;
    while let [what, length, rest @ ..] = steps {
        let used = if what & 2 == 0 {
            0
        } else {
            usize::from(*length)
        };
        let rest = if what & 2 == 0 { &steps[1..] } else { rest };
        let (bytes, rest) = rest.split_at(used.min(rest.len()));
        steps = rest;
        now += Duration::from_millis(1);
        match what & 3 {
            0 => match wire.next() {
                Some((None, datagram)) => {
                    receiver.on_media(now, 0, datagram).expect("it is RTP");
                }
                Some((Some(_), datagram)) => receiver.on_fec(now, datagram),
                None => return,
            },
            1 => drop(wire.next()),
            2 => {
                is_honest = false;
                receiver.on_fec(now, bytes);
            }
            _ => {
                is_honest = false;
                let _ = receiver.on_media(now, 0, &Bytes::copy_from_slice(bytes));
            }
        }
        while let Some(packet) = receiver.poll(now) {
            if is_honest {
                let number = u16::from_be_bytes([packet.payload[0], packet.payload[1]]);
                assert_eq!(
                    packet.payload,
                    payload(number),
                    "only what was sent comes out"
                );
            }
        }
    }
});

fn payload(number: u16) -> Vec<u8> {
    let length = 2 + usize::from(number % 50);
    let mut bytes = vec![(number ^ 0x5A) as u8; length];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn sent(matrix: Matrix) -> Vec<(Option<Stream>, Bytes)> {
    let mut encoder = Encoder::new(matrix, 0);
    let mut wire = Vec::new();
    for number in (0..PACKETS).map(|at| FIRST.wrapping_add(at)) {
        let timestamp = u32::from(number) * 33;
        let header = Header {
            sequence: number,
            timestamp,
            payload_type: 33,
            ..Header::default()
        };
        let datagram = header.packet(&payload(number));
        encoder.on_packet(&datagram);
        wire.push((None, datagram.into()));
        while let Some((stream, sum)) = encoder.poll() {
            wire.push((Some(stream), sum.into()));
        }
    }
    wire
}
