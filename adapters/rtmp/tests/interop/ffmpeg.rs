//! ffmpeg, Debian's 5.1 and a current one.

use std::path::Path;
use std::process::Command;

use tidegate_codecs::Codec;
use tidegate_engine::{ReaderOptions, Tracks};
use tidegate_testkit::{Process, eventually, peers};

use super::common::{Bed, KEY};
use super::stage::{becomes_healthy, url};

/// A moving picture and a tone in real time, encoded as `settings` say.
pub(crate) fn start(program: &Path, settings: &str, to: &str, folder: &Path) -> Process {
    let mut command = Command::new(program);
    command
        .args("-hide_banner -nostdin -v warning -re -f lavfi -i testsrc2=s=640x360:r=25".split(' '))
        .args("-f lavfi -i sine=frequency=440:sample_rate=48000 -pix_fmt yuv420p".split(' '))
        .args(settings.split(' '))
        .args(["-f", "flv", to]);
    Process::start("ffmpeg", &mut command, folder)
}

/// With pictures that are shown in another order than they are sent.
const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 25 -b:v 1M -c:a aac -ac 2";

fn current() -> Option<std::path::PathBuf> {
    peers::from_environment(
        "TIDEGATE_PEER_FFMPEG",
        "an ffmpeg of version 7 or later, which speaks enhanced RTMP",
    )
}

#[test]
fn ffmpeg_publishes() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.studio();
    let sender = start(Path::new("ffmpeg"), H264, &url(&bed, "rtmp"), bed.folder());
    let status = becomes_healthy(&bed, &sender);
    let encoder = status["rtmp"]["encoder"].as_str().unwrap();
    assert!(encoder.starts_with("Lavf"), "{encoder}");
    assert_eq!(status["rtmp"]["metadata"]["width"], 640.0);
    assert!(status["srt"].is_null() && status["rtmp"]["tls"].is_null());
}

#[test]
fn ffmpeg_with_a_wrong_key_is_told_so() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.studio();
    let to = format!("rtmp://127.0.0.1:{}/live/wrong", bed.port);
    let mut sender = start(Path::new("ffmpeg"), H264, &to, bed.folder());
    let status = sender.finished_within(std::time::Duration::from_secs(30));
    assert!(!status.success());
    let said = sender.output();
    assert!(said.contains("stream key or the application"), "{said}");
    bed.rejection("wrong_key");
}

#[test]
fn sound_or_picture_alone_is_enough() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    for (settings, kind) in [
        ("-map 0:v -c:v libx264 -preset ultrafast -g 25", "video"),
        ("-map 1:a -c:a aac", "audio"),
    ] {
        let bed = Bed::new();
        bed.studio();
        let to = url(&bed, "rtmp");
        let sender = start(Path::new("ffmpeg"), settings, &to, bed.folder());
        eventually("the source is healthy", || {
            let status = bed.shown("studio");
            let has = |kind: &str| match &status["media"][kind] {
                serde_json::Value::Array(all) => !all.is_empty(),
                one => one.is_object(),
            };
            (status["health"] == "ok" && has(kind)).then_some(())
        });
        drop(sender);
    }
}

#[test]
fn a_current_ffmpeg_publishes_hevc() {
    let Some(program) = current() else {
        return;
    };
    let bed = Bed::new();
    bed.studio();
    let settings = "-c:v libx265 -preset ultrafast -x265-params log-level=error -g 25 -c:a aac";
    let sender = start(&program, settings, &url(&bed, "rtmp"), bed.folder());
    let status = becomes_healthy(&bed, &sender);
    let codec = status["media"]["video"]["codec"].as_str().unwrap();
    assert_eq!(codec, "hevc");
}

#[test]
fn a_current_ffmpeg_publishes_av1_and_opus() {
    let Some(program) = current() else {
        return;
    };
    let bed = Bed::new();
    bed.studio();
    let feed = bed.engine.feed("studio");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let settings = "-c:v libsvtav1 -preset 12 -g 25 -c:a libopus -b:a 96k";
    let sender = start(&program, settings, &url(&bed, "rtmp"), bed.folder());
    let codecs = |tracks: &Tracks| tracks.iter().map(|track| track.codec).collect::<Vec<_>>();
    let (mut seen, mut pictures, mut sounds) = (Vec::new(), 0, 0);
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually("picture and sound come", || {
            while let Some(batch) = reader.try_next() {
                seen = codecs(batch.tracks()?);
                pictures += batch.iter().filter(|frame| frame.video).count();
                sounds += batch.iter().filter(|frame| !frame.video).count();
            }
            (pictures > 25 && sounds > 50).then_some(())
        });
    }));
    assert!(found.is_ok(), "{}", sender.output().replace(KEY, "•••"));
    assert_eq!(seen, [Codec::Av1, Codec::Opus]);
    assert_eq!(bed.shown("studio")["rtmp"]["messages_unusable"], 0);
}
