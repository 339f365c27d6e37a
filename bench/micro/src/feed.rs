//! Fan-out: one batch of a writer, taken by every reader.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_engine::{Feed, ReaderOptions, TsChunk, Wake};
use tidegate_units::Instant;

use crate::media;
use crate::path::{HotPath, Stage};

const BATCHES: u64 = 1000;
/// Packets of a batch: what 6 Mbit/s make in ten milliseconds.
const BATCH_CHUNKS: u64 = 6;

pub(crate) fn paths() -> Vec<HotPath> {
    const fn batches(name: &'static str, prepare: fn() -> Stage) -> HotPath {
        let unit = "batch of 6 packets";
        HotPath {
            name,
            unit,
            prepare,
        }
    }
    vec![
        batches("feed_1_reader", || stage(1)),
        batches("feed_10_readers", || stage(10)),
        batches("feed_100_readers", || stage(100)),
    ]
}

/// Stands in for a shard's wake-up.
#[derive(Default)]
struct CountedWakes(AtomicU64);

impl Wake for CountedWakes {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn stage(readers: usize) -> Stage {
    let payloads: Arc<[Bytes]> = (0..BATCH_CHUNKS).map(media::payload).collect();
    Stage {
        units: BATCHES,
        fresh: Box::new(move || {
            let payloads = Arc::clone(&payloads);
            let feed = Feed::new("bench");
            let mut writer = feed.ts_writer();
            let wakes = Arc::new(CountedWakes::default());
            let options = ReaderOptions {
                wake: Some(Arc::clone(&wakes) as _),
                ..ReaderOptions::default()
            };
            let mut readers: Vec<_> = (0..readers)
                .map(|_| feed.read_ts(options.clone()))
                .collect();
            Box::new(move || {
                for batch in 0..BATCHES {
                    let now = Instant::from_millis(10 * batch);
                    for payload in payloads.iter() {
                        writer.push(TsChunk::live(payload.clone(), now));
                    }
                    writer.seal();
                    for reader in &mut readers {
                        while let Some(batch) = reader.try_next() {
                            for chunk in batch.iter() {
                                core::hint::black_box(chunk.bytes.clone());
                            }
                        }
                    }
                }
            })
        }),
    }
}
