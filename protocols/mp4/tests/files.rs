//! Files of ffmpeg are read as ffprobe reads them.

#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_codecs::Codec;
use tidegate_mp4::{Event, FileReader, Mp4Error, Sample, SegmentReader, Step, Track};

const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25";
const SOUND: &str = "-f lavfi -i sine=r=48000";
const H264: &str = "-t 3 -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p";
const AAC: &str = "-c:a aac -ac 2";

/// Runs ffmpeg in `folder`; false if there is none.
fn ffmpeg(folder: &Path, arguments: &str) -> bool {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).current_dir(folder);
    match command.args(arguments.split_whitespace()).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        Err(_) => {
            eprintln!("SKIPPED: ffmpeg is not installed");
            false
        }
    }
}

/// One file made by ffmpeg; `None` without it.
fn made(arguments: &str, name: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().expect("a folder");
    let made = ffmpeg(folder.path(), &format!("{arguments} {name}"));
    let path = folder.path().join(name);
    made.then_some((folder, path))
}

fn read(bytes: &[u8]) -> Result<(Vec<Track>, Vec<Sample>), Mp4Error> {
    let mut reader = FileReader::new(bytes.len() as u64);
    let (mut tracks, mut samples) = (Vec::new(), Vec::new());
    loop {
        match reader.step()? {
            Step::Read { at, bytes: count } => {
                let at = usize::try_from(at).expect("a small file");
                reader.supply(Bytes::copy_from_slice(&bytes[at..at + count]));
            }
            Step::Event(Event::Tracks(told)) => tracks = told.to_vec(),
            Step::Event(Event::Sample(sample)) => samples.push(sample),
            Step::End => return Ok((tracks, samples)),
        }
    }
}

/// What ffprobe says of the packets of one stream: pts, dts, size, key. Sound that is cut off
/// is left out.
fn probed(file: &Path, stream: &str) -> Vec<(i64, i64, usize, bool)> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            stream,
            "-of",
            "csv=p=0",
            "-show_entries",
        ])
        .arg("packet=pts_time,dts_time,size,flags")
        .arg(file)
        .output()
        .expect("ffprobe runs");
    let ticks = |text: &str| (text.parse::<f64>().expect("a time") * 90_000.0).round() as i64;
    let mut packets = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<_> = line.split(',').collect();
        if fields.len() < 4 {
            continue; // what ffprobe says of side data
        }
        let is_cut_off = fields[3].contains('D') && stream.starts_with('a');
        if !is_cut_off {
            let size = fields[2].parse().expect("a size");
            packets.push((
                ticks(fields[0]),
                ticks(fields[1]),
                size,
                fields[3].contains('K'),
            ));
        }
    }
    packets
}

#[track_caller]
fn same_as_probed(file: &Path, samples: &[Sample], tracks: &[Track]) {
    for (kind, track) in [("v:0", true), ("a:0", false)] {
        let of_kind = |track: &&Track| track.codec.kind() == tidegate_codecs::Kind::Video;
        let Some(track) = tracks.iter().find(|found| of_kind(found) == track) else {
            continue;
        };
        let probed = probed(file, kind);
        let ours: Vec<_> = samples
            .iter()
            .filter(|sample| sample.track == track.id)
            .collect();
        assert_eq!(ours.len(), probed.len(), "samples of {kind}");
        for (ours, probed) in ours.iter().zip(&probed) {
            assert!(
                (ours.pts - probed.0).abs() <= 1,
                "pts of {kind}: {ours:?} {probed:?}"
            );
            assert!(
                (ours.dts - probed.1).abs() <= 1,
                "dts of {kind}: {ours:?} {probed:?}"
            );
            assert_eq!(
                (ours.data.len(), ours.key),
                (probed.2, probed.3),
                "{kind} at {}",
                ours.pts
            );
        }
    }
    let dts: Vec<_> = samples.iter().map(|sample| sample.dts).collect();
    assert!(dts.is_sorted(), "samples come by decoding time");
}

#[track_caller]
fn reads_like_ffprobe(arguments: &str, name: &str) -> Option<Vec<Track>> {
    let (_folder, path) = made(arguments, name)?;
    let (tracks, samples) = read(&std::fs::read(&path).expect("the file")).expect("readable");
    assert!(samples.len() > 20, "{}", samples.len());
    same_as_probed(&path, &samples, &tracks);
    Some(tracks)
}

#[test]
fn a_progressive_file_with_its_contents_at_the_end_and_at_the_front() {
    let arguments = format!("{PICTURE} {SOUND} {H264} {AAC}");
    let Some(tracks) = reads_like_ffprobe(&arguments, "end.mp4") else {
        return;
    };
    let formats: Vec<_> = tracks
        .iter()
        .map(|track| track.config.as_ref().expect("told"))
        .collect();
    let video = formats[0].video().expect("a picture");
    assert_eq!((video.format.width, video.format.height), (320, 180));
    let audio = formats[1].audio().expect("sound");
    assert_eq!(
        (audio.format.channels, audio.format.sample_rate_hz),
        (2, 48_000)
    );
    reads_like_ffprobe(&format!("{arguments} -movflags faststart"), "front.mp4");
    reads_like_ffprobe(&arguments, "quicktime.mov");
}

#[test]
fn fragmented_files_of_either_kind() {
    let arguments = format!("{PICTURE} {SOUND} {H264} {AAC} -movflags");
    reads_like_ffprobe(
        &format!("{arguments} frag_keyframe+empty_moov+default_base_moof"),
        "a.mp4",
    );
    reads_like_ffprobe(&format!("{arguments} frag_keyframe"), "b.mp4");
}

#[test]
fn sound_that_starts_late_and_a_beginning_that_is_cut_off() {
    let arguments = format!("{PICTURE} -itsoffset 0.7 {SOUND} {H264} {AAC}");
    reads_like_ffprobe(&arguments, "late.mp4");
    let arguments = format!("{PICTURE} {SOUND} {H264} {AAC}");
    let Some((folder, _)) = made(&arguments, "whole.mp4") else {
        return;
    };
    assert!(ffmpeg(
        folder.path(),
        "-ss 1.3 -i whole.mp4 -c copy cut.mp4"
    ));
    let path = folder.path().join("cut.mp4");
    let (tracks, samples) = read(&std::fs::read(&path).expect("the file")).expect("readable");
    let pictures = probed(&path, "v:0");
    let ours: Vec<_> = samples.iter().filter(|sample| sample.track == 1).collect();
    assert_eq!(ours.len(), pictures.len());
    assert!(
        ours[0].key && ours[0].pts <= 0,
        "it begins at the key frame before the cut"
    );
    // ffprobe moves the cut to the picture that is shown there; a picture lasts 3600.
    assert!(
        (ours[0].pts - pictures[0].0).abs() < 3600,
        "{:?} {:?}",
        ours[0],
        pictures[0]
    );
    assert_eq!(tracks.len(), 2);
}

#[test]
fn other_codecs() {
    let picture = format!("{PICTURE} {SOUND} -t 2 -pix_fmt yuv420p");
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 -tag:v hvc1";
    if let Some(tracks) = reads_like_ffprobe(&format!("{picture} {hevc} -c:a ac3"), "a.mp4") {
        let codecs: Vec<_> = tracks.iter().map(|track| track.codec).collect();
        assert_eq!(codecs, [Codec::H265, Codec::Ac3]);
        assert!(tracks[1].config.is_some(), "learnt from a sample");
    }
    let opus = format!("{picture} -c:v libx264 -preset ultrafast -c:a libopus");
    if let Some(tracks) = reads_like_ffprobe(&opus, "b.mp4") {
        assert_eq!(tracks[1].codec, Codec::Opus);
    }
    let mp2 = format!("{picture} -c:v mpeg2video -g 12 -c:a mp2");
    if let Some(tracks) = reads_like_ffprobe(&mp2, "c.mp4") {
        let codecs: Vec<_> = tracks.iter().map(|track| track.codec).collect();
        assert_eq!(codecs, [Codec::Mpeg2Video, Codec::MpegAudio]);
        assert!(tracks.iter().all(|track| track.config.is_some()));
    }
}

#[test]
fn tracks_that_cannot_be_carried_are_left_out_or_named() {
    let arguments = format!("{PICTURE} {SOUND} {H264} -c:a pcm_s16le");
    let Some((_folder, path)) = made(&arguments, "pcm.mov") else {
        return;
    };
    let (tracks, _) = read(&std::fs::read(&path).expect("the file")).expect("readable");
    assert_eq!(tracks.len(), 1);
    let Some((_folder, path)) = made(&format!("{SOUND} -t 1 -c:a pcm_s16le"), "only.mov") else {
        return;
    };
    let refused = read(&std::fs::read(&path).expect("the file")).expect_err("nothing to play");
    assert_eq!(refused, Mp4Error::NothingToPlay("PCM (sowt)".into()));
}

#[test]
fn what_is_cut_off_or_something_else_is_refused_with_its_reason() {
    let arguments = format!("{PICTURE} {H264}");
    let Some((_folder, path)) = made(&arguments, "end.mp4") else {
        return;
    };
    let bytes = std::fs::read(&path).expect("the file");
    assert_eq!(read(&bytes[..bytes.len() / 2]), Err(Mp4Error::NoMovie));
    let arguments = format!("{arguments} -movflags faststart");
    let Some((_folder, path)) = made(&arguments, "front.mp4") else {
        return;
    };
    let bytes = std::fs::read(&path).expect("the file");
    assert_eq!(read(&bytes[..bytes.len() / 2]), Err(Mp4Error::Truncated));
    assert_eq!(read(&bytes[..bytes.len() - 1]), Err(Mp4Error::Truncated));
    assert_eq!(
        read(b"GIF89a is something else entirely"),
        Err(Mp4Error::NotMp4)
    );
    assert_eq!(read(b""), Err(Mp4Error::NotMp4));
}

#[test]
fn segments_of_a_playlist_hold_what_the_file_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = format!("{PICTURE} {SOUND} {H264} {AAC}");
    let hls = "-f hls -hls_time 1 -hls_segment_type fmp4 -hls_list_size 0 out.m3u8";
    if !ffmpeg(folder.path(), &format!("{media} {hls}")) {
        return;
    }
    let part = |name: &str| std::fs::read(folder.path().join(name)).expect("a segment");
    let mut reader = SegmentReader::new();
    assert_eq!(reader.segment(Bytes::new()), Err(Mp4Error::NoInit));
    reader
        .init(&part("init.mp4").into())
        .expect("an initialisation segment");
    let (mut tracks, mut samples, mut told) = (Vec::new(), Vec::new(), 0);
    for number in 0..3 {
        if number == 2 {
            reader
                .init(&part("init.mp4").into())
                .expect("the same again");
        }
        reader
            .segment(part(&format!("out{number}.m4s")).into())
            .expect("a segment");
        while let Some(event) = reader.next_event().expect("readable") {
            match event {
                Event::Tracks(all) => (tracks, told) = (all.to_vec(), told + 1),
                Event::Sample(sample) => samples.push(sample),
            }
        }
    }
    assert_eq!(told, 1, "the same initialisation is not told again");
    let parts = ["init.mp4", "out0.m4s", "out1.m4s", "out2.m4s"];
    let whole = folder.path().join("whole.mp4");
    std::fs::write(&whole, parts.map(part).concat()).expect("written");
    same_as_probed(&whole, &samples, &tracks);
}

#[test]
fn a_segment_whose_fragments_all_claim_the_same_bytes_is_damaged_and_not_a_flood() {
    let folder = tempfile::tempdir().expect("a folder");
    let hls = "-f hls -hls_time 1 -hls_segment_type fmp4 -hls_list_size 0 out.m3u8";
    if !ffmpeg(folder.path(), &format!("{PICTURE} {H264} {hls}")) {
        return;
    }
    let part = |name: &str| std::fs::read(folder.path().join(name)).expect("a segment");
    let segment = part("out0.m4s");
    let moof = segment
        .windows(4)
        .position(|it| it == b"moof")
        .expect("one")
        - 4;
    let mdat = segment
        .windows(4)
        .position(|it| it == b"mdat")
        .expect("one")
        - 4;
    let claims = segment[moof..mdat].repeat(100);
    let mut reader = SegmentReader::new();
    reader.init(&part("init.mp4").into()).expect("an init");
    let flood = [&claims[..], &segment[mdat..]].concat();
    let bytes = flood.len();
    reader.segment(flood.into()).expect("a segment");
    let mut given = 0;
    let ended = loop {
        match reader.next_event() {
            Ok(Some(Event::Sample(sample))) => given += sample.data.len(),
            Ok(Some(Event::Tracks(_))) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended, Err(Mp4Error::Truncated));
    assert!(given <= 2 * bytes, "{given} of {bytes}");
}
