//! Transport packets through the demultiplexer and the inspector.
//! The first byte says how the stream is cut and whether sync bytes are put right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mpegts::{Demux, Inspector, PACKET_BYTES, SYNC_BYTE, Stamp};
use tidegate_units::{Duration, Instant};

fuzz_target!(|input: &[u8]| {
    let Some((how, stream)) = input.split_first() else {
        return;
    };
    let mut stream = stream.to_vec();
    if how & 1 == 0 {
        stream
            .iter_mut()
            .step_by(PACKET_BYTES)
            .for_each(|first| *first = SYNC_BYTE);
    }
    let cut = usize::from(how >> 1).max(1) * 11;
    let (mut demux, mut inspector) = (Demux::new(), Inspector::new());
    let mut now = Instant::ZERO;
    for chunk in stream.chunks(cut) {
        now += Duration::from_millis(300);
        demux.push(
            Stamp {
                arrived: now,
                due: now,
            },
            chunk,
        );
        inspector.push(now, chunk);
        drain(&mut demux, stream.len());
    }
    demux.lost();
    demux.flush();
    drain(&mut demux, stream.len());
    let report = inspector.report(now);
    assert!(report.packets <= (stream.len() / PACKET_BYTES) as u64);
});

fn drain(demux: &mut Demux, stream_bytes: usize) {
    let mut events = 0;
    while demux.next_event().is_some() {
        events += 1;
        assert!(events <= 4 * stream_bytes + 16, "events out of nothing");
    }
}
