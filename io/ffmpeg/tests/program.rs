//! Slates in the formats of programs, as ffprobe and a decoder see them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{complaints, ffmpeg, material, text};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tidegate_ffmpeg::FfmpegError;
use tidegate_ffmpeg::slate::program::{
    Heard, Material, ProgramPicture, ProgramSound, SeenAudio, SeenVideo, picture, sound,
};
use tidegate_testkit::peers::have;

/// A picture with a name that means something to others.
async fn still(folder: &Path) -> Material {
    let plain = folder.join("plain.png");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x480",
        "-frames:v",
        "1",
        text(&plain),
    ]);
    let path = folder.join("-i %d soon*.png");
    fs::rename(plain, &path).unwrap();
    material(path).await
}

/// What ffprobe says of the first stream.
fn probed(file: &Path, entries: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "default=nw=1:nk=1", "-show_entries"])
        .arg(format!("stream={entries}"))
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<&str> = said.lines().map(str::trim).collect();
    // Transport streams list their streams twice.
    lines.truncate(lines.len() / 2);
    lines.join(" ")
}

fn seen(codec: &'static str, profile: &'static str, level: &'static str) -> SeenVideo<'static> {
    SeenVideo {
        codec,
        profile: Some(profile),
        level: Some(level),
        width: Some(1280),
        height: Some(720),
        fps: Some(25.0),
        interlaced: false,
        bitrate_bps: 4_000_000,
    }
}

#[tokio::test]
async fn a_slate_has_the_picture_format_of_its_program() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("slates");
    let still = still(folder.path()).await;
    let size = |seen: SeenVideo<'static>, width, height| SeenVideo {
        width: Some(width),
        height: Some(height),
        ..seen
    };
    let fps = |seen: SeenVideo<'static>, fps| SeenVideo {
        fps: Some(fps),
        ..seen
    };
    let fields = |seen: SeenVideo<'static>| SeenVideo {
        interlaced: true,
        ..seen
    };
    let main = seen("mpeg2", "Main", "Main");
    for (seen, has) in [
        (
            seen("h264", "High", "4.0"),
            "h264 High 1280 720 yuv420p 40 progressive 25/1",
        ),
        (
            fps(seen("h264", "Main", "4.2"), 59.94),
            "h264 Main 1280 720 yuv420p 42 progressive 60000/1001",
        ),
        (
            fps(
                size(seen("h264", "Constrained Baseline", "3.1"), 640, 360),
                29.97,
            ),
            "h264 Constrained Baseline 640 360 yuv420p 31 progressive 30000/1001",
        ),
        (
            fields(size(seen("h264", "High", "4.1"), 1920, 1080)),
            "h264 High 1920 1080 yuv420p 41 tt 25/1",
        ),
        (
            seen("h264", "High 10", "4.0"),
            "h264 High 10 1280 720 yuv420p10le 40 progressive 25/1",
        ),
        (
            seen("h264", "High 4:2:2", "4.1"),
            "h264 High 4:2:2 1280 720 yuv422p10le 41 progressive 25/1",
        ),
        (
            fps(seen("hevc", "Main", "4.1"), 50.0),
            "hevc Main 1280 720 yuv420p 123 unknown 50/1",
        ),
        (
            fps(seen("hevc", "Main 10", "4.1"), 23.976),
            "hevc Main 10 1280 720 yuv420p10le 123 unknown 24000/1001",
        ),
        (
            fields(size(main, 720, 576)),
            "mpeg2video Main 720 576 yuv420p 8 tt 25/1",
        ),
        (
            fps(seen("mpeg2", "4:2:2", "High"), 29.97),
            "mpeg2video 4:2:2 1280 720 yuv422p 4 progressive 30000/1001",
        ),
    ] {
        let format = ProgramPicture::of(&seen).unwrap();
        let made = picture(&still, &format, &cache).await.unwrap();
        let found = probed(
            &made,
            "codec_name,profile,width,height,pix_fmt,level,field_order,r_frame_rate",
        );
        assert_eq!(found, has, "{format}");
        assert_eq!(complaints(&made), "", "{format}");
        assert_eq!(
            picture(&still, &format, &cache).await.unwrap(),
            made,
            "it was kept"
        );
    }
    let left = fs::read_dir(&cache).unwrap();
    let names = left.map(|entry| entry.unwrap().path());
    assert!(
        names
            .into_iter()
            .all(|path| path.extension().unwrap() == "ts"),
        "nothing else is left behind"
    );
}

#[tokio::test]
async fn a_kept_slate_that_was_damaged_is_made_anew() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let still = still(folder.path()).await;
    let format = ProgramPicture::of(&seen("h264", "High", "4.0")).unwrap();
    let stereo = ProgramSound::of(&SeenAudio {
        codec: "aac",
        channels: Some(2),
        sample_rate_hz: Some(48_000),
    })
    .unwrap();
    let made = picture(&still, &format, folder.path()).await.unwrap();
    let heard = sound(Heard::Tone, stereo, folder.path()).await.unwrap();
    for path in [&made, &heard.path] {
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[..whole.len() / 2 / 188 * 188]).unwrap();
    }
    assert_eq!(picture(&still, &format, folder.path()).await.unwrap(), made);
    let again = sound(Heard::Tone, stereo, folder.path()).await.unwrap();
    assert_eq!(again, heard);
    for path in [&made, &heard.path] {
        let last = fs::read(path)
            .unwrap()
            .split_off(fs::metadata(path).unwrap().len() as usize - 188);
        assert_eq!(last[..3], [0x47, 0x1F, 0xFF], "it is whole, with its seal");
        assert_eq!(complaints(path), "");
    }
}

#[tokio::test]
async fn a_slate_has_the_sound_format_of_its_program() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (codec, channels, rate, has) in [
        ("aac", 2, 48_000, "aac 48000 2"),
        ("aac", 1, 44_100, "aac 44100 1"),
        ("aac", 6, 48_000, "aac 48000 6"),
        ("mp2", 2, 48_000, "mp2 48000 2"),
        ("mp2", 1, 22_050, "mp2 22050 1"),
        ("mp3", 2, 44_100, "mp3 44100 2"),
        ("ac3", 2, 48_000, "ac3 48000 2"),
        ("ac3", 6, 48_000, "ac3 48000 6"),
        ("eac3", 6, 48_000, "eac3 48000 6"),
        ("opus", 2, 48_000, "opus 48000 2"),
    ] {
        let seen = SeenAudio {
            codec,
            channels: Some(channels),
            sample_rate_hz: Some(rate),
        };
        let format = ProgramSound::of(&seen).unwrap();
        for heard in [Heard::Silence, Heard::Tone] {
            let made = sound(heard, format, folder.path()).await.unwrap();
            let found = probed(&made.path, "codec_name,sample_rate,channels");
            assert_eq!(found, has, "{format}");
            assert_eq!(complaints(&made.path), "", "{format}");
            assert!(made.round.is_some());
        }
    }
}

#[tokio::test]
async fn a_clip_moves_ends_after_half_a_minute_and_brings_its_sound() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=24:d=40",
        "-f",
        "lavfi",
        "-i",
        "sine=440:d=2",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        text(&path),
    ]);
    let clip = material(path).await;
    assert!(clip.is_clip());
    let seen = SeenVideo {
        width: Some(320),
        height: Some(180),
        ..seen("h264", "High", "3.0")
    };
    let format = ProgramPicture::of(&seen).unwrap();
    let made = picture(&clip, &format, folder.path()).await.unwrap();
    let counted = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-of", "default=nw=1:nk=1"])
        .args(["-show_entries", "stream=nb_read_packets"])
        .arg(&made)
        .output()
        .unwrap();
    let counted = String::from_utf8_lossy(&counted.stdout).into_owned();
    assert_eq!(counted.lines().next(), Some("750"), "30 s of 25 pictures");
    assert_eq!(complaints(&made), "");
    let stereo = ProgramSound::of(&SeenAudio {
        codec: "aac",
        channels: Some(2),
        sample_rate_hz: Some(48_000),
    })
    .unwrap();
    let heard = Heard::Own(&clip, Duration::from_secs(30));
    let own = sound(heard, stereo, folder.path()).await.unwrap();
    assert_eq!(own.round, None, "it goes with the picture");
    let volume = |from: &str| {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-ss", from, "-t", "1", "-i"])
            .arg(&own.path)
            .args(["-af", "volumedetect", "-f", "null", "-"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, rest) = said.split_once("max_volume: ").unwrap();
        let (volume, _) = rest.split_once(' ').unwrap();
        volume.parse::<f64>().unwrap()
    };
    assert!(volume("0.7") > -30.0, "the clip is heard");
    assert!(volume("5") < -60.0, "what lasts no longer is silent");
}

#[tokio::test]
async fn a_clip_without_sound_is_silent_and_one_without_picture_refused() {
    if !have(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mute.ts");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x180:d=1", text(&path)]);
    let mute = material(path).await;
    let mono = ProgramSound::of(&SeenAudio {
        codec: "mp2",
        channels: Some(1),
        sample_rate_hz: Some(48_000),
    })
    .unwrap();
    let heard = Heard::Own(&mute, Duration::from_secs(1));
    let made = sound(heard, mono, folder.path()).await.unwrap();
    assert!(made.round.is_some(), "silence has a round of its own");
    let path = folder.path().join("sound.ts");
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1", "-c:a", "mp2", text(&path)]);
    let format = ProgramPicture::of(&seen("h264", "High", "4.0")).unwrap();
    let refused = picture(&material(path).await, &format, folder.path()).await;
    assert!(
        matches!(refused, Err(FfmpegError::NoPictureInClip)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_broken_picture_and_a_full_disk_are_said_and_leave_nothing_behind() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\nbroken").unwrap();
    let broken = material(path).await;
    let format = ProgramPicture::of(&seen("h264", "High", "4.0")).unwrap();
    let cache = folder.path().join("slates");
    let failed = picture(&broken, &format, &cache).await;
    assert!(matches!(failed, Err(FfmpegError::Failed(_))), "{failed:?}");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    let still = still(folder.path()).await;
    // Nothing can be written below a device.
    let failed = picture(&still, &format, Path::new("/dev/full/slates")).await;
    let error = failed.unwrap_err();
    assert!(matches!(error, FfmpegError::Keep(_)), "{error}");
    assert!(error.advice().contains("Free space"), "{}", error.advice());
}
