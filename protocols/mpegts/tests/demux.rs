//! The demultiplexer finds the same access units as ffprobe, in real and made streams.

mod common;

use common::{Demuxed, ffmpeg_ts, ffprobe, sample, value};
use proptest::prelude::*;
use tidegate_codecs::{Codec, Kind};

const H264_AAC: &str = "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 3 \
    -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac -ac 2";

/// Every track of the stream has as many units as ffprobe counts packets, at the same
/// times and of the same sizes.
fn agrees_with_ffprobe(stream: &[u8], compare_sizes: bool) -> Demuxed {
    let demuxed = Demuxed::of(stream);
    let entries = "-show_entries packet=stream_index,pts,dts,size,flags:stream=index,id";
    let Some(sections) = ffprobe(stream, entries) else {
        return demuxed;
    };
    let (streams, packets): (Vec<_>, Vec<_>) = sections
        .iter()
        .partition(|section| !value(section, "id").is_empty());
    for stream in streams {
        let pid = value(stream, "id").trim_start_matches("0x");
        let pid = u16::from_str_radix(pid, 16).expect("a hexadecimal PID");
        let index = value(stream, "index");
        let track = demuxed
            .tracks
            .iter()
            .find(|track| track.pid == pid)
            .expect("the track");
        if track.codec.kind() == Kind::Data {
            continue;
        }
        let expected: Vec<_> = packets
            .iter()
            .filter(|packet| value(packet, "stream_index") == index)
            .collect();
        let units = demuxed.units_of(pid);
        assert_eq!(
            units.len(),
            expected.len(),
            "units of {pid:#x} ({})",
            track.codec.name()
        );
        for (unit, packet) in units.iter().zip(expected) {
            let time = |key| value(packet, key).parse::<i64>().ok();
            let near =
                |ours: i64, theirs: Option<i64>| theirs.is_none_or(|t| (t - ours).abs() <= 1);
            assert!(
                near(unit.pts, time("pts")),
                "pts {} of {packet:?}",
                unit.pts
            );
            assert!(
                near(unit.dts, time("dts")),
                "dts {} of {packet:?}",
                unit.dts
            );
            if compare_sizes && track.codec.kind() == Kind::Audio {
                assert_eq!(
                    unit.data.len().to_string(),
                    value(packet, "size"),
                    "{packet:?}"
                );
            }
            if track.codec.kind() == Kind::Video && track.codec != Codec::Mpeg4Video {
                let key = value(packet, "flags").starts_with('K');
                assert_eq!(unit.random_access, key, "key frame at {}", unit.pts);
            }
        }
    }
    demuxed
}

#[test]
fn h264_with_b_frames_and_aac() {
    let Some(stream) = ffmpeg_ts(H264_AAC) else {
        return;
    };
    let demuxed = agrees_with_ffprobe(&stream, false);
    let video = &demuxed.tracks[0];
    let config = video.config.as_ref().expect("a configuration");
    let format = &config.video().expect("video").format;
    assert_eq!((format.width, format.height), (320, 180));
    assert_eq!(config.rfc6381().as_deref(), Some("avc1.4d400c"));
    let keys = demuxed
        .units_of(video.pid)
        .iter()
        .filter(|unit| unit.random_access)
        .count();
    assert_eq!(keys, 3);
    let audio = demuxed.tracks[1].config.as_ref().expect("a configuration");
    assert_eq!(audio.rfc6381().as_deref(), Some("mp4a.40.2"));
    assert!(demuxed.units.iter().all(|unit| !unit.discontinuity));
}

#[test]
fn hevc_and_ac3() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=320x180:r=30000/1001 -f lavfi -i sine=r=48000 -t 2 \
        -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30 \
        -pix_fmt yuv420p10le -c:a ac3",
    ) else {
        return;
    };
    let demuxed = agrees_with_ffprobe(&stream, true);
    let config = demuxed.tracks[0].config.as_ref().expect("a configuration");
    let format = &config.video().expect("video").format;
    assert_eq!(format.profile, Some("Main 10"));
    assert_eq!(
        (format.width, format.height, format.bit_depth),
        (320, 180, 10)
    );
    assert!((format.fps.expect("a frame rate").as_f64() - 29.97).abs() < 0.001);
    let string = config.rfc6381().expect("a codec string");
    assert!(string.starts_with("hvc1.2.4.L"), "{string}");
    assert_eq!(demuxed.tracks[1].codec, Codec::Ac3);
}

#[test]
fn mpeg2_and_mp2() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=352x288:r=25 -f lavfi -i sine=r=48000 -t 2 \
        -c:v mpeg2video -bf 2 -g 12 -c:a mp2",
    ) else {
        return;
    };
    let demuxed = agrees_with_ffprobe(&stream, true);
    let config = demuxed.tracks[0].config.as_ref().expect("a configuration");
    assert_eq!(config.codec(), Codec::Mpeg2Video);
    assert_eq!(config.video().expect("video").format.width, 352);
}

#[test]
fn opus_eac3_and_latm_with_languages() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i sine=r=48000 -t 2 -map 0 -map 0 -map 0 -c:a:0 libopus -c:a:1 eac3 \
        -c:a:2 aac -metadata:s:a:0 language=deu -metadata:s:a:1 language=fra \
        -mpegts_flags latm",
    ) else {
        return;
    };
    let demuxed = agrees_with_ffprobe(&stream, false);
    let codecs: Vec<_> = demuxed.tracks.iter().map(|track| track.codec).collect();
    assert_eq!(codecs, [Codec::Opus, Codec::Eac3, Codec::AacLatm]);
    let languages: Vec<_> = demuxed.tracks.iter().map(|track| track.language).collect();
    assert_eq!(languages[0].map(|l| l.to_string()).as_deref(), Some("deu"));
    assert_eq!(languages[1].map(|l| l.to_string()).as_deref(), Some("fra"));
    assert_eq!(languages[2], None);
    for track in &demuxed.tracks {
        let config = track.config.as_ref().expect("a configuration");
        assert_eq!(config.audio().expect("audio").format.sample_rate_hz, 48_000);
        assert_eq!(config.audio().expect("audio").format.channels, 1);
    }
}

#[test]
fn several_programs_keep_their_own_tracks() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=160x90:r=25 -f lavfi -i sine=r=48000 -t 2 \
        -map 0 -map 1 -map 0 -map 1 -c:v libx264 -preset ultrafast -c:a aac \
        -program program_num=1:st=0:st=1 -program program_num=2:st=2:st=3",
    ) else {
        return;
    };
    let demuxed = agrees_with_ffprobe(&stream, false);
    let programs: Vec<_> = demuxed.tracks.iter().map(|track| track.program).collect();
    assert_eq!(programs, [1, 1, 2, 2]);
}

#[test]
fn collected_samples_read_as_ffprobe_reads_them() {
    for name in [
        "sample_h264_no_access_unit_delimiters.ts",
        "sample_h265.ts",
        "sample_h265_rps_pred.ts",
        "sample_latm.ts",
        "sample_h264_mpeg_audio.ts",
        "sample_h262_mpeg_audio.ts",
        "sample_eac3.ts",
        "sample_eac3joc.ts",
        "bbb_2500ms.ts",
    ] {
        let Some(stream) = sample(name) else { continue };
        eprintln!("{name}");
        agrees_with_ffprobe(&stream, false);
    }
}

#[test]
fn what_is_no_frame_and_what_is_not_whole_is_left_out() {
    // Begins with 73 bytes of something else, ends in the middle of a frame.
    let Some(stream) = sample("sample_ac3.ts") else {
        return;
    };
    let demuxed = Demuxed::of(&stream);
    let times: Vec<_> = demuxed.units.iter().map(|unit| unit.pts).collect();
    assert_eq!(times, (0..8).map(|frame| frame * 2880).collect::<Vec<_>>());
    assert!(demuxed.units.iter().all(|unit| unit.data.len() == 1536));
}

#[test]
fn times_do_not_wrap() {
    // The clock starts one second before its wrap.
    let Some(stream) = ffmpeg_ts(&format!("{H264_AAC} -output_ts_offset 95441")) else {
        return;
    };
    let demuxed = Demuxed::of(&stream);
    for track in &demuxed.tracks {
        let units = demuxed.units_of(track.pid);
        let steps = units.windows(2).map(|pair| pair[1].dts - pair[0].dts);
        assert!(units.len() > 50);
        assert!(
            steps.clone().all(|step| step > 0 && step < 9000),
            "{:?}",
            steps.max()
        );
        assert!(
            units.last().is_some_and(|unit| unit.dts > 1 << 33),
            "the wrap was crossed"
        );
    }
}

#[test]
fn a_lost_packet_costs_its_unit_and_marks_the_next() {
    let Some(stream) = ffmpeg_ts(H264_AAC) else {
        return;
    };
    let whole = Demuxed::of(&stream);
    let pid = whole.tracks[0].pid;
    let is_video_middle = |packet: &[u8]| {
        u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) == pid && packet[1] & 0x40 == 0
    };
    let lost = stream
        .chunks(188)
        .skip(500)
        .position(is_video_middle)
        .expect("such a packet")
        + 500;
    let damaged: Vec<u8> = stream
        .chunks(188)
        .enumerate()
        .filter(|(index, _)| *index != lost)
        .flat_map(|(_, packet)| packet.to_vec())
        .collect();
    let damaged = Demuxed::of(&damaged);
    assert_eq!(damaged.units.len(), whole.units.len() - 1);
    assert_eq!(
        damaged
            .units
            .iter()
            .filter(|unit| unit.discontinuity)
            .count(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_division_into_chunks_makes_no_difference(cuts in prop::collection::vec(1_usize..3000, 1..50)) {
        let Some(stream) = sample("sample_h264_mpeg_audio.ts") else { return Ok(()) };
        let whole = Demuxed::of(&stream);
        let mut rest = &stream[..];
        let chunks = cuts.iter().cycle().map_while(|&cut| {
            let (chunk, after) = rest.split_at(rest.len().min(cut));
            rest = after;
            (!chunk.is_empty()).then_some(chunk)
        });
        let chunked = Demuxed::in_chunks(&stream, chunks);
        prop_assert_eq!(whole.units, chunked.units);
        prop_assert_eq!(whole.tracks, chunked.tracks);
    }

    #[test]
    fn damaged_streams_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..300),
    ) {
        for name in ["sample_h264_mpeg_audio.ts", "sample_latm.ts", "sample_ac3.ts"] {
            let Some(mut stream) = sample(name) else { continue };
            for (index, byte) in &damage {
                *index.get_mut(&mut stream) = *byte;
            }
            Demuxed::of(&stream);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(stream in prop::collection::vec(any::<u8>(), 0..5000)) {
        Demuxed::of(&stream);
    }
}
