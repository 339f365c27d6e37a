use super::*;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Runs what it is told to, and notes what happens to it.
struct Scripted {
    runs: Arc<AtomicUsize>,
    notes: Arc<Mutex<Vec<String>>>,
    outcome: fn(usize, CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>>,
}

impl Scripted {
    fn note(&self, note: impl Into<String>) {
        self.notes.lock().unwrap().push(note.into());
    }
}

impl Supervised for Scripted {
    fn run(&mut self, stop: CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>> {
        (self.outcome)(self.runs.fetch_add(1, Ordering::SeqCst), stop)
    }
    fn pausing(&mut self, error: Option<RunError>, pause: Duration) {
        let why = error.map_or("ended".into(), |error| error.message);
        // The jitter aside, pauses are powers of two.
        let seconds = pause.as_secs_f64().log2().round().exp2();
        self.note(format!("{why}, {seconds:.0} s"));
    }
    fn resting(&mut self, error: Option<RunError>) {
        self.note(error.map_or("finished".into(), |error| error.message));
    }
    fn stopped(&mut self) {
        self.note("stopped");
    }
}

type Notes = Arc<Mutex<Vec<String>>>;

fn start(
    outcome: fn(usize, CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>>,
) -> (Notes, CancellationToken, JoinHandle<()>) {
    let notes = Notes::default();
    let it = Scripted {
        runs: Arc::default(),
        notes: Arc::clone(&notes),
        outcome,
    };
    let stop = CancellationToken::new();
    (notes, stop.clone(), tokio::spawn(supervise(it, stop)))
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_tried_again_ever_more_rarely() {
    let (notes, stop, task) =
        start(|_, _| Box::pin(async { Err(RunError::theirs("refused", "wait")) }));
    sleep(Duration::from_secs(9)).await;
    stop.cancel();
    task.await.unwrap();
    let notes = notes.lock().unwrap();
    assert_eq!(notes[..3], ["refused, 1 s", "refused, 2 s", "refused, 4 s"]);
    assert_eq!(notes.last().unwrap(), "stopped");
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_work_are_not_tried_again() {
    let (notes, stop, task) =
        start(|_, _| Box::pin(async { Err(RunError::configuration("no such host", "fix")) }));
    sleep(Duration::from_secs(120)).await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["no such host", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_will_not_stop_is_cut_off_in_time() {
    let (_, stop, task) = start(|_, _| Box::pin(core::future::pending()));
    tokio::task::yield_now().await;
    let asked = Instant::now();
    stop.cancel();
    task.await.unwrap();
    assert!(asked.elapsed() <= limits::STOP_GRACE + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_stops_by_itself_is_not_waited_for() {
    let (_, stop, task) = start(|_, stop| {
        Box::pin(async move {
            stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    });
    tokio::task::yield_now().await;
    let asked = Instant::now();
    stop.cancel();
    task.await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_run_only() {
    let (notes, stop, task) = start(|run, stop| {
        Box::pin(async move {
            assert_ne!(run, 0, "the first run panics");
            stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    });
    sleep(Duration::from_secs(5)).await;
    stop.cancel();
    task.await.unwrap();
    let notes = notes.lock().unwrap();
    assert!(notes[0].contains("crashed"), "{notes:?}");
    assert_eq!(notes.len(), 2);
}
