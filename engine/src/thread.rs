//! Outputs that need a thread of their own: exact pacing, blocking disks.

use crate::error::{Ended, RunError};
use crate::wake::Wake;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread::{self, Thread};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How a thread of an output waits, is woken, and learns that it must end.
#[derive(Clone, Debug)]
pub struct Parking {
    stop: Arc<AtomicBool>,
}

impl Parking {
    /// Whether the thread must end. Look after every wait.
    #[must_use]
    pub fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits until woken or asked to stop, at most for `time`.
    pub fn wait(&self, time: Duration) {
        if !self.must_stop() {
            thread::park_timeout(time);
        }
    }

    /// Wakes this thread: for the reader it waits for.
    #[must_use]
    pub fn waker() -> Arc<dyn Wake> {
        Arc::new(Unpark(thread::current()))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(&self) {
        self.0.unpark();
    }
}

/// Runs `work` on a thread named `name` until it is done; asks it to end when `stop` is
/// cancelled or when the caller loses interest.
///
/// # Errors
/// What `work` returned, or that no thread could be started.
pub async fn run_on_thread<F>(
    name: &str,
    stop: CancellationToken,
    work: F,
) -> Result<Ended, RunError>
where
    F: FnOnce(&Parking) -> Result<Ended, RunError> + Send + 'static,
{
    let parking = Parking {
        stop: Arc::new(AtomicBool::new(false)),
    };
    let (done, mut outcome) = oneshot::channel();
    let inside = parking.clone();
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody waiting for the outcome any more is no error.
        drop(done.send(work(&inside)));
    });
    let thread = started.map_err(|error| {
        RunError::ours(
            format!("no thread could be started ({error})"),
            "Raise the limit of threads for Tidegate.",
        )
    })?;
    let end = EndOnDrop {
        parking,
        thread: thread.thread().clone(),
    };
    let outcome = tokio::select! {
        outcome = &mut outcome => outcome,
        () = stop.cancelled() => {
            end.ask();
            outcome.await
        }
    };
    outcome.unwrap_or_else(|_| {
        Err(RunError::ours(
            "the thread of this output crashed",
            "It is started again. Please report this with the log lines around it.",
        ))
    })
}

struct EndOnDrop {
    parking: Parking,
    thread: Thread,
}

impl EndOnDrop {
    fn ask(&self) {
        self.parking.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.ask();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiting_thread_ends_as_soon_as_it_is_asked() {
        let stop = CancellationToken::new();
        let running = tokio::spawn(run_on_thread("test", stop.clone(), |parking| {
            while !parking.must_stop() {
                parking.wait(Duration::from_secs(3600));
            }
            Ok(Ended::Stopped)
        }));
        stop.cancel();
        assert_eq!(running.await.unwrap(), Ok(Ended::Stopped));
    }

    #[tokio::test]
    async fn a_thread_that_crashes_is_a_failed_run() {
        let outcome = run_on_thread("test", CancellationToken::new(), |_| panic!("on purpose"));
        assert!(outcome.await.unwrap_err().message.contains("crashed"));
    }
}
