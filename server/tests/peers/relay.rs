//! `tidegate relay`, `send` and `receive`, where people have used srt-live-transmit.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_testkit::peers::{self, PacedSender, have, srt_to_file};
use tidegate_testkit::{Process, eventually, free_udp_port, media};

const PASSPHRASE: &str = "relay passphrase 1";
const RATE_BPS: u64 = 8_000_000;
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

/// srt-live-transmit calls a relay that listens on both sides, and another one takes what
/// comes out: the relay stands where srt-live-transmit would.
#[test]
fn a_relay_listens_on_both_sides_and_passes_every_byte() {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let got = folder.path().join("got.ts");
    let (front, back) = (free_udp_port(), free_udp_port());
    let from = format!("srt://127.0.0.1:{front}?mode=listener&latency=150&passphrase={PASSPHRASE}");
    let to = format!("srt://:{back}?latency=150");
    let statistics = folder.path().join("statistics.csv");
    let mut command = tidegate(&["relay", &from, &to, "-s:100", "-pf:csv"]);
    command.arg(format!("-statsout:{}", statistics.display()));
    let mut relay = Process::start("relay", &mut command, folder.path());
    let _reader = srt_to_file("reader", &format!("srt://127.0.0.1:{back}"), &got);
    let url = format!("srt://127.0.0.1:{front}?streamid=x&passphrase={PASSPHRASE}");
    let mut camera = PacedSender::start("camera", &url, folder.path());
    eventually("both ends are connected", || {
        let said = relay.output();
        let is_read = said.contains(&format!("srt://:{back}: delivering"));
        camera.send(&stuffing(), RATE_BPS);
        (is_read && said.contains("connected to")).then_some(())
    });
    let sent = media::numbered_ts(7 * 1000);
    camera.send(&sent, RATE_BPS);
    let carried = eventually("every byte is there", || {
        // Both programs hold back their last few packets.
        camera.send(&stuffing(), RATE_BPS);
        let bytes = std::fs::read(&got).ok()?;
        let media = without_stuffing(&bytes);
        (media.len() >= sent.len()).then_some(media)
    });
    assert!(carried == sent, "{} of {} bytes", carried.len(), sent.len());
    let lines = std::fs::read_to_string(statistics).unwrap();
    let columns: Vec<usize> = lines.lines().map(|line| line.split(',').count()).collect();
    assert!(
        columns.len() > 2 && columns.iter().all(|count| *count == 40),
        "{lines}"
    );
    assert!(relay.stop().is_some_and(|status| status.success()));
}

/// UDP knows no connection: a refusal is no end, with `-a:no` neither.
#[test]
fn a_udp_receiver_that_comes_late_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let port = free_udp_port();
    let to = format!("udp://127.0.0.1:{port}");
    let mut command = tidegate(&["relay", "file://con", &to, "-a:no"]);
    let (mut relay, mut input) = Process::with_input("relay", &mut command, folder.path());
    let mut feed = || {
        input.write_all(&stuffing()).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    };
    eventually("the refusal is said", || {
        feed();
        relay.output().contains("refuses").then_some(())
    });
    let receiver = std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
    receiver.set_nonblocking(true).unwrap();
    eventually("datagrams arrive, and it is said", || {
        feed();
        let said = relay.output();
        let delivers = said.trim_end().ends_with("delivering");
        (receiver.recv(&mut [0; 2000]).is_ok() && delivers).then_some(())
    });
    drop(input);
    ends_well(&mut relay);
}

/// With a latency of 4 s nothing is due yet when the camera has sent all and has gone.
#[test]
fn without_reconnecting_what_has_come_in_still_gets_across() {
    let folder = TempDir::new().unwrap();
    let got = folder.path().join("got.ts");
    let (front, back) = (free_udp_port(), free_udp_port());
    // So much that not even a machine that stands still for a second drops anything.
    let options = "mode=listener&latency=2000&passphrase=secret%20of%20two%25";
    let listener = format!("srt://127.0.0.1:{back}?{options}");
    let mut command = tidegate(&["receive", &listener, got.to_str().unwrap()]);
    let _receiver = Process::start("receive", &mut command, folder.path());
    let from = format!("srt://127.0.0.1:{front}?mode=listener&latency=4000");
    let mut command = tidegate(&["relay", &from, &format!("srt://127.0.0.1:{back}"), "-a:no"]);
    command.env("TIDEGATE_PASSPHRASE_TO", "secret of two%");
    let mut relay = Process::start("relay", &mut command, folder.path());
    eventually("the far side is there", || {
        let said = relay.output();
        said.contains(&format!("{back}: waiting")).then_some(())
    });
    let to = format!("srt://127.0.0.1:{front}");
    let mut command = tidegate(&["relay", "file://con", &to]);
    let (mut camera, mut input) = Process::with_input("camera", &mut command, folder.path());
    eventually("the camera is there", || {
        relay.output().contains("connected to").then_some(())
    });
    let sent = media::numbered_ts(7 * 300);
    for chunk in sent.chunks(1316) {
        input.write_all(chunk).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(input);
    ends_well(&mut camera);
    ends_well(&mut relay);
    becomes(&got, &sent);
}

#[test]
fn readers_who_leave_when_they_have_had_enough_are_no_failure() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clip = media::h264_aac(folder.path(), 5);
    let got = folder.path().join("got.ts");
    let port = free_udp_port();
    let mut command = tidegate(&["send", clip.to_str().unwrap(), &format!("srt://:{port}")]);
    let mut send = Process::start("send", &mut command, folder.path());
    let from = format!("srt://127.0.0.1:{port}");
    let mut command = tidegate(&["receive", &from, got.to_str().unwrap()]);
    let mut receive = Process::start("receive", &mut command, folder.path());
    eventually("something is read", || {
        (std::fs::metadata(&got).ok()?.len() > 50_000).then_some(())
    });
    receive.kill();
    ends_well(&mut send);
}

/// Its latency of 3 s is longer than what is waited for anyway: libsrt drops what it has not
/// played when the sender leaves.
#[test]
fn a_file_for_a_reader_who_calls_ends_by_itself_when_the_last_byte_is_played() {
    if !have(&["srt-live-transmit", "ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clip = media::h264_aac(folder.path(), 4);
    let got = folder.path().join("got.ts");
    let port = free_udp_port();
    let mut command = tidegate(&["send", clip.to_str().unwrap(), &format!("srt://:{port}")]);
    let mut send = Process::start("send", &mut command, folder.path());
    let from = format!("srt://127.0.0.1:{port}?latency=3000");
    let _reader = srt_to_file("reader", &from, &got);
    ends_well(&mut send);
    becomes(&got, &std::fs::read(&clip).unwrap());
}

#[test]
fn a_file_begins_with_its_first_reader() {
    if !have(&["srt-live-transmit", "ffmpeg"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clip = media::h264_aac(folder.path(), 2);
    let got = folder.path().join("got.ts");
    let to = format!("srt://:{}", free_udp_port());
    let mut command = tidegate(&["send", clip.to_str().unwrap(), &to]);
    let mut send = Process::start("send", &mut command, folder.path());
    eventually("it says what it waits for", || {
        let said = send.output();
        said.contains("waiting for the first reader").then_some(())
    });
    let _reader = srt_to_file("reader", &to.replace("//:", "//127.0.0.1:"), &got);
    ends_well(&mut send);
    becomes(&got, &std::fs::read(&clip).unwrap());
}

fn stuffing() -> Vec<u8> {
    [0x47, 0x1F, 0xFF, 0x10].repeat(47).repeat(7)
}

fn without_stuffing(bytes: &[u8]) -> Vec<u8> {
    let is_media = |packet: &&[u8]| packet[1] & 0x1F != 0x1F || packet[2] != 0xFF;
    bytes
        .chunks_exact(188)
        .filter(is_media)
        .flatten()
        .copied()
        .collect()
}

#[test]
fn what_cannot_work_is_said_at_once() {
    let refused = |arguments: &[&str]| {
        let output = tidegate(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused(&["relay", "srt://h:1?latency=200000", "file://con"]);
    assert!(said.contains("microseconds"), "{said}");
    let said = refused(&["relay", "srt://h:1?latancy=200", "file://con"]);
    assert!(said.contains("did you mean \"latency\""), "{said}");
    let said = refused(&["relay", "srt://:1?passphrase=tiny", "file://con"]);
    assert!(said.contains("10 to 79"), "{said}");
    assert!(!said.contains("tiny"), "{said}");
    let said = refused(&["relay", "udp://:1", "rtmp://h:1"]);
    assert!(said.contains("srt://HOST:PORT"), "{said}");
    let said = refused(&["send", "/nowhere.ts", "srt://h:1"]);
    assert!(said.contains("/nowhere.ts"), "{said}");
    let said = refused(&[
        "relay",
        "file://con",
        "srt://192.0.2.77:23456?mode=listener",
    ]);
    assert!(said.contains("no such address"), "{said}");
}
