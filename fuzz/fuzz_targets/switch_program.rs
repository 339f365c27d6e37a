//! A program out of two inputs, with what strangers send in them, twins looked for, and orders at
//! any moment. The first byte is the stream type of both; then operations, a byte each, with
//! their arguments behind.
#![no_main]

#[path = "../shared/ts_tables.rs"]
mod ts_tables;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_switch::twins::PrintKey;
use tidegate_switch::{Emitted, How, OnAir, Options, Order, Piece, Program};
use tidegate_units::{Duration, Instant};
use ts_tables::{MEDIA_PID, PMT_PID, pat, pmt};

const PACKET_BYTES: usize = 188;
/// Bytes of a packet that the input tells; the rest is stuffing in front.
const TOLD_BYTES: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Some((stream_type, mut rest)) = input.split_first() else {
        return;
    };
    let mut world = World::new(*stream_type);
    while let Some((operation, arguments)) = rest.split_first() {
        rest = world.does(*operation, arguments);
    }
    world.passes(Duration::from_secs(20));
});

struct World {
    program: Program,
    now: Instant,
    counters: [u8; 2],
    out: Vec<Emitted>,
    last_due: Instant,
}

impl World {
    fn new(stream_type: u8) -> Self {
        let mut program = Program::new(&Options {
            inputs: 2,
            delay: Duration::ZERO,
        });
        program.set_merging(Some(PrintKey::new([1, 2, 3, 4])));
        let mut world = Self {
            program,
            now: Instant::from_millis(1000),
            counters: [0; 2],
            out: Vec::new(),
            last_due: Instant::ZERO,
        };
        for from in 0..2 {
            world.push(from, packet(0, 0, true, &pat()), false, 0);
            world.push(from, packet(PMT_PID, 0, true, &pmt(stream_type)), false, 0);
        }
        world
    }

    fn does<'a>(&mut self, operation: u8, arguments: &'a [u8]) -> &'a [u8] {
        let from = usize::from(operation >> 3 & 1);
        let told = |count: usize| arguments.split_at(count.min(arguments.len()));
        match operation & 7 {
            0..=2 => {
                let (content, rest) = told(TOLD_BYTES);
                let counter = self.counters[from];
                self.counters[from] = counter.wrapping_add(1);
                let begins = operation & 7 == 0;
                let bytes = packet(MEDIA_PID, counter, begins, content);
                self.push(from, bytes, operation & 16 != 0, operation >> 5);
                rest
            }
            3 => {
                let (bytes, rest) = told(PACKET_BYTES * usize::from(operation >> 6));
                self.push(
                    from,
                    bytes.to_vec(),
                    operation & 16 != 0,
                    operation >> 5 & 1,
                );
                rest
            }
            4 => {
                self.passes(Duration::from_millis(u64::from(operation >> 3) * 20));
                arguments
            }
            5 => {
                self.program.ended(OnAir::Input(from));
                arguments
            }
            6 => {
                self.program.order(Order::Drop);
                arguments
            }
            _ => {
                let how = [How::Alive, How::Damaged, How::Starved, How::Gone];
                let how = how[usize::from(operation >> 6)];
                let to = [OnAir::Input(from), OnAir::Slate][usize::from(operation >> 4 & 1)];
                self.program.order(Order::SwitchTo { to, how });
                arguments
            }
        }
    }

    fn push(&mut self, from: usize, bytes: Vec<u8>, restarted: bool, lost: u8) {
        let piece = Piece {
            bytes: Bytes::from(bytes),
            arrived: self.now,
            due: self.now + Duration::from_millis(200),
            lost_before: u64::from(lost),
        };
        self.program.push(OnAir::Input(from), piece, restarted);
    }

    /// Time passes; what comes out is a transport stream whose play-out times never fall.
    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.program.poll(self.now, &mut self.out);
        for Emitted { bytes, due } in self.out.drain(..) {
            assert!(due >= self.last_due);
            self.last_due = due;
            let (packets, rest) = bytes.as_chunks::<PACKET_BYTES>();
            assert!(rest.is_empty() && packets.iter().all(|packet| packet[0] == 0x47));
        }
        while self.program.next_event().is_some() {}
        for of in [OnAir::Input(0), OnAir::Input(1), OnAir::Slate] {
            let _ = self.program.lane(of, self.now);
        }
        let _ = (self.program.status(self.now), self.program.next_deadline());
    }
}

/// A packet with `content` behind stuffing, that tells a clock and that it can be begun with.
fn packet(pid: u16, counter: u8, begins: bool, content: &[u8]) -> Vec<u8> {
    let start = if begins { 0x40 } else { 0 };
    let [high, low] = pid.to_be_bytes();
    let stuffing = PACKET_BYTES - 4 - content.len();
    let mut packet = vec![0x47, start | high, low, 0x30 | counter & 15];
    packet.extend([stuffing as u8 - 1, if begins { 0x50 } else { 0 }]);
    packet.extend([0, 0, 0, counter, 0x7E, 0]);
    packet.resize(4 + stuffing, 0xFF);
    packet.extend(content);
    packet
}
