//! Strangers' bytes: whatever comes, what goes out is whole packets whose times never fall.

use crate::stream::{PACKET_BYTES, SPEC, Spec, Stream};
use bytes::Bytes;
use proptest::prelude::*;
use tidegate_switch::{How, OnAir, Options, Order, Piece, Program};
use tidegate_units::{Duration, Instant};

/// What is done to one piece of a stream.
#[derive(Clone, Copy, Debug)]
enum Harm {
    None,
    Lose,
    /// A byte of it, anywhere.
    Change(usize, u8),
    /// A byte of the heads of a packet.
    Head(usize, usize, u8),
    Cut(usize),
    Begin,
    End,
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        20 => Just(Harm::None),
        1 => Just(Harm::Lose),
        3 => (any::<usize>(), any::<u8>()).prop_map(|(at, to)| Harm::Change(at, to)),
        6 => (any::<usize>(), 0_usize..24, any::<u8>()).prop_map(|(n, at, to)| Harm::Head(n, at, to)),
        1 => any::<usize>().prop_map(Harm::Cut),
        1 => Just(Harm::Begin),
        1 => Just(Harm::End),
    ]
}

fn harmed(harm: Harm, bytes: &Bytes) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match harm {
        Harm::Change(at, to) => {
            let at = at % bytes.len();
            bytes[at] = to;
        }
        Harm::Head(number, at, to) => {
            let number = number % (bytes.len() / PACKET_BYTES);
            bytes[number * PACKET_BYTES + at] = to;
        }
        Harm::Cut(at) => bytes.truncate(at % bytes.len()),
        Harm::None | Harm::Lose | Harm::Begin | Harm::End => {}
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_bytes_break_a_program(
        harms in prop::collection::vec(harm(), 50..400),
        orders in prop::collection::vec((0_u64..3_000, 0_usize..2, 0_usize..4), 1..6),
    ) {
        let b = Spec { mark: b'B', b_frames: 2, frames_per_pes: 3, splices: true, ..SPEC };
        let mut streams = [Stream::new(SPEC), Stream::new(b)];
        let mut program = Program::new(&Options {
            inputs: 2,
            delay: Duration::ZERO,
        });
        let begin = Instant::from_millis(50);
        let mut harms = harms.iter().copied().cycle();
        let (mut out, mut last) = (Vec::new(), Instant::ZERO);
        for millis in 0..3_000 {
            for (at, to, how) in &orders {
                if *at == millis {
                    let how = [How::Alive, How::Damaged, How::Starved, How::Gone][*how];
                    program.order(Order::SwitchTo { to: OnAir::Input(*to), how });
                }
            }
            for (index, stream) in streams.iter_mut().enumerate() {
                for (at, bytes) in stream.until(millis as i64 * 90) {
                    let harm = harms.next().unwrap_or(Harm::None);
                    let arrived = begin + Duration::from_micros((at * 100 / 9) as u64);
                    if matches!(harm, Harm::Lose) {
                        continue;
                    }
                    if matches!(harm, Harm::End) {
                        program.ended(OnAir::Input(index));
                    }
                    let piece = Piece {
                        bytes: harmed(harm, &bytes).into(),
                        arrived,
                        due: arrived + Duration::from_millis(100),
                        lost_before: u64::from(matches!(harm, Harm::Cut(_))),
                    };
                    let from = OnAir::Input(index);
                    program.push(from, piece, matches!(harm, Harm::Begin));
                }
            }
            program.poll(begin + Duration::from_millis(millis), &mut out);
            for emitted in out.drain(..) {
                prop_assert!(emitted.due >= last);
                last = emitted.due;
                prop_assert_eq!(emitted.bytes.len() % PACKET_BYTES, 0);
                let packets = emitted.bytes.as_chunks::<PACKET_BYTES>().0;
                prop_assert!(packets.iter().all(|packet| packet[0] == 0x47));
            }
        }
    }
}
