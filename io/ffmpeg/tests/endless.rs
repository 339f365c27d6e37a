//! Slates that are repeated, as a decoder sees and hears them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{ffmpeg, material, text};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tidegate_codecs::FrameRate;
use tidegate_ffmpeg::slate::program::{
    Heard, Material, ProgramPicture, ProgramSound, SeenAudio, SeenVideo, picture, sound,
};
use tidegate_mpegts::{PACKET_BYTES, Packet};
use tidegate_switch::slate::{AHEAD, PictureFile, SlateClip, SlateLoop, SoundFile};
use tidegate_testkit::peers::have;
use tidegate_units::Instant;

/// Where a slate has its picture.
const PICTURE_PID: u16 = 0x100;

fn seen_video(codec: &'static str, fps: f64, interlaced: bool) -> SeenVideo<'static> {
    SeenVideo {
        codec,
        width: Some(320),
        height: Some(192),
        fps: Some(fps),
        interlaced,
        ..SeenVideo::default()
    }
}

fn seen_audio(codec: &'static str, channels: u8, rate: u32) -> SeenAudio<'static> {
    SeenAudio {
        codec,
        channels: Some(channels),
        sample_rate_hz: Some(rate),
    }
}

/// What is to be heard.
#[derive(Clone, Copy)]
enum Hear {
    Silence,
    Tone,
    Own,
}

/// So many seconds of the endless slate, begun, ended and begun again on the way.
async fn played(
    folder: &Path,
    material: &Material,
    video: SeenVideo<'_>,
    audio: SeenAudio<'_>,
    hear: Hear,
    seconds: u64,
) -> Vec<u8> {
    let format = ProgramPicture::of(&video).unwrap();
    let shown = picture(material, &format, folder).await.unwrap();
    let shown = fs::read(shown).unwrap();
    let rate = FrameRate::new(format.rate as u32, format.per_seconds as u32).unwrap();
    let file = PictureFile { ts: &shown, rate };
    let length = SlateClip::new(&file, &[]).unwrap().length();
    let heard = match hear {
        Hear::Silence => Heard::Silence,
        Hear::Tone => Heard::Tone,
        Hear::Own => Heard::Own(material, length),
    };
    let made = sound(heard, ProgramSound::of(&audio).unwrap(), folder)
        .await
        .unwrap();
    let ts = fs::read(&made.path).unwrap();
    let sounds = [SoundFile {
        ts: &ts,
        begin: made.begin,
        round: made.round,
        language: None,
    }];
    let clip = Arc::new(SlateClip::new(&file, &sounds).unwrap());
    let mut slate = SlateLoop::new(clip);
    let mut out = Vec::new();
    slate.begin(Instant::from_micros(1_234_567));
    for step in 0..seconds * 10 {
        let now = Instant::from_micros(1_234_567) + Duration::from_millis(step * 100);
        if step == seconds * 3 {
            // Another key frame, wherever the round is.
            slate.begin(now + AHEAD);
        }
        while let Some(chunk) = slate.poll(now + AHEAD) {
            out.extend_from_slice(&chunk.bytes);
        }
    }
    // The last picture has begun, but not ended.
    let (packets, _) = out.as_chunks::<PACKET_BYTES>();
    let begins = |packet: &[u8; PACKET_BYTES]| {
        Packet::new(packet).is_some_and(|it| it.pid() == PICTURE_PID && it.unit_start())
    };
    let last = packets.iter().rposition(begins).unwrap();
    out.truncate(last * PACKET_BYTES);
    out
}

/// What a decoder that takes nothing amiss says of a stream.
fn complaints(folder: &Path, stream: &[u8]) -> String {
    let path = folder.join("played.ts");
    fs::write(&path, stream).unwrap();
    common::complaints(&path)
}

async fn still(folder: &Path) -> Material {
    let path = folder.join("still.jpg");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x480",
        "-frames:v",
        "1",
        text(&path),
    ]);
    material(path).await
}

#[tokio::test]
async fn a_repeated_slate_of_any_format_is_decoded_without_a_complaint() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let still = still(folder.path()).await;
    for (video, audio) in [
        (
            seen_video("h264", 25.0, false),
            seen_audio("aac", 2, 48_000),
        ),
        (
            seen_video("h264", 29.97, true),
            seen_audio("aac", 6, 48_000),
        ),
        (seen_video("h264", 1.0, false), seen_audio("mp3", 1, 32_000)),
        (
            seen_video("hevc", 59.94, false),
            seen_audio("aac", 1, 44_100),
        ),
        (
            seen_video("hevc", 50.0, false),
            seen_audio("eac3", 2, 48_000),
        ),
        (
            seen_video("mpeg2", 25.0, true),
            seen_audio("mp2", 2, 48_000),
        ),
        (
            seen_video("mpeg2", 23.976, false),
            seen_audio("ac3", 6, 48_000),
        ),
        (
            seen_video("h264", 30.0, false),
            seen_audio("opus", 2, 48_000),
        ),
    ] {
        let played = played(folder.path(), &still, video, audio, Hear::Silence, 20).await;
        assert_eq!(
            complaints(folder.path(), &played),
            "",
            "{video:?} {audio:?}"
        );
    }
}

#[tokio::test]
async fn a_tone_goes_on_without_a_click() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let still = still(folder.path()).await;
    for audio in [
        seen_audio("aac", 2, 48_000),
        seen_audio("aac", 1, 44_100),
        seen_audio("mp2", 2, 48_000),
        seen_audio("mp3", 2, 48_000),
        seen_audio("ac3", 2, 48_000),
        seen_audio("opus", 2, 48_000),
    ] {
        let video = seen_video("h264", 25.0, false);
        let played = played(folder.path(), &still, video, audio, Hear::Tone, 10).await;
        assert_eq!(complaints(folder.path(), &played), "", "{audio:?}");
        let path = folder.path().join("played.ts");
        let decode = ["-i", text(&path), "-vn", "-ac", "1", "-f", "s16le", "-"];
        let (samples, _) = ffmpeg(&decode);
        let samples: Vec<i32> = (samples.as_chunks::<2>().0.iter())
            .map(|bytes| i32::from(i16::from_le_bytes(*bytes)))
            .collect();
        let rate = audio.sample_rate_hz.unwrap() as usize;
        assert!(samples.len() > 9 * rate);
        // The first tenth of a second and the last, decoders warm up.
        let settled = &samples[rate / 10..samples.len() - rate / 10];
        let loudest = settled.iter().max().unwrap();
        assert!((2500..4500).contains(loudest), "{audio:?}: {loudest}");
        let steepest = settled
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .max();
        let sine = 2.0 * core::f64::consts::PI * 1000.0 / rate as f64 * f64::from(*loudest);
        assert!(
            f64::from(steepest.unwrap()) < sine * 1.25,
            "{audio:?}: a step of {steepest:?} where {sine:.0} is the most"
        );
    }
}

#[tokio::test]
async fn a_repeated_clip_with_its_own_sound_is_decoded_without_a_complaint() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mkv");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=24:d=3.3",
        "-f",
        "lavfi",
        "-i",
        "sine=440:d=3.1",
        "-c:v",
        "mpeg4",
        "-c:a",
        "aac",
        text(&path),
    ]);
    let clip = material(path).await;
    for (video, audio) in [
        (
            seen_video("h264", 29.97, false),
            seen_audio("aac", 2, 48_000),
        ),
        (
            seen_video("mpeg2", 25.0, true),
            seen_audio("mp2", 2, 44_100),
        ),
    ] {
        let played = played(folder.path(), &clip, video, audio, Hear::Own, 20).await;
        assert_eq!(
            complaints(folder.path(), &played),
            "",
            "{video:?} {audio:?}"
        );
    }
}
