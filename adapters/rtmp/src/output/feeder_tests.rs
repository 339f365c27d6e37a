use super::*;
use bytes::Bytes;
use core::time::Duration;
use tidegate_codecs::{Codec, Record};
use tidegate_engine::{Feed, FeedWriter, Reader, ReaderOptions, Track};
use tidegate_flv::MessageKind;
use tidegate_units::Instant;

const VIDEO: u16 = 1;
const AUDIO: u16 = 2;
const FRAME: i64 = 3600;

fn track(id: u16, codec: Codec, record: &[u8]) -> Track {
    Track {
        id,
        program: 1,
        codec,
        language: None,
        config: Record::parse(codec, record).map(|record| record.config),
    }
}

fn tracks(aac: &[u8]) -> Vec<Track> {
    let avc = [
        0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40,
        0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB,
    ];
    vec![
        track(VIDEO, Codec::H264, &avc),
        track(AUDIO, Codec::Aac, aac),
    ]
}

/// A feed with a connection to write it, and a reader that fills a feeder.
struct Bench {
    feed: Feed,
    writer: FeedWriter<Frame>,
    reader: Reader<Frame>,
    feeder: Feeder,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let feed = Feed::new("source");
        let mut writer = feed.frame_writer();
        writer.set_tracks(tracks(&[0x11, 0x90]).into());
        Self {
            reader: feed.read_frames(ReaderOptions::default()),
            writer,
            feed,
            feeder: Feeder::new(None, false),
            now: Instant::from_millis(1000),
        }
    }

    /// Another connection of the source.
    fn reconnect(&mut self) {
        self.writer = self.feed.frame_writer();
        self.writer.set_tracks(tracks(&[0x11, 0x90]).into());
    }

    /// What becomes of one picture, or of one sound.
    fn put(&mut self, track: u16, dts: i64, key: bool) -> Fed {
        self.now += Duration::from_millis(40);
        let video = track == VIDEO;
        let unit: &[u8] = if video {
            &[0, 0, 0, 1, 0x65, 7]
        } else {
            b"sound"
        };
        self.writer.push(Frame {
            track,
            pts_90khz: dts,
            dts_90khz: dts,
            key,
            video,
            discontinuity: false,
            data: Bytes::copy_from_slice(unit),
            arrived: self.now,
            due: self.now,
        });
        self.writer.seal();
        let batch = self.reader.try_next().expect("what was written");
        self.feeder.take(&batch, self.reader.gap())
    }
}

fn times(fed: &Fed) -> Vec<u32> {
    fed.messages
        .iter()
        .map(|message| message.timestamp_ms)
        .collect()
}

#[test]
fn a_connection_begins_with_headers_and_a_key_frame_at_time_zero() {
    let mut bench = Bench::new();
    assert_eq!(bench.put(AUDIO, 900_000, true).frames, 0);
    assert_eq!(bench.put(VIDEO, 900_000, false).frames, 0);
    let fed = bench.put(VIDEO, 900_000 + FRAME, true);
    let shape: Vec<_> = fed.messages.iter().map(|m| (m.kind, m.header)).collect();
    let (audio, video) = (MessageKind::Audio, MessageKind::Video);
    assert_eq!(shape, [(video, true), (audio, true), (video, false)]);
    assert_eq!(times(&fed), [0, 0, 0]);
    assert_eq!(fed.metadata.and_then(|metadata| metadata.width), Some(1920));
    assert_eq!(times(&bench.put(AUDIO, 900_000 + 2 * FRAME, true)), [40]);
    assert_eq!(
        fed.dropped, 0,
        "what came before the beginning was not dropped"
    );
}

#[test]
fn a_source_that_comes_back_continues_behind_its_end_with_a_key_frame() {
    let mut bench = Bench::new();
    bench.put(VIDEO, 9_000_000, true);
    bench.put(VIDEO, 9_000_000 + FRAME, false);
    bench.reconnect();
    let waiting = bench.put(VIDEO, 45_000, false);
    assert_eq!((waiting.frames, waiting.dropped), (0, 1));
    let back = bench.put(VIDEO, 45_000 + FRAME, true);
    assert!(back.broke.is_some());
    let time = times(&back)[0];
    assert!((80..=200).contains(&time), "{time}");
    assert!(
        back.messages.iter().all(|message| !message.header),
        "nothing new to say"
    );
}

#[test]
fn sound_goes_on_while_the_picture_waits_for_its_key_frame() {
    let mut bench = Bench::new();
    bench.put(VIDEO, 0, true);
    bench.feeder.waits_for_key = true;
    assert_eq!(bench.put(VIDEO, FRAME, false).dropped, 1);
    assert_eq!(bench.put(AUDIO, FRAME, true).frames, 1);
    assert_eq!(bench.put(VIDEO, 2 * FRAME, true).frames, 1);
    assert_eq!(bench.put(VIDEO, 3 * FRAME, false).frames, 1);
}

#[test]
fn another_sound_in_mid_stream_gets_its_header_and_the_picture_goes_on() {
    let mut bench = Bench::new();
    bench.put(VIDEO, 0, true);
    bench.writer.set_tracks(tracks(&[0x12, 0x10]).into());
    let fed = bench.put(VIDEO, FRAME, false);
    assert_eq!(fed.frames, 1);
    assert_eq!(
        fed.metadata.and_then(|metadata| metadata.sample_rate_hz),
        Some(44_100)
    );
    let fed = bench.put(AUDIO, FRAME, true);
    let headers: Vec<_> = fed.messages.iter().map(|message| message.header).collect();
    assert_eq!(headers, [true, false]);
}

#[test]
fn rates_are_those_of_what_goes_out() {
    let mut bench = Bench::new();
    for number in 0..260 {
        bench.put(VIDEO, number * FRAME, number % 100 == 0);
    }
    // 25 pictures a second of 6 bytes.
    assert_eq!(bench.feeder.rates.picture_bps, Some(1200));
    assert_eq!(bench.feeder.rates.sound_bps, Some(0));
}
