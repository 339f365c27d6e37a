//! What the frame lane and HLS cost, from the SRT publisher to the viewers.
//!
//! First the same sources with and without HLS outputs: the difference is what making segments
//! costs. Then one output and more and more viewers who follow it like players.

mod account;
mod crowd;
mod making;
mod playlist;
mod reply;
mod stage;
mod table;
mod viewer;

use crate::runner::eprint_progress;
use crate::stream::Stream;
use anyhow::Context as _;
use clap::Args;
use crowd::{Crowd, Watched};
use stage::Stage;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use table::Viewed;

/// Traffic before anything is measured: by then an output has every segment it keeps.
const WARM_UP: Duration = Duration::from_secs(24);
/// Segments an output lists before viewers come.
const LISTED: usize = 6;
const LISTED_LIMIT: Duration = Duration::from_secs(30);
/// Until those are there as well that it keeps beyond the list, and its memory grows no more.
const KEPT: Duration = Duration::from_secs(10);
/// Viewers watch this long before they are counted: every one has begun by then.
const SETTLE: Duration = Duration::from_secs(6);
/// Viewers come evenly within this time.
const GATHER: Duration = Duration::from_secs(4);
/// A viewer that reloads later than this, or a generator that has less of its core left, is the
/// bottleneck itself.
const LATE_LIMIT: Duration = Duration::from_millis(250);
const BUSY_LIMIT: f64 = 0.85;
/// Time for everything around a measurement, for which there must be stream as well.
const SPARE: Duration = Duration::from_secs(25);

const SECONDS: u64 = 20;
const SOURCES: usize = 10;
const SOURCE_BPS: u64 = 6_000_000;
const VIEWERS: [usize; 4] = [1, 10, 100, 1000];
const VIEWER_BPS: u64 = 1_000_000;

#[derive(Args)]
pub(crate) struct Options {
    /// The server to measure.
    #[arg(long, default_value_os_t = crate::servers::built_tidegate())]
    tidegate: PathBuf,
    /// How long each measurement takes.
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Sources whose segments are made; more of them make the figure finer.
    #[arg(long, default_value_t = SOURCES)]
    sources: usize,
    /// Bits per second of each of them.
    #[arg(long, default_value_t = SOURCE_BPS)]
    source_bps: u64,
    /// Viewers, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = VIEWERS)]
    viewers: Vec<usize>,
    /// Bits per second of the stream they watch.
    #[arg(long, default_value_t = VIEWER_BPS)]
    viewer_bps: u64,
    /// Also write the figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Options {
    /// What is measured where nothing else is asked for.
    pub(crate) fn usual(tidegate: &Path, json: Option<PathBuf>) -> Self {
        Self {
            tidegate: tidegate.to_owned(),
            seconds: SECONDS,
            sources: SOURCES,
            source_bps: SOURCE_BPS,
            viewers: VIEWERS.to_vec(),
            viewer_bps: VIEWER_BPS,
            json,
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let time = Duration::from_secs(options.seconds);
    let length = WARM_UP + LISTED_LIMIT + KEPT + GATHER + SETTLE + time + SPARE;
    let stream = Arc::new(Stream::make(folder.path(), options.source_bps, length)?);
    let made = making::measure(options, &stream)?;
    println!("\n{made}");
    let stream = Arc::new(Stream::make(folder.path(), options.viewer_bps, length)?);
    let mut viewed = Vec::new();
    for count in &options.viewers {
        eprint_progress(&format!("HLS: {count} viewers"));
        viewed.push(viewing(options, &stream, *count)?);
    }
    println!("{}", table::of_viewers(options.viewer_bps, &viewed));
    if let Some(path) = &options.json {
        let json = serde_json::json!({ "made": made, "viewed": viewed });
        std::fs::write(path, serde_json::to_vec_pretty(&json)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// One output and so many viewers.
fn viewing(options: &Options, stream: &Arc<Stream>, count: usize) -> anyhow::Result<Viewed> {
    let stage = Stage::set(&options.tidegate, 1, stream, true)?;
    stage.wait_for_segments("hls0", LISTED, LISTED_LIMIT)?;
    std::thread::sleep(KEPT);
    let before = stage.used()?;
    let mut crowd = Crowd::gather(stage.http()?, stage.token(), "hls0", count, GATHER)?;
    crowd.watch(SETTLE)?;
    let begin = stage.used()?;
    let watched = crowd.watch(Duration::from_secs(options.seconds))?;
    let end = stage.used()?;
    drop(crowd);
    let refused = stage.strike()?.or_else(|| refusal(&watched));
    let memory = end.memory_bytes.saturating_sub(before.memory_bytes);
    Ok(Viewed::new(
        count,
        end.since(begin),
        memory,
        watched,
        refused,
    ))
}

fn refusal(watched: &Watched) -> Option<String> {
    let figures = &watched.figures;
    if figures.missed > 0 || figures.late > 0 {
        let (missed, late) = (figures.missed, figures.late);
        return Some(format!("{missed} segments missed, {late} late"));
    }
    if watched.busy > BUSY_LIMIT {
        return Some(format!(
            "the viewers used {:.0} % of a core",
            watched.busy * 100.0
        ));
    }
    let late = watched.worst_lateness;
    (late > LATE_LIMIT).then(|| format!("a viewer was {} ms late", late.as_millis()))
}
