use std::io::IsTerminal;
use std::process::ExitCode;

use tidegate_engine::Secret;
use tracing_subscriber::EnvFilter;

use super::{ServeArgs, say};
use crate::node::{Node, Options};

/// Environment variables with secrets, read once.
const ADMIN_PASSWORD: &str = "TIDEGATE_ADMIN_PASSWORD";
const API_TOKEN: &str = "TIDEGATE_API_TOKEN";
const STATS_TOKEN: &str = "TIDEGATE_STATS_TOKEN";
const LOG: &str = "TIDEGATE_LOG";

/// These write whole requests at their finer levels, credentials included.
const QUIET: [&str; 3] = ["hyper=warn", "h2=warn", "rustls=warn"];

/// Runs the server until it is told to stop.
pub(super) fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = QUIET.iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where in the code a line comes from is nothing to an operator.
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let options = Options {
        file: args.config,
        data: args.data,
        apply: args.apply,
        admin_password: secret(ADMIN_PASSWORD),
        api_token: secret(API_TOKEN),
        stats_token: secret(STATS_TOKEN),
        shards: args.shards,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let node = Node::start(options, say).await?;
        stop_signal().await?;
        tracing::info!("stopping");
        node.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn secret(variable: &str) -> Option<Secret> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
        .map(Secret::new)
}

pub(super) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
