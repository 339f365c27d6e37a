//! Playlists of transport streams.

use super::bench::{Bench, everything, joined, live, made, options, settings, until};
use core::time::Duration;
use tidegate_engine::{Clock, Connection, TsChunk};
use tidegate_mpegts::Inspector;
use tidegate_testkit::{WebOrigin, peers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transport_stream_segments_pass_to_the_bit_and_never_in_bursts() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made(
        folder.path(),
        4,
        "-hls_segment_filename seg%03d.ts index.m3u8",
    );
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let chunks = everything(&bench, &mut reader).await;
    let bytes: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert!(
        bytes == joined(folder.path(), "ts"),
        "{} bytes came",
        bytes.len()
    );
    let (first, last) = (chunks[0].due, chunks.last().unwrap().due);
    let lasted = last.saturating_since(first);
    assert!((3500..4500).contains(&lasted.as_millis()), "{lasted:?}");
    for second in 0..3 {
        let begin = first + Duration::from_secs(second);
        let within =
            |chunk: &&TsChunk| chunk.due >= begin && chunk.due < begin + Duration::from_secs(1);
        let bytes_of: usize = chunks
            .iter()
            .filter(within)
            .map(|chunk| chunk.bytes.len())
            .sum();
        assert!(
            bytes_of < bytes.len() / 2,
            "{bytes_of} of {} in a second",
            bytes.len()
        );
    }
    assert!(chunks.windows(2).all(|pair| pair[0].due <= pair[1].due));
    assert_eq!(bench.count("segments"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_stream_with_encryption_comes_without_a_gap() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    std::fs::write(folder.path().join("enc.key"), [7_u8; 16]).unwrap();
    let info = format!("{}\nenc.key\n", origin.url("enc.key"));
    std::fs::write(folder.path().join("info"), info).unwrap();
    let _live = live(folder.path(), "-hls_key_info_file info index.m3u8");
    until("a few segments", || {
        folder.path().join("index4.ts").exists().then_some(())
    })
    .await;
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let (mut inspector, clock) = (Inspector::new(), Clock::start());
    let report = until("six segments", || {
        while let Some(batch) = reader.try_next() {
            for chunk in batch.items() {
                inspector.push(clock.now(), &chunk.bytes);
            }
        }
        (bench.count("segments") >= 6).then(|| inspector.report(clock.now()))
    })
    .await;
    assert!(report.video.is_some() && !report.audio.is_empty());
    assert_eq!((report.continuity_errors, report.sync_losses), (0, 0));
    for counter in ["segments_missed", "segments_failed", "playlists_failed"] {
        assert_eq!(bench.count(counter), 0, "{counter}");
    }
    assert_eq!(bench.status().connection, Connection::Connected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_missing_or_giant_is_skipped_counted_and_said() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made(
        folder.path(),
        4,
        "-hls_segment_filename seg%03d.ts index.m3u8",
    );
    std::fs::remove_file(folder.path().join("seg001.ts")).unwrap();
    // It has a size, but nothing in it.
    let giant = std::fs::File::create(folder.path().join("seg002.ts")).unwrap();
    giant.set_len((64 << 20) + 1).unwrap();
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let alarm = until("an alarm", || {
        let alarms = bench.engine.alarms().into_iter();
        alarms
            .map(|it| it.alarm)
            .find(|it| it.code == "segments_missing")
    })
    .await;
    assert!(alarm.text.contains("did not come"), "{}", alarm.text);
    let chunks = everything(&bench, &mut reader).await;
    assert_eq!(
        (bench.count("segments"), bench.count("segments_failed")),
        (2, 2)
    );
    let lost: Vec<u32> = chunks
        .iter()
        .map(|it| it.lost_before)
        .filter(|it| *it > 0)
        .collect();
    assert_eq!(lost, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_playlist_that_counts_from_one_is_played_and_not_taken_for_the_end_of_a_live_one() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made(
        folder.path(),
        1,
        "-start_number 1 -hls_segment_filename seg%03d.ts index.m3u8",
    );
    let index = folder.path().join("index.m3u8");
    let text = std::fs::read_to_string(&index).unwrap();
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:1\n"), "{text}");
    std::fs::write(&index, text.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "")).unwrap();
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    assert!(!everything(&bench, &mut reader).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_playlist_that_broke_off_goes_on_behind_what_was_played() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options_of_it = "-hls_segment_filename seg%03d.ts index.m3u8";
    made(folder.path(), 5, options_of_it);
    for missing in ["seg001.ts", "seg002.ts", "seg003.ts"] {
        std::fs::remove_file(folder.path().join(missing)).unwrap();
    }
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let mut bytes = Vec::new();
    let wanted = joined(folder.path(), "ts");
    until("the last segment, in another run", || {
        while let Some(batch) = reader.try_next() {
            let chunks = batch.items().iter();
            bytes.extend(chunks.flat_map(|chunk| chunk.bytes.to_vec()));
        }
        (bytes.len() >= wanted.len()).then_some(())
    })
    .await;
    assert!(bytes == wanted, "the first and the last, once each");
    let asked = origin.asked();
    let first = asked.iter().filter(|it| it.contains("seg000")).count();
    assert_eq!(first, 1, "{asked:?}");
}
