//! One measurement: a server is driven through a scenario and watched.

use crate::cgroup::Group;
use crate::load::Outcome;
use crate::scenario::{LATENCY_MS, READ_PASSPHRASE, Scenario};
use crate::servers::Server;
use crate::syscalls::{self, Calls};
use crate::usage::{self, Usage};
use anyhow::Context as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tidegate_testkit::spawn;

/// Less than this share of what should be published is not the load that was asked for.
const PUBLISHED_PERCENT_MIN: f64 = 99.0;

/// What was observed while a server was driven through a scenario.
pub(crate) struct Observed {
    /// CPU time of the whole process tree, and who counted it.
    pub(crate) cpu: Duration,
    pub(crate) cpu_counted_by: &'static str,
    pub(crate) time: Duration,
    pub(crate) before: Usage,
    pub(crate) after: Usage,
    pub(crate) calls: Option<Calls>,
    /// The load generator's report.
    pub(crate) said: Outcome,
    /// Why the measurement does not count.
    pub(crate) refused: Option<String>,
}

/// Drives `server` through `scenario`; `begins` is called when the measurement does.
pub(crate) fn observe(
    server: &dyn Server,
    scenario: &Scenario,
    seconds: u64,
    begins: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Observed> {
    let meter = Meter::new(&server.processes());
    let mut load = Load::start(server, scenario, seconds)?;
    load.until("measuring")?;
    begins()?;
    // Looking through its memory holds a server up for a moment: that is done outside of the time.
    let before = meter.usage()?;
    let (began, cpu_before) = (Instant::now(), meter.cpu()?);
    load.until("measured")?;
    let (cpu, time) = (meter.cpu()?.saturating_sub(cpu_before), began.elapsed());
    let after = meter.usage()?;
    let complaint = server.complaint();
    // Publishers still send for a while.
    let calls = syscalls::count(&usage::tree(&server.processes()));
    let said: Outcome = serde_json::from_str(&load.line()?)?;
    load.child.wait()?;
    let refused = said
        .refusal()
        .or_else(|| too_little(scenario, &said, seconds))
        .or(complaint);
    Ok(Observed {
        cpu,
        cpu_counted_by: meter.name(),
        time,
        before,
        after,
        calls,
        said,
        refused,
    })
}

fn too_little(scenario: &Scenario, said: &Outcome, seconds: u64) -> Option<String> {
    let bits = scenario.rate_bps as f64 * scenario.publishers as f64 * seconds as f64;
    let expected = bits / 8.0 / crate::payload::PAYLOAD_BYTES as f64;
    let published = said.published_packets as f64;
    (published * 100.0 < expected * PUBLISHED_PERCENT_MIN)
        .then(|| format!("only {published} of {expected:.0} packets were published"))
}

/// What counts CPU time: a control group, or `/proc` where none can be made.
struct Meter {
    roots: Vec<u32>,
    group: Option<Group>,
}

impl Meter {
    fn new(roots: &[u32]) -> Self {
        let group = Group::new().and_then(|group| {
            for process in usage::tree(roots) {
                group.take_in(process)?;
            }
            Ok(group)
        });
        Self {
            roots: roots.to_vec(),
            group: group.ok(),
        }
    }

    fn name(&self) -> &'static str {
        self.group
            .as_ref()
            .map_or("/proc, processes that ended not counted", Group::name)
    }

    fn cpu(&self) -> anyhow::Result<Duration> {
        match &self.group {
            Some(group) => group.cpu(),
            None => Ok(self.usage()?.cpu),
        }
    }

    fn usage(&self) -> anyhow::Result<Usage> {
        usage::of(usage::tree(&self.roots))
    }
}

/// The load generator as a child process.
struct Load {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Load {
    fn start(server: &dyn Server, scenario: &Scenario, seconds: u64) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("load");
        let addresses = server.publish_to();
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let spacing = serde_json::to_value(scenario.spacing)?;
        for (name, value) in [
            ("--publish-to", addresses.join(",")),
            ("--publishers", scenario.publishers.to_string()),
            ("--read-from", server.read_from().to_string()),
            ("--readers", scenario.readers.to_string()),
            ("--rate-bps", scenario.rate_bps.to_string()),
            ("--spacing", spacing.as_str().unwrap_or_default().to_owned()),
            ("--latency-ms", LATENCY_MS.to_string()),
            ("--seconds", seconds.to_string()),
        ] {
            command.args([name, &value]);
        }
        if scenario.is_encrypted {
            command.args(["--read-passphrase", READ_PASSPHRASE]);
        }
        command
            .args(server.generator_arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = spawn(&mut command).context("the load generator could not be started")?;
        let out = child.stdout.take().context("its output was piped")?;
        Ok(Self {
            child,
            lines: BufReader::new(out).lines(),
        })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        self.lines
            .next()
            .context("the load generator ended early")?
            .context("unreadable output")
    }

    fn until(&mut self, word: &str) -> anyhow::Result<()> {
        while self.line()? != word {}
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
