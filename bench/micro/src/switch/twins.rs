//! Inputs that carry the same packets, before anything else sees them.

use bytes::Bytes;
use tidegate_mpegts::PACKET_BYTES;
use tidegate_switch::twins::{Incoming, Merge};
use tidegate_units::Instant;

use super::{KEY, LATENCY, SECONDS};
use crate::media;
use crate::path::{HotPath, Run, Stage};

const PACKET_MICROS: u64 = 250;

/// Which packet an input brings at a moment, counted in packets.
type Carries = fn(input: usize, at: u64) -> Option<u64>;

pub(super) fn paths() -> Vec<HotPath> {
    const fn packets(name: &'static str, prepare: fn() -> Stage) -> HotPath {
        let unit = "TS packet of one of two inputs";
        HotPath {
            name,
            unit,
            prepare,
        }
    }
    vec![
        packets("switch_twins", || stage(|_, at| Some(at))),
        packets("switch_twins_lossy", || {
            // Every eleventh datagram, of each another.
            stage(|input, at| {
                let is_lost = (at / 7 + 3 * input as u64).is_multiple_of(11);
                (!is_lost).then_some(at)
            })
        }),
        packets("switch_twins_hostile", || {
            // The other input copies the first, out of order and again and again.
            stage(|input, at| {
                let back = if at > 3000 { at % 61 } else { 0 };
                Some(if input == 0 { at } else { at - back })
            })
        }),
        packets("switch_strangers", || {
            // The other is a while behind, further than is looked for.
            stage(|input, at| at.checked_sub(12_000 * input as u64))
        }),
    ]
}

fn stage(carries: Carries) -> Stage {
    let stream = media::transport_stream(&media::units(SECONDS));
    Stage {
        units: 2 * (stream.len() / PACKET_BYTES) as u64,
        fresh: Box::new(move || run(stream.clone(), carries)),
    }
}

fn run(stream: Bytes, carries: Carries) -> Run {
    let mut merge = Merge::new(2, KEY);
    Box::new(move || {
        let packets: &[[u8; PACKET_BYTES]] = stream.as_chunks().0;
        for at in 0..packets.len() as u64 {
            let arrived = Instant::from_micros(at * PACKET_MICROS);
            for input in 0..2 {
                let which = carries(input, at).map(|which| which as usize);
                let Some(bytes) = which.and_then(|which| packets.get(which)) else {
                    continue;
                };
                merge.push(
                    input,
                    Incoming {
                        bytes,
                        packet: at,
                        arrived,
                        due: arrived + LATENCY,
                        lost_before: 0,
                    },
                );
            }
            if at.is_multiple_of(7) {
                for lane in 0..2 {
                    while let Some(merged) = merge.poll(arrived, lane) {
                        core::hint::black_box(merged);
                    }
                }
            }
        }
    })
}
