//! A source whose clock wraps, starts again and jumps, whose picture changes its size, whose PIDs
//! move and whose sound stays away for a while: what comes out at converters goes on.

use crate::outputs::Output;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tidegate_mpegts::{PACKET_BYTES, Packet};
use tidegate_testkit::peers::{PacedSender, have};
use tidegate_testkit::{Particulars, Reference, Tidegate};

const CONVERTERS: [&str; 3] = ["rtmp", "rtsp", "hls"];

/// Pictures, and sounds, that have to come of each part.
const FRAMES: usize = 50;

/// How long until they have come everywhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// Length of each part.
const SECONDS: [u32; 3] = [10, 6, 8];

/// Seconds before the 33-bit clock wraps, at which the first part begins.
const BEFORE_WRAP: u32 = 95_438;

#[test]
fn converters_go_on_whatever_the_source_does() {
    if !have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let parts = parts(folder.path());
    let mut outputs = Output::all(folder.path());
    outputs.retain(|output| CONVERTERS.contains(&output.name));
    for output in &mut outputs {
        output.listen();
    }
    let server = start(&outputs);
    let to = format!("srt://127.0.0.1:{}?streamid=cam", server.port("ingest"));
    let mut sender = PacedSender::start("sender", &to, folder.path());
    server.source_becomes("cam", "is called", |view| view["connection"] == "connected");
    let stream = joined(&parts);
    // Stays until the test ends, so that what was sent last is still played out.
    let _sending = std::thread::spawn(move || {
        sender.send(
            &stream,
            stream.len() as u64 * 8 / u64::from(SECONDS.iter().sum::<u32>()),
        );
        sender
    });
    server.source_becomes("cam", "is live", |view| view["health"] == "ok");
    for output in &mut outputs {
        output.call(&server);
    }
    let began = Instant::now();
    loop {
        let faults = faults(&parts, &outputs, &server);
        if faults.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{faults}\n{}", server.output());
        std::thread::sleep(Duration::from_millis(500));
    }
    let told = server.output_status("rtmp");
    assert!(
        told["detail"]["rtmp"]["breaks"].as_u64() >= Some(2),
        "{told}"
    );
}

fn faults(parts: &[Reference], outputs: &[Output], server: &Tidegate) -> String {
    let mut faults = String::new();
    for output in outputs {
        let received = output.received(server).unwrap_or_default();
        for (number, part) in parts.iter().enumerate() {
            if let Some(fault) = part.compare(&received).fault_of_part(FRAMES) {
                writeln!(faults, "{}, part {number}: {fault}", output.name).unwrap();
            }
        }
    }
    faults
}

/// A clock that wraps; one that begins again, with other PIDs and a larger picture; one that is
/// ahead of it.
fn parts(folder: &Path) -> Vec<Reference> {
    let part = |begins_at, seconds, size, first_pid| {
        let particulars = Particulars {
            seconds,
            begins_at,
            size,
            first_pid,
            ..Particulars::default()
        };
        Reference::make(folder, particulars)
    };
    vec![
        part(BEFORE_WRAP, SECONDS[0], (320, 180), 0x100),
        part(60, SECONDS[1], (640, 360), 0x200),
        part(500, SECONDS[2], (640, 360), 0x200),
    ]
}

/// One after the other; the sound of the last comes after its first half.
fn joined(parts: &[Reference]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let bytes = std::fs::read(part.file()).unwrap();
        let packets = bytes.as_chunks::<PACKET_BYTES>().0;
        for (place, packet) in packets.iter().enumerate() {
            let is_sound = Packet::new(packet).is_some_and(|packet| packet.pid() == 0x201);
            let is_silent = number == 2 && place < packets.len() / 2;
            if !(is_sound && is_silent) {
                stream.extend_from_slice(packet);
            }
        }
    }
    stream
}

fn start(outputs: &[Output]) -> Tidegate {
    let mut config = String::from(
        "listeners:\n\
         - { name: ingest, srt: { bind: \"127.0.0.1:0\", latency: 400ms } }\n\
         - { name: rtsp, rtsp: { bind: \"127.0.0.1:0\" } }\n\
         sources: [{ name: cam, srt: { listener: ingest, stream_id: cam } }]\n\
         outputs:\n",
    );
    for output in outputs {
        writeln!(
            config,
            "- {{ name: {}, source: cam, {} }}",
            output.name, output.config
        )
        .unwrap();
    }
    Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config).start()
}
