//! How long going from SRT to RTMP takes, picture by picture.

use super::Options;
use super::delays::Delays;
use super::pictures;
use super::sink::{NOTED, Sink};
use super::stage::{Place, Stage, Who};
use crate::runner::eprint_progress;
use crate::stream::Stream;
use anyhow::Context as _;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// ffmpeg looks at a stream for five seconds before it sends anything.
const SETTLE: Duration = Duration::from_secs(8);
/// Frame rates measured.
const FRAMES_PER_SECOND: [u32; 2] = [25, 50];

#[derive(Debug, Serialize)]
pub(super) struct Row {
    who: &'static str,
    frames_per_second: u32,
    /// The one with the median p99 of those that count, and the p99 of all of them.
    delays: Option<Delays>,
    p99_ms: Vec<f64>,
    refused: Option<String>,
}

pub(super) fn measure(options: &Options, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let time = Duration::from_secs(options.seconds);
    let mut rows = Vec::new();
    for rate in FRAMES_PER_SECOND {
        let length = SETTLE + time + Duration::from_secs(20);
        let stream = Stream::at_frame_rate(folder, options.source_bps, rate, length)?;
        let stream = Arc::new(stream);
        for who in [Who::Tidegate(&options.tidegate), Who::Ffmpeg] {
            let (mut counted, mut refused) = (Vec::new(), None);
            for round in 1..=options.repeat {
                let name = who.name();
                eprint_progress(&format!("SRT to RTMP, {rate} frames/s: {name} ({round})"));
                match once(who, &stream, time) {
                    Ok(Ok(delays)) => counted.push(delays),
                    Ok(Err(why)) => refused = Some(why),
                    Err(error) => refused = Some(format!("{error:#}")),
                }
            }
            counted.sort_by(|a: &Delays, b| a.p99_ms.total_cmp(&b.p99_ms));
            rows.push(Row {
                who: who.name(),
                frames_per_second: rate,
                p99_ms: counted.iter().map(|delays| delays.p99_ms).collect(),
                delays: counted.get(counted.len() / 2).cloned(),
                refused: refused.filter(|_| counted.is_empty()),
            });
        }
    }
    Ok(rows)
}

fn once(
    who: Who<'_>,
    stream: &Arc<Stream>,
    time: Duration,
) -> anyhow::Result<Result<Delays, String>> {
    let ends = pictures::of_stream(stream.bytes());
    let sink = Sink::start(None)?;
    let stage = Stage::set(who, stream, &[Place::plain(sink.port, NOTED)], &sink)?;
    std::thread::sleep(SETTLE + time);
    let (published, refused) = stage.strike()?;
    let got = sink.finish()?;
    let guest = got.iter().find(|guest| guest.key == NOTED);
    let seen = &guest.context("nobody published")?.seen;
    let delays = Delays::of(&ends, &published, seen, SETTLE);
    Ok(match refused.or_else(|| delays.refusal()) {
        Some(why) => Err(why),
        None => Ok(delays),
    })
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| a picture's last packet by SRT to the picture by RTMP | p50 | p99 | longest | p99 in frames |".to_owned(),
        "|---|---:|---:|---:|---:|".to_owned(),
    ];
    for row in rows {
        let name = format!("{}, {} frames/s", row.who, row.frames_per_second);
        let Some(delays) = &row.delays else {
            let why = row.refused.as_deref().unwrap_or_default();
            lines.push(format!("| {name} | no figure: {why} | | | |"));
            continue;
        };
        let (least, most) = (row.p99_ms.first(), row.p99_ms.last());
        lines.push(format!(
            "| {name} | {:.1} ms | {:.1} ms ({:.1}–{:.1}) | {:.1} ms | {:.2} |",
            delays.p50_ms,
            delays.p99_ms,
            least.unwrap_or(&0.0),
            most.unwrap_or(&0.0),
            delays.max_ms,
            delays.p99_ms / 1000.0 * f64::from(row.frames_per_second),
        ));
    }
    lines.join("\n")
}
