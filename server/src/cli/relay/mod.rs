//! `tidegate relay`, `send` and `receive`: one feed from one place to another, without a server.
//!
//! They run the engine that the server runs, with one source and one output, and take the
//! addresses and options of srt-live-transmit.

mod address;
mod console;
mod drain;
mod ends;
mod live_transmit;
mod srt_end;
mod statistics;
mod watch;

pub(super) use live_transmit::translate;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgAction, Args, ValueEnum};
use tidegate_engine::{Engine, EngineConfig, OutputSpec, SourceSpec};
use tidegate_srt_io::{Shards, ShardsConfig};
use tokio_util::sync::CancellationToken;

use super::drivers;
use crate::adapters::{Adapters, Shared};
use address::Address;
use ends::{FROM, Input, Output, TO};
use statistics::Format;
use watch::Watch;

/// What `relay` takes.
#[derive(Debug, Args)]
pub(super) struct RelayArgs {
    /// `srt://HOST:PORT` (call), `srt://:PORT` (listen), `srt://HOST:PORT?mode=rendezvous`,
    /// `udp://[GROUP]:PORT`, or `file://con` (standard input). Options of an SRT address are
    /// libsrt's; `latency` is in milliseconds (in ffmpeg's addresses it is in microseconds:
    /// divide by 1000). A passphrase in an address can be seen by whoever lists processes:
    /// the environment variables `TIDEGATE_PASSPHRASE_FROM` and `TIDEGATE_PASSPHRASE_TO` are
    /// read instead.
    from: String,
    /// The same, to send to: `srt://…`, `udp://HOST:PORT`, or `file://con` (standard output).
    to: String,
    #[command(flatten)]
    options: RelayOptions,
}

/// What `send` takes.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// A file of MPEG-TS, sent in its own time, or `-` for standard input, sent as it comes.
    /// Where we listen, a file begins with the first reader.
    file: String,
    /// Where to: `srt://HOST:PORT`, `srt://:PORT` (listen), `udp://HOST:PORT`.
    to: String,
    #[command(flatten)]
    options: RelayOptions,
}

/// What `receive` takes.
#[derive(Debug, Args)]
pub(super) struct ReceiveArgs {
    /// Where from: `srt://HOST:PORT`, `srt://:PORT` (listen), `udp://[GROUP]:PORT`.
    from: String,
    /// The file to write, or `-` for standard output.
    #[arg(default_value = "-")]
    file: String,
    #[command(flatten)]
    options: RelayOptions,
}

/// What all three take. srt-live-transmit's spellings work too: `-t:5 -s:100 -pf:json -a:no`.
#[derive(Debug, Args)]
pub(super) struct RelayOptions {
    /// End after so many seconds; 0: never. [srt-live-transmit: -t]
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    timeout: u64,
    /// 0: the time runs from the start; 1: it counts only until both ends are connected.
    /// [-tm]
    #[arg(long, default_value_t = 0, value_name = "MODE", value_parser = clap::value_parser!(u8).range(0..=1))]
    timeout_mode: u8,
    /// Connect again when an end goes away, or end. [-a]
    #[arg(long, default_value = "yes", value_name = "YES|NO")]
    reconnect: YesNo,
    /// Bytes of standard input in one packet. [-c]
    #[arg(long, default_value_t = drivers::CHUNK_BYTES, value_name = "BYTES", value_parser = chunk_bytes)]
    chunk: usize,
    /// Pass packets on as soon as they are in order, instead of after the input's latency.
    #[arg(long)]
    low_delay: bool,
    /// Print statistics every so many packets; 0: never. [-s]
    #[arg(long, default_value_t = 0, value_name = "PACKETS")]
    stats_every: u64,
    /// Print statistics every so many seconds; 0: never.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    stats_interval: u64,
    /// How statistics are printed; CSV and JSON are srt-live-transmit's. [-pf]
    #[arg(long, value_enum, default_value_t)]
    stats_format: Format,
    /// Where: a file instead of standard output. [-statsout]
    #[arg(long, value_name = "FILE")]
    stats_out: Option<PathBuf>,
    /// Count from the beginning instead of from the last report. [-f]
    #[arg(long)]
    full_stats: bool,
    /// Say nothing of connections coming and going. [-q]
    #[arg(long)]
    quiet: bool,
    /// Say what the program does inside. [-v]
    #[arg(long, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum YesNo {
    #[value(aliases = ["1", "true", "on"])]
    Yes,
    #[value(aliases = ["0", "false", "off"])]
    No,
}

/// What fits into one SRT packet.
const CHUNK_BYTES_MAX: usize = 1456;

fn chunk_bytes(text: &str) -> Result<usize, String> {
    let fits = |bytes: &usize| (1..=CHUNK_BYTES_MAX).contains(bytes);
    let bytes = text.parse().ok().filter(fits);
    bytes.ok_or_else(|| format!("1 to {CHUNK_BYTES_MAX} bytes fit into a packet; 1316 is usual"))
}

/// Relays between two addresses.
pub(super) fn relay(args: &RelayArgs) -> anyhow::Result<ExitCode> {
    let (from, to) = (from(&args.from)?, to(&args.to)?);
    srt_end::refuse_one_port(&from, &to)?;
    run(Input::Address(from), Output::Address(to), &args.options)
}

/// Sends a file or standard input.
pub(super) fn send(args: &SendArgs) -> anyhow::Result<ExitCode> {
    let to = Output::Address(to(&args.to)?);
    run(Input::file(&args.file), to, &args.options)
}

/// Writes what it receives into a file or to standard output.
pub(super) fn receive(args: &ReceiveArgs) -> anyhow::Result<ExitCode> {
    let from = Input::Address(from(&args.from)?);
    run(from, Output::file(&args.file), &args.options)
}

/// The passphrases of both ends, where nobody sees them who lists processes.
const PASSPHRASE_FROM: &str = "TIDEGATE_PASSPHRASE_FROM";
const PASSPHRASE_TO: &str = "TIDEGATE_PASSPHRASE_TO";

fn from(text: &str) -> anyhow::Result<Address> {
    Address::parse(text)?.with_passphrase(PASSPHRASE_FROM, std::env::var_os(PASSPHRASE_FROM))
}

fn to(text: &str) -> anyhow::Result<Address> {
    Address::parse(text)?.with_passphrase(PASSPHRASE_TO, std::env::var_os(PASSPHRASE_TO))
}

fn run(from: Input, to: Output, options: &RelayOptions) -> anyhow::Result<ExitCode> {
    if options.verbose {
        tracing_subscriber::fmt()
            .with_env_filter("debug")
            .with_writer(std::io::stderr)
            .init();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let done = runtime.block_on(carry(&from, &to, options));
    // Standard input may still be waited for, by a thread that nothing can wake.
    runtime.shutdown_background();
    done
}

async fn carry(from: &Input, to: &Output, options: &RelayOptions) -> anyhow::Result<ExitCode> {
    let threads = ShardsConfig {
        threads: 1,
        ..ShardsConfig::default()
    };
    let shards = Shards::start(&threads).context("the media threads cannot be started")?;
    let engine = Engine::start(EngineConfig {
        clock: shards.clock(),
        data_dir: std::env::temp_dir(),
    });
    let adapters = Adapters::new(&Shared {
        shards: shards.clone(),
    });
    let (audience, ended) = (CancellationToken::new(), CancellationToken::new());
    if !to.is_listener() {
        // A call holds back what is sent while it is being made.
        audience.cancel();
    }
    let driver = from.driver(options.chunk, &audience, &ended, &adapters)?;
    let output = OutputSpec {
        source: FROM.to_owned(),
        driver: to.driver(options.low_delay, &adapters)?,
    };
    // The output first: nothing that arrives is to find nobody there.
    engine.set_output(TO, output).await?;
    let source = SourceSpec {
        driver,
        expect: None,
    };
    engine.set_source(FROM, source).await?;
    let outcome = Watch::new(&engine, from, to, options)?
        .until_the_end(&audience, &ended)
        .await;
    engine.shutdown().await;
    shards.stop().await;
    outcome
}
