//! The floor: how late this machine wakes a thread that only sleeps, at the same pace.

use super::deviation::percentile;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How late a thread woke.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Woken {
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

/// Sleeps until every multiple of `step`, until `stop`. One that oversleeps is late for all that
/// it missed, as a sender is.
pub(super) fn sleep(step: Duration, stop: &AtomicBool) -> Woken {
    // Without it the kernel may be 50 µs late, and that is all.
    let _ = tidegate_udp::wake_precisely();
    let step_nanos = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX);
    let (mut late, mut due) = (Vec::new(), now_nanos());
    while !stop.load(Ordering::Relaxed) {
        due += step_nanos;
        sleep_until(due);
        late.push((now_nanos() - due).max(0).cast_unsigned() / 1000);
    }
    late.sort_unstable();
    Woken {
        p50_us: percentile(&late, 50),
        p99_us: percentile(&late, 99),
        max_us: percentile(&late, 100),
    }
}

fn now_nanos() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime(2) writes one timespec, which is ours.
    #[expect(unsafe_code, reason = "the clock that sleeping goes by")]
    unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time);
    }
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn sleep_until(nanos: i64) {
    let until = libc::timespec {
        tv_sec: nanos / 1_000_000_000,
        tv_nsec: nanos % 1_000_000_000,
    };
    // SAFETY: clock_nanosleep(2) reads one timespec, which is ours; no remainder is asked for.
    #[expect(unsafe_code, reason = "the standard library only sleeps for a time")]
    unsafe {
        let none = std::ptr::null_mut();
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const until,
            none,
        );
    }
}
