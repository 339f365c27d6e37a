//! Streams that ffmpeg makes, joined by a program and decoded by ffmpeg again.

#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use bytes::Bytes;
use std::process::{Command, Stdio};
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};
use tidegate_switch::{How, OnAir, Options, Order, Piece, Program};
use tidegate_units::{Duration, Instant};

/// What ffmpeg makes of these arguments. `None`, loudly, where it is not installed.
pub(crate) fn made(arguments: &str) -> Option<Vec<u8>> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments.split_whitespace())
        .args(["-f", "mpegts", "-"])
        .output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: ffmpeg is not installed");
        return None;
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg: {complaint}");
    Some(output.stdout)
}

/// What a decoder that looks for errors says about a stream, and how many pictures it found.
pub(crate) fn decoded(stream: &[u8]) -> (String, usize) {
    let name = format!(
        "tidegate-switch-{}-{:?}.ts",
        std::process::id(),
        std::thread::current().id()
    );
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, stream).expect("the temporary folder is writable");
    let run = Command::new("ffmpeg")
        .args(["-v", "warning", "-err_detect", "explode", "-xerror"])
        .args(["-nostdin", "-i"])
        .arg(&path)
        .args([
            "-map",
            "0",
            "-fps_mode",
            "passthrough",
            "-f",
            "framecrc",
            "-",
        ])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    let _ = std::fs::remove_file(&path);
    let pictures = String::from_utf8_lossy(&run.stdout)
        .lines()
        .filter(|line| line.starts_with("0,"))
        .count();
    (String::from_utf8_lossy(&run.stderr).into_owned(), pictures)
}

/// A file as it would arrive: each packet when its clock says.
struct Sender {
    pieces: Vec<(Duration, Bytes)>,
    next: usize,
}

impl Sender {
    fn new(stream: &[u8]) -> Self {
        let (mut first, mut at) = (None, Duration::ZERO);
        let mut pieces = Vec::new();
        for piece in stream.chunks(7 * PACKET_BYTES) {
            for packet in piece.as_chunks::<PACKET_BYTES>().0 {
                let field = Packet::new(packet).and_then(Packet::adaptation);
                if let Some(pcr) = field.and_then(|field| field.pcr) {
                    let since = pcr.since(*first.get_or_insert(pcr));
                    at = at.max(Duration::from_micros(since * 1_000_000 / Pcr::HERTZ));
                }
            }
            pieces.push((at, Bytes::copy_from_slice(piece)));
        }
        Self { pieces, next: 0 }
    }

    fn until(&mut self, since: Duration) -> Vec<(Duration, Bytes)> {
        let from = self.next;
        while self
            .pieces
            .get(self.next)
            .is_some_and(|(at, _)| *at <= since)
        {
            self.next += 1;
        }
        self.pieces[from..self.next].to_vec()
    }
}

/// Takes at these moments, in turn.
pub(crate) fn switched(
    streams: [&[u8]; 2],
    latency_millis: u64,
    takes: &[u64],
    cuts: &[u64],
) -> Vec<u8> {
    let begin = Instant::from_millis(1_000);
    let mut senders = streams.map(Sender::new);
    let mut program = Program::new(&Options {
        inputs: 2,
        delay: Duration::ZERO,
    });
    let to = OnAir::Input(0);
    program.order(Order::SwitchTo {
        to,
        how: How::Alive,
    });
    let (mut out, mut emitted) = (Vec::new(), Vec::new());
    let mut on_air = 0;
    for millis in 0..14_000 {
        let since = Duration::from_millis(millis);
        let now = begin + since;
        if takes.contains(&millis) || cuts.contains(&(millis.saturating_sub(150))) {
            on_air = 1 - on_air;
            let to = OnAir::Input(on_air);
            let how = if takes.contains(&millis) {
                How::Alive
            } else {
                How::Starved
            };
            program.order(Order::SwitchTo { to, how });
        }
        for (index, sender) in senders.iter_mut().enumerate() {
            for (at, bytes) in sender.until(since) {
                // A main that is cut never comes back here.
                if cuts.iter().any(|cut| *cut <= millis) && index == 0 {
                    continue;
                }
                let arrived = begin + at;
                let due = arrived + Duration::from_millis(latency_millis);
                let piece = Piece {
                    bytes,
                    arrived,
                    due,
                    lost_before: 0,
                };
                program.push(OnAir::Input(index), piece, false);
            }
        }
        program.poll(now, &mut emitted);
        for emitted in emitted.drain(..) {
            out.extend_from_slice(&emitted.bytes);
        }
    }
    out
}

pub(crate) const SOUND: &str = "-f lavfi -i sine=r=48000:b=4";

#[test]
fn a_decoder_has_nothing_to_say_about_takes_and_cuts_between_encoders() {
    let kinds = [
        (
            "-c:v libx264 -preset ultrafast -bf 2 -g 50 -c:a aac",
            "-c:v libx264 -preset ultrafast -bf 2 -g 30 -c:a aac -mpegts_start_pid 600 -output_ts_offset 5000",
        ),
        (
            "-c:v libx264 -preset ultrafast -tune zerolatency -g 50 -c:a aac",
            "-c:v libx264 -preset veryfast -bf 3 -b_strategy 0 -g 40 -x264-params open-gop=1 -c:a aac -output_ts_offset 95438",
        ),
        (
            "-c:v mpeg2video -bf 2 -g 12 -c:a mp2",
            "-c:v mpeg2video -bf 0 -g 20 -c:a mp2 -muxdelay 0.2 -muxpreload 0.2",
        ),
        (
            "-c:v libx265 -preset ultrafast -x265-params log-level=none -g 50 -c:a ac3",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:open-gop=1 -g 30 -c:a ac3 -muxrate 3M",
        ),
    ];
    for (a, b) in kinds {
        let picture = "-f lavfi -i testsrc2=s=320x180:r=25";
        let make = |of: &str| made(&format!("{picture} {SOUND} -t 12 -pix_fmt yuv420p {of}"));
        let (Some(a_ts), Some(b_ts)) = (make(a), make(b)) else {
            return;
        };
        for (takes, cuts) in [(&[2_500, 5_200, 8_100][..], &[][..]), (&[], &[4_321])] {
            for latency in [0, 500] {
                let out = switched([&a_ts, &b_ts], latency, takes, cuts);
                let (complaints, pictures) = decoded(&out);
                assert_eq!(complaints, "", "{a} | {b} | {latency} {takes:?} {cuts:?}");
                assert!(pictures > 200, "{pictures}");
            }
        }
    }
}

#[test]
fn a_program_without_pictures_is_switched_between_frames_of_sound() {
    let make = |of: &str| made(&format!("{SOUND} -t 12 {of}"));
    let (Some(a), Some(b)) = (
        make("-c:a aac"),
        make("-c:a aac -b:a 96k -output_ts_offset 700"),
    ) else {
        return;
    };
    for (takes, cuts) in [(&[2_500, 5_200][..], &[][..]), (&[], &[4_321])] {
        let out = switched([&a, &b], 200, takes, cuts);
        let (complaints, frames) = decoded(&out);
        assert_eq!(complaints, "", "{takes:?} {cuts:?}");
        assert!(frames > 400, "{frames}");
        let mut demux = tidegate_mpegts::Demux::new();
        demux.push(tidegate_mpegts::Stamp::default(), &out);
        let mut last = None;
        while let Some(event) = demux.next_event() {
            let tidegate_mpegts::Event::Unit(unit) = event else {
                continue;
            };
            assert!(!unit.discontinuity);
            let step = last.map_or(1920, |last| unit.pts - last);
            assert!(
                (1917..1917 + 1920).contains(&step),
                "{step} at {}",
                unit.pts
            );
            last = Some(unit.pts);
        }
    }
}

#[test]
fn another_picture_rate_and_another_sound_go_on_all_the_same() {
    let make = |rate: u32, of: &str| {
        let picture = format!("-f lavfi -i testsrc2=s=320x180:r={rate}");
        made(&format!("{picture} {SOUND} -t 12 -pix_fmt yuv420p {of}"))
    };
    let (Some(a), Some(b)) = (
        make(25, "-c:v libx264 -preset ultrafast -bf 2 -g 50 -c:a aac"),
        make(
            50,
            "-c:v libx264 -preset ultrafast -bf 2 -g 100 -c:a aac -ar 44100",
        ),
    ) else {
        return;
    };
    let out = switched([&a, &b], 300, &[3_000, 6_000, 9_000], &[]);
    let (complaints, pictures) = decoded(&out);
    assert_eq!(complaints, "");
    assert!(pictures > 350, "{pictures}");
}

/// What each sound of a stream turned out to be, one after the other.
fn sounds(stream: &[u8]) -> Vec<(u16, String)> {
    let mut demux = tidegate_mpegts::Demux::new();
    demux.push(tidegate_mpegts::Stamp::default(), stream);
    demux.flush();
    let mut found = Vec::new();
    while let Some(event) = demux.next_event() {
        let tidegate_mpegts::Event::Tracks(tracks) = event else {
            continue;
        };
        for track in tracks.iter() {
            let config = track.config.as_deref();
            let Some(tidegate_codecs::StreamConfig::Audio(audio)) = config else {
                continue;
            };
            let format = &audio.format;
            let (hertz, channels) = (format.sample_rate_hz, format.channels);
            let is = (track.pid, format!("{:?} {hertz} {channels}", track.codec));
            if found.last() != Some(&is) {
                found.push(is);
            }
        }
    }
    found
}

#[test]
fn the_sound_is_on_its_pid_what_the_map_says_whatever_it_was_before() {
    let make = |of: &str| {
        let picture = "-f lavfi -i testsrc2=s=320x180:r=25";
        let codec = "-c:v libx264 -preset ultrafast -g 25";
        made(&format!(
            "{picture} {SOUND} -t 12 -pix_fmt yuv420p {codec} {of}"
        ))
    };
    for (of, is) in [
        ("-c:a aac -ar 44100 -ac 2", "Aac 44100 2"),
        ("-c:a aac -ac 6", "Aac 48000 6"),
        ("-c:a mp2 -ac 2", "MpegAudio 48000 2"),
        ("-c:a ac3 -ac 6", "Ac3 48000 6"),
    ] {
        let (Some(a), Some(b)) = (make("-c:a aac -ac 2"), make(of)) else {
            return;
        };
        let out = switched([&a, &b], 300, &[3_000, 6_000], &[]);
        let usual = (0x101, "Aac 48000 2".to_owned());
        let other = (0x101, is.to_owned());
        assert_eq!(sounds(&out), [usual.clone(), other, usual], "{of}");
    }
}
