//! What processes have used, from `/proc`.

use anyhow::Context as _;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// CPU time, memory and threads of some processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) resident_bytes: u64,
    /// Each shared page counted by its share.
    pub(crate) proportional_bytes: u64,
    pub(crate) threads: u64,
    /// Times a thread went to sleep, and times it was interrupted.
    pub(crate) voluntary_switches: u64,
    pub(crate) involuntary_switches: u64,
}

/// These processes and all that descend from them.
pub(crate) fn tree(roots: &[u32]) -> BTreeSet<u32> {
    let children: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((parent_of(id)?, id)))
        .collect();
    descendants(roots, &children)
}

fn descendants(roots: &[u32], children: &[(u32, u32)]) -> BTreeSet<u32> {
    let mut found: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let known = found.len();
        let new = children.iter().filter(|(parent, _)| found.contains(parent));
        let new: Vec<u32> = new.map(|(_, child)| *child).collect();
        found.extend(new);
        if found.len() == known {
            return found;
        }
    }
}

fn parent_of(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat_field(&stat, 1)
}

/// What these processes have used until now.
pub(crate) fn of(ids: impl IntoIterator<Item = u32>) -> anyhow::Result<Usage> {
    let mut sum = Usage::default();
    for id in ids {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{id}/{file}"))
                .with_context(|| format!("the server (process {id}) is gone"))
        };
        sum.cpu += cpu_of_threads(id, None)?;
        let status = read("status")?;
        sum.resident_bytes += kilobytes(&status, "VmRSS:") * 1024;
        // Not every kernel has it, and not everybody may read it.
        let rollup = read("smaps_rollup").unwrap_or_default();
        sum.proportional_bytes += kilobytes(&rollup, "Pss:") * 1024;
        add_threads(id, &mut sum);
    }
    Ok(sum)
}

/// Adds what `/proc` keeps for each thread alone. Threads may end meanwhile.
fn add_threads(id: u32, sum: &mut Usage) {
    for thread in fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
    {
        let Ok(thread) = thread else { continue };
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        sum.threads += 1;
        sum.voluntary_switches += number(&status, "voluntary_ctxt_switches:");
        sum.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:");
    }
}

/// CPU time of a process's threads, or of those with this name.
pub(crate) fn cpu_of_threads(id: u32, name: Option<&str>) -> anyhow::Result<Duration> {
    let gone = || format!("the server (process {id}) is gone");
    let (mut cpu, mut counted) = (Duration::ZERO, 0);
    for thread in fs::read_dir(format!("/proc/{id}/task")).with_context(gone)? {
        let folder = thread?.path();
        // A thread may end between the listing and here.
        let read = |file| fs::read_to_string(folder.join(file)).unwrap_or_default();
        if name.is_none_or(|name| read("comm").trim_end() == name) {
            cpu += nanos_run(&read("schedstat"));
            counted += 1;
        }
    }
    let sought = name.unwrap_or("anything");
    (counted > 0)
        .then_some(cpu)
        .with_context(|| format!("the server (process {id}) has no thread called {sought}"))
}

/// Memory of a process's own, files and shared libraries not counted.
pub(crate) fn anonymous_bytes(id: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))
        .with_context(|| format!("the server (process {id}) is gone"))?;
    anyhow::ensure!(
        status.contains("RssAnon:"),
        "this kernel does not say RssAnon"
    );
    Ok(kilobytes(&status, "RssAnon:") * 1024)
}

/// CPU time that this very process has used until now.
pub(crate) fn own_cpu() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time that the calling thread has used until now.
pub(crate) fn own_thread_cpu() -> Duration {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime(2) writes one timespec, which is ours.
    #[expect(unsafe_code, reason = "the standard library does not tell CPU time")]
    unsafe {
        libc::clock_gettime(id, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time a thread ran: the first figure of its `schedstat`, in nanoseconds. Unlike the
/// ticks in `stat` it is measured, not sampled.
fn nanos_run(schedstat: &str) -> Duration {
    let nanos = schedstat.split_whitespace().next();
    Duration::from_nanos(nanos.and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// A field behind the command's name, which may hold spaces and brackets.
fn stat_field(stat: &str, index: usize) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(index)?.parse().ok()
}

fn kilobytes(text: &str, name: &str) -> u64 {
    number(text, name)
}

/// The figure of the line that begins with this name.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|rest| rest.split_whitespace().next());
    figure.and_then(|figure| figure.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_proc_are_read_by_their_names() {
        let status =
            "VmRSS:\t  1616 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(kilobytes(status, "VmRSS:"), 1616);
        assert_eq!(number(status, "voluntary_ctxt_switches:"), 7);
        assert_eq!(number(status, "nonvoluntary_ctxt_switches:"), 3);
        assert_eq!(number(status, "Pss:"), 0);
        assert_eq!(nanos_run("59258 12 1\n"), Duration::from_nanos(59258));
    }

    #[test]
    fn a_command_with_brackets_and_spaces_does_not_shift_the_fields() {
        assert_eq!(stat_field("7 (a b) c) S 42 7 7", 1), Some(42));
        assert_eq!(stat_field("7 (a", 1), None);
    }

    #[test]
    fn a_tree_is_its_roots_and_whoever_descends_from_them() {
        let children = [(1, 2), (2, 3), (3, 4), (9, 10), (1, 9)];
        assert_eq!(descendants(&[2, 9], &children), [2, 3, 4, 9, 10].into());
    }

    #[test]
    fn this_very_process_has_threads_and_memory() {
        let usage = of([std::process::id()]).unwrap();
        assert!(usage.threads >= 1 && usage.resident_bytes > 0);
        assert!(anonymous_bytes(std::process::id()).unwrap() > 0);
        assert!(tree(&[std::process::id()]).contains(&std::process::id()));
    }

    #[test]
    fn cpu_time_is_told_for_all_threads_and_for_those_of_a_name() {
        let id = std::process::id();
        let (all, own) = std::thread::Builder::new()
            .name("busy".to_owned())
            .spawn(move || {
                while own_thread_cpu() < Duration::from_millis(50) {}
                let named = cpu_of_threads(id, Some("busy")).unwrap();
                (cpu_of_threads(id, None).unwrap(), named)
            })
            .unwrap()
            .join()
            .unwrap();
        // The scheduler brings its account up to date at the next tick.
        assert!(own >= Duration::from_millis(10), "{own:?}");
        assert!(all >= own, "{all:?} < {own:?}");
        assert!(cpu_of_threads(id, Some("nobody")).is_err());
    }
}
