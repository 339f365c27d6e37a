//! The inspector's answers are ffprobe's answers.

mod common;

use common::{ffmpeg_ts, ffprobe, sample, value};
use proptest::prelude::*;
use tidegate_codecs::Codec;
use tidegate_mpegts::{Inspector, MediaReport, PACKET_BYTES};
use tidegate_units::{Duration, Instant};

/// Plays a stream into an inspector as if it took `seconds`.
fn inspect(stream: &[u8], seconds: f64) -> MediaReport {
    let mut inspector = Inspector::new();
    let at = |position: usize| {
        Instant::from_micros((position as f64 / stream.len() as f64 * seconds * 1e6) as u64)
    };
    for (index, chunk) in stream.chunks(7 * PACKET_BYTES).enumerate() {
        inspector.push(at(index * 7 * PACKET_BYTES), chunk);
    }
    inspector.report(at(stream.len()))
}

/// Codec, size, rates and channels are what ffprobe says.
fn agrees_with_ffprobe(stream: &[u8], report: &MediaReport) {
    let entries = "-show_entries stream=codec_type,codec_name,profile,width,height,r_frame_rate,\
        sample_rate,channels,id";
    let Some(sections) = ffprobe(stream, entries) else {
        return;
    };
    let mut seen = Vec::new();
    for section in &sections {
        let id = value(section, "id").to_owned();
        if seen.contains(&id) {
            continue; // listed again below its program
        }
        seen.push(id);
        match value(section, "codec_type") {
            "video" if seen.len() == 1 => check_video(report, section),
            "audio" => check_audio(report, section),
            _ => {}
        }
    }
}

fn check_video(report: &MediaReport, section: &[(String, String)]) {
    let video = report.video.as_ref().expect("a video track");
    assert_eq!(
        video.width.map(|w| w.to_string()).as_deref(),
        Some(value(section, "width"))
    );
    assert_eq!(
        video.height.map(|h| h.to_string()).as_deref(),
        Some(value(section, "height"))
    );
    if let Some(profile) = video.profile {
        assert_eq!(profile, value(section, "profile"));
    }
    let (numerator, denominator) = value(section, "r_frame_rate")
        .split_once('/')
        .expect("a fraction");
    let fps =
        numerator.parse::<f64>().expect("a number") / denominator.parse::<f64>().expect("one");
    let ours = video.fps.expect("a frame rate");
    assert!(
        (ours - fps).abs() / fps < 0.002,
        "{ours} against ffprobe's {fps}"
    );
}

fn check_audio(report: &MediaReport, section: &[(String, String)]) {
    let pid = value(section, "id").trim_start_matches("0x");
    let pid = u16::from_str_radix(pid, 16).expect("a hexadecimal PID");
    let audio = report
        .audio
        .iter()
        .find(|audio| audio.pid == pid)
        .expect("the audio track");
    let theirs = value(section, "codec_name").trim_end_matches("_latm");
    assert_eq!(audio.name, theirs);
    if matches!(audio.codec, Codec::Ac4 | Codec::Dts) {
        return; // recognised, not read
    }
    let rate = audio.sample_rate_hz.map(|rate| rate.to_string());
    assert_eq!(rate.as_deref(), Some(value(section, "sample_rate")));
    if audio.profile == Some("HE-AAC") {
        return; // whether mono becomes stereo only decoding tells
    }
    let channels = audio.channels.map(|channels| channels.to_string());
    assert_eq!(channels.as_deref(), Some(value(section, "channels")));
}

#[test]
fn h264_and_aac_are_described_with_rate_and_group_of_pictures() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=640x360:r=50 -f lavfi -i sine=r=44100 -t 5 -c:v libx264 \
        -preset ultrafast -profile:v high -g 100 -keyint_min 100 -pix_fmt yuv420p -c:a aac -ac 2 \
        -metadata:s:a:0 language=eng",
    ) else {
        return;
    };
    let report = inspect(&stream, 5.0);
    agrees_with_ffprobe(&stream, &report);
    let video = report.video.as_ref().expect("a video track");
    assert_eq!(
        (video.codec, video.fps, video.gop_seconds),
        (Codec::H264, Some(50.0), Some(2.0))
    );
    assert_eq!(video.gop_frames, Some(100));
    assert!(video.pts_present && !video.scrambled);
    assert_eq!(report.audio[0].language.as_deref(), Some("eng"));
    assert_eq!(report.programs.len(), 1);
    // ffmpeg writes its clock no more often than it must.
    assert_eq!(
        report.programs[0].pcr_interval,
        Some(Duration::from_millis(100))
    );
    assert_eq!((report.continuity_errors, report.sync_losses), (0, 0));
    let total = stream.len() as f64 * 8.0 / 5.0;
    let measured = report.bitrate.as_bps() as f64;
    assert!(
        (measured / total - 1.0).abs() < 0.4,
        "{measured} of {total} bit/s"
    );
}

#[test]
fn hevc_mpeg2_and_their_sound_are_described() {
    for arguments in [
        "-f lavfi -i testsrc2=s=320x180:r=30000/1001 -f lavfi -i sine=r=48000 -t 3 -c:v libx265 \
        -preset ultrafast -x265-params log-level=none:keyint=30 -c:a ac3",
        "-f lavfi -i testsrc2=s=720x576:r=25 -f lavfi -i sine=r=48000 -t 3 -c:v mpeg2video -g 12 \
        -bf 2 -c:a mp2",
        "-f lavfi -i testsrc2=s=320x180:r=24 -f lavfi -i sine=r=48000 -t 3 -c:v libx264 \
        -x264-params open-gop=1:keyint=24:bframes=3 -c:a eac3",
    ] {
        let Some(stream) = ffmpeg_ts(arguments) else {
            return;
        };
        let report = inspect(&stream, 3.0);
        agrees_with_ffprobe(&stream, &report);
        let gop = report
            .video
            .and_then(|video| video.gop_seconds)
            .expect("a closed group");
        assert!((0.4..=1.01).contains(&gop), "{gop} s");
    }
}

#[test]
fn collected_samples_are_described_as_ffprobe_describes_them() {
    for name in [
        "bbb_2500ms.ts",
        "sample_ac3.ts",
        "sample_ac4.ts",
        "sample_eac3.ts",
        "sample_eac3joc.ts",
        "sample_h262_mpeg_audio.ts",
        "sample_h264_mpeg_audio.ts",
        "sample_h264_no_access_unit_delimiters.ts",
        "sample_h265.ts",
        "sample_h265_rps_pred.ts",
        "sample_latm.ts",
    ] {
        let Some(stream) = sample(name) else { continue };
        eprintln!("{name}");
        agrees_with_ffprobe(&stream, &inspect(&stream, 1.0));
    }
}

#[test]
fn splice_information_and_unknown_data_are_listed() {
    let Some(stream) = sample("sample_scte35.ts") else {
        return;
    };
    let report = inspect(&stream, 1.0);
    assert!(
        report
            .tracks
            .iter()
            .any(|track| track.codec == Codec::Scte35),
        "{report:#?}"
    );
}

#[test]
fn lost_packets_are_counted_and_repeated_ones_are_not() {
    let Some(stream) = sample("sample_h264_mpeg_audio.ts") else {
        return;
    };
    let packets: Vec<&[u8]> = stream.chunks(PACKET_BYTES).collect();
    let has_payload = |packet: &[u8]| packet[3] & 0x10 != 0 && packet[1] & 0x1F != 0x1F;
    let at = (20..)
        .find(|&at| has_payload(packets[at]))
        .expect("a packet with payload");
    let repeated = [&packets[..=at], &packets[at..]].concat().concat();
    assert_eq!(inspect(&repeated, 1.0).continuity_errors, 0);
    let lost = [&packets[..at], &packets[at + 1..]].concat().concat();
    assert_eq!(inspect(&lost, 1.0).continuity_errors, 1);
}

#[test]
fn a_stream_that_stops_ages_and_its_bitrate_falls_to_zero() {
    let Some(stream) = sample("sample_h264_mpeg_audio.ts") else {
        return;
    };
    let mut inspector = Inspector::new();
    inspector.push(Instant::from_millis(0), &stream);
    inspector.push(Instant::from_millis(1000), &stream[..PACKET_BYTES]);
    let report = inspector.report(Instant::from_millis(1100));
    assert!(report.bitrate.as_bps() > 100_000);
    let report = inspector.report(Instant::from_millis(11_000));
    assert_eq!(report.last_packet_age, Some(Duration::from_secs(10)));
    assert!(report.bitrate.as_bps() < 1000);
    let keyframe_age = report.video.and_then(|video| video.last_keyframe_age);
    assert_eq!(keyframe_age, Some(Duration::from_secs(11)));
}

#[test]
fn figures_survive_the_wrap_of_every_clock() {
    // The 33-bit clocks wrap in the middle.
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 6 -c:v libx264 \
        -preset ultrafast -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p -c:a aac \
        -output_ts_offset 95439",
    ) else {
        return;
    };
    let report = inspect(&stream, 6.0);
    let video = report.video.expect("a video track");
    assert_eq!(
        (video.fps, video.gop_seconds, video.gop_frames),
        (Some(25.0), Some(1.0), Some(25))
    );
    assert!(
        report.programs[0]
            .pcr_interval
            .is_some_and(|i| i <= Duration::from_millis(100))
    );
}

#[test]
fn video_that_is_not_read_is_still_followed() {
    let Some(stream) = sample("sample_h263.ts") else {
        return;
    };
    let video = inspect(&stream, 1.0).video.expect("a video track");
    assert_eq!((video.codec, video.width), (Codec::Mpeg4Video, None));
    assert!(video.fps.is_some() && video.last_unit_age.is_some());
}

#[test]
fn scrambled_tracks_say_so_and_are_not_looked_into() {
    let Some(mut stream) = sample("sample_h264_mpeg_audio.ts") else {
        return;
    };
    let pid = inspect(&stream, 1.0).video.expect("a video track").pid;
    for packet in stream.chunks_mut(PACKET_BYTES) {
        if u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) == pid {
            packet[3] |= 0x80;
        }
    }
    let report = inspect(&stream, 1.0);
    let video = report.video.expect("still listed");
    assert!(report.scrambled && video.scrambled);
    assert_eq!(video.width, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbitrary_bytes_never_panic(stream in prop::collection::vec(any::<u8>(), 0..5000)) {
        inspect(&stream, 2.0);
    }

    #[test]
    fn damaged_streams_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..300),
    ) {
        for name in ["sample_h264_mpeg_audio.ts", "sample_latm.ts", "sample_h265.ts"] {
            let Some(mut stream) = sample(name) else { continue };
            for (index, byte) in &damage {
                *index.get_mut(&mut stream) = *byte;
            }
            inspect(&stream, 3.0);
        }
    }

    #[test]
    fn the_division_into_chunks_makes_no_difference(
        cuts in prop::collection::vec(1_usize..3000, 1..50),
    ) {
        let Some(stream) = sample("sample_h264_mpeg_audio.ts") else { return Ok(()) };
        let mut whole = Inspector::new();
        whole.push(Instant::ZERO, &stream);
        let mut chunked = Inspector::new();
        let mut rest = &stream[..];
        for &cut in cuts.iter().cycle() {
            let (chunk, after) = rest.split_at(rest.len().min(cut));
            chunked.push(Instant::ZERO, chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(whole.report(Instant::ZERO), chunked.report(Instant::ZERO));
    }
}
