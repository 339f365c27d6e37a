use super::history::HistoryPoint;
use super::observed::Observed;
use super::watch::watch;
use super::{Connection, SourceReport, SourceState, SourceStatus};
use crate::Clock;
use crate::detail::values;
use crate::driver::{BoxFuture, SourceContext, SourceDriver};
use crate::engine::{Entry, Feeds, SourceSpec};
use crate::error::{Ended, RunError};
use crate::event::{Alarm, EventKind, EventSink, Subject};
use crate::feed::Feed;
use crate::health::{Expect, Health};
use crate::limits;
use crate::supervise::{Supervised, supervise};
use crate::switch::SwitchControl;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tidegate_units::Instant;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A source that is being kept running, and what is known about it.
#[derive(Debug)]
pub(crate) struct SourceEntry {
    name: Arc<str>,
    driver: DriverHandle,
    feed: Feed,
    report: SourceReport,
    observed: Arc<Mutex<Observed>>,
    stop: CancellationToken,
    tasks: AsyncMutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone)]
struct DriverHandle(Arc<dyn SourceDriver>);

impl SourceEntry {
    pub(crate) fn start(
        name: &str,
        spec: SourceSpec,
        feeds: Feeds,
        events: EventSink,
        clock: Clock,
        data_dir: Arc<PathBuf>,
    ) -> Arc<Self> {
        let feed = feeds.get(name);
        let report = SourceReport::of(&feed, events.clone());
        let mut observed = Observed::new(spec.expect, feed.carried());
        // The first look is taken here: nothing is green before anybody has looked.
        let said = report.snapshot();
        let (now, wall) = (clock.now(), SystemTime::now());
        observed.look(now, wall, &said, feed.carried(), None);
        observed.judge(now, wall, &feed.vitals(), None);
        let observed = Arc::new(Mutex::new(observed));
        let stop = CancellationToken::new();
        let context = SourceContext {
            name: name.into(),
            feed: feed.clone(),
            report: report.clone(),
            events,
            clock,
            stop: stop.clone(),
            data_dir,
            feeds,
        };
        let watcher = watch(context.clone(), Arc::clone(&observed));
        let run = Run {
            driver: Arc::clone(&spec.driver),
            context,
        };
        let tasks = vec![
            tokio::spawn(watcher),
            tokio::spawn(supervise(run, stop.clone())),
        ];
        Arc::new(Self {
            name: name.into(),
            driver: DriverHandle(spec.driver),
            feed,
            report,
            observed,
            stop,
            tasks: AsyncMutex::new(tasks),
        })
    }

    /// Goes on as it runs under this driver's settings, if it can: whether it does. What rests
    /// has nothing that could go on; it is started anew.
    pub(crate) fn goes_on_under(&self, driver: &Arc<dyn SourceDriver>) -> bool {
        let is_running = !self.report.snapshot().resting;
        is_running && (Arc::ptr_eq(&self.driver.0, driver) || self.driver.0.take_over(&**driver))
    }

    pub(crate) fn set_expect(&self, expect: Option<Expect>) {
        self.observed().set_expect(expect);
    }

    pub(crate) fn switch(&self) -> Option<Arc<dyn SwitchControl>> {
        self.driver.0.switch()
    }

    pub(crate) fn history(&self) -> Vec<HistoryPoint> {
        self.observed().history.points()
    }

    fn observed(&self) -> std::sync::MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry for SourceEntry {
    const WHAT: &'static str = "source";
    const MAX: usize = limits::SOURCES;
    type Status = SourceStatus;

    fn subject(&self) -> Subject {
        Subject::source(&*self.name)
    }

    fn begin_stop(&self) {
        self.stop.cancel();
    }

    async fn stop(&self) {
        self.begin_stop();
        for task in self.tasks.lock().await.drain(..) {
            // A task that panicked has stopped as well.
            drop(task.await);
        }
    }

    fn status(&self, now: Instant) -> SourceStatus {
        let said = self.report.snapshot();
        let silent = self.feed.silent_for(now);
        let readers = self.feed.reader_count();
        let observed = self.observed();
        let health = observed.verdict.health();
        SourceStatus {
            name: self.name.to_string(),
            kind: self.driver.0.kind(),
            mode: self.driver.0.mode(),
            connection: said.connection,
            connection_reason: said.reason,
            resting: said.resting,
            connected_at: said.connected_at,
            health,
            reasons: observed.verdict.reasons().to_vec(),
            readiness: observed.readiness.clone(),
            tr101290: observed.tr101290,
            bitrate_bps: observed.meter.rate(now).as_bps(),
            last_packet_age_ms: silent.map(whole_millis),
            peer: said.peer,
            media: observed.media.clone(),
            expect: observed.expect(),
            readers,
            reconnects: said.reconnects,
            last_error: said.last_error.map(|error| error.to_string()),
            state: state(said.connection, said.ever_connected, health, readers),
            details: values(said.details),
        }
    }

    fn alarms(&self) -> Vec<Alarm> {
        let mut alarms = self.observed().alarms();
        alarms.extend(self.report.snapshot().alarms.into_values());
        alarms
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn state(
    connection: Connection,
    ever_connected: bool,
    health: Health,
    readers: usize,
) -> SourceState {
    match (connection, health) {
        (Connection::Failed, _) => SourceState::Failed,
        (Connection::Disconnected, _) if !ever_connected => SourceState::Waiting,
        (Connection::Connecting, _) => SourceState::Connecting,
        (_, Health::Error) => SourceState::Failed,
        (_, Health::Warning) => SourceState::Warning,
        (_, Health::Ok) if readers == 0 => SourceState::Ready,
        (_, Health::Ok) => SourceState::Live,
    }
}

/// What the supervisor does to a source.
struct Run {
    driver: Arc<dyn SourceDriver>,
    context: SourceContext,
}

impl Supervised for Run {
    fn run(&mut self, stop: CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>> {
        let context = SourceContext {
            stop,
            ..self.context.clone()
        };
        Arc::clone(&self.driver).run(context)
    }

    fn pausing(&mut self, error: Option<RunError>, pause: Duration) {
        let reason = error.as_ref().map(|error| error.message.clone());
        self.context
            .report
            .connection(Connection::Reconnecting, reason);
        if let Some(error) = error {
            self.tell(error, Some(pause));
        }
    }

    fn resting(&mut self, error: Option<RunError>) {
        let reason = error.as_ref().map(|error| error.message.clone());
        let state = if error.is_some() {
            Connection::Failed
        } else {
            Connection::Disconnected
        };
        self.context.report.rest(state, reason);
        if let Some(error) = error {
            self.tell(error, None);
        }
    }

    fn stopped(&mut self) {
        self.context
            .report
            .connection(Connection::Disconnected, Some("stopped".into()));
    }
}

impl Run {
    fn tell(&self, error: RunError, pause: Option<Duration>) {
        if !self.context.report.failed(&error) {
            return;
        }
        let retry_in_ms = pause.map(whole_millis);
        let subject = Subject::source(&*self.context.name);
        self.context
            .events
            .emit(subject, EventKind::RunFailed { error, retry_in_ms });
    }
}

impl core::fmt::Debug for DriverHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0.kind())
    }
}
