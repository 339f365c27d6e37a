//! `tidegate probe`: takes a feed for a few seconds, and says what is in it and how it is.
//!
//! It runs the same engine as the server, with one source, so it judges as the server does.

mod say;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use tidegate_engine::{
    Connection, Engine, EngineConfig, Health, SourceDriver, SourceSpec, SourceStatus,
};
use tidegate_srt_io::{Shards, ShardsConfig};

use tokio_util::sync::CancellationToken;

use super::{drivers, say};
use crate::adapters::{Adapters, Shared, SourceConfig};
use crate::config::read;
use crate::state::Vault;

const NAME: &str = "probe";
/// How long the far side may take to answer, or the first packet to come.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The feed was taken, and something is wrong with it.
const UNHEALTHY: u8 = 1;
/// There was no feed.
const NO_FEED: u8 = 2;

/// What `probe` takes.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// `srt://host:port?streamid=…&passphrase=…`, `udp://address:port` (a multicast group is
    /// joined), or a file of MPEG-TS.
    uri: String,
    /// For how long to look, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Print JSON, as the API's source status.
    #[arg(long)]
    json: bool,
}

/// Looks at a feed. 0: healthy, 1: something is wrong with it, 2: there is none.
pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let status = runtime.block_on(take(args))?;
    if args.json {
        say(&serde_json::to_string_pretty(&status)?);
    } else {
        say(&say::text(&args.uri, &status));
    }
    Ok(match (status.media.is_some(), status.health) {
        (false, _) => NO_FEED.into(),
        (true, Health::Ok) => ExitCode::SUCCESS,
        (true, _) => UNHEALTHY.into(),
    })
}

async fn take(args: &ProbeArgs) -> anyhow::Result<SourceStatus> {
    let threads = ShardsConfig {
        threads: 1,
        ..ShardsConfig::default()
    };
    let shards = Shards::start(&threads).context("the media threads cannot be started")?;
    let config = EngineConfig {
        clock: shards.clock(),
        data_dir: std::env::temp_dir(),
    };
    let engine = Engine::start(config);
    let adapters = Adapters::new(&Shared {
        shards: shards.clone(),
    });
    let driver = driver(&args.uri, &adapters)?;
    engine
        .set_source(
            NAME,
            SourceSpec {
                driver,
                expect: None,
            },
        )
        .await?;
    let status = watch(&engine, Duration::from_secs(args.seconds)).await;
    engine.shutdown().await;
    shards.stop().await;
    status.context("the feed went before anything was known of it")
}

/// Looks until the feed has been there long enough, or did not come, or ended. What was seen
/// last while it was there counts: a file that ends is no fault.
async fn watch(engine: &Engine, long_enough: Duration) -> Option<SourceStatus> {
    let began = Instant::now();
    let mut seen: Option<(Instant, SourceStatus)> = None;
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let status = engine.source_status(NAME)?;
        let there = status.connection == Connection::Connected;
        match (&mut seen, there) {
            (None, true) if status.last_packet_age_ms.is_some() => {
                seen = Some((Instant::now(), status));
            }
            (Some((since, last)), true) => {
                let done = since.elapsed() >= long_enough;
                *last = status;
                if done {
                    break;
                }
            }
            (Some(_), false) => break,
            (None, _) if status.connection == Connection::Failed => return Some(status),
            (None, _) if began.elapsed() >= PATIENCE => return Some(status),
            (None, _) => {}
        }
    }
    seen.map(|(_, status)| status)
}

fn driver(uri: &str, adapters: &Adapters) -> anyhow::Result<Arc<dyn SourceDriver>> {
    match uri.split_once("://") {
        Some(("srt", _)) => {
            let source = serde_json::json!({ "name": NAME, "srt": { "call": uri } }).to_string();
            let mut source: SourceConfig = read::json(source.as_bytes())
                .map_err(|errors| anyhow::anyhow!("{}", errors.first()))?;
            let mut vault = Vault::default();
            vault.absorb(&mut source, None);
            Ok(adapters.source(&source, &vault)?)
        }
        Some(("udp", address)) => {
            let place = address.split(['?', '/']).next().unwrap_or_default();
            drivers::udp(place.trim_start_matches('@'), None)
        }
        Some(("file", path)) => file(path),
        Some((scheme, _)) => bail!("{scheme}:// cannot be probed; use srt://, udp:// or a file"),
        None => file(uri),
    }
}

fn file(path: &str) -> anyhow::Result<Arc<dyn SourceDriver>> {
    let at_once = CancellationToken::new();
    at_once.cancel();
    drivers::file(path, at_once, CancellationToken::new())
}
