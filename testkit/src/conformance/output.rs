use super::{Feeder, until};
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tidegate_engine::{
    Clock, Engine, EngineConfig, OutputDriver, OutputSpec, OutputState, OutputStatus, Reader,
    ReaderOptions, TsChunk, limits,
};

/// An output adapter under test, with a far side to talk to.
pub trait OutputSubject: Send + Sync {
    /// A new driver whose far side takes everything.
    fn driver(&self) -> Arc<dyn OutputDriver>;

    /// What the far side has got so far, in bytes. Viewers count what they asked for.
    fn received(&self) -> u64;

    /// Where outputs keep files.
    fn data_dir(&self) -> &Path;

    /// What is sent through it.
    fn media(&self) -> Vec<u8> {
        crate::media::numbered_ts(7 * 1000)
    }

    /// Time between two chunks of it.
    fn interval(&self) -> Duration {
        Duration::from_millis(1)
    }

    /// A driver whose far side refuses, and what must come of it.
    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        None
    }

    /// A driver whose far side is there but takes nothing.
    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        None
    }

    /// Takes the far side away and brings it back; false if it has none that could go.
    fn restart_peer(&self) -> bool {
        false
    }
}

/// What must come of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is tried again by itself, and says why.
    Retried,
    /// It has failed for good, and says why.
    Final,
    /// The protocol cannot tell, or does not mind.
    Tolerated,
}

const SOURCE: &str = "source";
const OUTPUT: &str = "under-test";

/// Everything an output must do.
///
/// # Panics
/// Where it does not.
pub async fn check_output(subject: &dyn OutputSubject) {
    delivers_and_counts(subject).await;
    stops_in_time(subject).await;
    survives_its_source(subject).await;
    survives_its_peer(subject).await;
    refusal_is_said(subject).await;
    slow_peer_harms_nobody(subject).await;
}

struct Bench<'a> {
    subject: &'a dyn OutputSubject,
    engine: Engine,
}

impl<'a> Bench<'a> {
    async fn start(subject: &'a dyn OutputSubject, driver: Arc<dyn OutputDriver>) -> Self {
        let data_dir = subject.data_dir().to_owned();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir,
        });
        let spec = OutputSpec {
            source: SOURCE.into(),
            driver,
        };
        engine
            .set_output(OUTPUT, spec)
            .await
            .expect("the output is created");
        Self { subject, engine }
    }

    fn feed(&self) -> Feeder {
        let feed = self.engine.feed(SOURCE);
        Feeder::start(feed, self.subject.media(), self.subject.interval())
    }

    fn status(&self) -> OutputStatus {
        self.engine
            .output_status(OUTPUT)
            .expect("the output is there")
    }

    async fn delivering(&self) {
        let subject = self.subject;
        let before = subject.received();
        until("it delivers, and the far side has it", || {
            let status = self.status();
            (status.delivering && subject.received() > before).then_some(())
        })
        .await;
    }

    async fn remove_in_time(&self) {
        let asked = Instant::now();
        self.engine
            .remove_output(OUTPUT)
            .await
            .expect("the output is removed");
        let took = asked.elapsed();
        assert!(
            took < limits::STOP_GRACE,
            "stopping took {took:?}, so it was cut off"
        );
        assert_eq!(
            self.engine.feed(SOURCE).reader_count(),
            0,
            "a reader was left behind"
        );
    }
}

async fn delivers_and_counts(subject: &dyn OutputSubject) {
    let bench = Bench::start(subject, subject.driver()).await;
    let feeder = bench.feed();
    bench.delivering().await;
    until("its bitrate shows", || {
        (bench.status().bitrate_bps > 0).then_some(())
    })
    .await;
    let status = bench.status();
    assert_eq!(status.state, OutputState::Delivering);
    assert!(status.delivered_bytes > 0);
    drop(feeder);
    until("it stops delivering when nothing comes", || {
        (!bench.status().delivering).then_some(())
    })
    .await;
    assert_eq!(bench.status().state, OutputState::Waiting);
    bench.remove_in_time().await;
}

async fn stops_in_time(subject: &dyn OutputSubject) {
    let idle = Bench::start(subject, subject.driver()).await;
    idle.remove_in_time().await;
    let busy = Bench::start(subject, subject.driver()).await;
    let _feeder = busy.feed();
    busy.delivering().await;
    busy.remove_in_time().await;
}

async fn survives_its_source(subject: &dyn OutputSubject) {
    let bench = Bench::start(subject, subject.driver()).await;
    let first = bench.feed();
    bench.delivering().await;
    drop(first);
    let _second = bench.feed();
    bench.delivering().await;
    assert_eq!(
        bench.status().reconnects,
        0,
        "a source that returns is no reason to reconnect"
    );
    bench.remove_in_time().await;
}

async fn survives_its_peer(subject: &dyn OutputSubject) {
    let bench = Bench::start(subject, subject.driver()).await;
    let _feeder = bench.feed();
    bench.delivering().await;
    if subject.restart_peer() {
        bench.delivering().await;
    }
    bench.remove_in_time().await;
}

async fn refusal_is_said(subject: &dyn OutputSubject) {
    let Some((driver, expected)) = subject.refused() else {
        return;
    };
    let bench = Bench::start(subject, driver).await;
    let _feeder = bench.feed();
    let state = match expected {
        Refusal::Retried => Some(OutputState::Reconnecting),
        Refusal::Final => Some(OutputState::Failed),
        Refusal::Tolerated => None,
    };
    if let Some(state) = state {
        let status = until("the refusal shows", || {
            let status = bench.status();
            (status.state == state).then_some(status)
        })
        .await;
        let said = status.last_error.expect("a refused output says why");
        assert!(
            said.contains(". "),
            "what happened and what to do, in two sentences: {said}"
        );
        assert!(!status.delivering);
    }
    bench.remove_in_time().await;
}

async fn slow_peer_harms_nobody(subject: &dyn OutputSubject) {
    let Some(driver) = subject.slow() else { return };
    let bench = Bench::start(subject, driver).await;
    let mut neighbour = bench.engine.feed(SOURCE).read_ts(ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        max_bytes: limits::READER_BYTES_MAX,
        ..ReaderOptions::default()
    });
    let feeder = bench.feed();
    until("two thousand chunks", || {
        (feeder.chunks() >= 2000).then_some(())
    })
    .await;
    let written = feeder.chunks();
    let read = drain(&mut neighbour);
    assert!(
        read >= written,
        "a neighbour got {read} of {written} chunks"
    );
    assert_eq!(neighbour.lost(), 0);
    let longest = feeder.longest();
    assert!(
        longest < Duration::from_millis(200),
        "the writer was held up for {longest:?}"
    );
    drop(feeder);
    drop(neighbour);
    bench.remove_in_time().await;
}

fn drain(reader: &mut Reader<TsChunk>) -> u64 {
    let mut count = 0;
    while let Some(batch) = reader.try_next() {
        count += batch.items().len() as u64;
    }
    count
}
