//! Feeds for the segmenter: made frames, and streams that ffmpeg makes.

#![allow(dead_code, reason = "every test binary uses another part of this")]
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

pub(crate) mod spans;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::{Codec, StreamConfig, StreamReader};
use tidegate_hls::{Frame, Segmenter, Track};
use tidegate_mpegts::{Demux, Event, Stamp};

pub(crate) const VIDEO: u16 = 256;
pub(crate) const AUDIO: u16 = 257;
pub(crate) const SECOND: i64 = 90_000;

const KEY_UNIT: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x00, 0x00,
    0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xC8, 0x3C, 0x60, 0xC6, 0x58, 0, 0, 0, 1, 0x68, 0xEB,
    0xE3, 0xCB, 0x22, 0xC0, 0, 0, 1, 0x65, 0x88, 0x84, 0x00, 0x33,
];
const DELTA_UNIT: &[u8] = &[0, 0, 0, 1, 0x41, 0x9A, 0x24, 0x6C];
const ADTS: &[u8] = &[0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC];

fn config(codec: Codec, unit: &[u8]) -> Arc<StreamConfig> {
    let mut reader = StreamReader::new(codec);
    reader.read(unit);
    Arc::clone(reader.config().expect("the unit carries its configuration"))
}

pub(crate) fn video_track() -> Track {
    let config = Some(config(Codec::H264, KEY_UNIT));
    Track {
        id: VIDEO,
        program: 1,
        codec: Codec::H264,
        language: None,
        config,
    }
}

pub(crate) fn audio_track() -> Track {
    let config = Some(config(Codec::Aac, ADTS));
    Track {
        id: AUDIO,
        program: 1,
        codec: Codec::Aac,
        language: None,
        config,
    }
}

/// The same picture from another encoder: only a parameter set differs.
pub(crate) fn other_video_track() -> Track {
    let mut unit = KEY_UNIT.to_vec();
    let pps = unit.windows(2).position(|two| two == [0x68, 0xEB]);
    unit[pps.expect("a picture parameter set") + 4] ^= 1;
    Track {
        config: Some(config(Codec::H264, &unit)),
        ..video_track()
    }
}

/// Sound of one channel.
pub(crate) fn other_audio_track() -> Track {
    let adts = [0xFF, 0xF1, 0x4C, 0x40, 0x2E, 0x7F, 0xFC];
    Track {
        config: Some(config(Codec::Aac, &adts)),
        ..audio_track()
    }
}

pub(crate) fn picture(time: i64, key: bool) -> Frame {
    let data = Bytes::from_static(if key { KEY_UNIT } else { DELTA_UNIT });
    Frame {
        track: VIDEO,
        pts: time,
        dts: time,
        key,
        data,
    }
}

pub(crate) fn sound(time: i64) -> Frame {
    let data = Bytes::from_static(&[1, 2, 3, 4]);
    Frame {
        track: AUDIO,
        pts: time,
        dts: time,
        key: true,
        data,
    }
}

/// `seconds` of 25 pictures per second from `start`, a key frame every `group` pictures.
pub(crate) fn play(segmenter: &mut Segmenter, start: i64, seconds: i64, group: i64) {
    for number in 0..seconds * 25 {
        segmenter.push(picture(start + number * 3600, number % group == 0));
    }
}

/// What a playlist lists after lines that begin with this.
pub(crate) fn values<'a>(playlist: &'a str, tag: &'a str) -> Vec<&'a str> {
    playlist
        .lines()
        .filter_map(|line| line.strip_prefix(tag))
        .collect()
}

pub(crate) fn names(playlist: &str) -> Vec<&str> {
    playlist
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect()
}

pub(crate) fn run(program: &str, arguments: &str, input: Option<&Path>) -> Option<Output> {
    let mut command = Command::new(program);
    if let Some(input) = input {
        command.args(["-v", "error"]).arg("-i").arg(input);
    }
    match command.args(arguments.split_whitespace()).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("SKIPPED: {program} is not installed");
            None
        }
    }
}

/// Segments a transport stream, all of it.
pub(crate) fn segment(segmenter: &mut Segmenter, stream: &[u8]) {
    let mut demux = Demux::new();
    for chunk in stream.chunks(1316) {
        demux.push(Stamp::default(), chunk);
        pass_on(&mut demux, segmenter);
    }
    demux.flush();
    pass_on(&mut demux, segmenter);
}

fn pass_on(demux: &mut Demux, segmenter: &mut Segmenter) {
    while let Some(event) = demux.next_event() {
        match event {
            Event::Tracks(tracks) => {
                let tracks: Vec<Track> = tracks
                    .iter()
                    .map(|track| Track {
                        id: track.pid,
                        program: track.program,
                        codec: track.codec,
                        language: None,
                        config: track.config.clone(),
                    })
                    .collect();
                segmenter.set_tracks(&tracks);
            }
            Event::Unit(unit) => {
                segmenter.push(Frame {
                    track: unit.pid,
                    pts: unit.pts,
                    dts: unit.dts,
                    key: unit.random_access,
                    data: unit.data,
                });
            }
        }
    }
}
