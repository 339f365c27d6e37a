//! How many system calls processes make, counted by the kernel (`perf stat`), or where it may
//! not be asked by `strace`, which slows them down.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long they are counted.
const LENGTH: Duration = Duration::from_millis(1500);
/// System calls a second, and who counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Calls {
    pub(crate) per_second: f64,
    pub(crate) counted_by: &'static str,
}

/// Counts the system calls of these processes for a moment; `None` where nothing can.
pub(crate) fn count(processes: &BTreeSet<u32>) -> Option<Calls> {
    by_perf(processes).or_else(|| by_strace(processes))
}

fn by_perf(processes: &BTreeSet<u32>) -> Option<Calls> {
    let list: Vec<String> = processes.iter().map(ToString::to_string).collect();
    let output = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter"])
        .args(["-p", &list.join(","), "--", "sleep"])
        .arg(LENGTH.as_secs_f64().to_string())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(perf_count)?;
    Some(Calls {
        per_second: count / LENGTH.as_secs_f64(),
        counted_by: "perf",
    })
}

/// `COUNT,UNIT,EVENT,…`
fn perf_count(line: &str) -> Option<f64> {
    let mut fields = line.split(',');
    let count = fields.next()?.parse().ok()?;
    fields
        .any(|field| field == "raw_syscalls:sys_enter")
        .then_some(count)
}

fn by_strace(processes: &BTreeSet<u32>) -> Option<Calls> {
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-q"]);
    for process in processes {
        command.args(["-p", &process.to_string()]);
    }
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let began = Instant::now();
    std::thread::sleep(LENGTH);
    interrupt(&child);
    let time = began.elapsed();
    let mut text = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut()?, &mut text).ok()?;
    child.wait().ok()?;
    let count = text.lines().find_map(strace_total)?;
    Some(Calls {
        per_second: count / time.as_secs_f64(),
        counted_by: "strace",
    })
}

/// `100.00    0.000123           1       456        12 total`: seconds, microseconds a call,
/// calls, and errors where there were any.
fn strace_total(line: &str) -> Option<f64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    (fields.last() == Some(&"total")).then_some(())?;
    fields.get(3)?.parse().ok()
}

fn interrupt(child: &Child) {
    let Ok(id) = i32::try_from(child.id()) else {
        return;
    };
    // SAFETY: kill(2) takes two integers; the process is our child and not yet waited for.
    #[expect(unsafe_code, reason = "the standard library can only send SIGKILL")]
    unsafe {
        libc::kill(id, libc::SIGINT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_perf_is_read() {
        let line = "8123,,raw_syscalls:sys_enter,1500321,100.00,,";
        assert_eq!(perf_count(line), Some(8123.0));
        assert_eq!(
            perf_count("<not counted>,,raw_syscalls:sys_enter,0,100.00,,"),
            None
        );
        assert_eq!(perf_count("Error: no permission"), None);
    }

    #[test]
    fn the_total_of_strace_is_read_with_and_without_errors() {
        let with = "100.00    0.052000           4     12345       678 total";
        let without = "100.00    0.052000           4     12345           total";
        assert_eq!(strace_total(with), Some(12345.0));
        assert_eq!(strace_total(without), Some(12345.0));
        assert_eq!(strace_total("% time     seconds  usecs/call"), None);
    }
}
