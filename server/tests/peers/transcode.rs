//! Sound that a platform does not take, in a codec that it does.

use crate::tidegate;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;
use tidegate_testkit::eventually;
use tidegate_testkit::peers::{ffmpeg, have};

/// One that is free as soon as this returns.
fn free_port() -> u16 {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    taken.local_addr().unwrap().port()
}

const MP2: &str = "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 4 -c:v libx264 \
    -preset ultrafast -g 25 -pix_fmt yuv420p -c:a mp2 -ac 2";

#[test]
fn a_feed_with_mpeg_audio_goes_out_over_rtmp_once_its_sound_is_aac() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.ts");
    let words = MP2.split_whitespace();
    let made: Vec<&str> = words.chain(clip.to_str()).collect();
    let status = ffmpeg("maker", &made, folder.path()).finished_within(Duration::from_secs(30));
    assert!(status.success());
    let port = free_port();
    let received = folder.path().join("received.flv");
    let address = format!("rtmp://127.0.0.1:{port}/live/far");
    let file = received.to_str().unwrap();
    let listen = ["-y", "-f", "flv", "-listen", "1", "-i", &address];
    let listen = [&listen[..], &["-c", "copy", "-flush_packets", "1", file]].concat();
    let _platform = ffmpeg("platform", &listen, folder.path());
    let server = tidegate(&format!(
        "sources:\n\
         - {{ name: tape, file: {{ path: {clip:?}, loop: true }} }}\n\
         - {{ name: tape-aac, transcode: {{ source: tape, audio: aac stereo 128k }} }}\n\
         outputs:\n\
         - {{ name: live, source: tape-aac, rtmp: {{ url: \"rtmp://127.0.0.1:{port}/live\", key: far }} }}\n",
    ));
    server.source_becomes("tape-aac", "is well", |view| view["health"] == "ok");
    let streams = eventually("picture and sound arrive", || {
        let shown = Command::new("ffprobe")
            .args(["-v", "quiet", "-of", "csv=p=0"])
            .args(["-show_entries", "stream=codec_name,sample_rate,channels"])
            .arg(&received)
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
        lines.sort();
        (lines.len() == 2).then_some(lines)
    });
    assert_eq!(streams, ["aac,48000,2", "h264"]);
}
