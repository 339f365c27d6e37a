//! Real players at our server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use core::time::Duration;
use std::process::Command;

use support::{Node, PLAIN, Projector, REORDERED, compare, film, frames};
use tempfile::tempdir;
use tidegate_adapter_rtsp::OutputSettings;
use tidegate_engine::{OutputState, Secret, SecretRef};
use tidegate_testkit::{Process, eventually, peers};

const FILM_SECONDS: u32 = 30;

fn guarded() -> OutputSettings {
    OutputSettings {
        username: Some("alice".into()),
        password: Some(SecretRef::Literal(Secret::new("wonder-land"))),
        ..OutputSettings::at("live/cam1")
    }
}

/// What ffmpeg decodes of four seconds.
async fn ffmpeg_plays(transport: &str, video: &str) {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempdir().unwrap();
    let film = film(folder.path(), FILM_SECONDS, video);
    let node = Node::start(&guarded()).await;
    let _projector = Projector::start(node.engine.feed("cam1"), &film, FILM_SECONDS);
    let url = format!("rtsp://alice:wonder-land@{}/live/cam1", node.bound);
    let transport = transport.to_owned();
    let played = tokio::task::spawn_blocking(move || {
        frames(&["-rtsp_transport", &transport, "-i", &url], &["-t", "4"])
    });
    let played = played.await.unwrap();
    let original = frames(&["-i", film.to_str().unwrap()], &[]);
    let arrived = compare(&original, &played);
    arrived.must_be_whole();
    assert!(arrived.pictures >= 90, "{arrived:?}");
    eventually("it is seen that the player left", || {
        let status = node.engine.output_status("monitor").unwrap();
        (status.state == OutputState::Waiting).then_some(())
    });
    let status = node.engine.output_status("monitor").unwrap();
    assert_eq!(status.lost_packets, 0);
    assert!(status.delivered_bytes > 100_000);
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_over_tcp_with_a_password() {
    ffmpeg_plays("tcp", PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_over_udp_with_a_password() {
    ffmpeg_plays("udp", PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_reordered_pictures() {
    ffmpeg_plays("tcp", REORDERED).await;
}

/// How GStreamer deals with the times of what comes.
enum Buffer {
    /// It takes them as they are, once our reports have said how the streams belong together.
    None,
    /// As it is by itself: it makes times up by when packets come, so they say more about this
    /// machine than about us.
    Default,
}

/// What GStreamer writes of a few seconds.
async fn gstreamer_plays(protocols: &str, buffer: Buffer) {
    if !peers::have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let folder = tempdir().unwrap();
    let film = film(folder.path(), FILM_SECONDS, PLAIN);
    let node = Node::start(&guarded()).await;
    let _projector = Projector::start(node.engine.feed("cam1"), &film, FILM_SECONDS);
    let out = folder.path().join("out.ts");
    let buffering = match buffer {
        Buffer::None => "latency=200 buffer-mode=none",
        Buffer::Default => "",
    };
    let pipeline = format!(
        "-e rtspsrc location={} protocols={protocols} user-id=alice user-pw=wonder-land \
         {buffering} name=s s. ! rtph264depay ! h264parse ! queue ! mpegtsmux name=m ! \
         filesink location={} s. ! rtpmp4gdepay ! aacparse ! queue ! m.",
        node.url("live/cam1"),
        out.display()
    );
    let mut command = Command::new("gst-launch-1.0");
    command.args(pipeline.split_whitespace());
    let mut player = Process::start("gst", &mut command, folder.path());
    eventually("it has played for a while", || {
        let status = node.engine.output_status("monitor").unwrap();
        assert!(player.ended().is_none(), "{}", player.output());
        (status.delivered_bytes > 400_000).then_some(())
    });
    player.signal(libc::SIGINT);
    player.finished_within(Duration::from_secs(10));
    let original = frames(&["-i", film.to_str().unwrap()], &[]);
    let arrived = compare(&original, &frames(&["-i", out.to_str().unwrap()], &[]));
    match buffer {
        // Until it has both reports, it goes by when the first packets came.
        Buffer::None => arrived.must_be_whole_and_steady_within(0.020),
        Buffer::Default => assert_eq!(arrived.missing, 0, "{arrived:?}"),
    }
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_plays_over_tcp_with_a_password() {
    gstreamer_plays("tcp", Buffer::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_plays_over_udp_with_a_password() {
    gstreamer_plays("udp", Buffer::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_plays_over_tcp_with_its_own_buffer() {
    gstreamer_plays("tcp", Buffer::Default).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_plays_over_udp_with_its_own_buffer() {
    gstreamer_plays("udp", Buffer::Default).await;
}
