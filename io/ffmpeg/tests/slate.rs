//! Slates, as ffprobe sees them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use tidegate_ffmpeg::FfmpegError;
use tidegate_ffmpeg::slate::{SlateAudio, SlateFormat, SlateVideo, slate};
use tidegate_testkit::peers::have;

/// A picture with a name that means something to others; false without ffmpeg.
fn picture(path: &Path) -> bool {
    if !have(&["ffmpeg", "ffprobe"]) {
        return false;
    }
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x480",
        "-frames:v",
        "1",
    ]);
    let name = path.with_file_name("plain.png");
    assert!(command.arg(&name).status().unwrap().success());
    fs::rename(name, path).unwrap();
    true
}

fn probed(file: &Path) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries"])
        .arg("stream=codec_name,width,height,r_frame_rate,sample_rate,channels,nb_frames")
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_picture_is_encoded_once_to_the_format_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let still = folder.path().join("-i %d soon*.png");
    if !picture(&still) {
        return;
    }
    let format = SlateFormat {
        video: SlateVideo::parse("h264 320x180 50").unwrap(),
        audio: Some(SlateAudio::parse("aac stereo 48000").unwrap()),
    };
    let cache = folder.path().join("slates");
    let made = slate(&still, &format, &cache).await.unwrap();
    let probe = probed(&made);
    assert!(probe.contains("h264,320,180,50/1,64"), "{probe}");
    assert!(probe.contains("aac,48000,2"), "{probe}");
    assert_eq!(
        fs::read_dir(&cache).unwrap().count(),
        1,
        "nothing else is left behind"
    );
    let before = fs::metadata(&made).unwrap().ino();
    assert_eq!(slate(&still, &format, &cache).await.unwrap(), made);
    assert_eq!(fs::metadata(&made).unwrap().ino(), before, "it was kept");
    let silent = SlateFormat {
        audio: None,
        ..format
    };
    let other = slate(&still, &silent, &cache).await.unwrap();
    assert_ne!(other, made);
    assert!(!probed(&other).contains("aac"));
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.png");
    fs::write(&text, "no picture").unwrap();
    let refused = slate(&text, &SlateFormat::default(), folder.path()).await;
    assert!(matches!(refused, Err(FfmpegError::NoPicture)));
    fs::write(&text, b"\x89PNG\r\n\x1a\nbroken").unwrap();
    if !have(&["ffmpeg"]) {
        return;
    }
    let failed = slate(&text, &SlateFormat::default(), folder.path()).await;
    assert!(matches!(failed, Err(FfmpegError::Failed(_))), "{failed:?}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
}
