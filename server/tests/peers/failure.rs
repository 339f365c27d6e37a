//! Things that break, and what goes on regardless.

use crate::tidegate;
use tidegate_testkit::peers::{PacedSender, decode_errors, have, srt_to_file, test_picture};
use tidegate_testkit::{Tidegate, eventually, media::numbered_ts};

const CONFIG: &str = "\
listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]
sources: [{ name: cam, srt: { listener: ingest, stream_id: cam, passphrase: publish-secret-1 } }]
outputs:
  - { name: relay, source: cam, srt: { listener: ingest, stream_id: out, open: true } }
  - { name: tape, source: cam, record: { format: ts } }
";

fn publish_url(server: &Tidegate) -> String {
    format!(
        "srt://127.0.0.1:{}?streamid=cam&passphrase=publish-secret-1&pkt_size=1316",
        server.port("ingest")
    )
}

fn length(file: &std::path::Path) -> u64 {
    std::fs::metadata(file).map_or(0, |data| data.len())
}

#[test]
fn an_encoder_that_was_killed_takes_its_place_back_and_its_readers_stay() {
    if !have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let server = tidegate(CONFIG);
    let file = server.folder().join("received.ts");
    let mut reader = srt_to_file(
        "reader",
        &format!("srt://127.0.0.1:{}?streamid=out", server.port("ingest")),
        &file,
    );
    let mut camera = test_picture("camera", &publish_url(&server), server.folder());
    server.source_becomes("cam", "is healthy", |view| view["health"] == "ok");
    eventually("the reader receives", || {
        (length(&file) > 50_000).then_some(())
    });

    camera.kill();
    let before = length(&file);
    // What a supervisor around an encoder does: start again until it holds.
    let mut camera = test_picture("camera2", &publish_url(&server), server.folder());
    eventually("the encoder has its place back", || {
        if camera.ended().is_some() {
            camera = test_picture("camera2", &publish_url(&server), server.folder());
        }
        let view = server.source("cam");
        (view["connection"] == "connected" && view["last_packet_age_ms"].as_u64()? < 500)
            .then_some(())
    });
    eventually("the reader receives again", || {
        (length(&file) > before + 200_000).then_some(())
    });
    assert!(reader.ended().is_none(), "the reader was sent away");
    assert_eq!(server.output_status("relay")["readers"], 1);
}

#[test]
fn connected_without_media_is_never_green() {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let server = tidegate(CONFIG);
    // One packet, then silence: a socket that is open, and nothing to see.
    let mut sender = PacedSender::start("mute", &publish_url(&server), server.folder());
    let view = server.source_becomes("cam", "is connected", |view| {
        view["connection"] == "connected"
    });
    sender.send(&numbered_ts(7), 1_000_000);
    assert_ne!(view["health"], "ok", "{view}");
    let view = server.source_becomes("cam", "says that there is no media", |view| {
        view["reasons"]
            .as_array()
            .is_some_and(|reasons| reasons.iter().any(|reason| reason["text"] == "No media"))
    });
    assert_ne!(view["health"], "ok", "{view}");
}

#[test]
fn a_crash_loses_at_most_two_seconds_of_recording_and_no_state() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut server = tidegate(CONFIG);
    let created = server.http().put(
        "/api/v1/sources/late",
        &serde_json::json!({ "name": "late", "srt": { "listener": "ingest", "stream_id": "late" } }),
    );
    assert!(
        created.status == 200 || created.status == 201,
        "{}",
        created.text()
    );
    let _camera = test_picture("camera", &publish_url(&server), server.folder());
    let folder = server.data().join("recordings/tape");
    let file = eventually("a recording grows", || {
        let file = std::fs::read_dir(&folder).ok()?.flatten().next()?.path();
        (length(&file) > 600_000).then_some(file)
    });
    let received = server.source("cam")["srt"]["packets_received"]
        .as_u64()
        .unwrap()
        * 1316;
    let bitrate = server.source("cam")["bitrate_bps"].as_u64().unwrap();
    server.process().kill();
    let kept = length(&file);
    assert!(
        kept + bitrate / 8 * 2 >= received,
        "{kept} bytes kept of {received} received"
    );
    server.restart();
    assert_eq!(server.source("late")["config"]["srt"]["stream_id"], "late");
    assert_eq!(
        length(&file) % 188,
        0,
        "the interrupted recording ends with a whole packet"
    );
    assert_eq!(decode_errors(file.to_str().unwrap()), "");
}

/// A file system of its own that is small enough to fill; needs root.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &std::path::Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tidegate-test"])
            .arg(folder)
            .stderr(std::process::Stdio::null())
            .status();
        status.ok()?.success().then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

#[test]
fn a_full_disk_pauses_the_recording_and_leaves_the_live_path_alone() {
    if !have(&["ffmpeg", "srt-live-transmit", "mount"]) {
        return;
    }
    let server = tidegate(CONFIG);
    let Some(disk) = SmallDisk::mount(&server.data().join("recordings/tape")) else {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: mounting a small disk needs root"
        );
        return;
    };
    let ballast = disk.0.join("ballast");
    let received = server.folder().join("received.ts");
    let _reader = srt_to_file(
        "reader",
        &format!("srt://127.0.0.1:{}?streamid=out", server.port("ingest")),
        &received,
    );
    server.output_becomes("relay", "serves a reader", |view| view["readers"] == 1);
    let _camera = test_picture("camera", &publish_url(&server), server.folder());
    server.output_becomes("tape", "records", |view| view["delivering"] == true);
    let _ = std::fs::write(&ballast, vec![0; 4 << 20]);

    server.output_becomes("tape", "has paused, and says why", |view| {
        view["delivering"] == false
            && view["last_error"]
                .as_str()
                .is_some_and(|text| text.contains("full"))
    });
    let before = length(&received);
    eventually("the reader goes on", || {
        (length(&received) > before + 200_000).then_some(())
    });
    assert_eq!(server.source("cam")["connection"], "connected");

    std::fs::remove_file(&ballast).unwrap();
    server.output_becomes("tape", "records again by itself", |view| {
        view["delivering"] == true
    });
}
