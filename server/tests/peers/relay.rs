//! `tidegate relay`, `send` and `receive`, where people have used srt-live-transmit.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_testkit::peers::{self, have, srt_to_file};
use tidegate_testkit::{Process, eventually, free_udp_port, media};

const PASSPHRASE: &str = "relay passphrase 1";
/// How long a relay of a few seconds may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(40);

fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments);
    command
}

fn ends_well(process: &mut Process) {
    let status = process.finished_within(PATIENCE);
    assert!(status.success(), "{}", process.output());
}

#[track_caller]
fn becomes(file: &Path, wanted: &[u8]) {
    let got = eventually("the file is complete", || {
        let got = std::fs::read(file).ok()?;
        (got.len() >= wanted.len()).then_some(got)
    });
    let difference = got.iter().zip(wanted).position(|(one, other)| one != other);
    assert_eq!((got.len(), difference), (wanted.len(), None));
}

#[test]
fn a_file_is_sent_in_its_own_time_to_its_last_byte() {
    if !have(&["srt-live-transmit", "ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clip = media::h264_aac(folder.path(), 4);
    let got = folder.path().join("got.ts");
    let port = free_udp_port();
    let secret = format!("passphrase={PASSPHRASE}&pbkeylen=24");
    let listener = format!("srt://127.0.0.1:{port}?mode=listener&latency=200&{secret}");
    let _receiver = srt_to_file("receiver", &listener, &got);
    let to = format!("srt://127.0.0.1:{port}?latency=200&{secret}");
    let began = std::time::Instant::now();
    let mut command = tidegate(&["send", clip.to_str().unwrap(), &to]);
    ends_well(&mut Process::start("send", &mut command, folder.path()));
    assert!(
        began.elapsed() > Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    becomes(&got, &std::fs::read(&clip).unwrap());
}

#[test]
fn standard_input_is_relayed_and_counted_as_srt_live_transmit_counts() {
    if !have(&["srt-live-transmit", "ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clip = media::h264_aac(folder.path(), 3);
    let got = folder.path().join("got.ts");
    let statistics = folder.path().join("statistics.json");
    let port = free_udp_port();
    let listener = format!("srt://127.0.0.1:{port}?mode=listener");
    let _receiver = srt_to_file("receiver", &listener, &got);
    let to = format!("srt://127.0.0.1:{port}");
    let mut command = tidegate(&[
        "relay",
        "file://con",
        &to,
        "-s:50",
        "-pf:json",
        "-f",
        "-a:no",
    ]);
    command.arg(format!("-statsout:{}", statistics.display()));
    let (mut relay, mut input) = Process::with_input("relay", &mut command, folder.path());
    let clip = std::fs::read(clip).unwrap();
    for chunk in clip.chunks(1316) {
        input.write_all(chunk).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(input);
    ends_well(&mut relay);
    becomes(&got, &clip);
    let lines = std::fs::read_to_string(statistics).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let packets = last["send"]["packetsUnique"].as_u64().unwrap();
    let all = clip.len().div_ceil(1316) as u64;
    assert!((50..=all).contains(&packets), "{packets} of {all}: {last}");
    assert_eq!(last["send"]["packetsDropped"], 0);
    assert!(last["link"]["rtt"].as_f64() < Some(50.0), "{last}");
}

#[test]
fn a_feed_that_is_called_for_is_written_to_a_file() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let got = folder.path().join("got.ts");
    let port = free_udp_port();
    let listener = format!("srt://127.0.0.1:{port}?mode=listener&pkt_size=1316");
    let mut camera = peers::test_picture("camera", &listener, folder.path());
    let from = format!("srt://127.0.0.1:{port}?latency=120");
    let mut command = tidegate(&["receive", &from, got.to_str().unwrap()]);
    let mut receive = Process::start("receive", &mut command, folder.path());
    eventually("two seconds are there", || {
        (std::fs::metadata(&got).ok()?.len() > 250_000).then_some(())
    });
    camera.kill();
    let ended = receive.stop();
    assert!(
        ended.is_some_and(|status| status.success()),
        "{}",
        receive.output()
    );
    assert_eq!(peers::decode_errors_of_start(got.to_str().unwrap(), 2), "");
}
