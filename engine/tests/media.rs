//! From bytes in a feed to the verdict on its source.

mod support;

use support::{engine, eventually, set_source, ts};
use tidegate_engine::{Clock, Connection, Expect, Health, SourceState, TsChunk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_media_turns_green_and_says_what_is_in_it() {
    let engine = engine();
    let source = set_source(&engine, "radio").await;
    let context = source.context().await;
    context.report.connected(Some("192.0.2.7:4000".into()));
    let mut writer = context.feed.ts_writer();
    let mut number = 0;
    let status = eventually("it is healthy", || {
        let now = Clock::start().now();
        for bytes in ts::audio_stream(number, 2).chunks(1316) {
            let bytes = bytes.to_vec().into();
            writer.push(TsChunk {
                bytes,
                origin: now,
                arrived: now,
                due: now,
                lost_before: 0,
            });
        }
        writer.seal();
        number += 2;
        let status = engine.source_status("radio")?;
        (status.health == Health::Ok && status.bitrate_bps > 0).then_some(status)
    })
    .await;
    assert_eq!(
        status.state,
        SourceState::Ready,
        "good, and nobody reads it"
    );
    let media = status.media.unwrap();
    assert!(media.video.is_none());
    assert_eq!(media.audio[0].pid, ts::AUDIO_PID);
    assert_eq!(media.audio[0].sample_rate, Some(48_000));
    assert_eq!(media.tracks.len(), 1);
    assert!(status.last_packet_age_ms.unwrap() < 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_compared_with_what_was_expected_of_it() {
    let engine = engine();
    let source = set_source(&engine, "radio").await;
    let video = Some("h264".into());
    engine
        .set_expect(
            "radio",
            Some(Expect {
                video,
                ..Expect::default()
            }),
        )
        .unwrap();
    let context = source.context().await;
    context.report.connected(None);
    let mut writer = context.feed.ts_writer();
    let mut number = 0;
    let reason = eventually("the missing picture is noticed", || {
        let now = Clock::start().now();
        let bytes = ts::audio_stream(number, 2).into();
        writer.push(TsChunk {
            bytes,
            origin: now,
            arrived: now,
            due: now,
            lost_before: 0,
        });
        writer.seal();
        number += 2;
        let reasons = engine.source_status("radio")?.reasons;
        reasons
            .into_iter()
            .find(|reason| reason.text == "No picture")
    })
    .await;
    assert_eq!(reason.severity, Health::Error);
    assert!(reason.advice.contains("no video track"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_follows_the_connection_and_agrees_with_the_health() {
    let engine = engine();
    let source = set_source(&engine, "radio").await;
    let status = engine.source_status("radio").expect("the source");
    assert!(!status.readiness.ready, "nobody has connected");
    assert_eq!(status.readiness.reasons[0].text, "Not connected");
    let context = source.context().await;
    context.report.connected(None);
    let mut writer = context.feed.ts_writer();
    let mut number = 0;
    let mut write = || {
        let now = Clock::start().now();
        let bytes = ts::audio_stream(number, 2).into();
        writer.push(TsChunk::live(bytes, now));
        writer.seal();
        number += 2;
    };
    let agrees = |status: &tidegate_engine::SourceStatus| {
        let has_media = !status.reasons.iter().any(|it| it.text == "No media");
        assert!(has_media || !status.readiness.ready, "{status:?}");
    };
    // What each piece repeats are gaps in its counters; nobody minds here.
    let status = eventually("it can be heard", || {
        write();
        let status = engine.source_status("radio")?;
        agrees(&status);
        status.media.is_some().then_some(status)
    })
    .await;
    let counted = status.tr101290.expect("something was counted");
    assert_eq!((counted.pat.count, counted.crc.count), (0, 0));
    let status = eventually("its silence is noticed", || {
        let status = engine.source_status("radio")?;
        agrees(&status);
        let reasons = &status.readiness.reasons;
        let is_silent = reasons.iter().any(|it| it.code == "no_packets");
        is_silent.then_some(status)
    })
    .await;
    assert!(!status.readiness.ready && status.readiness.clean_since.is_none());
    context
        .report
        .connection(Connection::Disconnected, Some("it hung up".into()));
    eventually("its end is noticed", || {
        let status = engine.source_status("radio")?;
        agrees(&status);
        let first = status.readiness.reasons.first()?;
        (first.code == "disconnect").then_some(())
    })
    .await;
}
