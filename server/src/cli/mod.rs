//! The command line.

mod apply;
mod check;
mod client;
mod drivers;
mod export;
mod probe;
mod relay;
mod serve;

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tidegate_srt_io::SHARDS_MAX;

/// Tidegate: a self-hosted SRT server and gateway for live video.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(ServeArgs),
    /// Check a configuration file: 0 when it is right, 1 when it is wrong, 2 when it cannot
    /// be read.
    Check {
        /// The file, or `-` for standard input.
        file: PathBuf,
        /// The data folder, in whose folder `media` slates and media files are looked for. One that
        /// is missing is a warning: it may come later.
        #[arg(long, short, env = "TIDEGATE_DATA", default_value = "tidegate-data")]
        data: PathBuf,
    },
    /// Put a configuration file in force on a running server.
    Apply {
        /// The file, or `-` for standard input.
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the configuration in force as a file. Secrets stay where they are.
    Export {
        #[command(flatten)]
        server: ServerArgs,
        /// Read the store in this data folder instead of asking a server.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Look at a feed for a few seconds: what is in it, and is it healthy? 0: healthy,
    /// 1: something is wrong with it, 2: there is no feed.
    Probe(probe::ProbeArgs),
    /// Carry one feed from one address to another, as srt-live-transmit does.
    Relay(relay::RelayArgs),
    /// Send a file or standard input.
    Send(relay::SendArgs),
    /// Receive into a file or to standard output.
    Receive(relay::ReceiveArgs),
    /// Print the OpenAPI document of this program.
    Openapi,
}

/// What `serve` takes.
#[derive(Debug, Args)]
struct ServeArgs {
    /// The configuration file: imported at the first start, compared with afterwards.
    #[arg(long, short, env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// The folder for the store, certificates and recordings.
    #[arg(long, short, env = "TIDEGATE_DATA", default_value = "tidegate-data")]
    data: PathBuf,
    /// Put the configuration file in force, whatever the store says.
    #[arg(long, requires = "config")]
    apply: bool,
    /// Media threads (shards), which share every SRT port; one per core when absent.
    #[arg(long, env = "TIDEGATE_SHARDS", value_parser = shards)]
    shards: Option<NonZeroUsize>,
}

/// Which server, and how to get in.
#[derive(Debug, Args)]
struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "TIDEGATE_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The API token the server was started with.
    #[arg(long, env = "TIDEGATE_API_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A PEM file with the certificate to trust, for a self-signed server.
    #[arg(long)]
    ca: Option<PathBuf>,
}

/// The commands that take srt-live-transmit's options.
const RELAYS: [&str; 3] = ["relay", "send", "receive"];

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            say_wrong(&format!("{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let done = match Cli::parse_from(arguments).command {
        Command::Serve(args) => serve::run(args),
        Command::Check { file, data } => check::run(&file, &data),
        Command::Apply { file, server } => apply::run(&file, &server),
        Command::Export { server, data } => export::run(&server, data.as_deref()),
        Command::Probe(args) => probe::run(&args),
        Command::Relay(args) => relay::relay(&args),
        Command::Send(args) => relay::send(&args),
        Command::Receive(args) => relay::receive(&args),
        Command::Openapi => openapi(),
    };
    done.unwrap_or_else(|error| {
        say_wrong(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// The arguments of this process; those of a relay may be spelt as srt-live-transmit's.
fn arguments() -> anyhow::Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let is_relay = |name: &OsString| RELAYS.iter().any(|relay| name == relay);
    if arguments.get(1).is_some_and(is_relay) {
        let theirs = arguments.split_off(2);
        arguments.extend(relay::translate(theirs)?);
    }
    Ok(arguments)
}

fn openapi() -> anyhow::Result<ExitCode> {
    say(&serde_json::to_string_pretty(
        &crate::api::openapi_document(),
    )?);
    Ok(ExitCode::SUCCESS)
}

/// A number of media threads.
fn shards(text: &str) -> Result<NonZeroUsize, String> {
    let count: Option<NonZeroUsize> = text.parse().ok();
    count
        .filter(|count| count.get() <= SHARDS_MAX)
        .ok_or_else(|| {
            format!("a number from 1 to {SHARDS_MAX} is needed; without it there is one per core")
        })
}

/// One thing to say on standard output. Nobody listening is no error.
fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// One thing to say on standard error.
fn say_wrong(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "tidegate: {text}");
}

/// The text of a file, or of standard input for `-`.
fn read_file(file: &std::path::Path) -> std::io::Result<String> {
    if file.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin());
    }
    std::fs::read_to_string(file)
}
