//! What every encoder goes through.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_engine::{ReaderOptions, TsChunk};
use tidegate_testkit::{Process, eventually, peers};

use super::common::{Bed, KEY};

/// Enough of a stream to be judged: a second or two.
const ENOUGH_BYTES: usize = 200_000;

/// Where encoders send to.
pub(crate) fn url(bed: &Bed, scheme: &str) -> String {
    format!("{scheme}://127.0.0.1:{}/live/{KEY}", bed.port)
}

/// The source becomes healthy with picture and sound, and what comes out of it decodes without
/// a complaint.
pub(crate) fn becomes_healthy(bed: &Bed, sender: &Process) -> Value {
    let feed = bed.engine.feed("studio");
    let mut reader = feed.read_ts(ReaderOptions {
        max_bytes: 64 << 20,
        max_batches: 1 << 14,
        ..ReaderOptions::default()
    });
    let mut frames = feed.read_frames(ReaderOptions::default());
    let mut times: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    let mut bytes = Vec::new();
    let seen = std::cell::RefCell::new(Value::Null);
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually("the source is healthy", || {
            while let Some(batch) = reader.try_next() {
                let chunks = batch.iter().map(|chunk: &TsChunk| &chunk.bytes);
                chunks.for_each(|chunk| bytes.extend_from_slice(chunk));
            }
            while let Some(batch) = frames.try_next() {
                for frame in batch.iter() {
                    times.entry(frame.track).or_default().push(frame.dts_90khz);
                }
            }
            let status = bed.shown("studio");
            let media = &status["media"];
            let is_whole = media["video"]["width"] == 640 && media["audio"][0].is_object();
            let is_healthy = is_whole && status["health"] == "ok" && bytes.len() > ENOUGH_BYTES;
            *seen.borrow_mut() = status;
            is_healthy.then_some(())
        });
    }));
    let status = seen.into_inner();
    let output = sender.output().replace(KEY, "•••");
    assert!(found.is_ok(), "{} bytes, {status:#}\n{output}", bytes.len());
    assert_eq!(status["rtmp"]["messages_unusable"], 0, "{status:#}");
    assert_eq!(status["rtmp"]["app"], "live");
    assert_eq!(status["media"]["continuity_errors"], 0);
    assert!(status["peer"].is_string());
    for (track, times) in &times {
        let is_rising = times.is_sorted_by(|before, after| before < after);
        assert!(is_rising, "track {track:#x}: {times:?}");
    }
    let file = bed.folder().join("received.ts");
    std::fs::write(&file, &bytes).unwrap();
    let complaints = peers::decode_errors(file.to_str().unwrap());
    let worrying = complaints.lines().filter(|line| {
        let signs = ["corrupt", "concealing", "error while", "Invalid"];
        signs.iter().any(|sign| line.contains(sign))
    });
    assert_eq!(worrying.count(), 0, "{complaints}");
    assert!(bed.rejections().is_empty(), "{:?}", bed.rejections());
    bed.keeps_the_key();
    status
}
