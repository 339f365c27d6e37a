//! Playlists that come as frames: fragmented MP4, and sound in a playlist of its own.

use super::bench::{Bench, CODECS, PICTURE, is_done, options, settings, until};
use core::time::Duration;
use std::path::Path;
use std::process::Command;
use tidegate_engine::{Frame, Reader};
use tidegate_testkit::{Process, WebOrigin, peers};

/// Four seconds of fragmented MP4 with sound in a playlist of its own.
fn made_apart(folder: &Path) {
    let arguments = "-map 0:v -map 1:a -hls_segment_type fmp4 -master_pl_name master.m3u8 \
        -var_stream_map v:0,agroup:sound,name:video a:0,agroup:sound,default:yes,name:audio \
        -hls_fmp4_init_filename init-%v.mp4 -hls_segment_filename %v-%03d.m4s %v.m3u8";
    // The map is one argument with a space in it.
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    command
        .args(PICTURE.split_whitespace())
        .args(CODECS.split_whitespace());
    command.args("-t 4 -hls_time 1 -hls_playlist_type vod".split(' '));
    let (before, after) = arguments.split_once(" a:0").unwrap();
    let map_at = before.rfind("v:0").unwrap();
    command.args(before[..map_at].split_whitespace());
    let (rest_of_map, after) = after.split_once(' ').unwrap();
    command.arg(format!("{} a:0{rest_of_map}", &before[map_at..]));
    command.args(after.split_whitespace()).current_dir(folder);
    let mut process = Process::start("made", &mut command, folder);
    assert!(
        process.finished_within(Duration::from_secs(30)).success(),
        "{}",
        process.output()
    );
}

/// Frames of pictures and of sound, and whether their times only grow.
async fn frames(bench: &Bench, reader: &mut Reader<Frame>) -> (usize, usize, Vec<Frame>) {
    let mut frames = Vec::new();
    bench.connected().await;
    until("the end of the playlist", || {
        while let Some(batch) = reader.try_next() {
            frames.extend(batch.items().iter().cloned());
        }
        is_done(bench).then_some(())
    })
    .await;
    while let Some(batch) = reader.try_next() {
        frames.extend(batch.items().iter().cloned());
    }
    let pictures = frames.iter().filter(|frame| frame.video).count();
    (pictures, frames.len() - pictures, frames)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragmented_mp4_with_sound_in_a_playlist_of_its_own_is_merged() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made_apart(folder.path());
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_frames(options());
    bench.pull(&settings(origin.url("master.m3u8"))).await;
    let (pictures, sound, frames) = frames(&bench, &mut reader).await;
    let problem = bench.status().last_error;
    assert_eq!(pictures, 100, "4 s at 25 frames a second; {problem:?}");
    // 4 s of 1024 samples at 48 kHz are 187.5, and the encoder starts with one more.
    assert!((187..=190).contains(&sound), "{sound} frames of sound");
    for video in [true, false] {
        let times: Vec<i64> = frames
            .iter()
            .filter(|it| it.video == video)
            .map(|it| it.dts_90khz)
            .collect();
        assert!(
            times.windows(2).all(|pair| pair[0] < pair[1]),
            "video {video}"
        );
    }
    let first = |video: bool| {
        frames
            .iter()
            .find(|it| it.video == video)
            .unwrap()
            .pts_90khz
    };
    assert!(
        (first(true) - first(false)).abs() < 9000,
        "sound fits the picture"
    );
    let details = serde_json::to_value(bench.status()).unwrap();
    assert_eq!(details["hls"]["container"], "fmp4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_does_not_come_any_more_ends_the_run_and_says_why() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made_apart(folder.path());
    let segments = std::fs::read_dir(folder.path()).unwrap();
    let segments = segments.map(|entry| entry.unwrap().path());
    let is_later_sound = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".m4s") && name.starts_with("audio") && !name.ends_with("000.m4s")
    };
    for segment in segments.filter(is_later_sound) {
        std::fs::remove_file(segment).unwrap();
    }
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    bench.pull(&settings(origin.url("master.m3u8"))).await;
    let said = bench.error().await;
    assert!(said.contains("404 Not Found"), "{said}");
}
