//! What is lost for good over a lossy path, and what that costs on the wire: this program's
//! endpoint and a real libsrt, in every pairing but our own with itself, which the simulator
//! measures.

mod cell;
mod conditions;
mod drops;
mod ends;
mod path;

use crate::runner::eprint_progress;
use cell::{Outcome, Who, measure};
use clap::Args;
use conditions::Conditions;
use std::path::Path as FilePath;
use std::time::Duration;
use tidegate_testkit::peers;

/// Where more datagrams than this were delayed by the machine, the figure says so.
const LATE_LIMIT_PERCENT: f64 = 2.0;
const SEED: u64 = 1;

#[derive(Args)]
pub(crate) struct Options {
    /// How long each cell is measured.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Only these pairings.
    #[arg(long, value_delimiter = ',')]
    who: Vec<Who>,
    /// Only rows whose name and latency contain this.
    #[arg(long, default_value = "")]
    only: String,
}

impl Options {
    /// Everything, for so long a cell.
    pub(crate) const fn everything(seconds: u64) -> Self {
        Self {
            seconds,
            who: Vec::new(),
            only: String::new(),
        }
    }
}

/// Prints the table, or that it is skipped.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let variable = "TIDEGATE_PEER_SRT_LIVE_TRANSMIT";
    let what = "the srt-live-transmit of a libsrt 1.5.5, so recovery is not measured";
    let Some(program) = peers::from_environment(variable, what) else {
        return Ok(());
    };
    let who = if options.who.is_empty() {
        Who::ALL.to_vec()
    } else {
        options.who.clone()
    };
    let names: Vec<&str> = who.iter().map(|who| who.name()).collect();
    println!("\n| conditions | latency | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    for conditions in conditions::all() {
        if describe(&conditions).contains(&options.only) {
            row(&program, &who, &conditions, options.seconds)?;
        }
    }
    Ok(())
}

fn describe(conditions: &Conditions) -> String {
    let millis = conditions.latency.as_millis();
    format!("{} | {millis} ms", conditions.name)
}

fn row(
    program: &FilePath,
    who: &[Who],
    conditions: &Conditions,
    seconds: u64,
) -> anyhow::Result<()> {
    let mut cells = Vec::new();
    for who in who {
        let name = format!("recovery: {}, {}", describe(conditions), who.name());
        eprint_progress(&name);
        let length = Duration::from_secs(seconds);
        let outcome = measure(program, *who, conditions, length, SEED)?;
        cells.push(show(&outcome));
    }
    println!("| {} | {} |", describe(conditions), cells.join(" | "));
    Ok(())
}

fn show(outcome: &Outcome) -> String {
    let Outcome {
        unrecovered_percent,
        wire,
        late_percent,
        host_drops,
        worst_lateness,
    } = outcome;
    if *host_drops > 0 {
        return format!("no figure: the kernel dropped {host_drops} datagrams");
    }
    let note = if *late_percent > LATE_LIMIT_PERCENT {
        let behind = worst_lateness.as_millis();
        format!(" (the machine delayed {late_percent:.1} %, and the stream by up to {behind} ms)")
    } else {
        String::new()
    };
    format!("{unrecovered_percent:.4} / {wire:.3}{note}")
}
