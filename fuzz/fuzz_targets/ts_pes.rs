//! PES packets of every stream type, through the demultiplexer.
//! The first byte is the stream type in the table, the rest is what the PID carries.
#![no_main]

#[path = "../shared/ts_tables.rs"]
mod ts_tables;

use libfuzzer_sys::fuzz_target;
use tidegate_mpegts::{Demux, Event, PACKET_BYTES, PesHeader, Stamp};
use ts_tables::{MEDIA_PID, PMT_PID, pat, pmt};

fuzz_target!(|input: &[u8]| {
    let Some((stream_type, pes)) = input.split_first() else {
        return;
    };
    let _ = PesHeader::parse(pes);
    let _ = PesHeader::told_packet_bytes(pes);
    let mut demux = Demux::new();
    push(&mut demux, 0, &pat());
    push(&mut demux, PMT_PID, &pmt(*stream_type));
    for _ in 0..2 {
        push(&mut demux, MEDIA_PID, pes);
    }
    demux.flush();
    let mut bytes = 0;
    while let Some(event) = demux.next_event() {
        if let Event::Unit(unit) = event {
            bytes += unit.data.len();
        }
    }
    assert!(
        bytes <= 2 * pes.len() + 2 * PACKET_BYTES,
        "{bytes} bytes out of {}",
        pes.len()
    );
});

/// Sends `data` as one unit on `pid`, filling the last packet with stuffing.
fn push(demux: &mut Demux, pid: u16, data: &[u8]) {
    for (index, part) in data.chunks(PACKET_BYTES - 4).enumerate() {
        let start = if index == 0 { 0x40 } else { 0 };
        let stuffing = PACKET_BYTES - 4 - part.len();
        let control = if stuffing > 0 { 0x30 } else { 0x10 } | index as u8 & 15;
        let mut packet = vec![0x47, start | (pid >> 8) as u8, pid as u8, control];
        if stuffing > 0 {
            packet.push(stuffing as u8 - 1);
            packet.extend([0].iter().take(stuffing - 1));
            packet.resize(4 + stuffing, 0xFF);
        }
        packet.extend(part);
        demux.push(Stamp::default(), &packet);
    }
}
