//! The TS lane of a source that writes frames.

mod support;

use bytes::Bytes;
use std::sync::Arc;
use support::{engine, eventually, set_source};
use tidegate_codecs::{AudioHeaders, Codec, StreamConfig, aac::AudioSpecificConfig};
use tidegate_engine::{
    Clock, Feed, FeedWriter, Frame, Health, Reader, ReaderOptions, SourceState, Track, TsChunk,
};
use tidegate_mpegts::{AccessUnit, Demux, Event, Inspector, Stamp};
use tidegate_units::Instant;

const FRAME_TICKS: i64 = 1920;

fn aac(id: u16) -> Track {
    let config = AudioSpecificConfig::plain(2, 3, 2).expect("AAC-LC at 48 kHz");
    let config = config.stream_config(Codec::Aac, config.to_bytes());
    assert!(matches!(config.headers, AudioHeaders::Aac { .. }));
    Track {
        id,
        program: 1,
        codec: Codec::Aac,
        language: Some("deu".into()),
        config: Some(Arc::new(StreamConfig::Audio(config))),
    }
}

fn write(writer: &mut FeedWriter<Frame>, from: i64, frames: i64) {
    let now = Clock::start().now();
    for n in 0..frames {
        let ticks = from + n * FRAME_TICKS;
        writer.push(Frame {
            track: 7,
            pts_90khz: ticks,
            dts_90khz: ticks,
            key: true,
            video: false,
            discontinuity: false,
            data: Bytes::from(vec![0x21; 300]),
            arrived: now,
            due: now,
        });
    }
    writer.seal();
}

fn taken(reader: &mut Reader<TsChunk>) -> Vec<u8> {
    let mut stream = Vec::new();
    while let Some(batch) = reader.try_next() {
        for chunk in batch.items() {
            assert!(chunk.bytes.len() <= 1316 && chunk.bytes.len().is_multiple_of(188));
            stream.extend_from_slice(&chunk.bytes);
        }
    }
    stream
}

fn units(stream: &[u8]) -> Vec<AccessUnit> {
    let mut demux = Demux::new();
    demux.push(Stamp::default(), stream);
    demux.flush();
    let events = core::iter::from_fn(|| demux.next_event());
    let unit = |event| match event {
        Event::Unit(unit) => Some(unit),
        Event::Tracks(_) => None,
    };
    events.filter_map(unit).collect()
}

#[tokio::test]
async fn frames_come_out_as_a_transport_stream_with_the_same_times() {
    let feed = Feed::new("phone");
    let mut reader = feed.read_ts(ReaderOptions::default());
    let mut writer = feed.frame_writer();
    writer.set_tracks(vec![aac(7)].into());
    write(&mut writer, 90_000, 50);
    let units = units(&taken(&mut reader));
    let times: Vec<_> = units.iter().map(|unit| unit.pts).collect();
    let expected: Vec<_> = (0..50).map(|n| 90_000 + n * FRAME_TICKS).collect();
    assert_eq!(times, expected);
    assert!(units.iter().all(|unit| unit.data[..] == [0x21; 300]));
    assert!(!feed.is_demultiplexing(), "its frames are the source's own");
}

#[tokio::test]
async fn the_stream_goes_on_when_the_source_begins_anew() {
    let feed = Feed::new("phone");
    let mut reader = feed.read_ts(ReaderOptions::default());
    for start in [500_000_000, 0, 7_000] {
        let mut writer = feed.frame_writer();
        writer.set_tracks(vec![aac(7)].into());
        write(&mut writer, start, 50);
    }
    let stream = taken(&mut reader);
    let mut inspector = Inspector::new();
    inspector.push(Instant::ZERO, &stream);
    assert_eq!(inspector.report(Instant::ZERO).continuity_errors, 0);
    let times: Vec<_> = units(&stream).iter().map(|unit| unit.pts).collect();
    assert_eq!(times.len(), 150);
    let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        steps.clone().all(|step| step == FRAME_TICKS),
        "{:?}",
        steps.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_track_that_a_transport_stream_does_not_carry_is_left_out_of_it_alone() {
    let feed = Feed::new("phone");
    let mut ts = feed.read_ts(ReaderOptions::default());
    let mut frames = feed.read_frames(ReaderOptions::default());
    let mut writer = feed.frame_writer();
    let unknown = Track {
        codec: Codec::Data,
        config: None,
        ..aac(8)
    };
    writer.set_tracks(vec![unknown, aac(7)].into());
    write(&mut writer, 0, 10);
    assert_eq!(units(&taken(&mut ts)).len(), 10);
    let batch = frames.next().await;
    assert_eq!(batch.tracks().map(|tracks| tracks.len()), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_of_a_source_that_writes_frames_is_that_of_its_stream() {
    let engine = engine();
    let source = set_source(&engine, "phone").await;
    let context = source.context().await;
    context.report.connected(None);
    let mut writer = context.feed.frame_writer();
    writer.set_tracks(vec![aac(7)].into());
    let mut number = 0;
    let status = eventually("it is healthy", || {
        write(&mut writer, number, 2);
        number += 2 * FRAME_TICKS;
        let status = engine.source_status("phone")?;
        (status.health == Health::Ok && status.bitrate_bps > 0).then_some(status)
    })
    .await;
    assert_eq!(status.state, SourceState::Ready);
    let media = status.media.expect("it was looked at");
    assert_eq!(media.audio[0].codec, "aac");
    assert_eq!(media.audio[0].language.as_deref(), Some("deu"));
    let told = context.feed.media().expect("outputs are told too");
    assert_eq!(told.audio[0].sample_rate, Some(48_000));
}
