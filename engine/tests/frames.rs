//! The frame lane, made from the TS lane while somebody wants it.

mod support;

use support::{eventually, ts};
use tidegate_engine::{Clock, Feed, Frame, Reader, ReaderOptions, TsChunk};

fn write(feed_writer: &mut tidegate_engine::FeedWriter<TsChunk>, stream: &[u8]) {
    let now = Clock::start().now();
    for bytes in stream.chunks(1316) {
        let bytes = bytes.to_vec().into();
        feed_writer.push(TsChunk {
            bytes,
            origin: now,
            arrived: now,
            due: now,
            lost_before: 0,
        });
    }
    feed_writer.seal();
}

async fn next_frames(reader: &mut Reader<Frame>, wanted: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < wanted {
        frames.extend(reader.next().await.items().iter().cloned());
    }
    frames
}

#[tokio::test]
async fn frames_are_made_only_while_somebody_reads_them() {
    let feed = Feed::new("cam1");
    let mut writer = feed.ts_writer();
    write(&mut writer, &ts::audio_stream(0, 10));
    assert!(!feed.is_demultiplexing());
    let mut reader = feed.read_frames(ReaderOptions::default());
    assert!(feed.is_demultiplexing());
    eventually("the demultiplexer has attached", || {
        write(&mut writer, &ts::audio_stream(10, 10));
        reader.try_next()
    })
    .await;
    drop(reader);
    eventually("it stops", || (!feed.is_demultiplexing()).then_some(())).await;
}

#[tokio::test]
async fn every_reader_shares_the_frames_of_one_demultiplexer() {
    let feed = Feed::new("cam1");
    let mut one = feed.read_frames(ReaderOptions::default());
    let mut two = feed.read_frames(ReaderOptions::default());
    let mut writer = feed.ts_writer();
    tokio::task::yield_now().await;
    write(&mut writer, &ts::audio_stream(0, 20));
    let (left, right) = (
        next_frames(&mut one, 19).await,
        next_frames(&mut two, 19).await,
    );
    for (a, b) in left.iter().zip(&right) {
        assert_eq!(a.data.as_ptr(), b.data.as_ptr(), "the bytes are shared");
    }
    let steps: Vec<_> = left
        .windows(2)
        .map(|pair| pair[1].pts_90khz - pair[0].pts_90khz)
        .collect();
    assert!(steps.iter().all(|step| *step == 2160), "{steps:?}");
    assert!(
        left.iter()
            .all(|frame| frame.track == ts::AUDIO_PID && frame.key && !frame.video)
    );
}

#[tokio::test]
async fn a_batch_of_frames_says_which_tracks_they_belong_to() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let mut writer = feed.ts_writer();
    tokio::task::yield_now().await;
    write(&mut writer, &ts::audio_stream(0, 20));
    let batch = reader.next().await;
    let tracks = batch.tracks().expect("frames have tracks");
    assert_eq!(tracks[0].id, ts::AUDIO_PID);
    assert!(tracks[0].is_audio());
    assert!(tracks[0].config.is_some());
    assert_eq!(feed.tracks().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_comes_within_the_gathering_time_is_converted_in_one_go() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let mut writer = feed.ts_writer();
    tokio::task::yield_now().await;
    write(&mut writer, &ts::audio_stream(0, 10));
    reader.next().await;
    for round in 1..=5 {
        write(&mut writer, &ts::audio_stream(round * 10, 10));
        tokio::task::yield_now().await;
        assert!(reader.try_next().is_none());
    }
    assert!(reader.next().await.len() >= 40);
    assert!(reader.try_next().is_none());
}

#[tokio::test]
async fn a_sender_that_comes_back_begins_a_new_session_of_frames() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let mut first = feed.ts_writer();
    tokio::task::yield_now().await;
    write(&mut first, &ts::audio_stream(5000, 20));
    let session = reader.next().await.session();
    let mut second = feed.ts_writer();
    write(&mut second, &ts::audio_stream(0, 20));
    let batch = loop {
        let batch = reader.next().await;
        if batch.session() != session {
            break batch;
        }
    };
    assert!(reader.gap().restarted);
    assert!(
        batch[0].pts_90khz < 5000 * 2160,
        "the new sender's own time stamps"
    );
}

#[tokio::test]
async fn sound_alone_can_be_entered_anywhere_after_an_overflow() {
    let feed = Feed::new("cam1");
    let options = ReaderOptions {
        max_batches: 2,
        ..ReaderOptions::default()
    };
    let mut reader = feed.read_frames(options);
    let mut writer = feed.ts_writer();
    for round in 0..50 {
        write(&mut writer, &ts::audio_stream(round * 10, 10));
        tokio::task::yield_now().await;
    }
    eventually("an overflow", || {
        write(&mut writer, &ts::audio_stream(1000, 10));
        (reader.lost() > 0).then_some(())
    })
    .await;
    while reader.try_next().is_some() {}
    let after = eventually("sound again", || {
        write(&mut writer, &ts::audio_stream(2000, 10));
        reader.try_next()
    });
    let after = tokio::time::timeout(core::time::Duration::from_secs(1), after).await;
    assert!(
        after.is_ok(),
        "it does not wait for a picture that never comes"
    );
    assert!(reader.gap().lost > 0);
}
