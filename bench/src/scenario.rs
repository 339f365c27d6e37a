//! The scenarios, and one measurement of one server in one of them.

use crate::load::Outcome;
use crate::report::{self, Figure};
use crate::server::{LiveTransmit, OurServer, Server};
use crate::usage::{self, Usage};
use crate::{attack, hop, recovery};
use anyhow::{Context as _, bail};
use clap::Args;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tidegate_testkit::peers;

#[derive(Args)]
pub(crate) struct Options {
    /// The Tidegate to measure.
    #[arg(long, default_value = "target/release/tidegate")]
    pub(crate) tidegate: PathBuf,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// How often each measurement is repeated; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) repeat: usize,
    /// How long each cell of the recovery table is measured; there are 36.
    #[arg(long, default_value_t = 60)]
    recovery_seconds: u64,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) publishers: usize,
    pub(crate) readers: usize,
    /// srt-live-transmit has one reader a process.
    pub(crate) peer_can: bool,
}

const RATE_BPS: u64 = 6_000_000;

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "1 → 0",
        publishers: 1,
        readers: 0,
        peer_can: true,
    },
    Scenario {
        name: "1 → 1",
        publishers: 1,
        readers: 1,
        peer_can: true,
    },
    Scenario {
        name: "1 → 10",
        publishers: 1,
        readers: 10,
        peer_can: false,
    },
    Scenario {
        name: "1 → 100",
        publishers: 1,
        readers: 100,
        peer_can: false,
    },
    Scenario {
        name: "50 → 0",
        publishers: 50,
        readers: 0,
        peer_can: true,
    },
];

impl Options {
    /// There must be something to measure.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !self.tidegate.is_file() {
            bail!(
                "{} is missing: `make build` makes it",
                self.tidegate.display()
            );
        }
        Ok(())
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.check()?;
    let have_peer = peers::have(&["srt-live-transmit"]);
    let mut figures = Vec::new();
    for scenario in SCENARIOS {
        for round in 0..options.repeat {
            eprint_progress(&format!(
                "{} ({} of {})",
                scenario.name,
                round + 1,
                options.repeat
            ));
            let ours = OurServer::start(&options.tidegate, scenario.publishers);
            figures.push(measure(&ours, scenario, options)?);
            drop(ours);
            if have_peer && scenario.peer_can {
                let peer = LiveTransmit::start(scenario.publishers, scenario.readers > 0)?;
                figures.push(measure(&peer, scenario, options)?);
            }
        }
    }
    let figures = report::medians(&figures);
    report::print(&figures);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    hop::run(options)?;
    attack::run(options)?;
    recovery::run(&recovery::Options::everything(options.recovery_seconds))
}

#[expect(
    clippy::print_stderr,
    reason = "progress of a program that runs for minutes"
)]
pub(crate) fn eprint_progress(text: &str) {
    eprintln!("measuring {text}");
}

/// What was observed while a server was driven through a scenario.
pub(crate) struct Observed {
    pub(crate) before: Usage,
    pub(crate) after: Usage,
    /// The load generator's report.
    pub(crate) said: Outcome,
    /// Why the measurement does not count.
    pub(crate) refused: Option<String>,
}

/// Drives `server` through `scenario`, and says what that cost it.
fn measure(server: &dyn Server, scenario: Scenario, options: &Options) -> anyhow::Result<Figure> {
    let seen = observe(server, scenario, options, || Ok(()))?;
    Ok(Figure::new(
        server.name(),
        scenario,
        cost(seen.before, seen.after, scenario, options.seconds),
        seen.after,
        &seen.said,
        seen.refused,
    ))
}

/// Drives `server` through `scenario`; `begins` is called when the measurement does.
pub(crate) fn observe(
    server: &dyn Server,
    scenario: Scenario,
    options: &Options,
    begins: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Observed> {
    let mut load = Load::start(server, scenario, options.seconds)?;
    load.until("measuring")?;
    begins()?;
    let before = usage::of(&server.processes())?;
    load.until("measured")?;
    let after = usage::of(&server.processes())?;
    let said: Outcome = serde_json::from_str(&load.line()?)?;
    load.child.wait()?;
    let refused = said.refusal();
    Ok(Observed {
        before,
        after,
        said,
        refused,
    })
}

/// CPU seconds per gigabit carried: out where there are readers, in where there are none.
fn cost(before: Usage, after: Usage, scenario: Scenario, seconds: u64) -> f64 {
    let streams = scenario.readers.max(scenario.publishers) as u64;
    let gigabits = (RATE_BPS * seconds * streams) as f64 / 1e9;
    (after.cpu.saturating_sub(before.cpu)).as_secs_f64() / gigabits
}

/// The load generator as a child process.
struct Load {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Load {
    fn start(server: &dyn Server, scenario: Scenario, seconds: u64) -> anyhow::Result<Self> {
        let addresses: Vec<String> = server
            .publish_to()
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("load")
            .args(["--publish-to", &addresses.join(",")])
            .args(["--publishers", &scenario.publishers.to_string()])
            .args(["--read-from", &server.read_from().to_string()])
            .args(["--readers", &scenario.readers.to_string()])
            .args([
                "--rate-bps",
                &RATE_BPS.to_string(),
                "--seconds",
                &seconds.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the load generator could not be started")?;
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
        // The server's side of the connections ends before the next scenario begins.
        std::thread::sleep(Duration::from_millis(200));
    }
}
