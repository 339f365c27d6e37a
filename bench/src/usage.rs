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
        sum.cpu += nanos_run(&read("schedstat")?);
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
    let mut cpu = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
    {
        let Ok(thread) = thread else { continue };
        let read = |file| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let status = read("status");
        sum.threads += 1;
        sum.voluntary_switches += number(&status, "voluntary_ctxt_switches:");
        sum.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:");
        if thread.file_name().to_str() != Some(&id.to_string()) {
            cpu += nanos_run(&read("schedstat"));
        }
    }
    sum.cpu += cpu;
}

/// CPU time that this very process has used until now.
pub(crate) fn own_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime(2) writes one timespec, which is ours.
    #[expect(unsafe_code, reason = "the standard library does not tell CPU time")]
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time);
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
        assert!(tree(&[std::process::id()]).contains(&std::process::id()));
    }
}
