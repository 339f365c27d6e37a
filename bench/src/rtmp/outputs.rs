//! What many RTMP outputs of one stream cost.

use super::sink::{self, Sink};
use super::stage::{Place, Stage, Who};
use super::{Options, floor};
use crate::runner::eprint_progress;
use crate::stream::{FRAMES_PER_SECOND, Stream};
use crate::usage;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SETTLE: Duration = Duration::from_secs(8);
/// Fewer of the pictures than these are not the load that was asked for.
const PICTURES_PERCENT_MIN: f64 = 97.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Kind {
    Rtmp,
    Rtmps,
    PlainTcp,
}

/// Who sends what to how many.
const CASES: [(Sender, Kind, usize); 8] = [
    (Sender::Tidegate, Kind::Rtmp, 0),
    (Sender::Tidegate, Kind::Rtmp, 10),
    (Sender::Ffmpeg, Kind::Rtmp, 10),
    (Sender::Floor, Kind::PlainTcp, 10),
    (Sender::Tidegate, Kind::Rtmp, 100),
    (Sender::Ffmpeg, Kind::Rtmp, 100),
    (Sender::Floor, Kind::PlainTcp, 100),
    (Sender::Tidegate, Kind::Rtmps, 100),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Sender {
    Tidegate,
    Ffmpeg,
    Floor,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    sender: Sender,
    kind: Kind,
    outputs: usize,
    /// Of one core, in order.
    cores: Vec<f64>,
    memory_bytes: u64,
    refused: Option<String>,
}

struct Cost {
    cores: f64,
    memory_bytes: u64,
}

pub(super) fn measure(options: &Options, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let time = Duration::from_secs(options.seconds);
    let length = SETTLE + time + Duration::from_secs(40);
    let stream = Arc::new(Stream::make(folder, options.source_bps, length)?);
    let mut rows: Vec<Row> = CASES.iter().map(Row::new).collect();
    for round in 1..=options.repeat {
        for row in &mut rows {
            let (name, outputs) = (row.name(), row.outputs);
            eprint_progress(&format!("outputs: {outputs} × {name} ({round})"));
            let measured = match row.sender {
                Sender::Floor => floor::measure(&stream, outputs, time).map(|cores| {
                    Ok(Cost {
                        cores,
                        memory_bytes: 0,
                    })
                }),
                Sender::Tidegate => {
                    let who = Who::Tidegate(&options.tidegate);
                    once(who, row.kind, outputs, &stream, time, folder)
                }
                Sender::Ffmpeg => once(Who::Ffmpeg, row.kind, outputs, &stream, time, folder),
            };
            row.take(measured);
        }
    }
    for row in &mut rows {
        row.cores.sort_by(f64::total_cmp);
    }
    Ok(rows)
}

fn once(
    who: Who<'_>,
    kind: Kind,
    outputs: usize,
    stream: &Arc<Stream>,
    time: Duration,
    folder: &Path,
) -> anyhow::Result<Result<Cost, String>> {
    let tls = (kind == Kind::Rtmps).then(|| sink::certificate(folder));
    let (config, certificate) = tls.transpose()?.unzip();
    let sink = Sink::start(config)?;
    let place = |number| Place {
        port: sink.port,
        key: format!("key{number}"),
        certificate: certificate.clone(),
    };
    let places: Vec<Place> = (0..outputs).map(place).collect();
    let stage = Stage::set(who, stream, &places, &sink)?;
    std::thread::sleep(SETTLE);
    let process = stage.process();
    let (pictures, cpu) = (sink.pictures(), usage::cpu_of_threads(process, None)?);
    let began = std::time::Instant::now();
    std::thread::sleep(time);
    let cpu = usage::cpu_of_threads(process, None)?.saturating_sub(cpu);
    let (took, came) = (began.elapsed().as_secs_f64(), sink.pictures() - pictures);
    let memory_bytes = usage::anonymous_bytes(process)?;
    let (_, refused) = stage.strike()?;
    let expected = outputs as f64 * took * f64::from(FRAMES_PER_SECOND);
    let too_few = (came as f64 * 100.0 < expected * PICTURES_PERCENT_MIN)
        .then(|| format!("only {came} of {expected:.0} pictures came"));
    Ok(match refused.or(too_few) {
        Some(why) => Err(why),
        None => Ok(Cost {
            cores: cpu.as_secs_f64() / took,
            memory_bytes,
        }),
    })
}

impl Row {
    fn new(&(sender, kind, outputs): &(Sender, Kind, usize)) -> Self {
        Self {
            sender,
            kind,
            outputs,
            cores: Vec::new(),
            memory_bytes: 0,
            refused: None,
        }
    }

    const fn name(&self) -> &'static str {
        match (self.sender, self.kind) {
            (Sender::Tidegate, Kind::Rtmps) => "RTMPS, Tidegate",
            (Sender::Tidegate, _) => "RTMP, Tidegate",
            (Sender::Ffmpeg, _) => "RTMP, ffmpeg -c copy (tee)",
            (Sender::Floor, _) => "plain TCP, one write a picture (floor)",
        }
    }

    fn take(&mut self, measured: anyhow::Result<Result<Cost, String>>) {
        match measured {
            Ok(Ok(cost)) => {
                self.cores.push(cost.cores);
                self.memory_bytes = self.memory_bytes.max(cost.memory_bytes);
            }
            Ok(Err(why)) => self.refused = Some(why),
            Err(error) => self.refused = Some(format!("{error:#}")),
        }
    }

    fn median(&self) -> Option<f64> {
        self.cores.get(self.cores.len() / 2).copied()
    }
}

pub(super) fn table(rows: &[Row], bits_per_second: u64) -> String {
    let megabits = bits_per_second as f64 / 1e6;
    let mut lines = vec![
        format!("| outputs of one stream of {megabits} Mbit/s | of a core | per output | memory |"),
        "|---|---:|---:|---:|".to_owned(),
    ];
    for row in rows {
        let name = format!("{} × {}", row.outputs, row.name());
        let Some(median) = row.median() else {
            let why = row.refused.as_deref().unwrap_or_default();
            lines.push(format!("| {name} | no figure: {why} | | |"));
            continue;
        };
        let [least, most] = [row.cores.first(), row.cores.last()];
        let percent = |share: Option<&f64>| share.unwrap_or(&0.0) * 100.0;
        let each = if row.outputs > 0 {
            format!("{:.3} %", median * 100.0 / row.outputs as f64)
        } else {
            "–".to_owned()
        };
        let memory = if row.memory_bytes > 0 {
            format!("{:.1} MB", row.memory_bytes as f64 / 1e6)
        } else {
            "–".to_owned()
        };
        lines.push(format!(
            "| {name} | {:.1} % ({:.1}–{:.1}) | {each} | {memory} |",
            median * 100.0,
            percent(least),
            percent(most),
        ));
    }
    lines.join("\n")
}
