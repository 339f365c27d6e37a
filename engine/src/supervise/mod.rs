//! Keeping one driver running: the only place that tries anything again.
//!
//! ```text
//!            ┌────────────────────── pause over ─────────────────────┐
//!            ▼                                                       │
//!  (start) running ── failed, or ended by the peer ──► pausing (1 s … 30 s)
//!            │  │                                          │
//!            │  └─ failed for good, or finished ─► resting │
//!            │                                        │    │
//!            └──────── stop: STOP_GRACE, then cut ────┴────┴──► stopped
//! ```

mod backoff;

pub(crate) use backoff::Backoff;

use crate::driver::BoxFuture;
use crate::error::{Ended, RunError};
use crate::limits;
use core::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// What a supervisor does to the thing it keeps running.
pub(crate) trait Supervised: Send + 'static {
    /// Starts one run.
    fn run(&mut self, stop: CancellationToken) -> BoxFuture<'static, Result<Ended, RunError>>;
    /// It will run again after `pause`.
    fn pausing(&mut self, error: Option<RunError>, pause: Duration);
    /// It will not run again by itself.
    fn resting(&mut self, error: Option<RunError>);
    /// It was stopped.
    fn stopped(&mut self);
}

/// Runs it until `stop` is cancelled.
pub(crate) async fn supervise(mut it: impl Supervised, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        let began = Instant::now();
        let Some(outcome) = run_once(&mut it, &stop).await else {
            break;
        };
        let error = match outcome {
            Ok(Ended::Finished) => {
                it.resting(None);
                stop.cancelled().await;
                break;
            }
            Err(error) if !error.retry => {
                it.resting(Some(error));
                stop.cancelled().await;
                break;
            }
            Ok(Ended::Stopped | Ended::ByPeer) => None,
            Err(error) => Some(error),
        };
        let pause = backoff.next(began.elapsed(), random());
        it.pausing(error, pause);
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => break,
        }
    }
    it.stopped();
}

/// One run in a task of its own, so that a panic or a driver that will not stop harms only
/// itself. `None`: it was stopped.
async fn run_once(
    it: &mut impl Supervised,
    stop: &CancellationToken,
) -> Option<Result<Ended, RunError>> {
    let mut task = CutOff(tokio::spawn(it.run(stop.child_token())));
    tokio::select! {
        outcome = &mut task.0 => {
            let outcome = outcome.unwrap_or_else(|_| Err(crashed()));
            return (!stop.is_cancelled()).then_some(outcome);
        }
        () = stop.cancelled() => {}
    }
    if timeout(limits::STOP_GRACE, &mut task.0).await.is_err() {
        tracing::warn!(
            "a driver did not stop within {:?}; it is cut off",
            limits::STOP_GRACE
        );
    }
    None
}

fn crashed() -> RunError {
    RunError::ours(
        "Tidegate's own code for this protocol crashed",
        "It is started again. Please report this with the log lines around it.",
    )
}

struct CutOff(JoinHandle<Result<Ended, RunError>>);

impl Drop for CutOff {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn random() -> u32 {
    // Without randomness the jitter is merely the same for everyone.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests;
