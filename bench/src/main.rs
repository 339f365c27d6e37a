//! What Tidegate costs, measured beside every peer that is installed in the same run.
//!
//! `tidegate-bench run` starts each server, drives it with the load generator (this same
//! program as a child, `tidegate-bench load`), and reads the server's own CPU time and
//! memory from the kernel. A figure is printed only if no packet was lost and the
//! generator kept its schedule.
//!
//! ```text
//! runner ── for each scenario, server ──▶ servers/   starts it
//!   │                                     measure    drives and watches it:
//!   │                                                 load/ (a child), cgroup, usage, syscalls
//!   └── medians, table, JSON ◀── report/ ◀── Observed
//! ```

#![expect(
    clippy::print_stdout,
    reason = "its output is the point of this program"
)]

mod attack;
mod caller;
mod cgroup;
mod ciphers;
mod floor;
mod growth;
mod histogram;
mod hls;
mod impairment;
mod load;
mod measure;
mod pacing;
mod payload;
mod plot;
mod port;
mod publishers;
mod recovery;
mod report;
mod rtmp;
mod runner;
mod scenario;
mod servers;
mod stream;
mod switch;
mod syscalls;
mod usage;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures Tidegate beside real peers")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every scenario against every server installed.
    Run(runner::Options),
    /// Measure only a relay of one publisher and one reader: what it adds in delay.
    Hop(runner::Options),
    /// Measure only what strangers with a wrong passphrase cost.
    Attack(runner::Options),
    /// Measure only what HLS costs: making segments, and 1 to 1,000 viewers.
    Hls(hls::Options),
    /// Measure only RTMP outputs: what they add in delay, what they cost, and a stuck platform.
    Rtmp(rtmp::Options),
    /// Measure only how evenly a UDP output sends.
    Pacing(pacing::Options),
    /// Measure only what viewers see of a switch: silence, steps, complaints of a decoder.
    Switch(switch::Options),
    /// Measure only what encryption costs for a packet.
    Ciphers(ciphers::Options),
    /// Measure only what is lost for good over a lossy path, beside a real libsrt.
    Recovery(recovery::Options),
    /// Measure only what 1 to 1000 connections cost.
    Growth(growth::Options),
    /// Draw a chart of figures written as JSON.
    Plot(plot::Options),
    /// Relay plain UDP, as the floor of what a server can cost (started by `run`).
    Floor(floor::Options),
    /// Generate load (started by `run`).
    Load(load::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Run(options) => runner::run(&options),
        Command::Hop(options) => runner::hop(&options),
        Command::Attack(options) => attack::run(&options),
        Command::Hls(options) => hls::run(&options),
        Command::Rtmp(options) => rtmp::run(&options),
        Command::Pacing(options) => pacing::run(&options),
        Command::Switch(options) => switch::run(&options),
        Command::Ciphers(options) => ciphers::run(&options),
        Command::Recovery(options) => recovery::run(&options),
        Command::Growth(options) => growth::run(&options),
        Command::Plot(options) => plot::run(&options),
        Command::Floor(options) => floor::run(&options),
        Command::Load(options) => load::run(&options),
    }
}
