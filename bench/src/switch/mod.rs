//! What viewers see of a switch, from the outside.
//!
//! ```text
//! main   ──SRT──┐
//!               ├─▶ Tidegate: switch ──SRT──▶ viewer: silence, times, counters, a decoder
//! backup ──SRT──┘        ▲
//!    two encodings       └─ main is unplugged, leaves, stalls; or somebody takes
//! ```

mod case;
mod feeder;
mod seen;
mod stage;
mod table;
mod viewer;

use crate::runner::eprint_progress;
use anyhow::Context as _;
use case::{CASES, Case};
use clap::Args;
use seen::Seen;
use serde::Serialize;
use stage::Stage;
use std::path::{Path, PathBuf};

const REPEAT: usize = 5;

#[derive(Args)]
pub(crate) struct Options {
    /// The server to measure.
    #[arg(long, default_value_os_t = crate::servers::built_tidegate())]
    tidegate: PathBuf,
    /// Only cases with this in their name.
    #[arg(long)]
    only: Option<String>,
    /// How often each case is repeated; the median and the worst are printed.
    #[arg(long, default_value_t = REPEAT)]
    repeat: usize,
    /// Also write the figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Keep what viewers saw in this folder.
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Options {
    /// What is measured where nothing else is asked for.
    pub(crate) fn usual(tidegate: &Path, json: Option<PathBuf>) -> Self {
        Self {
            tidegate: tidegate.to_owned(),
            only: None,
            repeat: REPEAT,
            json,
            keep: None,
        }
    }
}

/// One round of a case.
#[derive(Clone, Debug, Serialize)]
struct Measured {
    seen: Seen,
    /// What the switch itself says of the last time.
    said: serde_json::Value,
    switches: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    case: &'static str,
    rounds: Vec<Measured>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wanted = |case: &&Case| {
        let only = options.only.as_deref();
        only.is_none_or(|only| case.name.contains(only))
    };
    let mut rows = Vec::new();
    for case in CASES.iter().filter(wanted) {
        let streams = case.streams(folder.path())?;
        let mut rounds = Vec::new();
        for round in 0..options.repeat {
            eprint_progress(&format!("switch, {} ({})", case.name, round + 1));
            let stage = Stage::set(&options.tidegate, case, &streams)?;
            let (watched, said) = stage.play(case, round)?;
            if let Some(keep) = &options.keep {
                let name = format!("{}-{round}.ts", case.name.replace([' ', ','], "-"));
                std::fs::write(keep.join(name), &watched.bytes)?;
            }
            rounds.push(Measured {
                seen: Seen::of(&watched, folder.path())?,
                switches: said["switches"].as_u64().unwrap_or(0),
                said: said["last_switch"].clone(),
            });
        }
        rows.push(Row {
            case: case.name,
            rounds,
        });
    }
    println!("\n{}", table::table(&rows));
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
