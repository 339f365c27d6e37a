//! What a platform that does not take its stream costs, and what its neighbour feels of it.

use super::Options;
use super::delays::Delays;
use super::pictures;
use super::sink::{NOTED, SLOW, STUCK, Sink};
use super::stage::{Place, Stage, Who};
use crate::runner::eprint_progress;
use crate::stream::Stream;
use crate::usage;
use anyhow::Context as _;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// By then the queue of a stuck platform, 16 MB, and the kernel's are full at the rate below.
const SETTLE: Duration = Duration::from_secs(14);
const SOURCE_BPS: u64 = 20_000_000;
/// Memory is looked at so often.
const LOOK: Duration = Duration::from_millis(100);

/// What stands beside the good platform.
const CASES: [(&str, Option<&str>); 3] = [
    ("none beside it", None),
    ("one that takes 0.6 Mbit/s", Some(SLOW)),
    ("one that takes nothing", Some(STUCK)),
];

#[derive(Debug, Serialize)]
pub(super) struct Row {
    beside: &'static str,
    /// Each measurement that counts, by its p99.
    counted: Vec<Measured>,
    refused: Option<String>,
}

#[derive(Debug, Serialize)]
struct Measured {
    delays: Delays,
    /// The most there was at any time.
    memory_bytes: u64,
}

pub(super) fn measure(options: &Options, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let time = Duration::from_secs(options.seconds);
    let length = SETTLE + time + Duration::from_secs(20);
    let stream = Arc::new(Stream::make(folder, SOURCE_BPS, length)?);
    let mut rows: Vec<Row> = CASES
        .iter()
        .map(|(beside, _)| Row {
            beside,
            counted: Vec::new(),
            refused: None,
        })
        .collect();
    for round in 1..=options.repeat {
        for (row, (_, key)) in rows.iter_mut().zip(CASES) {
            eprint_progress(&format!("a stuck platform: {} ({round})", row.beside));
            match once(&options.tidegate, &stream, key, time) {
                Ok(Ok(measured)) => row.counted.push(measured),
                Ok(Err(why)) => row.refused = Some(why),
                Err(error) => row.refused = Some(format!("{error:#}")),
            }
        }
    }
    for row in &mut rows {
        let by_p99 = |a: &Measured, b: &Measured| a.delays.p99_ms.total_cmp(&b.delays.p99_ms);
        row.counted.sort_by(by_p99);
    }
    Ok(rows)
}

fn once(
    tidegate: &Path,
    stream: &Arc<Stream>,
    beside: Option<&str>,
    time: Duration,
) -> anyhow::Result<Result<Measured, String>> {
    let ends = pictures::of_stream(stream.bytes());
    let sink = Sink::start(None)?;
    let keys = std::iter::once(NOTED).chain(beside);
    let places: Vec<Place> = keys.map(|key| Place::plain(sink.port, key)).collect();
    let stage = Stage::set(Who::Tidegate(tidegate), stream, &places, &sink)?;
    let (began, mut memory_bytes) = (Instant::now(), 0);
    while began.elapsed() < SETTLE + time {
        memory_bytes = memory_bytes.max(usage::anonymous_bytes(stage.process())?);
        std::thread::sleep(LOOK);
    }
    let good = stage.output("out0")["frames_dropped"].as_u64();
    let (published, refused) = stage.strike()?;
    let got = sink.finish()?;
    let guest = got.iter().find(|guest| guest.key == NOTED);
    let seen = &guest.context("nobody published")?.seen;
    let delays = Delays::of(&ends, &published, seen, SETTLE);
    let lost = (good != Some(0)).then(|| format!("the neighbour lost {good:?} frames"));
    Ok(match refused.or(lost).or_else(|| delays.refusal()) {
        Some(why) => Err(why),
        None => Ok(Measured {
            delays,
            memory_bytes,
        }),
    })
}

pub(super) fn table(rows: &[Row]) -> String {
    let memory = |row: &Row| row.counted.iter().map(|one| one.memory_bytes).max();
    let alone = rows.first().and_then(memory).unwrap_or(0);
    let mut lines = vec![
        format!(
            "| a platform at {} Mbit/s, and beside it | its delay p50 | p99 | longest | memory | more than without |",
            SOURCE_BPS / 1_000_000
        ),
        "|---|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for row in rows {
        let Some(median) = row.counted.get(row.counted.len() / 2) else {
            let why = row.refused.as_deref().unwrap_or_default();
            let beside = row.beside;
            lines.push(format!("| {beside} | no figure: {why} | | | | |"));
            continue;
        };
        let p99 = |one: Option<&Measured>| one.map_or(0.0, |one| one.delays.p99_ms);
        let most = memory(row).unwrap_or(0);
        lines.push(format!(
            "| {} | {:.1} ms | {:.1} ms ({:.1}–{:.1}) | {:.1} ms | {:.1} MB | {:.1} MB |",
            row.beside,
            median.delays.p50_ms,
            median.delays.p99_ms,
            p99(row.counted.first()),
            p99(row.counted.last()),
            median.delays.max_ms,
            most as f64 / 1e6,
            most.saturating_sub(alone) as f64 / 1e6,
        ));
    }
    lines.join("\n")
}
