//! What is handed out is pasted into a shell, and works.

use std::process::{ChildStdin, Command};

use serde_json::Value;
use tidegate_testkit::peers::have;
use tidegate_testkit::{Process, Tidegate, eventually, media::h264_aac};

use crate::tidegate;

/// With what a shell, an address or the access-control form would take for something else.
const STATION: &str = r#"
public_host: 127.0.0.1
listeners: [{ name: ingest, srt: { bind: "127.0.0.1:0" } }]
sources:
  - { name: cam, srt: { listener: ingest, stream_id: "live/cam 1,x", users: { alice: "it's 100% of alice" } } }
outputs:
  - { name: watch, source: cam, srt: { listener: ingest, stream_id: "out/cam 1,x", users: { alice: "100%41 to read, it's" } } }
"#;

/// Keys and paths that tools divide and decode, each in its own way.
const RTMP: &str = r#"
public_host: 127.0.0.1
listeners:
  - { name: phones, rtmp: { bind: "127.0.0.1:0" } }
  - { name: players, rtsp: { bind: "127.0.0.1:0" } }
sources:
  - { name: plain, rtmp: { listener: phones, key: 8Fq2-vWk7 } }
  - { name: odd, rtmp: { listener: phones, app: a/b/c, key: "it's+100%41/of?odd=.flv" } }
outputs:
  - { name: watch, source: plain, rtsp: { path: live/watch, username: desk, password: "it's 100%41 of:desk@" } }
"#;

/// Runs a line in a shell, in the test's folder.
fn paste(server: &Tidegate, name: &str, line: &str) -> (Process, ChildStdin) {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {line}")]);
    command.current_dir(server.folder());
    Process::with_input(name, &mut command, server.folder())
}

fn line(server: &Tidegate, of: &str, tool: &str) -> String {
    let path = format!("/api/v1/handout/{of}");
    let handout = server.http().get(&path).json();
    handout[tool].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_nobody_was_refused(server: &Tidegate) {
    let rejections = server.http().get("/api/v1/rejections").json();
    assert_eq!(rejections, Value::Array(Vec::new()));
}

#[test]
fn what_is_handed_out_to_send_sends() {
    if !have(&["ffmpeg", "srt-live-transmit", "gst-launch-1.0"]) {
        return;
    }
    let server = tidegate(STATION);
    let _ = server.port("ingest");
    let _clip = h264_aac(server.folder(), 60);
    for (tool, asks_for, gets) in [
        ("ffmpeg", "INPUT", "h264-aac.ts"),
        ("srt_live_transmit", "udp://:5000", "file://con"),
        ("gstreamer", "INPUT.ts", "h264-aac.ts"),
    ] {
        let pasted = line(&server, "sources/cam?user=alice", tool);
        assert!(pasted.contains(asks_for), "{pasted}");
        let (mut sender, input) = paste(&server, tool, &pasted.replace(asks_for, gets));
        let source = server.source_becomes("cam", tool, |source| {
            source["connection"] == "connected" && source["srt"]["passphrase_used"].is_string()
        });
        assert_eq!(source["srt"]["passphrase_used"], "users/alice", "{tool}");
        assert_eq!(source["srt"]["caller"]["user"], "alice", "{tool}");
        if tool != "srt_live_transmit" {
            server.source_becomes("cam", "has media", |source| {
                source["srt"]["packets_received"].as_u64() > Some(100)
            });
            assert!(
                sender.ended().is_none(),
                "{tool} sends a minute in a minute"
            );
        }
        drop((sender, input));
        server.source_becomes("cam", "is free", |source| {
            source["connection"] == "disconnected"
        });
    }
    assert_nobody_was_refused(&server);
}

#[test]
fn what_is_handed_out_to_watch_watches() {
    if !have(&["ffmpeg", "srt-live-transmit", "gst-launch-1.0"]) {
        return;
    }
    let server = tidegate(STATION);
    let _ = server.port("ingest");
    let _clip = h264_aac(server.folder(), 60);
    let send = line(&server, "sources/cam?user=alice", "ffmpeg").replace("INPUT", "h264-aac.ts");
    let _sender = paste(&server, "sender", &send);
    server.source_becomes("cam", "connected", |source| {
        source["connection"] == "connected"
    });
    for (tool, shows, keeps) in [
        ("ffmpeg", "ffplay", "ffmpeg -i"),
        ("srt_live_transmit", "> received.ts", "> received.ts"),
        ("gstreamer", "decodebin ! autovideosink", "fakesink"),
    ] {
        let pasted = line(&server, "outputs/watch?user=alice", tool);
        assert!(pasted.contains(shows), "{pasted}");
        let mut pasted = pasted.replace(shows, keeps);
        if tool == "ffmpeg" {
            pasted += " -c copy -f null -";
        }
        let reader = paste(&server, tool, &pasted);
        let reads = |status: &Value| {
            let reader = &status["detail"]["srt"]["readers"][0];
            let right = reader["passphrase_used"] == "users/alice";
            right && reader["packets_sent"].as_u64() > Some(100)
        };
        server.output_becomes("watch", tool, reads);
        drop(reader);
        eventually("its place is free", || {
            let status = server.output_status("watch");
            (status["readers"] == 0).then_some(())
        });
    }
    assert_nobody_was_refused(&server);
}

#[test]
fn what_is_handed_out_to_publish_over_rtmp_publishes() {
    if !have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let server = tidegate(RTMP);
    let _ = server.port("phones");
    let _clip = h264_aac(server.folder(), 60);
    for source in ["plain", "odd"] {
        for (tool, asks_for) in [("ffmpeg", "INPUT"), ("gstreamer", "INPUT.ts")] {
            let pasted = line(&server, &format!("sources/{source}"), tool);
            assert!(pasted.contains(asks_for), "{pasted}");
            let pasted = pasted.replace(asks_for, "h264-aac.ts");
            let (mut sender, input) = paste(&server, tool, &pasted);
            server.source_becomes(source, tool, |source| source["health"] == "ok");
            assert!(
                sender.ended().is_none(),
                "{tool} sends a minute in a minute"
            );
            drop((sender, input));
            server.source_becomes(source, "is free", |source| {
                source["connection"] == "disconnected"
            });
        }
    }
    assert_nobody_was_refused(&server);
}

#[test]
fn what_is_handed_out_to_play_over_rtsp_plays() {
    if !have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let server = tidegate(RTMP);
    let _ = (server.port("phones"), server.port("players"));
    let _clip = h264_aac(server.folder(), 60);
    let send = line(&server, "sources/plain", "ffmpeg").replace("INPUT", "h264-aac.ts");
    let _sender = paste(&server, "sender", &send);
    server.source_becomes("plain", "is seen", |source| source["health"] == "ok");
    for (tool, shows, keeps) in [
        (
            "ffmpeg",
            "ffplay -rtsp_transport tcp",
            "ffmpeg -rtsp_transport tcp -i",
        ),
        ("gstreamer", "decodebin ! autovideosink", "fakesink"),
    ] {
        let pasted = line(&server, "outputs/watch", tool);
        assert!(pasted.contains(shows), "{pasted}");
        let mut pasted = pasted.replace(shows, keeps);
        if tool == "ffmpeg" {
            pasted += " -c copy -f null -";
        }
        let player = paste(&server, tool, &pasted);
        eventually(tool, || {
            let status = server.output_status("watch");
            (status["readers"] == 1 && status["bitrate_bps"].as_u64() > Some(0)).then_some(())
        });
        drop(player);
        eventually("its place is free", || {
            let status = server.output_status("watch");
            (status["readers"] == 0).then_some(())
        });
    }
}
