//! Sound in other codecs, through a real ffmpeg: the picture stays to the bit, and together.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{Bench, DATA, Played, Stream, beeps, codecs, packets_of};
use tidegate_engine::{Connection, EventKind};
use tidegate_testkit::peers::have;

/// Picture and sound are together within this.
const TOGETHER_SECONDS: f64 = 0.020;
/// Set in a copy of this program that has no ffmpeg.
const WITHOUT: &str = "TIDEGATE_TEST_WITHOUT_FFMPEG";

/// Every beep is where it was, beside a picture that is where it was.
fn is_together(came: &Path, went: &Path) {
    let (came, went) = (beeps(came), beeps(went));
    let offs = came
        .iter()
        .zip(&went)
        .map(|(came, went)| (came - went).abs());
    let is_together = offs.fold(0.0, f64::max) < TOGETHER_SECONDS;
    assert!(
        came.len() == went.len() && is_together,
        "{came:?}, not {went:?}"
    );
}

async fn becomes(stream: Stream, audio: &str, codec: &str) -> Played {
    let bench = Bench::ready(audio).await;
    let played = bench.play(&stream).await;
    for pid in [0x100, DATA, 0x1FFF] {
        let (came, went) = (
            packets_of(pid, &played.bytes),
            packets_of(pid, &stream.bytes),
        );
        assert!(came == went, "{pid:x}: {} of {}", came.len(), went.len());
    }
    assert_eq!(codecs(&played.file), format!("h264,{codec}"));
    is_together(&played.file, &stream.file);
    assert_eq!(played.status["transcode"]["went_early"], 0);
    bench.stop().await;
    played
}

#[tokio::test(flavor = "multi_thread")]
async fn mp2_becomes_aac_while_the_clock_wraps() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    // The clock wraps at 95443.7 seconds.
    let stream = Stream::make("-c:a mp2 -b:a 192k -output_ts_offset 95441", 6);
    let played = becomes(stream, "aac stereo 128k", "aac|48000|2").await;
    let track = &played.status["transcode"]["tracks"][0];
    assert_eq!(track["from"], "mp2 stereo 48000");
    assert_eq!(track["clock_jumps"], 1, "only where it was played anew");
    assert!(
        played.status["transcode"]["ffmpeg"]
            .as_str()
            .unwrap()
            .contains('.')
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_becomes_any_other_and_stays_with_its_picture() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let pair = |settings, audio, codec| becomes(Stream::make(settings, 4), audio, codec);
    tokio::join!(
        pair("-c:a ac3 -b:a 192k", "aac mono", "aac|48000|1"),
        pair(
            "-c:a aac -b:a 96k -ar 44100",
            "mp2 stereo 192k",
            "mp2|48000|2"
        ),
        pair("-c:a aac -b:a 96k", "ac3 stereo 192k", "ac3|48000|2"),
        pair("-c:a mp2 -b:a 192k", "opus stereo 96k", "opus|48000|2"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_codec_in_mid_stream_is_told_and_transcoded_too() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let bench = Bench::ready("aac").await;
    let mut events = bench.engine.events().subscribe();
    let first = Stream::make("-c:a mp2 -b:a 192k", 4);
    bench.play(&first).await;
    // Its times begin anew, too.
    let second = Stream::make("-c:a ac3 -b:a 192k", 6);
    let played = bench.play(&second).await;
    assert_eq!(codecs(&played.file), "h264,aac|48000|2");
    is_together(&played.file, &second.file);
    let notices = std::iter::from_fn(|| events.try_recv().ok());
    let notices = notices.filter_map(|event| match event.kind {
        EventKind::Notice { message } => Some(message),
        _ => None,
    });
    let notices: Vec<String> = notices.collect();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("from mp2 stereo 48000 to ac3 stereo")),
        "{notices:?}"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_sound_passes_to_the_bit_and_that_is_said() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let bench = Bench::ready("aac").await;
    let stream = Stream::make("-an", 3);
    let played = bench.play(&stream).await;
    assert!(packets_of(0x100, &played.bytes) == packets_of(0x100, &stream.bytes));
    assert_eq!(played.status["transcode"]["has_sound"], false);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ffmpeg_that_is_killed_is_said_and_another_one_goes_on() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let bench = Bench::ready("aac").await;
    let stream = Stream::make("-c:a mp2 -b:a 192k", 12);
    let playing = bench.begin(&stream);
    let child = |status: &Value| status["transcode"]["tracks"][0]["process"].as_i64();
    let first = bench.until("it runs", |status| child(status)).await;
    bench
        .until("it flows", |status| {
            (status["connection"] == "connected").then_some(())
        })
        .await;
    let killed = Command::new("kill")
        .args(["-KILL", &first.to_string()])
        .status();
    assert!(killed.unwrap().success());
    let error = bench
        .until("its end is said", |status| {
            status["last_error"].as_str().map(str::to_owned)
        })
        .await;
    assert!(error.contains("ffmpeg failed: it was killed"), "{error}");
    bench
        .until("another one goes on", |status| {
            let is_another = child(status).is_some_and(|child| child != first);
            (is_another && status["connection"] == "connected").then_some(())
        })
        .await;
    drop(playing);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ffmpeg_that_is_missing_is_said_with_what_to_do() {
    if std::env::var_os(WITHOUT).is_some() {
        let bench = Bench::start("aac").await;
        let error = bench
            .until("it is said", |status| {
                status["last_error"].as_str().map(str::to_owned)
            })
            .await;
        assert!(
            error.contains("there is no ffmpeg at \"/nonexistent/ffmpeg\""),
            "{error}"
        );
        assert_eq!(bench.connection(), Connection::Reconnecting);
        bench.stop().await;
        return;
    }
    let copy = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "an_ffmpeg_that_is_missing_is_said_with_what_to_do",
        ])
        .env(WITHOUT, "1")
        .env("TIDEGATE_FFMPEG", "/nonexistent/ffmpeg")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&copy.stdout);
    assert!(copy.status.success() && said.contains("1 passed"), "{said}");
}
