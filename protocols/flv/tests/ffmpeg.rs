//! What ffmpeg writes is read, and what is written is read by ffmpeg: the same packets at the
//! same times.

#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use tidegate_codecs::Codec;
use tidegate_flv::{Event, Frame, Message, MessageKind, OutFrame, Reader, Track, Writer};

const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25";
const SOUND: &str = "-f lavfi -i sine=r=48000";
const X264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p";

/// The first that exists: a current ffmpeg knows Enhanced RTMP, version 5 does not.
fn current_ffmpeg() -> Option<PathBuf> {
    let path = std::env::var_os("TIDEGATE_PEER_FFMPEG").map(PathBuf::from);
    let found = path.filter(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: TIDEGATE_PEER_FFMPEG does not name a current ffmpeg");
    }
    found
}

fn ffmpeg(program: &Path, arguments: &str) -> Option<Vec<u8>> {
    let ran = Command::new(program)
        .args("-hide_banner -nostdin -v error".split(' '))
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output();
    let Ok(ran) = ran else {
        eprintln!("SKIPPED: {} is not installed", program.display());
        return None;
    };
    // Encoders talk on standard error, whatever the log level.
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Some(ran.stdout)
}

/// The tags of an FLV file: type, time stamp, body.
fn tags(file: &[u8]) -> Vec<(u8, u32, Bytes)> {
    let mut rest = &file[9 + 4..];
    let mut tags = Vec::new();
    while let Some((header, behind)) = rest.split_first_chunk::<11>() {
        let [kind, a, b, c, d, e, f, g, ..] = *header;
        let size = u32::from_be_bytes([0, a, b, c]) as usize;
        let time = u32::from_be_bytes([g, d, e, f]);
        tags.push((kind, time, Bytes::copy_from_slice(&behind[..size])));
        rest = &behind[size + 4..];
    }
    tags
}

fn read(file: &[u8]) -> (Vec<Track>, Vec<Frame>) {
    let mut reader = Reader::new();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    for (kind, time, body) in tags(file) {
        match kind {
            8 => reader.audio(time, &body).expect("sound"),
            9 => reader.video(time, &body).expect("a picture"),
            _ => {}
        }
        while let Some(event) = reader.next_event() {
            match event {
                Event::Tracks(told) => tracks = told,
                Event::Frame(frame) => frames.push(frame),
            }
        }
    }
    (tracks, frames)
}

fn write(tracks: &[Track], frames: &[Frame]) -> Vec<u8> {
    let mut writer = Writer::new();
    let config = |track: &Track| track.config.clone().expect("a configuration");
    let configs: Vec<_> = tracks
        .iter()
        .map(|track| (track.id, config(track)))
        .collect();
    writer.set_tracks(configs.iter().map(|(id, config)| (*id, config)));
    let mut messages: Vec<Message> = Vec::new();
    writer.headers(0, &mut messages);
    for frame in frames {
        writer.frame(
            &OutFrame {
                track: frame.track,
                pts: frame.pts,
                dts: frame.dts,
                key: frame.key,
                data: &frame.data,
            },
            &mut messages,
        );
    }
    let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    for message in messages {
        let kind = match message.kind {
            MessageKind::Audio => 8,
            MessageKind::Video => 9,
        };
        let size = u32::try_from(message.body.len()).expect("a small body");
        let [high, time @ ..] = message.timestamp_ms.to_be_bytes();
        file.push(kind);
        file.extend(&size.to_be_bytes()[1..]);
        file.extend(time);
        file.extend([high, 0, 0, 0]);
        file.extend(&message.body);
        file.extend((size + 11).to_be_bytes());
    }
    file
}

/// Stream, time of decoding and time of presentation of every packet, as ffmpeg sees them.
fn packets(program: &Path, file: &Path) -> Vec<[i64; 3]> {
    let arguments = format!("-i {} -map 0 -c copy -copyts -f framecrc -", file.display());
    let listed = ffmpeg(program, &arguments).expect("ffmpeg");
    let text = String::from_utf8(listed).expect("text");
    // Sizes and sums differ: encoders put their parameter sets into the stream, too.
    let packet = |line: &str| {
        let mut fields = line.split(',').map(|field| field.trim().parse());
        [(); 3].map(|()| fields.next().expect("a field").expect("a number"))
    };
    // ffmpeg takes an empty sequence header of its own for an empty packet.
    let is_packet = |line: &&str| !line.starts_with('#') && !line.contains("        0, 0x00000000");
    let lines = text.lines().filter(is_packet);
    lines.map(packet).collect()
}

fn comes_back(program: &Path, encoding: &str, codecs: &[Codec]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = folder.path().join("made.flv");
    let make = format!("{encoding} -t 2 -f flv {}", made.display());
    if ffmpeg(program, &make).is_none() {
        return;
    }
    let (tracks, frames) = read(&std::fs::read(&made).expect("readable"));
    let found: Vec<_> = tracks.iter().map(|track| track.codec).collect();
    assert_eq!(found, codecs);
    let written = folder.path().join("written.flv");
    std::fs::write(&written, write(&tracks, &frames)).expect("writable");
    let (before, after) = (packets(program, &made), packets(program, &written));
    assert!(before.len() > 100);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        // The reader undoes the rounding of sound to milliseconds.
        let is_same = |(before, after): (&i64, &i64)| (before - after).abs() <= 1;
        assert!(
            before.iter().zip(after).all(is_same),
            "{before:?} {after:?}"
        );
    }
    let decode = format!("-xerror -i {} -map 0 -f null -", written.display());
    ffmpeg(program, &decode);
}

#[test]
fn legacy_h264_with_b_frames_and_aac() {
    comes_back(
        Path::new("ffmpeg"),
        &format!("{PICTURE} {SOUND} {X264} -c:a aac"),
        &[Codec::H264, Codec::Aac],
    );
}

#[test]
fn legacy_h264_and_mp3() {
    comes_back(
        Path::new("ffmpeg"),
        &format!("{PICTURE} {SOUND} {X264} -c:a libmp3lame -ar 44100"),
        &[Codec::H264, Codec::MpegAudio],
    );
}

#[test]
fn enhanced_hevc_with_b_frames_and_opus() {
    let Some(program) = current_ffmpeg() else {
        return;
    };
    comes_back(
        &program,
        &format!(
            "{PICTURE} {SOUND} -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=2 -c:a libopus"
        ),
        &[Codec::H265, Codec::Opus],
    );
}

#[test]
fn enhanced_av1_and_eac3() {
    let Some(program) = current_ffmpeg() else {
        return;
    };
    comes_back(
        &program,
        &format!("{PICTURE} {SOUND} -c:v libaom-av1 -cpu-used 8 -usage realtime -c:a eac3"),
        &[Codec::Av1, Codec::Eac3],
    );
}

#[test]
fn enhanced_with_several_tracks_of_sound() {
    let Some(program) = current_ffmpeg() else {
        return;
    };
    comes_back(
        &program,
        &format!(
            "{PICTURE} {SOUND} {X264} -map 0 -map 1 -map 1 -map 1 -c:a:0 aac -c:a:1 ac3 -c:a:2 aac"
        ),
        &[Codec::H264, Codec::Aac, Codec::Ac3, Codec::Aac],
    );
}
