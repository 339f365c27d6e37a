use bytes::Bytes;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tidegate_engine::{Clock, Feed, TsChunk};

/// Writes a stream into a feed, again and again, on a thread of its own like a media thread,
/// until it is dropped.
#[derive(Debug)]
pub struct Feeder {
    stop: Arc<AtomicBool>,
    chunks: Arc<AtomicU64>,
    longest_micros: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Bytes of seven transport packets.
    pub const CHUNK_BYTES: usize = 7 * 188;

    /// Starts writing `media` into `feed`, one chunk every `interval`.
    #[must_use]
    pub fn start(feed: Feed, media: Vec<u8>, interval: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let chunks = Arc::new(AtomicU64::new(0));
        let longest_micros = Arc::new(AtomicU64::new(0));
        let (asked, counted) = (Arc::clone(&stop), Arc::clone(&chunks));
        let longest = Arc::clone(&longest_micros);
        let media = Bytes::from(media);
        let thread = thread::spawn(move || {
            let clock = Clock::start();
            let mut writer = feed.ts_writer();
            for at in (0..media.len()).step_by(Self::CHUNK_BYTES).cycle() {
                if asked.load(Ordering::Acquire) {
                    return;
                }
                let now = clock.now();
                let bytes = media.slice(at..media.len().min(at + Self::CHUNK_BYTES));
                let began = Instant::now();
                writer.push(TsChunk {
                    bytes,
                    origin: now,
                    arrived: now,
                    due: now,
                    lost_before: 0,
                });
                writer.seal();
                let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                longest.fetch_max(took, Ordering::Relaxed);
                counted.fetch_add(1, Ordering::Release);
                thread::sleep(interval);
            }
        });
        Self {
            stop,
            chunks,
            longest_micros,
            thread: Some(thread),
        }
    }

    /// Chunks written so far.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks.load(Ordering::Acquire)
    }

    /// The longest time that handing over one chunk took.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_micros.load(Ordering::Relaxed))
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A feeder that panicked has failed its test already.
            drop(thread.join());
        }
    }
}
