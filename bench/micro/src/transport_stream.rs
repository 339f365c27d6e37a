//! What every transport packet passes: finding it, inspecting it, taking it apart.

use bytes::Bytes;
use tidegate_mpegts::{Demux, Inspector, PACKET_BYTES, Slicer, Stamp};
use tidegate_units::Instant;

use crate::media::{self, PAYLOAD_BYTES};
use crate::path::{HotPath, Run, Stage};

const SECONDS: i64 = 4;
/// Between two payloads of 1316 bytes at 6 Mbit/s.
const PAYLOAD_MICROS: u64 = 1755;

pub(crate) fn paths() -> Vec<HotPath> {
    const fn packets(name: &'static str, prepare: fn() -> Stage) -> HotPath {
        let unit = "TS packet";
        HotPath {
            name,
            unit,
            prepare,
        }
    }
    vec![
        packets("ts_slice", || stage(slice)),
        packets("ts_inspect", || stage(inspect)),
        packets("ts_demux", || stage(demux)),
    ]
}

fn stage(run: fn(Bytes) -> Run) -> Stage {
    let stream = media::transport_stream(&media::units(SECONDS));
    Stage {
        units: (stream.len() / PACKET_BYTES) as u64,
        fresh: Box::new(move || run(stream.clone())),
    }
}

fn slice(stream: Bytes) -> Run {
    let mut slicer = Slicer::new();
    Box::new(move || {
        for payload in stream.chunks(PAYLOAD_BYTES) {
            slicer.push(payload, |packet| {
                core::hint::black_box(packet);
            });
        }
    })
}

fn inspect(stream: Bytes) -> Run {
    let mut inspector = Inspector::new();
    Box::new(move || {
        for (number, payload) in (0..).zip(stream.chunks(PAYLOAD_BYTES)) {
            inspector.push(Instant::from_micros(number * PAYLOAD_MICROS), payload);
        }
    })
}

fn demux(stream: Bytes) -> Run {
    let mut demux = Demux::new();
    Box::new(move || {
        for payload in stream.chunks(PAYLOAD_BYTES) {
            demux.push(Stamp::default(), payload);
            while let Some(event) = demux.next_event() {
                core::hint::black_box(event);
            }
        }
    })
}
