//! The programs people use, both ways, with and without passphrase and stream ID.

use crate::tidegate;
use std::process::Command;
use std::time::Duration;
use tidegate_testkit::peers::{decode_errors_of_start, ffmpeg, have, test_picture};
use tidegate_testkit::{Process, Tidegate, eventually};

fn gateway() -> Tidegate {
    tidegate(
        "listeners:\n\
         \x20 - { name: ingest, srt: { bind: \"127.0.0.1:0\", latency: 120ms } }\n\
         \x20 - { name: ingest6, srt: { bind: \"[::1]:0\", latency: 120ms } }\n\
         sources:\n\
         \x20 - { name: open, srt: { listener: ingest, stream_id: live/open } }\n\
         \x20 - { name: locked, srt: { listener: ingest, stream_id: live/locked, passphrase: publish-secret-1 } }\n\
         \x20 - { name: v6, srt: { listener: ingest6, stream_id: live/v6, passphrase: publish-secret-1 } }\n\
         outputs:\n\
         \x20 - { name: open-out, source: open, srt: { listener: ingest, stream_id: out/open, open: true } }\n\
         \x20 - { name: locked-out, source: locked, srt: { listener: ingest, stream_id: out/locked, passphrase: read-secret-22 } }\n\
         \x20 - { name: v6-out, source: v6, srt: { listener: ingest6, stream_id: out/v6, passphrase: read-secret-22 } }\n",
    )
}

fn healthy(server: &Tidegate, source: &str) {
    let view = server.source_becomes(source, "is healthy, with picture and sound", |view| {
        view["health"] == "ok" && view["media"]["video"]["gop_seconds"].is_number()
    });
    assert_eq!(view["connection"], "connected");
    let video = &view["media"]["video"];
    assert_eq!(
        (&video["codec"], &video["width"], &video["height"]),
        (&"h264".into(), &640.into(), &360.into())
    );
    assert!(
        (video["fps"].as_f64().unwrap() - 25.0).abs() < 0.5,
        "{video}"
    );
    assert!(
        (video["gop_seconds"].as_f64().unwrap() - 1.0).abs() < 0.1,
        "{video}"
    );
    let audio = &view["media"]["audio"][0];
    assert_eq!(
        (&audio["codec"], &audio["sample_rate"]),
        (&"aac".into(), &48000.into())
    );
    assert!(view["bitrate_bps"].as_u64() > Some(300_000), "{view}");
    assert!(view["srt"]["rtt_ms"].as_f64() < Some(50.0), "{view}");
}

/// Takes three seconds of a stream with ffmpeg, and decodes it without a complaint.
#[track_caller]
fn watched_by_ffmpeg(server: &Tidegate, url: &str) {
    let file = server.folder().join("watched.ts");
    let mut player = ffmpeg(
        "player",
        &[
            "-analyzeduration",
            "1000000",
            "-i",
            url,
            "-t",
            "3",
            "-c",
            "copy",
            file.to_str().unwrap(),
        ],
        server.folder(),
    );
    let status = player.finished_within(Duration::from_secs(40));
    assert!(status.success(), "{}", player.output());
    // A player joins in the middle of a group of pictures; from the first key frame on
    // there is nothing to complain about.
    let probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_packets",
            "-show_entries",
            "stream=codec_name,nb_read_packets",
            "-of",
            "csv=p=0",
        ])
        .arg(&file)
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(found.contains("h264,") && found.contains("aac,"), "{found}");
}

#[test]
fn ffmpeg_publishes_and_plays_without_encryption() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest");
    let _camera = test_picture(
        "camera",
        &format!("srt://127.0.0.1:{port}?streamid=live/open&pkt_size=1316"),
        server.folder(),
    );
    healthy(&server, "open");
    watched_by_ffmpeg(
        &server,
        &format!("srt://127.0.0.1:{port}?streamid=out/open"),
    );
}

#[test]
fn ffmpeg_publishes_and_plays_with_passphrase_and_access_control_syntax() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest");
    let to = format!(
        "srt://127.0.0.1:{port}?passphrase=publish-secret-1&pbkeylen=24&pkt_size=1316&streamid=#!::r=live/locked,m=publish,u=bob"
    );
    let _camera = test_picture("camera", &to, server.folder());
    healthy(&server, "locked");
    assert_eq!(server.source("locked")["srt"]["encryption"], "aes-192-ctr");
    watched_by_ffmpeg(
        &server,
        &format!(
            "srt://127.0.0.1:{port}?passphrase=read-secret-22&streamid=#!::r=out/locked,m=request"
        ),
    );
}

#[test]
fn ffmpeg_publishes_and_plays_over_ipv6() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest6");
    let to =
        format!("srt://[::1]:{port}?passphrase=publish-secret-1&pkt_size=1316&streamid=live/v6");
    let _camera = test_picture("camera", &to, server.folder());
    healthy(&server, "v6");
    watched_by_ffmpeg(
        &server,
        &format!("srt://[::1]:{port}?passphrase=read-secret-22&streamid=out/v6"),
    );
}

#[test]
fn gstreamer_publishes_and_receives() {
    if !have(&["gst-launch-1.0"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest");
    let pipeline = format!(
        "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=25/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse ! \
         mpegtsmux alignment=7 name=m audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! voaacenc ! aacparse ! m. m. ! \
         srtsink uri=srt://127.0.0.1:{port}?mode=caller passphrase=publish-secret-1 pbkeylen=16 streamid=live/locked latency=150 wait-for-connection=false"
    );
    let mut publish = Command::new("gst-launch-1.0");
    publish.arg("-q").args(pipeline.split_whitespace());
    let _camera = Process::start("gst-publish", &mut publish, server.folder());
    healthy(&server, "locked");

    let file = server.folder().join("gst.ts");
    let receive = format!(
        "srtsrc uri=srt://127.0.0.1:{port}?mode=caller streamid=out/locked passphrase=read-secret-22 latency=150 num-buffers=300 ! filesink location={}",
        file.display()
    );
    let mut command = Command::new("gst-launch-1.0");
    command.args(["-e", "-q"]).args(receive.split_whitespace());
    let mut player = Process::start("gst-receive", &mut command, server.folder());
    let status = player.finished_within(Duration::from_secs(40));
    assert!(status.success(), "{}", player.output());
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(bytes.len() % 188, 0);
    assert!(bytes.len() >= 300 * 1316 && bytes.chunks(188).all(|packet| packet[0] == 0x47));
}

#[test]
fn a_recording_of_ffmpegs_stream_decodes_without_a_complaint() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = tidegate(
        "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]\n\
         sources: [{ name: cam, srt: { listener: ingest, stream_id: cam } }]\n\
         outputs: [{ name: tape, source: cam, record: { format: ts } }]\n",
    );
    let mut camera = test_picture(
        "camera",
        &format!(
            "srt://127.0.0.1:{}?streamid=cam&pkt_size=1316",
            server.port("ingest")
        ),
        server.folder(),
    );
    server.output_becomes("tape", "records", |view| view["delivering"] == true);
    let folder = server.data().join("recordings/tape");
    let file = eventually("a recording of three seconds", || {
        let file = std::fs::read_dir(&folder).ok()?.flatten().next()?.path();
        (file.metadata().ok()?.len() > 400_000).then_some(file)
    });
    camera.stop();
    server.source_becomes("cam", "has lost its encoder", |view| {
        view["connection"] != "connected"
    });
    // An encoder that closes drops what it has not sent yet, in the middle of a frame.
    assert_eq!(decode_errors_of_start(file.to_str().unwrap(), 2), "");
}
