//! Files as sources: what comes out of the program, as ffprobe sees it.

use crate::tidegate;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tidegate_testkit::peers::{ffmpeg, have};
use tidegate_testkit::{Tidegate, eventually};

const SECOND: &[&str] = &[
    "-f",
    "lavfi",
    "-i",
    "testsrc2=s=320x180:r=25",
    "-f",
    "lavfi",
    "-i",
    "sine=r=48000",
    "-t",
    "1",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-g",
    "25",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
    "-ac",
    "2",
];

/// A server that plays `file` in a loop and records it, after so many rounds.
fn recorded(folder: &Path, file: &str, rounds: u64) -> (Tidegate, PathBuf) {
    let path = folder.join(file);
    let made = [SECOND, &[path.to_str().unwrap()]].concat();
    let status = ffmpeg("maker", &made, folder).finished_within(Duration::from_secs(30));
    assert!(status.success());
    let server = tidegate(&format!(
        "sources: [{{ name: tape, file: {{ path: {path:?}, loop: true }} }}]\n\
         outputs: [{{ name: archive, source: tape, record: {{ format: ts }} }}]\n",
    ));
    let wanted = std::fs::metadata(&path).unwrap().len() * rounds;
    let recordings = server.data().join("recordings/archive");
    let recording = eventually("so many rounds are recorded", || {
        let mut files = std::fs::read_dir(&recordings).ok()?.flatten();
        let whole =
            |file: &std::fs::DirEntry| file.metadata().is_ok_and(|about| about.len() > wanted);
        files.find(whole).map(|file| file.path())
    });
    (server, recording)
}

#[track_caller]
fn goes_on_without_errors(recording: &Path) {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "warning",
            "-of",
            "csv=p=0",
            "-show_entries",
            "packet=stream_index,dts_time",
        ])
        .arg(recording)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        !complaints.contains("Continuity") && !complaints.contains("DTS"),
        "{complaints}"
    );
    let mut last = [f64::MIN; 2];
    let mut packets = [0; 2];
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.is_empty() {
            continue;
        }
        let mut fields = line.split(',');
        let stream: usize = fields.next().unwrap().parse().unwrap();
        let time: f64 = fields.next().unwrap().parse().unwrap();
        let step = time - last[stream];
        assert!(step > 0.0, "stream {stream} goes back at {time}");
        assert!(
            packets[stream] == 0 || step < 0.1,
            "stream {stream} pauses {step} s at {time}"
        );
        last[stream] = time;
        packets[stream] += 1;
    }
    assert!(packets[0] > 75, "three rounds of 25 pictures: {packets:?}");
}

#[test]
fn a_transport_stream_in_a_loop_is_recorded_as_one() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut server, recording) = recorded(folder.path(), "tape.ts", 5);
    server.process().stop();
    goes_on_without_errors(&recording);
}

#[test]
fn an_mp4_file_in_a_loop_is_recorded_as_one() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut server, recording) = recorded(folder.path(), "tape.mp4", 5);
    server.process().stop();
    goes_on_without_errors(&recording);
}
