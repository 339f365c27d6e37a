//! The inspector, which looks at a publisher's stream on a media thread: bytes as they come, and
//! packets of every stream type. The first byte is the stream type in the table, the second how
//! the rest is sent.
#![no_main]

#[path = "../shared/ts_tables.rs"]
mod ts_tables;

use libfuzzer_sys::fuzz_target;
use tidegate_mpegts::{Inspector, PACKET_BYTES};
use tidegate_units::{Duration, Instant};
use ts_tables::{MEDIA_PID, PMT_PID, pat, pmt};

fuzz_target!(|input: &[u8]| {
    let [stream_type, how, stream @ ..] = input else {
        return;
    };
    let mut inspector = Inspector::new();
    inspector.push(Instant::ZERO, stream);
    let before = inspector.report(Instant::ZERO).packets;
    assert!(inspector.pulse().packets == before && inspector.pulse().flow == Instant::ZERO);
    inspector.reset();
    assert!(before <= (stream.len() / PACKET_BYTES) as u64);

    let mut now = Instant::ZERO;
    inspector.push(now, &packet(0, 0, true, &pat()));
    inspector.push(now, &packet(PMT_PID, 0, true, &pmt(*stream_type)));
    let step = Duration::from_millis(u64::from(how >> 3) * 10);
    let parts = stream.chunks(1 + usize::from(how & 3) * 60);
    let mut packets = 2;
    for (counter, part) in parts.enumerate() {
        now += step;
        let begins = how & 4 != 0 || counter % 4 == 0;
        inspector.push(now, &packet(MEDIA_PID, counter as u8, begins, part));
        packets += 1;
    }
    let report = inspector.report(now);
    assert_eq!((report.packets, report.continuity_errors), (packets, 0));
    assert!(report.has_pmt && report.tracks.len() == 1);
    let pulse = inspector.pulse();
    assert!(pulse.streams().len() <= 1 && pulse.flow <= now);
    let counted = inspector.tr101290();
    assert_eq!((counted.continuity.count, counted.sync_loss.count), (0, 0));
});

/// A packet with `content`, of which there are fewer than 184 bytes, behind stuffing.
fn packet(pid: u16, counter: u8, begins: bool, content: &[u8]) -> Vec<u8> {
    let start = if begins { 0x40 } else { 0 };
    let [high, low] = pid.to_be_bytes();
    let stuffing = PACKET_BYTES - 4 - content.len();
    let mut packet = vec![0x47, start | high, low, 0x30 | counter & 15];
    packet.extend([stuffing as u8 - 1, 0]);
    packet.resize(4 + stuffing, 0xFF);
    packet.extend(content);
    packet
}
