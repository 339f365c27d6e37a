//! Every kind of input to every kind of output, through real programs at both ends: no frame is
//! lost, picture and sound stay together, and times rise.
//!
//! One test for each kind of input feeds all kinds of outputs at the same time.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod carriage;
mod extras;
mod inputs;
mod outputs;
mod timeline;

use inputs::Input;
use outputs::Output;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tidegate_testkit::peers::have;
use tidegate_testkit::{Particulars, Reference, Tidegate};

/// Pictures that every output has to deliver in a row: four seconds.
const PICTURES: usize = 100;

/// Length of the clip: whoever joins late gets enough of it, too.
const SECONDS: u32 = 30;

/// How long until all outputs have delivered as much.
const PATIENCE: Duration = Duration::from_secs(60);

fn arrives_everywhere(input: &Input) {
    if !have(&["ffmpeg"]) || !have(input.programs) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = Reference::make(
        folder.path(),
        Particulars {
            seconds: SECONDS,
            b_frames: input.b_frames,
            ..Particulars::default()
        },
    );
    let mut outputs = Output::all(folder.path());
    for output in &mut outputs {
        output.listen();
    }
    let mut place = (input.place)(&clip, folder.path());
    let mut config = String::from(
        "listeners:\n\
         - { name: ingest, srt: { bind: \"127.0.0.1:0\" } }\n\
         - { name: rtmp, rtmp: { bind: \"127.0.0.1:0\" } }\n\
         - { name: rtsp, rtsp: { bind: \"127.0.0.1:0\" } }\n",
    );
    writeln!(
        config,
        "sources:\n- {{ name: cam, {} }}\noutputs:",
        place.source
    )
    .unwrap();
    for output in &outputs {
        writeln!(
            config,
            "- {{ name: {}, source: cam, {} }}",
            output.name, output.config
        )
        .unwrap();
    }
    let server = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config).start();
    place.begin(&server);
    server.source_becomes("cam", "is live", |view| view["health"] == "ok");
    for output in &mut outputs {
        output.call(&server);
    }
    all_arrive(&clip, &server, &outputs);
}

/// Looks at what has been received until it is enough, everywhere.
fn all_arrive(clip: &Reference, server: &Tidegate, outputs: &[Output]) {
    let began = Instant::now();
    let mut waiting: Vec<&Output> = outputs.iter().collect();
    let mut faults = String::new();
    while !waiting.is_empty() {
        faults.clear();
        waiting.retain(|output| {
            let fault = output.fault(clip, server, PICTURES);
            if let Some(fault) = &fault {
                writeln!(
                    faults,
                    "{}: {fault}\n  {}",
                    output.name,
                    server.output_status(output.name)["details"]
                )
                .unwrap();
            }
            fault.is_some()
        });
        assert!(began.elapsed() < PATIENCE, "{faults}\n{}", server.output());
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn from_srt() {
    arrives_everywhere(&inputs::SRT);
}

#[test]
fn from_udp() {
    arrives_everywhere(&inputs::UDP);
}

#[test]
fn from_rtp() {
    arrives_everywhere(&inputs::RTP);
}

#[test]
fn from_rtmp() {
    arrives_everywhere(&inputs::RTMP);
}

#[test]
fn from_rtsp() {
    arrives_everywhere(&inputs::RTSP);
}

#[test]
fn from_hls() {
    arrives_everywhere(&inputs::HLS);
}

#[test]
fn from_a_file_of_mpeg_ts() {
    arrives_everywhere(&inputs::FILE_TS);
}

#[test]
fn from_a_file_of_mp4() {
    arrives_everywhere(&inputs::FILE_MP4);
}
