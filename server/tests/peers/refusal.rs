//! Who is refused, what he is told, and what the operator learns.

use crate::tidegate;
use serde_json::Value;
use std::net::UdpSocket;
use std::time::Duration;
use tidegate_testkit::peers::{ffmpeg, have, srt_to_file, test_picture};
use tidegate_testkit::{Tidegate, eventually};

fn gateway() -> Tidegate {
    tidegate(
        "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]\n\
         sources:\n\
         \x20 - { name: cam, srt: { listener: ingest, stream_id: live/cam1, passphrase: publish-secret-1 } }\n\
         outputs:\n\
         \x20 - { name: out, source: cam, srt: { listener: ingest, stream_id: out/cam1, passphrase: read-secret-22 } }\n",
    )
}

/// A publisher that ends because it is refused.
#[track_caller]
fn refused_publisher(server: &Tidegate, query: &str) {
    let url = format!(
        "srt://127.0.0.1:{}?pkt_size=1316&{query}",
        server.port("ingest")
    );
    let mut caller = ffmpeg(
        "stranger",
        &[
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=160x90:r=25",
            "-c:v",
            "libx264",
            "-f",
            "mpegts",
            &url,
        ],
        server.folder(),
    );
    let status = caller.finished_within(Duration::from_secs(20));
    assert!(!status.success(), "it was let in: {}", caller.output());
}

#[track_caller]
fn rejection(server: &Tidegate, reason: &str) -> Value {
    eventually(&format!("a rejection: {reason}"), || {
        let list = server.http().get("/api/v1/rejections").json();
        list.as_array()?
            .iter()
            .find(|entry| entry["reason"] == reason)
            .cloned()
    })
}

#[test]
fn a_wrong_passphrase_is_refused_and_the_operator_is_told_what_to_do() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    refused_publisher(&server, "streamid=live/cam1&passphrase=not-the-secret");
    let entry = rejection(&server, "wrong_passphrase");
    assert_eq!(entry["stream_id"], "live/cam1");
    assert!(
        entry["peer"].as_str().unwrap().starts_with("127.0.0.1"),
        "{entry}"
    );
    assert!(!entry["advice"].as_str().unwrap().is_empty(), "{entry}");
    assert!(entry["count"].as_u64() >= Some(1), "{entry}");
    let journal = server.http().get("/api/v1/rejections").text() + &server.output();
    assert!(!journal.contains("not-the-secret") && !journal.contains("publish-secret-1"));
}

#[test]
fn an_unknown_stream_is_refused_and_the_nearest_one_is_named() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    refused_publisher(&server, "streamid=live/cam11&passphrase=publish-secret-1");
    let entry = rejection(&server, "unknown_stream");
    assert_eq!(entry["nearest"], "live/cam1", "{entry}");
}

#[test]
fn a_plain_caller_of_an_encrypted_source_is_refused() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    refused_publisher(&server, "streamid=live/cam1");
    rejection(&server, "encryption_required");
}

#[test]
fn a_publish_secret_never_reads_and_a_read_secret_never_publishes() {
    if !have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest");
    refused_publisher(&server, "streamid=live/cam1&passphrase=read-secret-22");
    refused_publisher(
        &server,
        "streamid=#!::r=out/cam1,m=publish&passphrase=read-secret-22",
    );
    let file = server.folder().join("stolen.ts");
    for query in [
        "streamid=out/cam1&passphrase=publish-secret-1",
        "streamid=#!::r=live/cam1,m=request&passphrase=publish-secret-1",
    ] {
        let mut thief = srt_to_file("thief", &format!("srt://127.0.0.1:{port}?{query}"), &file);
        thief.finished_within(Duration::from_secs(20));
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 0);
    }
    // A known secret in the wrong place is told from an unknown one, to the operator alone.
    let wrong_mode = rejection(&server, "wrong_mode");
    assert!(
        !wrong_mode["advice"].as_str().unwrap().is_empty(),
        "{wrong_mode}"
    );
}

#[test]
fn a_publisher_on_a_readers_stream_id_is_sent_away_and_told_of() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    refused_publisher(&server, "streamid=out/cam1&passphrase=read-secret-22");
    let entry = rejection(&server, "wrong_mode");
    assert_eq!(entry["stream_id"], "out/cam1", "{entry}");
}

#[test]
fn a_second_publisher_is_refused_and_the_first_does_not_notice() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    let to = format!(
        "srt://127.0.0.1:{}?streamid=live/cam1&passphrase=publish-secret-1&pkt_size=1316",
        server.port("ingest")
    );
    let mut first = test_picture("first", &to, server.folder());
    server.source_becomes("cam", "is healthy", |view| view["health"] == "ok");
    refused_publisher(&server, "streamid=live/cam1&passphrase=publish-secret-1");
    rejection(&server, "already_publishing");
    let view = server.source("cam");
    assert_eq!(
        (&view["connection"], &view["health"]),
        (&"connected".into(), &"ok".into()),
        "{view}"
    );
    assert!(first.ended().is_none());
}

#[test]
fn garbage_and_mutilated_handshakes_are_counted_and_change_nothing() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let server = gateway();
    let port = server.port("ingest");
    let to = format!(
        "srt://127.0.0.1:{port}?streamid=live/cam1&passphrase=publish-secret-1&pkt_size=1316"
    );
    let _camera = test_picture("camera", &to, server.folder());
    let view = server.source_becomes("cam", "is healthy and counted", |view| {
        view["health"] == "ok" && view["srt"]["packets_dropped"].is_number()
    });
    let lost_before = view["srt"]["packets_dropped"].clone();

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut state = 88_172_645_463_325_252_u64;
    for round in 0..20_000_u32 {
        let mut datagram = [0_u8; 120];
        for byte in &mut datagram {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_be_bytes()[0];
        }
        if round % 2 == 0 {
            // Looks like a handshake of version 4 or 5, with nonsense behind it.
            datagram[..16].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            datagram[16..20].copy_from_slice(&[0, 0, 0, 4 + (round as u8 & 2) / 2]);
        }
        let length = (state % 120) as usize;
        let _ = socket.send_to(&datagram[..length], ("127.0.0.1", port));
    }
    // What a healthy session raises does not count here, and the kernel may drop some.
    eventually("the garbage is counted as what it is", || {
        let view = server.http().get("/api/v1/listeners/ingest").json();
        let counted = |name: &str| view["counters"][name].as_u64();
        let garbage =
            counted("malformed")? + counted("unknown_socket")? + counted("bad_handshakes")?;
        (garbage >= 5_000).then_some(())
    });
    let view = server.source_becomes("cam", "is still healthy", |view| view["health"] == "ok");
    assert_eq!(view["srt"]["packets_dropped"], lost_before);
}
