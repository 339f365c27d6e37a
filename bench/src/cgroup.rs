//! A control group of our own for a server: the kernel then counts the CPU time of its whole
//! process tree, children that have ended included.

use anyhow::Context as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Groups are called this, the bench's process and a number.
const NAME: &str = "tidegate-bench-";
/// How often the group's folder is tried to be removed while its processes are ending.
const REMOVALS_MAX: usize = 200;
const REMOVAL_PAUSE: Duration = Duration::from_millis(10);

/// Which kind of control group counts CPU time here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// `cpuacct.usage`, in nanoseconds.
    One,
    /// `cpu.stat`, in microseconds; it is there without any controller.
    Two,
}

/// A group, gone when dropped.
pub(crate) struct Group {
    folder: PathBuf,
    version: Version,
}

impl Group {
    /// Makes a group below the one that this process is in, where killed benches may have left
    /// theirs.
    pub(crate) fn new() -> anyhow::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let (version, parent) =
            parent(&mounts, &groups).context("no control group counts CPU time here")?;
        remove_left_behind(&parent);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{NAME}{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self { folder, version })
    }

    /// What counts.
    pub(crate) const fn name(&self) -> &'static str {
        match self.version {
            Version::One => "cgroup (cpuacct)",
            Version::Two => "cgroup v2",
        }
    }

    /// Takes a process in, with all its threads and what it will start.
    pub(crate) fn take_in(&self, process: u32) -> anyhow::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), process.to_string())
            .with_context(|| format!("process {process} cannot be moved into a control group"))
    }

    /// Everything its processes have used since they were taken in.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let read = |file: &str| fs::read_to_string(self.folder.join(file));
        let cpu = match self.version {
            Version::One => nanos(&read("cpuacct.usage")?),
            Version::Two => usage_of(&read("cpu.stat")?),
        };
        cpu.context("the control group's CPU time is unreadable")
    }
}

impl Group {
    /// What still runs goes where it came from: a group with processes cannot be removed.
    fn give_back(&self) {
        let processes = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        for process in processes.lines() {
            // It may be ending at this very moment.
            let _ = fs::write(self.folder.with_file_name("cgroup.procs"), process);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..REMOVALS_MAX {
            self.give_back();
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(REMOVAL_PAUSE);
        }
    }
}

/// Removes the groups of benches that run no more. The kernel keeps those that still have
/// processes.
fn remove_left_behind(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let bench = entry.file_name().to_str().and_then(bench_of);
        if bench.is_some_and(|bench| !Path::new("/proc").join(bench.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The process of the bench that made the group of this name.
fn bench_of(name: &str) -> Option<u32> {
    let (bench, _number) = name.strip_prefix(NAME)?.split_once('-')?;
    bench.parse().ok()
}

/// The folder of the group we are in, in the hierarchy that counts CPU time.
fn parent(mounts: &str, groups: &str) -> Option<(Version, PathBuf)> {
    let one = mount(mounts, |kind, options| {
        kind == "cgroup" && options.split(',').any(|option| option == "cpuacct")
    });
    if let Some(mount) = one {
        let is_cpuacct = |names: &str| names.split(',').any(|name| name == "cpuacct");
        return Some((Version::One, join(mount, membership(groups, is_cpuacct)?)));
    }
    let two = mount(mounts, |kind, _| kind == "cgroup2")?;
    Some((Version::Two, join(two, membership(groups, str::is_empty)?)))
}

/// Where a file system of this kind is mounted: `ID PARENT DEV ROOT PLACE … - KIND WHAT OPTIONS`.
fn mount(mounts: &str, is_it: impl Fn(&str, &str) -> bool) -> Option<&Path> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let place = before.split(' ').nth(4)?;
        let mut after = after.split(' ');
        let (kind, _what, options) = (after.next()?, after.next()?, after.next()?);
        is_it(kind, options).then_some(Path::new(place))
    })
}

/// Our group in a hierarchy: `NUMBER:CONTROLLERS:PATH`.
fn membership(groups: &str, is_it: impl Fn(&str) -> bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, path) = (fields.next()?, fields.next()?);
        is_it(names).then_some(path)
    })
}

fn join(mount: &Path, group: &str) -> PathBuf {
    mount.join(group.trim_start_matches('/'))
}

fn nanos(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_nanos)
}

fn usage_of(stat: &str) -> Option<Duration> {
    let micros = stat
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "));
    micros?.trim().parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn the_first_version_is_taken_where_it_counts_cpu_time() {
        let groups = "3:cpu,cpuacct:/user/7\n4:memory:/other\n0::/unified\n";
        let expected = PathBuf::from("/sys/fs/cgroup/cpu,cpuacct/user/7");
        assert_eq!(parent(MIXED, groups), Some((Version::One, expected)));
    }

    #[test]
    fn otherwise_the_second_version_is() {
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let expected = PathBuf::from("/sys/fs/cgroup/system.slice/run:1");
        let found = parent(mounts, "0::/system.slice/run:1\n");
        assert_eq!(found, Some((Version::Two, expected)));
    }

    #[test]
    fn without_either_there_is_none() {
        assert_eq!(parent("", "0::/\n"), None);
        assert_eq!(parent("garbage\n - \n", ""), None);
    }

    #[test]
    fn groups_of_benches_that_run_no_more_are_removed_and_no_others() {
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (ended, own) = (ended.id(), std::process::id());
        let names = [
            format!("{NAME}{ended}-0"),
            format!("{NAME}{ended}-11"),
            format!("{NAME}{own}-0"),
            format!("{NAME}mine"),
            "user.slice".to_owned(),
        ];
        for name in &names {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        remove_left_behind(folder.path());
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, false, true, true, true]);
    }

    #[test]
    fn times_are_read_in_their_units() {
        assert_eq!(nanos("1500\n"), Some(Duration::from_nanos(1500)));
        let stat = "usage_usec 2500\nuser_usec 2000\n";
        assert_eq!(usage_of(stat), Some(Duration::from_micros(2500)));
        assert_eq!(usage_of("nothing"), None);
    }
}
