//! From the inputs of a program to what its outputs read.

use bytes::Bytes;
use tidegate_mpegts::PACKET_BYTES;
use tidegate_switch::{How, OnAir, Options, Order, Piece, Program};
use tidegate_units::{Duration, Instant};

use super::{KEY, LATENCY, SECONDS};
use crate::media::{self, PAYLOAD_BYTES};
use crate::path::{HotPath, Run, Stage};

/// Between two payloads of 1316 bytes at 6 Mbit/s.
const PAYLOAD_MICROS: u64 = 1755;

/// What stands by.
#[derive(Clone, Copy)]
enum Standby {
    Nothing,
    /// Another encoder.
    Other,
    /// The same packets on another way.
    Twin,
}

pub(super) fn paths() -> Vec<HotPath> {
    const fn packets(name: &'static str, prepare: fn() -> Stage) -> HotPath {
        let unit = "TS packet on air";
        HotPath {
            name,
            unit,
            prepare,
        }
    }
    vec![
        packets("switch_alone", || stage(Standby::Nothing)),
        packets("switch_standby", || stage(Standby::Other)),
        packets("switch_twin", || stage(Standby::Twin)),
    ]
}

fn stage(standby: Standby) -> Stage {
    let on_air = media::transport_stream(&media::units(SECONDS));
    let beside = match standby {
        Standby::Nothing => None,
        Standby::Other => Some(media::transport_stream(&media::units_of(2, SECONDS))),
        Standby::Twin => Some(on_air.clone()),
    };
    Stage {
        units: (on_air.len() / PACKET_BYTES) as u64,
        fresh: Box::new(move || run(&on_air, beside.as_ref())),
    }
}

fn run(on_air: &Bytes, beside: Option<&Bytes>) -> Run {
    let options = Options {
        inputs: 2,
        delay: Duration::ZERO,
    };
    let mut program = Program::new(&options);
    program.set_merging(Some(KEY));
    program.order(Order::SwitchTo {
        to: OnAir::Input(0),
        how: How::Alive,
    });
    let payloads = |stream: &Bytes| -> Vec<Bytes> {
        let at = (0..stream.len()).step_by(PAYLOAD_BYTES);
        at.map(|at| stream.slice(at..stream.len().min(at + PAYLOAD_BYTES)))
            .collect()
    };
    let inputs = [payloads(on_air), beside.map(payloads).unwrap_or_default()];
    let count = inputs.iter().map(Vec::len).max().unwrap_or_default();
    let mut out = Vec::new();
    Box::new(move || {
        for number in 0..count {
            let arrived = Instant::from_micros(1_000_000 + number as u64 * PAYLOAD_MICROS);
            for (input, payloads) in inputs.iter().enumerate() {
                let Some(bytes) = payloads.get(number) else {
                    continue;
                };
                let piece = Piece {
                    bytes: bytes.clone(),
                    arrived,
                    due: arrived + LATENCY,
                    lost_before: 0,
                };
                program.push(OnAir::Input(input), piece, false);
            }
            if program.next_deadline().is_some_and(|at| at <= arrived) {
                program.poll(arrived, &mut out);
                core::hint::black_box(&out);
                out.clear();
            }
        }
    })
}
