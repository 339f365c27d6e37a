//! Sources and outputs that tests hold in their hands.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "every test binary uses another part of this")]

pub(crate) mod ts;

use bytes::Bytes;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tidegate_engine::{
    BoxFuture, Clock, Connection, Delivery, Ended, Engine, EngineConfig, FeedWriter, OutputContext,
    OutputDriver, OutputSpec, ReaderOptions, RunError, SourceContext, SourceDriver, SourceSpec,
    TsChunk, limits,
};

/// A source whose test says what happens.
#[derive(Default)]
pub(crate) struct HeldSource {
    runs: Mutex<Vec<SourceContext>>,
}

impl SourceDriver for HeldSource {
    fn kind(&self) -> &'static str {
        "held"
    }

    fn mode(&self) -> &'static str {
        "listener"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let stop = context.stop.clone();
            self.runs.lock().unwrap().push(context);
            stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    }
}

impl HeldSource {
    /// What its latest run was given.
    pub(crate) async fn context(&self) -> SourceContext {
        eventually("the source runs", || {
            self.runs.lock().unwrap().last().cloned()
        })
        .await
    }
}

/// A source, and an output, whose far side refuses every time.
pub(crate) struct Refused;

fn refused() -> RunError {
    RunError::theirs("the far side refused", "Ask its operator.")
}

impl SourceDriver for Refused {
    fn kind(&self) -> &'static str {
        "refused"
    }

    fn mode(&self) -> &'static str {
        "caller"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        context.report.connection(Connection::Connecting, None);
        Box::pin(async { Err(refused()) })
    }
}

impl OutputDriver for Refused {
    fn kind(&self) -> &'static str {
        "refused"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, _: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async { Err(refused()) })
    }
}

/// A source, and an output, that cannot work, and that would go on under any settings.
pub(crate) struct CannotWork {
    pub(crate) runs: Arc<AtomicUsize>,
}

impl CannotWork {
    fn fail<T>(&self) -> BoxFuture<'static, Result<T, RunError>> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(RunError::configuration("it cannot work", "Change it.")) })
    }
}

impl SourceDriver for CannotWork {
    fn kind(&self) -> &'static str {
        "broken"
    }

    fn mode(&self) -> &'static str {
        "caller"
    }

    fn run(self: Arc<Self>, _: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        self.fail()
    }

    fn take_over(&self, _: &dyn SourceDriver) -> bool {
        true
    }
}

impl OutputDriver for CannotWork {
    fn kind(&self) -> &'static str {
        "broken"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, _: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        self.fail()
    }

    fn take_over(&self, _: &dyn OutputDriver) -> bool {
        true
    }
}

/// An output that breaks once and is on its way to the far side ever after.
#[derive(Default)]
pub(crate) struct BreaksThenCalls {
    pub(crate) runs: AtomicUsize,
}

impl OutputDriver for BreaksThenCalls {
    fn kind(&self) -> &'static str {
        "calls"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connecting();
            if self.runs.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(refused());
            }
            context.stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    }
}

/// An output that keeps the numbers of all packets it reads.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) numbers: Mutex<Vec<u64>>,
    pub(crate) lost: Mutex<u64>,
}

impl OutputDriver for Collector {
    fn kind(&self) -> &'static str {
        "collector"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let mut reader = context.route.read_ts(ReaderOptions {
                max_batches: limits::READER_BATCHES_MAX,
                max_bytes: limits::READER_BYTES_MAX,
                ..ReaderOptions::default()
            });
            context.report.up();
            loop {
                let batch = tokio::select! {
                    batch = reader.next() => batch,
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                };
                context.report.delivered(batch.byte_count() as u64);
                self.numbers
                    .lock()
                    .unwrap()
                    .extend(batch.items().iter().map(number));
                *self.lost.lock().unwrap() = reader.lost();
            }
        })
    }
}

impl Collector {
    pub(crate) fn count(&self) -> usize {
        self.numbers.lock().unwrap().len()
    }
}

/// An output that does not listen when it is asked to stop.
pub(crate) struct Stubborn;

impl OutputDriver for Stubborn {
    fn kind(&self) -> &'static str {
        "stubborn"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, _: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(core::future::pending())
    }
}

pub(crate) fn engine() -> Engine {
    Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: std::env::temp_dir(),
    })
}

pub(crate) async fn set_source(engine: &Engine, name: &str) -> Arc<HeldSource> {
    let source = Arc::new(HeldSource::default());
    let spec = SourceSpec {
        driver: Arc::clone(&source) as _,
        expect: None,
    };
    engine.set_source(name, spec).await.unwrap();
    source
}

pub(crate) async fn set_collector(engine: &Engine, name: &str, source: &str) -> Arc<Collector> {
    let collector = Arc::new(Collector::default());
    set_output(engine, name, source, Arc::clone(&collector) as _).await;
    collector
}

pub(crate) async fn set_output(
    engine: &Engine,
    name: &str,
    source: &str,
    driver: Arc<dyn OutputDriver>,
) {
    let spec = OutputSpec {
        source: source.into(),
        driver,
    };
    engine.set_output(name, spec).await.unwrap();
}

/// Waits until that many outputs have attached to the feed.
pub(crate) async fn attached(engine: &Engine, source: &str, readers: usize) {
    let feed = engine.feed(source);
    eventually("readers attach", || {
        (feed.reader_count() == readers).then_some(())
    })
    .await;
}

pub(crate) fn chunk(number: u64, now: tidegate_units::Instant) -> TsChunk {
    let mut bytes = vec![0xFF_u8; 188];
    bytes[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    TsChunk {
        bytes: Bytes::from(bytes),
        origin: now,
        arrived: now,
        due: now,
        lost_before: 0,
    }
}

pub(crate) fn write(writer: &mut FeedWriter<TsChunk>, numbers: core::ops::Range<u64>) {
    for number in numbers {
        writer.push(chunk(number, Clock::start().now()));
        writer.seal();
    }
}

pub(crate) fn number(chunk: &TsChunk) -> u64 {
    u64::from_be_bytes(chunk.bytes[8..16].try_into().unwrap())
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
