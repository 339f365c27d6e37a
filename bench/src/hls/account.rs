//! What the server, and a thread of this program, have used.

use anyhow::Context as _;
use std::fs;
use std::time::Duration;

/// What the server has used until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) cpu: Duration,
    /// Memory of its own, files and shared libraries not counted.
    pub(super) memory_bytes: u64,
}

impl Used {
    /// The CPU time since an earlier look, and the memory now.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            ..self
        }
    }
}

/// CPU time by the scheduler's own account of every thread: `stat` counts ticks, and a thread
/// that runs between two of them is never seen.
pub(super) fn of(process: u32) -> anyhow::Result<Used> {
    let gone = || format!("the server (process {process}) is gone");
    let mut used = Used::default();
    for task in fs::read_dir(format!("/proc/{process}/task")).with_context(gone)? {
        let path = task?.path().join("schedstat");
        // A thread may end between the listing and here.
        if let Ok(text) = fs::read_to_string(path) {
            used.cpu += run_time(&text);
        }
    }
    let status = fs::read_to_string(format!("/proc/{process}/status")).with_context(gone)?;
    let anonymous = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = anonymous.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    used.memory_bytes = kilobytes.context("the kernel does not tell RssAnon")? * 1024;
    Ok(used)
}

/// CPU time of the calling thread.
pub(super) fn of_this_thread() -> anyhow::Result<Duration> {
    Ok(run_time(&fs::read_to_string(
        "/proc/thread-self/schedstat",
    )?))
}

fn run_time(schedstat: &str) -> Duration {
    let nanos = schedstat.split_whitespace().next();
    Duration::from_nanos(nanos.and_then(|text| text.parse().ok()).unwrap_or(0))
}
