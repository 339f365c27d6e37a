//! What is segmented plays: ffmpeg reads the playlist and has nothing to complain about.

mod common;

use std::path::Path;

use common::{names, run, segment, values};
use tidegate_hls::{Segmenter, SegmenterConfig};

const H264_AAC: &str = "-v error -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 9 \
    -c:v libx264 -preset ultrafast -bf 2 -g 50 -keyint_min 50 -sc_threshold 0 -pix_fmt yuv420p \
    -c:a aac -ac 2 -f mpegts -";

fn wide_window() -> Segmenter {
    Segmenter::new(SegmenterConfig {
        window: 100,
        ..SegmenterConfig::default()
    })
}

/// Writes everything the playlist names, as a server would serve it.
fn publish(segmenter: &Segmenter, folder: &Path) -> String {
    let playlist = segmenter.playlist().expect("segments");
    let maps = values(&playlist, "#EXT-X-MAP:URI=");
    let maps = maps.iter().map(|uri| uri.trim_matches('"'));
    for name in names(&playlist).into_iter().chain(maps) {
        let bytes = segmenter.segment(name).expect("what is listed is there");
        std::fs::write(folder.join(name), bytes).expect("writable");
    }
    std::fs::write(
        folder.join("media.m3u8"),
        format!("{playlist}#EXT-X-ENDLIST\n"),
    )
    .expect("writable");
    let master = segmenter.master("media.m3u8").expect("segments");
    std::fs::write(folder.join("index.m3u8"), master).expect("writable");
    playlist
}

/// Pictures ffmpeg decodes from the playlist, without a complaint.
fn decoded_pictures(folder: &Path) -> usize {
    let index = folder.join("index.m3u8");
    let output = run("ffmpeg", "-map 0:v -f framecrc -", Some(&index)).expect("ffmpeg again");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{complaints}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn h264_and_aac_play_without_a_complaint() {
    let Some(made) = run("ffmpeg", H264_AAC, None) else {
        return;
    };
    let mut segmenter = wide_window();
    segment(&mut segmenter, &made.stdout);
    segmenter.end();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let playlist = publish(&segmenter, folder.path());
    assert_eq!(values(&playlist, "#EXTINF:")[..4], ["2.00000,"; 4]);
    assert_eq!(
        values(&playlist, "#EXT-X-DISCONTINUITY").len(),
        0,
        "{playlist}"
    );
    assert_eq!(decoded_pictures(folder.path()), 9 * 25);
    let sound = run(
        "ffmpeg",
        "-map 0:a -f null -",
        Some(&folder.path().join("index.m3u8")),
    );
    assert!(sound.expect("ffmpeg again").stderr.is_empty());
}

#[test]
fn hevc_plays_without_a_complaint() {
    let make = "-v error -f lavfi -i testsrc2=s=320x180:r=25 -t 6 -c:v libx265 -preset ultrafast \
        -x265-params log-level=none:keyint=50:min-keyint=50:scenecut=0 -f mpegts -";
    let Some(made) = run("ffmpeg", make, None) else {
        return;
    };
    let mut segmenter = wide_window();
    segment(&mut segmenter, &made.stdout);
    segmenter.end();
    let folder = tempfile::tempdir().expect("a temporary folder");
    publish(&segmenter, folder.path());
    assert_eq!(decoded_pictures(folder.path()), 6 * 25);
    assert!(
        segmenter
            .master("x")
            .is_some_and(|master| master.contains("hvc1.1.6.L"))
    );
}

#[test]
fn a_sender_that_comes_back_with_another_picture_is_followed() {
    let Some(first) = run("ffmpeg", H264_AAC, None) else {
        return;
    };
    let other = H264_AAC.replace("320x180", "640x360");
    let second = run("ffmpeg", &other, None).expect("ffmpeg again");
    let mut segmenter = wide_window();
    segment(&mut segmenter, &first.stdout);
    segmenter.end();
    segment(&mut segmenter, &second.stdout);
    segmenter.end();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let playlist = publish(&segmenter, folder.path());
    assert_eq!(
        values(&playlist, "#EXT-X-DISCONTINUITY").len(),
        1,
        "{playlist}"
    );
    let maps = values(&playlist, "#EXT-X-MAP:");
    assert_eq!(maps, ["URI=\"init-0.mp4\"", "URI=\"init-1.mp4\""]);
    assert!(
        segmenter
            .master("x")
            .is_some_and(|master| master.contains("RESOLUTION=640x360"))
    );
}

#[test]
fn what_browsers_cannot_play_is_left_out_and_named() {
    let make = "-v error -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 5 \
        -c:v libx264 -preset ultrafast -g 50 -c:a mp2 -f mpegts -";
    let Some(made) = run("ffmpeg", make, None) else {
        return;
    };
    let mut segmenter = wide_window();
    segment(&mut segmenter, &made.stdout);
    assert_eq!(segmenter.left_out(), ["mp2"]);
    assert!(
        segmenter.playlist().is_some(),
        "the picture is there all the same"
    );
}
