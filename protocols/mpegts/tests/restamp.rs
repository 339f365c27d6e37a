//! Files played one after another come out as one stream.

mod common;

use common::{Demuxed, ffmpeg_ts, sample};
use std::collections::BTreeMap;
use tidegate_mpegts::{Inspector, PACKET_BYTES, Packet, Restamp, SectionReader};
use tidegate_units::Instant;

const MEDIA: &str = "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 3 \
                     -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac";

/// The files, one after another, each behind a restart, with the clock of each packet.
fn play(restamp: &mut Restamp, files: &[&[u8]]) -> (Vec<u8>, Vec<i64>) {
    let (mut out, mut clocks) = (Vec::new(), Vec::new());
    for (index, file) in files.iter().enumerate() {
        if index > 0 {
            restamp.restart();
        }
        for packet in file.as_chunks::<PACKET_BYTES>().0 {
            let mut packet = *packet;
            clocks.extend(restamp.packet(&mut packet).clock);
            out.extend(packet);
        }
    }
    (out, clocks)
}

fn continuity_errors(stream: &[u8]) -> u64 {
    let mut inspector = Inspector::new();
    inspector.push(Instant::ZERO, stream);
    inspector.report(Instant::ZERO).continuity_errors
}

/// Decoding times by PID.
fn times(stream: &[u8]) -> BTreeMap<u16, Vec<i64>> {
    let demuxed = Demuxed::of(stream);
    let mut times: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    for unit in &demuxed.units {
        assert!(!unit.discontinuity, "nothing is missing at {}", unit.dts);
        times.entry(unit.pid).or_default().push(unit.dts);
    }
    times
}

/// Times rise, and no step is longer than twice the first (two tracks of one file do not end
/// in the same moment).
#[track_caller]
fn goes_on(times: &[i64]) {
    let usual = times[1] - times[0];
    for pair in times.windows(2) {
        let step = pair[1] - pair[0];
        assert!(
            step > 0 && step < 2 * usual,
            "a step of {step} after {}",
            pair[0]
        );
    }
}

#[track_caller]
fn plays_as_one(file: &[u8]) {
    let once = Demuxed::of(file).units.len();
    let mut restamp = Restamp::new();
    let (out, clocks) = play(&mut restamp, &[file; 4]);
    assert_eq!(out.len(), 4 * file.len());
    assert_eq!(&out[..file.len()], file, "the first time, bit by bit");
    assert_eq!(continuity_errors(&out), 0);
    assert!(
        clocks.windows(2).all(|pair| pair[0] < pair[1]),
        "the clock goes on"
    );
    let times = times(&out);
    times.values().for_each(|times| goes_on(times));
    let units: usize = times.values().map(Vec::len).sum();
    assert_eq!(units, 4 * once);
    assert_eq!((restamp.jumps(), restamp.missed()), (0, 0));
}

#[test]
fn a_file_is_repeated_without_a_seam() {
    let Some(file) = ffmpeg_ts(MEDIA) else { return };
    plays_as_one(&file);
    let Some(file) = ffmpeg_ts(&format!("{MEDIA} -muxrate 3M")) else {
        return;
    };
    plays_as_one(&file);
    // Close before the 33-bit clock wraps: it does so in the second round.
    let late = format!("{MEDIA} -output_ts_offset 95438");
    let Some(file) = ffmpeg_ts(&late) else { return };
    plays_as_one(&file);
}

#[test]
fn only_times_and_counters_change() {
    let Some(file) = ffmpeg_ts(MEDIA) else { return };
    let (out, _) = play(&mut Restamp::new(), &[&file, &file]);
    let payload = |stream: &[u8]| {
        let units = Demuxed::of(stream).units;
        units.into_iter().map(|unit| unit.data).collect::<Vec<_>>()
    };
    assert_eq!(payload(&out[file.len()..]), payload(&file));
}

#[test]
fn another_file_follows_upon_the_one_before() {
    let other = "-f lavfi -i testsrc2=s=320x180:r=50 -f lavfi -i sine=r=48000 -t 2 \
                 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a mp2 \
                 -mpegts_start_pid 600 -output_ts_offset 5000";
    let (Some(first), Some(second)) = (ffmpeg_ts(MEDIA), ffmpeg_ts(other)) else {
        return;
    };
    let (out, clocks) = play(&mut Restamp::new(), &[&first, &second, &first]);
    assert_eq!(continuity_errors(&out), 0);
    let longest = clocks.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(
        longest.is_some_and(|step| step < 27_000_000 / 2),
        "{longest:?}"
    );
    assert!(clocks.is_sorted());
}

#[test]
fn a_jump_of_the_clock_inside_a_file_is_smoothed_out() {
    let (Some(first), Some(second)) = (
        ffmpeg_ts(MEDIA),
        ffmpeg_ts(&format!("{MEDIA} -output_ts_offset 5000")),
    ) else {
        return;
    };
    let joined = [first, second].concat();
    let mut restamp = Restamp::new();
    let (out, clocks) = play(&mut restamp, &[&joined]);
    assert_eq!(restamp.jumps(), 1);
    assert!(
        clocks
            .windows(2)
            .all(|pair| (0..27_000_000).contains(&(pair[1] - pair[0])))
    );
    assert_eq!(out.len(), joined.len());
}

#[test]
fn a_clock_that_moves_to_another_pid_inside_a_file_is_followed() {
    let (Some(first), Some(second)) = (
        ffmpeg_ts(MEDIA),
        ffmpeg_ts(&format!(
            "{MEDIA} -mpegts_start_pid 512 -output_ts_offset 500"
        )),
    ) else {
        return;
    };
    let joined = [&first[..], &second].concat();
    let mut restamp = Restamp::new();
    let (_, clocks) = play(&mut restamp, &[&joined]);
    assert_eq!(restamp.jumps(), 1);
    goes_on(&clocks);
    let seconds = (clocks[clocks.len() - 1] - clocks[0]) as f64 / 27e6;
    assert!((5.0..6.5).contains(&seconds), "{seconds}");
}

#[test]
fn samples_of_other_multiplexers_are_repeated_without_continuity_errors() {
    for name in [
        "sample_ac3.ts",
        "sample_h265.ts",
        "sample_latm.ts",
        "sample_scte35.ts",
    ] {
        let Some(file) = sample(name) else { return };
        let file = &file[..file.len() / PACKET_BYTES * PACKET_BYTES];
        let before = continuity_errors(file);
        let (out, clocks) = play(&mut Restamp::new(), &[file; 3]);
        assert_eq!(continuity_errors(&out), 3 * before, "{name}");
        assert!(clocks.is_sorted(), "{name}");
        let pids = |stream: &[u8]| -> Vec<u16> {
            let packets = stream.as_chunks::<PACKET_BYTES>().0.iter();
            packets
                .filter_map(|packet| Some(Packet::new(packet)?.pid()))
                .collect()
        };
        assert_eq!(pids(&out[..file.len()]), pids(file));
    }
}

#[test]
fn splice_times_move_with_the_pictures_they_refer_to() {
    let Some(file) = sample("sample_scte35.ts") else {
        return;
    };
    let file = &file[..file.len() / PACKET_BYTES * PACKET_BYTES];
    let (out, _) = play(&mut Restamp::new(), &[file; 3]);
    let rounds: Vec<_> = out.chunks(file.len()).map(adjustments).collect();
    let begins: Vec<_> = out
        .chunks(file.len())
        .map(|round| *times(round).values().flatten().min().expect("units"))
        .collect();
    assert!(!rounds[0].is_empty());
    for round in 1..3 {
        let moved = begins[round] - begins[0];
        assert!(moved > 0);
        let wanted: Vec<_> = rounds[0]
            .iter()
            .map(|it| (it + moved) % (1 << 33))
            .collect();
        assert_eq!(rounds[round], wanted, "round {round}");
    }
}

/// By how much the splices of a stream are adjusted; their CRCs are right.
fn adjustments(stream: &[u8]) -> Vec<i64> {
    let (mut readers, mut found) = (BTreeMap::new(), Vec::new());
    for packet in stream.as_chunks::<PACKET_BYTES>().0 {
        let packet = Packet::new(packet).expect("a packet");
        let reader: &mut SectionReader = readers.entry(packet.pid()).or_default();
        reader.push(packet.payload(), packet.unit_start(), |section| {
            if let [0xFC, _, _, _, high, a, b, c, d, ..] = *section {
                let low = u32::from_be_bytes([a, b, c, d]);
                found.push(i64::from(high & 1) << 32 | i64::from(low));
            }
        });
    }
    found
}
