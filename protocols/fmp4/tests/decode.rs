//! What is fragmented decodes: ffmpeg finds every frame again and has nothing to complain about.

#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::path::Path;
use std::process::{Command, Output};

use bytes::Bytes;
use tidegate_codecs::{Codec, Kind, StreamReader};
use tidegate_fmp4::{Fragmenter, Sample, TrackSpec, can_carry};
use tidegate_mpegts::{AccessUnit, Demux, Event, Stamp, Track};

const VIDEO: &str = "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 4";
const X264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p";
const X265: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25";

fn run(program: &str, arguments: &str, file: Option<&Path>) -> Option<Output> {
    let mut command = Command::new(program);
    if let Some(file) = file {
        command.arg("-i").arg(file);
    }
    match command.args(arguments.split_whitespace()).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("SKIPPED: {program} is not installed");
            None
        }
    }
}

fn demux(stream: &[u8]) -> (Vec<Track>, Vec<AccessUnit>) {
    let (mut demux, mut tracks, mut units) = (Demux::new(), Vec::new(), Vec::new());
    demux.push(Stamp::default(), stream);
    demux.flush();
    while let Some(event) = demux.next_event() {
        match event {
            Event::Tracks(told) => tracks = told.to_vec(),
            Event::Unit(unit) => units.push(unit),
        }
    }
    (tracks, units)
}

/// Initialisation segment and one fragment per second of the whole stream.
fn fragmented(tracks: &[Track], units: &[AccessUnit]) -> Vec<u8> {
    let carried: Vec<&Track> = tracks
        .iter()
        .filter(|track| can_carry(track.codec))
        .collect();
    let spec = |track: &&Track| TrackSpec {
        config: track.config.clone().expect("a configuration"),
        language: None,
    };
    let mut fragmenter = Fragmenter::new(carried.iter().map(spec).collect()).expect("carried");
    let mut out = fragmenter.init_segment().to_vec();
    let epoch = units.iter().map(|unit| unit.dts).min().expect("units");
    let second = |unit: &AccessUnit| (unit.dts - epoch) / 90_000;
    let seconds = units.iter().map(second).max().expect("units");
    for now in 0..=seconds {
        let samples: Vec<Vec<Sample>> = carried
            .iter()
            .map(|track| {
                let units = units.iter().filter(|unit| unit.pid == track.pid);
                units
                    .filter(|unit| second(unit) == now)
                    .map(|unit| Sample {
                        pts: unit.pts - epoch,
                        dts: unit.dts - epoch,
                        duration: if track.codec.kind() == Kind::Video {
                            3600
                        } else {
                            0
                        },
                        key: unit.random_access,
                        data: unit.data.clone(),
                    })
                    .collect()
            })
            .collect();
        let samples: Vec<&[Sample]> = samples.iter().map(Vec::as_slice).collect();
        out.extend(fragmenter.fragment(&samples).expect("a fragment"));
    }
    out
}

/// Makes a stream, fragments it, and lets ffmpeg decode the result.
fn decodes(encoding: &str, extra: &str) {
    let make = format!("-v error {VIDEO} {encoding} {extra} -f mpegts -");
    let make = make.strip_prefix("-v error ").expect("the prefix");
    let Some(made) = run("ffmpeg", &format!("-v error {make}"), None) else {
        return;
    };
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (tracks, units) = demux(&made.stdout);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("out.mp4");
    std::fs::write(&file, fragmented(&tracks, &units)).expect("writable");
    let decoded = run("ffmpeg", "-v error -f null -", Some(&file)).expect("ffmpeg again");
    let complaints = String::from_utf8_lossy(&decoded.stderr);
    assert!(complaints.is_empty(), "{encoding}: {complaints}");
    for track in tracks.iter().filter(|track| can_carry(track.codec)) {
        let kind = if track.codec.kind() == Kind::Video {
            "v"
        } else {
            "a"
        };
        let query = format!(
            "-v error -select_streams {kind} -count_packets -show_entries stream=nb_read_packets \
             -of csv=p=0"
        );
        let counted = run("ffprobe", &query, Some(&file)).expect("ffprobe");
        let counted = String::from_utf8_lossy(&counted.stdout)
            .trim_end_matches([',', '\n'])
            .to_owned();
        let expected = units.iter().filter(|unit| unit.pid == track.pid).count();
        assert_eq!(
            counted,
            expected.to_string(),
            "packets of {}",
            track.codec.name()
        );
    }
}

#[test]
fn h264_with_b_frames_and_aac() {
    decodes(X264, "-c:a aac -ac 2");
}

#[test]
fn h264_with_open_groups_and_ac3() {
    decodes(&format!("{X264} -x264-params open-gop=1"), "-c:a ac3");
}

#[test]
fn hevc_and_eac3() {
    decodes(X265, "-c:a eac3");
}

#[test]
fn ten_bit_hevc_and_opus() {
    decodes(&format!("{X265} -pix_fmt yuv420p10le"), "-c:a libopus");
}

#[test]
fn interlaced_h264_and_latm() {
    decodes(
        &format!("{X264} -flags +ildct+ilme"),
        "-c:a aac -mpegts_flags latm",
    );
}

#[test]
fn video_alone_and_sound_alone() {
    decodes(X264, "-an");
    decodes("-vn", "-c:a aac -ar 44100");
}

/// Temporal units of an IVF file: 32 bytes of header, then 12 in front of each.
fn ivf_units(file: &[u8]) -> Vec<Bytes> {
    let (mut rest, mut units) = (&file[32..], Vec::new());
    while let Some((header, behind)) = rest.split_first_chunk::<12>() {
        let [a, b, c, d, ..] = *header;
        let (unit, behind) = behind.split_at(u32::from_le_bytes([a, b, c, d]) as usize);
        units.push(Bytes::copy_from_slice(unit));
        rest = behind;
    }
    units
}

#[test]
fn av1_decodes_and_its_key_frames_are_found() {
    let make = "-v error -f lavfi -i testsrc2=s=320x180:r=25 -t 2 -c:v libaom-av1 -cpu-used 8 \
                -g 25 -row-mt 1 -usage realtime -f ivf -";
    let Some(made) = run("ffmpeg", make, None) else {
        return;
    };
    let units = ivf_units(&made.stdout);
    let mut reader = StreamReader::new(Codec::Av1);
    let sample = |(number, unit): (i64, &Bytes)| Sample {
        pts: number * 3600,
        dts: number * 3600,
        duration: 3600,
        key: reader.read(unit).key,
        data: unit.clone(),
    };
    let samples: Vec<Sample> = (0..).zip(&units).map(sample).collect();
    let keys = samples.iter().filter(|sample| sample.key).count();
    assert_eq!((samples.len(), keys), (50, 2));
    let config = reader.config().cloned().expect("a configuration");
    let format = &config.video().expect("video").format;
    assert_eq!((format.width, format.height), (320, 180));
    let spec = TrackSpec {
        config,
        language: None,
    };
    let mut fragmenter = Fragmenter::new(vec![spec]).expect("carried");
    let mut out = fragmenter.init_segment().to_vec();
    out.extend(fragmenter.fragment(&[&samples]).expect("a fragment"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("out.mp4");
    std::fs::write(&file, out).expect("writable");
    let decoded = run("ffmpeg", "-v error -f null -", Some(&file)).expect("ffmpeg again");
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "");
    let query = "-v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0";
    let counted = run("ffprobe", query, Some(&file)).expect("ffprobe");
    assert_eq!(String::from_utf8_lossy(&counted.stdout).trim(), "50");
}

#[test]
fn decoding_times_continue_from_fragment_to_fragment() {
    let make = format!("-v error {VIDEO} {X264} -c:a aac -ar 44100 -f mpegts -");
    let Some(made) = run("ffmpeg", &make, None) else {
        return;
    };
    let (tracks, units) = demux(&made.stdout);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("out.mp4");
    std::fs::write(&file, fragmented(&tracks, &units)).expect("writable");
    let query = "-v error -select_streams a -show_entries packet=dts,duration -of csv=p=0";
    let packets = run("ffprobe", query, Some(&file)).expect("ffprobe");
    let text = String::from_utf8_lossy(&packets.stdout);
    let times: Vec<(i64, i64)> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(',').filter_map(|field| field.parse().ok());
            Some((fields.next()?, fields.next()?))
        })
        .collect();
    assert!(times.len() > 100);
    assert!(
        times
            .windows(2)
            .all(|pair| pair[0].0 + pair[0].1 == pair[1].0),
        "{times:?}"
    );
}
