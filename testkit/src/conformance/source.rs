use super::until;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Health, Reader, ReaderOptions, SourceDriver,
    SourceSpec, SourceStatus, TsChunk, limits,
};

/// A source adapter under test, with a sender to talk to.
pub trait SourceSubject: Send + Sync {
    /// A new driver for the source.
    fn driver(&self) -> Arc<dyn SourceDriver>;

    /// Where sources keep files.
    fn data_dir(&self) -> &Path;

    /// The sender begins, or begins again, to send.
    fn start_sender(&self);

    /// The sender goes away without a word.
    fn kill_sender(&self);

    /// The engine it will run in, for one that is made out of another source: its sender writes
    /// that source's feed.
    fn begins_in(&self, engine: &Engine) {
        let _ = engine;
    }

    /// A driver whose far side refuses, or whose settings nobody can satisfy.
    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        None
    }
}

const SOURCE: &str = "under-test";

/// Everything a source must do.
///
/// # Panics
/// Where it does not.
pub async fn check_source(subject: &dyn SourceSubject) {
    stops_in_time(subject).await;
    receives_and_comes_back(subject).await;
    refusal_is_said(subject).await;
}

struct Bench {
    engine: Engine,
}

impl Bench {
    async fn start(subject: &dyn SourceSubject, driver: Arc<dyn SourceDriver>) -> Self {
        let data_dir = subject.data_dir().to_owned();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir,
        });
        subject.begins_in(&engine);
        let spec = SourceSpec {
            driver,
            expect: None,
        };
        engine
            .set_source(SOURCE, spec)
            .await
            .expect("the source is created");
        Self { engine }
    }

    fn status(&self) -> SourceStatus {
        self.engine
            .source_status(SOURCE)
            .expect("the source is there")
    }

    async fn remove_in_time(&self) {
        let asked = Instant::now();
        self.engine
            .remove_source(SOURCE)
            .await
            .expect("the source is removed");
        let took = asked.elapsed();
        assert!(
            took < limits::STOP_GRACE,
            "stopping took {took:?}, so it was cut off"
        );
    }
}

async fn stops_in_time(subject: &dyn SourceSubject) {
    let idle = Bench::start(subject, subject.driver()).await;
    assert_ne!(
        idle.status().health,
        Health::Ok,
        "nothing arrives, so nothing is green"
    );
    idle.remove_in_time().await;
}

async fn receives_and_comes_back(subject: &dyn SourceSubject) {
    let bench = Bench::start(subject, subject.driver()).await;
    let mut reader = bench.engine.feed(SOURCE).read_ts(ReaderOptions::default());
    subject.start_sender();
    some_batches(&mut reader).await;
    let status = until("its bitrate and its connection show", || {
        let status = bench.status();
        let is_connected = status.connection == Connection::Connected;
        (status.bitrate_bps > 0 && is_connected).then_some(status)
    })
    .await;
    assert!(status.connected_at.is_some());
    assert!(status.last_packet_age_ms.is_some());
    subject.kill_sender();
    until("the loss of the sender shows", || {
        let status = bench.status();
        (status.connection != Connection::Connected && status.health == Health::Error).then_some(())
    })
    .await;
    while reader.try_next().is_some() {}
    subject.start_sender();
    some_batches(&mut reader).await;
    assert!(reader.gap().lost == 0);
    bench.remove_in_time().await;
    subject.kill_sender();
}

async fn some_batches(reader: &mut Reader<TsChunk>) {
    let mut count = 0;
    until("packets come through", || {
        while reader.try_next().is_some() {
            count += 1;
        }
        (count > 20).then_some(())
    })
    .await;
}

async fn refusal_is_said(subject: &dyn SourceSubject) {
    let Some(driver) = subject.refused() else {
        return;
    };
    let bench = Bench::start(subject, driver).await;
    let status = until("the refusal shows", || {
        let status = bench.status();
        let refused = matches!(
            status.connection,
            Connection::Reconnecting | Connection::Failed
        );
        refused.then_some(status)
    })
    .await;
    let said = status.last_error.expect("a refused source says why");
    assert!(
        said.contains(". "),
        "what happened and what to do, in two sentences: {said}"
    );
    assert_ne!(status.health, Health::Ok);
    bench.remove_in_time().await;
}
