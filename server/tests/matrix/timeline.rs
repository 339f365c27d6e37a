//! A source whose clock wraps, starts again and jumps, whose picture changes its size, whose PIDs
//! move and whose sound stays away for a while: what comes out at converters goes on.

use crate::outputs::Output;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tidegate_mpegts::{PACKET_BYTES, Packet};
use tidegate_testkit::peers::have;
use tidegate_testkit::{Particulars, Reference, Tidegate};

/// Pictures, and sounds, that have to come of each part.
const FRAMES: usize = 50;

/// How long until they have come everywhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// Seconds before the 33-bit clock wraps, at which the first part begins.
const BEFORE_WRAP: u32 = 95_438;

#[test]
fn converters_go_on_whatever_the_source_does() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let parts = parts(folder.path());
    let mut outputs = Output::all(folder.path());
    outputs.retain(|output| ["rtmp", "rtsp"].contains(&output.name));
    for output in &mut outputs {
        output.listen();
    }
    let server = start(&joined(&parts, folder.path()), &outputs);
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
    let said = server.output_status("rtmp").to_string();
    assert!(
        said.contains("jumped back"),
        "it is told what happened: {said}"
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
        part(BEFORE_WRAP, 10, (320, 180), 0x100),
        part(10, 6, (640, 360), 0x200),
        part(500, 8, (640, 360), 0x200),
    ]
}

/// One after the other; the sound of the last comes after its first half.
fn joined(parts: &[Reference], folder: &Path) -> PathBuf {
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
    let file = folder.join("joined.ts");
    std::fs::write(&file, stream).unwrap();
    file
}

fn start(file: &Path, outputs: &[Output]) -> Tidegate {
    let mut config = format!(
        "listeners: [{{ name: rtsp, rtsp: {{ bind: \"127.0.0.1:0\" }} }}]\n\
         sources: [{{ name: cam, file: {{ path: \"{}\" }} }}]\noutputs:\n",
        file.display(),
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
