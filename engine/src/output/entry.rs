use super::report::Seen;
use super::{OutputReport, OutputState, OutputStatus};
use crate::Clock;
use crate::detail::values;
use crate::driver::{BoxFuture, Delivery, HttpContent, OutputContext, OutputDriver};
use crate::engine::Entry;
use crate::error::{Ended, RunError};
use crate::event::{Alarm, EventKind, EventSink, Subject};
use crate::feed::{Feed, Route};
use crate::limits;
use crate::meter::RateMeter;
use crate::supervise::{Supervised, supervise};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_units::Instant;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// An output that is being kept running, and what is known about it.
#[derive(Debug)]
pub(crate) struct OutputEntry {
    name: Arc<str>,
    driver: DriverHandle,
    route: Route,
    report: OutputReport,
    meter: Arc<Mutex<RateMeter>>,
    stop: CancellationToken,
    tasks: AsyncMutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone)]
struct DriverHandle(Arc<dyn OutputDriver>);

impl OutputEntry {
    pub(crate) fn start(
        name: &str,
        driver: Arc<dyn OutputDriver>,
        feed: Feed,
        events: EventSink,
        clock: Clock,
        data_dir: Arc<PathBuf>,
    ) -> Arc<Self> {
        let report = OutputReport::new(name, events.clone());
        let route = Route::new(feed);
        let meter = match driver.http() {
            Some(_) => RateMeter::bursts(),
            None => RateMeter::steady(),
        };
        let meter = Arc::new(Mutex::new(meter));
        let stop = CancellationToken::new();
        let context = OutputContext {
            name: name.into(),
            route: route.clone(),
            report: report.clone(),
            events,
            clock,
            stop: stop.clone(),
            data_dir,
        };
        let observer = observe(context.clone(), driver.delivery(), Arc::clone(&meter));
        let run = Run {
            driver: Arc::clone(&driver),
            context,
            runs: 0,
        };
        let tasks = vec![
            tokio::spawn(observer),
            tokio::spawn(supervise(run, stop.clone())),
        ];
        Arc::new(Self {
            name: name.into(),
            driver: DriverHandle(driver),
            route,
            report,
            meter,
            stop,
            tasks: AsyncMutex::new(tasks),
        })
    }

    pub(crate) fn source(&self) -> String {
        self.route.feed().name().to_owned()
    }

    /// Goes on as it runs under this driver's settings, if it can: whether it does. What rests
    /// has nothing that could go on; it is started anew.
    pub(crate) fn goes_on_under(&self, driver: &Arc<dyn OutputDriver>) -> bool {
        let is_running = !self.report.snapshot().resting;
        is_running && (Arc::ptr_eq(&self.driver.0, driver) || self.driver.0.take_over(&**driver))
    }

    pub(crate) fn point_at(&self, feed: &Feed) {
        self.route.point_at(feed);
    }

    pub(crate) fn http_content(&self) -> Option<Arc<dyn HttpContent>> {
        self.driver.0.http()
    }
}

impl Entry for OutputEntry {
    const WHAT: &'static str = "output";
    const MAX: usize = limits::OUTPUTS;
    type Status = OutputStatus;

    fn subject(&self) -> Subject {
        Subject::output(&*self.name)
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

    fn status(&self, now: Instant) -> OutputStatus {
        let said = self.report.snapshot();
        let rate = self
            .meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rate(now);
        OutputStatus {
            name: self.name.to_string(),
            kind: self.driver.0.kind(),
            source: self.source(),
            state: said.state,
            state_reason: said.reason,
            resting: said.resting,
            delivering: said.state == OutputState::Delivering,
            bitrate_bps: rate.as_bps(),
            delivered_bytes: self.report.delivered_bytes(),
            readers: self.report.reader_count(),
            reconnects: said.reconnects,
            lost_packets: self.report.lost_packets(),
            last_error: said.last_error,
            detail: values(said.detail),
        }
    }

    fn alarms(&self) -> Vec<Alarm> {
        self.report
            .snapshot()
            .alarms
            .into_values()
            .map(|(alarm, _)| alarm)
            .collect()
    }
}

/// Looks four times a second whether an output that is up is really delivering.
async fn observe(context: OutputContext, delivery: Delivery, meter: Arc<Mutex<RateMeter>>) {
    let OutputContext {
        route,
        report,
        clock,
        stop,
        ..
    } = context;
    let mut tick = tokio::time::interval(limits::HEALTH_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = clock.now();
        let rate = {
            let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
            meter.sample(now, report.delivered_bytes());
            meter.rate(now)
        };
        let silent = route.feed().silent_for(now);
        let media = silent.is_some_and(|age| age < limits::MEDIA_GONE);
        let seen = match delivery {
            // What is still on its way when the source falls silent counts.
            Delivery::Bytes if rate.as_bps() > 0 => Seen::Delivering,
            Delivery::Bytes if media => Seen::NothingAccepted,
            Delivery::Readers if media && report.reader_count() > 0 => Seen::Delivering,
            Delivery::Readers if media => Seen::Idle("nobody is watching"),
            Delivery::Bytes | Delivery::Readers => Seen::Idle("the source has no media"),
        };
        report.observed(seen, std::time::Instant::now());
    }
}

/// What the supervisor does to an output.
struct Run {
    driver: Arc<dyn OutputDriver>,
    context: OutputContext,
    runs: u64,
}

impl Supervised for Run {
    fn run(&mut self, stop: CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>> {
        if self.runs > 0 {
            self.context.report.count_reconnect();
        }
        self.runs += 1;
        self.context.report.connecting();
        let context = OutputContext {
            stop,
            ..self.context.clone()
        };
        Arc::clone(&self.driver).run(context)
    }

    fn pausing(&mut self, error: Option<RunError>, pause: Duration) {
        let reason = error.as_ref().map(|error| error.message.clone());
        self.context.report.readers(0);
        self.context.report.state(OutputState::Reconnecting, reason);
        if let Some(error) = error {
            self.tell(error, Some(pause));
        }
    }

    fn resting(&mut self, error: Option<RunError>) {
        let reason = error.as_ref().map(|error| error.message.clone());
        let state = if error.is_some() {
            OutputState::Failed
        } else {
            OutputState::Stopped
        };
        self.context.report.readers(0);
        self.context.report.rest(state, reason);
        if let Some(error) = error {
            self.tell(error, None);
        }
    }

    fn stopped(&mut self) {
        self.context.report.readers(0);
        self.context.report.clear_all();
        self.context.report.state(OutputState::Stopped, None);
    }
}

impl Run {
    fn tell(&self, error: RunError, pause: Option<Duration>) {
        if !self.context.report.failed(&error) {
            return;
        }
        let retry_in_ms = pause.and_then(|pause| u64::try_from(pause.as_millis()).ok());
        let subject = Subject::output(&*self.context.name);
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
