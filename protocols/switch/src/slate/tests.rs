use super::clip::{Picture, Sound};
use super::*;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_codecs::{
    AudioConfig, AudioFormat, AudioHeaders, Codec, FrameRate, StreamConfig, VideoConfig,
    VideoFormat, VideoHeaders,
};
use tidegate_mpegts::{Inspector, PACKET_BYTES, Packet, PesHeader};
use tidegate_units::{Duration, Instant};

const PICTURE_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;
const MAP_PID: u16 = 0x1000;

pub(super) fn rate(numerator: u32, denominator: u32) -> FrameRate {
    FrameRate::new(numerator, denominator).unwrap()
}

fn picture_config() -> Arc<StreamConfig> {
    Arc::new(StreamConfig::Video(VideoConfig {
        format: VideoFormat {
            codec: Codec::Mpeg2Video,
            profile: None,
            level: None,
            width: 1280,
            height: 720,
            fps: None,
            interlaced: false,
            bit_depth: 8,
        },
        headers: VideoHeaders::InBand,
    }))
}

pub(super) fn sound(count: usize, goes_with_picture: bool) -> Sound {
    Sound {
        config: Arc::new(StreamConfig::Audio(AudioConfig {
            format: AudioFormat {
                codec: Codec::MpegAudio,
                name: "mp2",
                profile: None,
                sample_rate_hz: 48_000,
                channels: 2,
                samples_per_frame: 1152,
            },
            headers: AudioHeaders::InBand,
        })),
        language: None,
        frames: (0..count)
            .map(|n| Bytes::from(vec![n as u8; 384]))
            .collect(),
        frame_samples: 1152,
        rate_hz: 48_000,
        behind_ticks: 700,
        goes_with_picture,
    }
}

/// Twelve pictures in two groups, the first of each is large.
pub(super) fn clip(rate: FrameRate, sounds: Vec<Sound>) -> Arc<SlateClip> {
    let picture = |n: usize| Picture {
        data: picture(n).into(),
        is_key: n.is_multiple_of(6),
    };
    Arc::new(SlateClip {
        config: picture_config(),
        rate,
        pictures: (0..12).map(picture).collect(),
        shown_behind: 0,
        sounds,
    })
}

/// Its number, and the headers of MPEG-2.
fn picture(number: usize) -> Vec<u8> {
    const SEQUENCE: [u8; 12] = [
        0, 0, 1, 0xB3, 0x50, 0x02, 0xD0, 0x13, 0xFF, 0xFF, 0xE0, 0x18,
    ];
    let is_key = number.is_multiple_of(6);
    let mut data = vec![number as u8];
    if is_key {
        data.extend(SEQUENCE);
    }
    data.extend([0, 0, 1, 0x00, 0x00, if is_key { 0x08 } else { 0x10 }]);
    data.resize(if is_key { 20_000 } else { 300 }, 0x55);
    data
}

pub(super) fn moving() -> Arc<SlateClip> {
    clip(rate(30_000, 1001), vec![sound(48, false)])
}

/// What came out, packet by packet.
#[derive(Default)]
struct Heard {
    inspector: Inspector,
    packets: Vec<(Instant, [u8; PACKET_BYTES])>,
}

impl Heard {
    fn listen(&mut self, slate: &mut SlateLoop, until: Instant) {
        while let Some(chunk) = slate.poll(until) {
            let last = self.packets.last().map(|(due, _)| *due);
            assert!(last.is_none_or(|last| last <= chunk.due), "due never falls");
            assert!(chunk.due < until);
            self.inspector.push(chunk.due, &chunk.bytes);
            for packet in chunk.bytes.chunks_exact(PACKET_BYTES) {
                self.packets.push((chunk.due, packet.try_into().unwrap()));
            }
        }
    }

    /// When units of a PID are due and decoded, and their first byte.
    fn units(&self, pid: u16) -> Vec<(Instant, i64, u8)> {
        let packets = self.packets.iter();
        let found = packets.filter_map(|(due, packet)| {
            let view = Packet::new(packet).filter(|it| it.pid() == pid && it.unit_start())?;
            let header = PesHeader::parse(view.payload())?;
            let first = view.payload()[header.payload_offset];
            assert_eq!(header.dts, None, "pictures are shown as they are decoded");
            Some((*due, header.pts?.cast_signed(), first))
        });
        found.collect()
    }

    fn continuity_errors(&self) -> u64 {
        let now = self.packets.last().unwrap().0;
        self.inspector.report(now).continuity_errors
    }
}

fn run(slate: &mut SlateLoop, from: Instant, seconds: u64) -> Heard {
    let mut heard = Heard::default();
    for step in 0..=seconds * 50 {
        heard.listen(slate, from + Duration::from_millis(step * 20) + AHEAD);
    }
    heard
}

#[test]
fn a_loop_that_has_not_begun_generates_nothing() {
    let mut slate = SlateLoop::new(moving());
    assert_eq!(slate.poll(Instant::from_millis(100_000)), None);
    assert_eq!(slate.next_due(), None);
    slate.begin(Instant::from_millis(5));
    assert!(slate.poll(Instant::from_millis(6)).is_some());
    slate.end();
    assert_eq!(slate.poll(Instant::from_millis(100_000)), None);
}

#[test]
fn a_key_frame_behind_its_tables_is_due_exactly_when_it_is_asked_for() {
    for micros in [0, 1, 7, 1_000_003, 987_654_321] {
        let at = Instant::from_micros(micros);
        let mut slate = SlateLoop::new(moving());
        slate.begin(at);
        let heard = run(&mut slate, at, 1);
        let front: Vec<u16> = (heard.packets.iter())
            .map(|(_, packet)| Packet::new(packet).unwrap().pid())
            .take(3)
            .collect();
        assert_eq!(front, [0, MAP_PID, PICTURE_PID]);
        assert!(heard.packets[..3].iter().all(|(due, _)| *due == at));
        let key = Packet::new(&heard.packets[2].1).unwrap();
        assert!(key.adaptation().unwrap().random_access);
        assert_eq!(heard.units(PICTURE_PID)[0].2, 0);
    }
}

#[test]
fn it_goes_on_for_an_hour_without_a_seam() {
    let begin = Instant::from_micros(12_345_678);
    let mut slate = SlateLoop::new(moving());
    slate.begin(begin);
    let heard = run(&mut slate, begin, 3600);
    assert_eq!(heard.continuity_errors(), 0);
    let pictures = heard.units(PICTURE_PID);
    assert!(pictures.len() > 107_000);
    for (number, (due, dts, first)) in pictures.iter().enumerate() {
        assert_eq!(*first as usize, number % 12);
        let ticks = number as i64 * 3003;
        assert_eq!(dts - pictures[0].1, ticks, "no rate but the exact one");
        let off = due.micros_from(begin) - ticks * 100 / 9;
        assert!((-1..=1).contains(&off), "{off}");
    }
    let sounds = heard.units(SOUND_PID);
    for (number, pair) in sounds.windows(2).enumerate() {
        assert_eq!(pair[1].1 - pair[0].1, 2160, "no gap and no overlap");
        assert_eq!(pair[0].2 as usize, number % 48);
    }
    assert_eq!(sounds[0].1 - pictures[0].1, 700);
}

#[test]
fn the_clock_goes_as_evenly_as_packets_are_due() {
    let mut slate = SlateLoop::new(moving());
    slate.begin(Instant::from_micros(333));
    let heard = run(&mut slate, Instant::ZERO, 10);
    let mut clocks = heard.packets.iter().filter_map(|(due, packet)| {
        let pcr = Packet::new(packet)?.adaptation()?.pcr?;
        Some((due.as_micros().cast_signed(), pcr.0.cast_signed()))
    });
    let first = clocks.next().unwrap();
    let mut last = first;
    for (due, pcr) in clocks {
        let off = (pcr - first.1) - (due - first.0) * 27;
        assert!(off.abs() <= 27, "{off} ticks of 27 MHz");
        assert!(due - last.0 <= 40_000, "every 40 ms at least");
        last = (due, pcr);
    }
}

#[test]
fn a_large_picture_is_spread_over_its_time_and_sound_goes_in_between() {
    let mut slate = SlateLoop::new(moving());
    slate.begin(Instant::ZERO);
    let heard = run(&mut slate, Instant::ZERO, 1);
    let before = |ms: u64| {
        let until = Instant::from_millis(ms);
        let packets = heard.packets.iter();
        packets.filter(|(due, _)| *due < until).count()
    };
    // A key frame of 107 packets in a time of 33 ms.
    assert!((35..45).contains(&before(11)), "{}", before(11));
    assert!((70..85).contains(&before(22)), "{}", before(22));
    let pids: Vec<u16> = (heard.packets.iter())
        .map(|(_, packet)| Packet::new(packet).unwrap().pid())
        .collect();
    let sound = pids.iter().position(|pid| *pid == SOUND_PID).unwrap();
    assert!(pids[sound..].contains(&PICTURE_PID) && sound < 60);
}

#[test]
fn times_follow_from_due_alone_however_often_it_begins() {
    let mut slate = SlateLoop::new(moving());
    let mut heard = Heard::default();
    let mut at = Instant::ZERO;
    for round in 0..50 {
        at += Duration::from_micros(777_777 + round * 13);
        slate.begin(at);
        heard.listen(&mut slate, at + Duration::from_millis(300));
        slate.end();
    }
    assert_eq!(heard.continuity_errors(), 0, "counters go on");
    let units = heard.units(PICTURE_PID);
    let difference = |(due, dts, _): &(Instant, i64, u8)| dts - (due.as_micros() * 9 / 100) as i64;
    let first = difference(&units[0]);
    assert!(
        (units.iter()).all(|unit| (difference(unit) - first).abs() <= 1),
        "decoding time - due is the same in all runs"
    );
}

#[test]
fn a_running_loop_that_begins_anew_shows_a_key_frame_and_sound_goes_on() {
    let mut slate = SlateLoop::new(moving());
    slate.begin(Instant::ZERO);
    let mut heard = run(&mut slate, Instant::ZERO, 1);
    let again = Instant::from_millis(1300);
    slate.begin(again);
    for ms in (1300..3000).step_by(20) {
        heard.listen(&mut slate, Instant::from_millis(ms));
    }
    assert_eq!(heard.continuity_errors(), 0);
    let units = heard.units(PICTURE_PID);
    let index = units
        .iter()
        .position(|(due, ..)| *due >= Instant::from_millis(1299));
    let (due, _, first) = units[index.unwrap()];
    assert!(due.micros_from(again).abs() <= 12 && first == 0);
    let sounds = heard.units(SOUND_PID);
    assert!(sounds.windows(2).all(|pair| pair[1].1 - pair[0].1 == 2160));
}

#[test]
fn sound_that_goes_with_the_picture_begins_anew_with_it_without_a_gap() {
    let with = clip(rate(25, 1), vec![sound(24, true)]);
    let mut slate = SlateLoop::new(with);
    slate.begin(Instant::ZERO);
    let heard = run(&mut slate, Instant::ZERO, 60);
    let pictures = heard.units(PICTURE_PID);
    let sounds = heard.units(SOUND_PID);
    let begins = |units: &[(Instant, i64, u8)]| -> Vec<i64> {
        let firsts = units.iter().filter(|(.., first)| *first == 0);
        firsts.map(|(_, dts, _)| *dts).collect()
    };
    let (rounds, restarts) = (begins(&pictures), begins(&sounds));
    assert_eq!(rounds.len(), restarts.len());
    for (picture, sound) in rounds.iter().zip(&restarts) {
        assert!((0..2160).contains(&(sound - picture)), "within a frame");
    }
    for pair in sounds.windows(2) {
        assert_eq!(pair[1].1 - pair[0].1, 2160);
        let follows = pair[1].2 == 0 || pair[1].2 == pair[0].2 + 1;
        assert!(follows, "{} {}", pair[0].2, pair[1].2);
    }
}

#[test]
fn another_clip_takes_over_at_a_picture_and_keeps_the_pids() {
    let mut slate = SlateLoop::new(moving());
    slate.begin(Instant::ZERO);
    let mut heard = run(&mut slate, Instant::ZERO, 1);
    slate.replace(clip(rate(50, 1), vec![sound(48, false), sound(7, false)]));
    for ms in (1000..4000).step_by(20) {
        heard.listen(&mut slate, Instant::from_millis(ms));
    }
    assert_eq!(heard.continuity_errors(), 0);
    let units = heard.units(PICTURE_PID);
    let steps: Vec<i64> = units.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    let change = steps.iter().position(|step| *step == 1800).unwrap();
    assert!(steps[..change].iter().all(|step| *step == 3003));
    assert!(steps[change..].iter().all(|step| *step == 1800));
    assert_eq!(units[change].2, 0, "it begins with its first picture");
    let sounds = heard.units(SOUND_PID);
    assert!(sounds.windows(2).all(|pair| pair[1].1 - pair[0].1 == 2160));
    assert!(!heard.units(SOUND_PID + 1).is_empty());
    let mut versions = BTreeMap::new();
    for (_, packet) in &heard.packets {
        let view = Packet::new(packet).unwrap();
        if view.pid() == MAP_PID && view.unit_start() {
            *versions.entry(view.payload()[6] >> 1 & 0x1F).or_insert(0) += 1;
        }
    }
    assert_eq!(versions.len(), 2, "the map's version rises once");
}

#[test]
fn files_that_make_no_slate_are_refused() {
    let picture = PictureFile {
        ts: b"no transport stream",
        rate: rate(25, 1),
    };
    let refused = SlateClip::new(&picture, &[]).unwrap_err();
    assert_eq!(refused, SlateError::NoPicture);
}
