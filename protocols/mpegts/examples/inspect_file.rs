//! Inspects a transport stream file: prints the report, and what a packet costs.
//!
//! `cargo run --release -p tidegate-mpegts --example inspect_file -- FILE [SECONDS]`

#![allow(clippy::print_stdout, reason = "printing is what the example is for")]

use std::time;

use tidegate_mpegts::{Demux, Inspector, PACKET_BYTES, Stamp};
use tidegate_units::Instant;

/// Packets over which the cost is measured.
const MEASURED_PACKETS: usize = 3_000_000;
const CHUNK_BYTES: usize = 7 * PACKET_BYTES;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a file is named");
    let seconds: f64 = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1.0);
    let stream = std::fs::read(&path).expect("the file can be read");
    let whole = stream.len() as f64;
    let at =
        |position: usize| Instant::from_micros((position as f64 / whole * seconds * 1e6) as u64);

    let mut inspector = Inspector::new();
    for (index, chunk) in stream.chunks(CHUNK_BYTES).enumerate() {
        inspector.push(at(index * CHUNK_BYTES), chunk);
    }
    println!("{:#?}", inspector.report(at(stream.len())));

    let packets = stream.len() / PACKET_BYTES;
    let rounds = MEASURED_PACKETS.div_ceil(packets.max(1));
    let clock = time::Instant::now();
    for _ in 0..rounds {
        for (index, chunk) in stream.chunks(CHUNK_BYTES).enumerate() {
            inspector.push(at(index * CHUNK_BYTES), chunk);
        }
    }
    let nanos = clock.elapsed().as_nanos() as f64 / (rounds * packets) as f64;
    println!("inspector: {nanos:.1} ns per packet");

    let clock = time::Instant::now();
    let mut units = 0_u64;
    for _ in 0..rounds {
        let mut demux = Demux::new();
        for chunk in stream.chunks(CHUNK_BYTES) {
            demux.push(Stamp::default(), chunk);
            while demux.next_event().is_some() {
                units += 1;
            }
        }
    }
    let nanos = clock.elapsed().as_nanos() as f64 / (rounds * packets) as f64;
    println!("demux: {nanos:.1} ns per packet, {units} events");
}
