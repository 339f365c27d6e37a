//! Takes every event of the engine and the server: one log line, one count, one record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_engine::{Event, EventKind, EventSink, Rejection, SubjectKind};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::rejections::{RejectionRecord, Rejections};
use crate::alarms::{Alarms, SystemAlarm};
use crate::store::{EventQuery, EventRow, RejectionRow, Store, StoreError};
use crate::time::millis_since_epoch;

/// Events a slow client of the live stream may lag behind before it loses the oldest.
pub const BACKLOG: usize = 512;
/// How long events wait to be stored together: one transaction costs one `fsync`.
const GATHER: Duration = Duration::from_millis(200);
/// Most events stored together.
const BATCH_MAX: usize = 512;
/// Most events the API returns at once.
const LIMIT_MAX: u32 = 1_000;
/// Raised while events cannot be stored.
const ALARM: &str = "events_not_kept";

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Later events have larger numbers.
    pub id: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// The event store.
#[derive(Debug)]
pub struct Journal {
    store: Store,
    /// The number of the last event of an earlier run.
    last_id: u64,
    live: broadcast::Sender<Arc<Recorded>>,
    rejections: Mutex<Rejections>,
    counts: Mutex<Counts>,
}

/// What is stored together.
#[derive(Default)]
struct Gathered {
    events: Vec<EventRow>,
    rejections: BTreeMap<u64, RejectionRow>,
}

#[derive(Debug, Default)]
struct Counts {
    by_kind: BTreeMap<String, u64>,
    rejections_by_reason: BTreeMap<String, u64>,
    missed: u64,
}

impl Journal {
    /// The journal as stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let rejections = Rejections::from_rows(store.rejections().await?);
        let last_id = store.last_event_id().await?;
        Ok(Self {
            store,
            last_id,
            live: broadcast::Sender::new(BACKLOG),
            rejections: Mutex::new(rejections),
            counts: Mutex::default(),
        })
    }

    /// Every event from now on, with its number.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Recorded>> {
        self.live.subscribe()
    }

    /// Who was turned away, the latest first.
    #[must_use]
    pub fn rejections(&self) -> Vec<RejectionRecord> {
        lock(&self.rejections).newest_first()
    }

    /// Stored events.
    ///
    /// # Errors
    /// The store's.
    pub async fn events(&self, mut query: EventQuery) -> Result<Vec<Recorded>, StoreError> {
        query.limit = query.limit.min(LIMIT_MAX);
        let rows = self.store.events(query).await?;
        let read = |row: &EventRow| {
            let event = serde_json::from_str(&row.data).ok()?;
            Some(Recorded { id: row.id, event })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Events so far by kind, rejections by reason, and events missed under load.
    #[must_use]
    pub fn counts(&self) -> (BTreeMap<String, u64>, BTreeMap<String, u64>, u64) {
        let counts = lock(&self.counts);
        (
            counts.by_kind.clone(),
            counts.rejections_by_reason.clone(),
            counts.missed,
        )
    }

    /// Takes events until `stop`, then stores what is left.
    pub async fn run(
        self: Arc<Self>,
        mut events: broadcast::Receiver<Event>,
        alarms: Arc<Alarms>,
        stop: CancellationToken,
    ) {
        let mut id = self.last_id;
        while let Some(first) = self.next(&mut events, &stop).await {
            let mut gathered = Gathered::default();
            self.take(first, &mut id, &mut gathered);
            if !stop.is_cancelled() {
                tokio::time::sleep(GATHER).await;
            }
            while gathered.events.len() < BATCH_MAX
                && let Ok(event) = events.try_recv()
            {
                self.take(event, &mut id, &mut gathered);
            }
            let rejections = gathered.rejections.into_values().collect();
            match self.store.add_events(gathered.events, rejections).await {
                Ok(()) => alarms.clear(ALARM),
                Err(error) => alarms.raise(SystemAlarm {
                    code: ALARM,
                    text: format!("Events are only in the log: {error}."),
                    advice: "Free space there; what happened meanwhile is not listed.".into(),
                }),
            }
        }
    }

    async fn next(
        &self,
        events: &mut broadcast::Receiver<Event>,
        stop: &CancellationToken,
    ) -> Option<Event> {
        loop {
            let received = tokio::select! {
                biased;
                received = events.recv() => received,
                () = stop.cancelled() => return None,
            };
            match received {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(missed)) => {
                    lock(&self.counts).missed += missed;
                    tracing::warn!("{missed} events came faster than they can be kept");
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn take(&self, event: Event, id: &mut u64, gathered: &mut Gathered) {
        let row = row(*id + 1, &event);
        *lock(&self.counts)
            .by_kind
            .entry(row.kind.clone())
            .or_default() += 1;
        let times = match &event.kind {
            EventKind::ConnectionRejected(rejection) => {
                self.count_rejection(&event, rejection, row.at_millis, gathered)
            }
            _ => 1,
        };
        // A caller that tries again every second would push everything else out of the log
        // and the journal. Its record counts; a repeat has the number of the event before it.
        if is_power_of_ten(times) {
            *id += 1;
            log(&event, times);
            gathered.events.push(row);
        }
        // Nobody watching is no error.
        let _ = self.live.send(Arc::new(Recorded { id: *id, event }));
    }

    /// How often this caller was turned away for the same reason.
    fn count_rejection(
        &self,
        event: &Event,
        rejection: &Rejection,
        at_millis: u64,
        gathered: &mut Gathered,
    ) -> u64 {
        let reasons = &mut lock(&self.counts).rejections_by_reason;
        *reasons.entry(rejection.reason.clone()).or_default() += 1;
        let mut records = lock(&self.rejections);
        let (row, times) = records.count(&event.subject.name, rejection.clone(), at_millis);
        gathered.rejections.insert(row.id, row);
        times
    }
}

/// Feeds `journal` from `sink` in a task of its own.
pub fn spawn(
    journal: Arc<Journal>,
    sink: &EventSink,
    alarms: Arc<Alarms>,
    stop: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(journal.run(sink.subscribe(), alarms, stop))
}

const fn is_power_of_ten(mut number: u64) -> bool {
    while number != 0 && number.is_multiple_of(10) {
        number /= 10;
    }
    number == 1
}

fn row(id: u64, event: &Event) -> EventRow {
    // Plain data with text keys, which JSON always can hold.
    let value = serde_json::to_value(event).expect("an event is always JSON");
    let kind = value
        .get("kind")
        .and_then(|kind| kind.as_str())
        .unwrap_or("unknown")
        .to_owned();
    let subject_type = match event.subject.kind {
        SubjectKind::Source => "source",
        SubjectKind::Output => "output",
        SubjectKind::Listener => "listener",
        SubjectKind::System => "system",
    };
    EventRow {
        id,
        at_millis: millis_since_epoch(event.at),
        kind,
        subject_type: Some(subject_type.to_owned()),
        subject_name: Some(event.subject.name.clone()),
        data: value.to_string(),
    }
}

fn log(event: &Event, times: u64) {
    match event.kind {
        EventKind::AlarmRaised(_) | EventKind::RunFailed { .. } => {
            tracing::warn!(target: "tidegate::event", "{event}");
        }
        _ if times > 1 => tracing::info!(target: "tidegate::event", "{event} ({times} times)"),
        _ => tracing::info!(target: "tidegate::event", "{event}"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tidegate_engine::Subject;

    use super::*;
    use crate::testing::eventually;

    async fn journal(folder: &std::path::Path) -> (Arc<Journal>, EventSink, CancellationToken) {
        let store = Store::open(folder).unwrap();
        let journal = Arc::new(Journal::open(store).await.unwrap());
        let (sink, stop) = (EventSink::new(), CancellationToken::new());
        let alarms = Arc::new(Alarms::new(sink.clone()));
        spawn(journal.clone(), &sink, alarms, stop.clone());
        (journal, sink, stop)
    }

    fn rejected() -> EventKind {
        EventKind::ConnectionRejected(Rejection {
            peer: "192.0.2.1:4000".into(),
            stream_id: "cam1".into(),
            reason: "wrong_passphrase".into(),
            received: None,
            expected: None,
            nearest: None,
            advice: "Check the passphrase.".into(),
        })
    }

    fn notice() -> EventKind {
        EventKind::Notice {
            message: "something odd".into(),
        }
    }

    #[tokio::test]
    async fn an_event_is_kept_over_a_restart_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let all = || EventQuery {
            limit: 10,
            ..EventQuery::default()
        };
        for expected in [1, 2] {
            let (journal, sink, stop) = journal(folder.path()).await;
            let mut live = journal.subscribe();
            sink.emit(Subject::system(), notice());
            assert_eq!(live.recv().await.unwrap().id, expected);
            stop.cancel();
            loop {
                let events = journal.events(all()).await.unwrap();
                if events.len() as u64 == expected {
                    assert_eq!(events[0].id, expected);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    #[tokio::test]
    async fn a_rejection_is_counted_and_listed() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, sink, _stop) = journal(folder.path()).await;
        sink.emit(Subject::listener("ingest"), rejected());
        sink.emit(Subject::listener("ingest"), rejected());
        eventually("both", || journal.rejections().iter().any(|r| r.count == 2)).await;
        assert_eq!(journal.counts().1["wrong_passphrase"], 2);
    }

    #[tokio::test]
    async fn a_caller_that_never_gives_up_does_not_fill_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, sink, _stop) = journal(folder.path()).await;
        let mut live = journal.subscribe();
        for _ in 0..250 {
            sink.emit(Subject::listener("ingest"), rejected());
        }
        sink.emit(Subject::system(), notice());
        let mut last = live.recv().await.unwrap();
        for _ in 0..250 {
            last = live.recv().await.unwrap();
        }
        assert_eq!(last.id, 4, "the 1st, the 10th, the 100th, and the last");
        assert_eq!(journal.rejections()[0].count, 250);
        assert_eq!(journal.counts().1["wrong_passphrase"], 250);
    }

    #[tokio::test]
    async fn a_store_that_takes_nothing_is_an_alarm_until_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let journal = Arc::new(Journal::open(store.clone()).await.unwrap());
        let (sink, stop) = (EventSink::new(), CancellationToken::new());
        let alarms = Arc::new(Alarms::new(sink.clone()));
        spawn(journal, &sink, alarms.clone(), stop);
        for (read_only, standing) in [(true, 1), (false, 0)] {
            store
                .call(move |connection| connection.pragma_update(None, "query_only", read_only))
                .await
                .unwrap();
            sink.emit(Subject::listener("ingest"), rejected());
            eventually("the alarm", || alarms.standing().len() == standing).await;
        }
    }
}
