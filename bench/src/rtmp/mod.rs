//! RTMP outputs: what they add in delay, what many of them cost, and what a stuck one does.
//!
//! ```text
//! publisher ──SRT──▶ Tidegate, or ffmpeg ──RTMP or RTMPS──▶ sink
//!     └ when it sent a picture's last packet     when the picture came ┘
//! ```

mod delays;
mod floor;
mod guest;
mod latency;
mod outputs;
mod pictures;
mod sink;
mod stage;
mod stuck;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

const SECONDS: u64 = 10;
const REPEAT: usize = 3;
const SOURCE_BPS: u64 = 6_000_000;

#[derive(Args)]
pub(crate) struct Options {
    /// The server to measure.
    #[arg(long, default_value_os_t = crate::servers::built_tidegate())]
    tidegate: PathBuf,
    /// How long each measurement takes.
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// How often each measurement is repeated; the median is printed.
    #[arg(long, default_value_t = REPEAT)]
    repeat: usize,
    /// Bits per second of the stream.
    #[arg(long, default_value_t = SOURCE_BPS)]
    source_bps: u64,
    /// Only these tables.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Also write the figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Latency,
    Outputs,
    Stuck,
}

impl Options {
    /// What is measured where nothing else is asked for.
    pub(crate) fn usual(tidegate: &Path, json: Option<PathBuf>) -> Self {
        Self {
            tidegate: tidegate.to_owned(),
            seconds: SECONDS,
            repeat: REPEAT,
            source_bps: SOURCE_BPS,
            only: Vec::new(),
            json,
        }
    }

    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut json = serde_json::Map::new();
    if options.has(Part::Latency) {
        let rows = latency::measure(options, folder.path())?;
        println!("\n{}", latency::table(&rows));
        json.insert("latency".to_owned(), serde_json::to_value(rows)?);
    }
    if options.has(Part::Outputs) {
        let rows = outputs::measure(options, folder.path())?;
        println!("\n{}", outputs::table(&rows, options.source_bps));
        json.insert("outputs".to_owned(), serde_json::to_value(rows)?);
    }
    if options.has(Part::Stuck) {
        let rows = stuck::measure(options, folder.path())?;
        println!("\n{}", stuck::table(&rows));
        json.insert("stuck".to_owned(), serde_json::to_value(rows)?);
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&json)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
