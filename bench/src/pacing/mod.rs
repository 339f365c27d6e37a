//! How evenly a UDP output sends what comes in bursts.
//!
//! ```text
//! publisher ──SRT, in bursts──▶ Tidegate ──UDP, paced by PCR──▶ receiver, the kernel's time
//!                 beside it, a thread that only sleeps ──▶ the floor
//! ```

mod deviation;
mod receive;
mod sleeper;

use crate::publishers::{Publishers, Rhythm};
use crate::runner::eprint_progress;
use crate::scenario::LATENCY_MS;
use crate::stream::Stream;
use anyhow::Context as _;
use clap::Args;
use deviation::Deviation;
use serde::Serialize;
use sleeper::Woken;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tidegate_testkit::Tidegate;

/// Until the schedule has found its pace.
const SETTLE: Duration = Duration::from_secs(5);
/// Later than this, bursts are not what was asked for.
const LATE_LIMIT: Duration = Duration::from_millis(20);
/// A picture at a time, as encoders without pacing of their own send.
const BURST: Duration = Duration::from_millis(40);
/// The floor's thread wakes as often as a datagram of 1316 bytes leaves at 6 Mbit/s.
const STEP: Duration = Duration::from_micros(1755);

const SECONDS: u64 = 20;
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
            repeat: REPEAT,
            source_bps: SOURCE_BPS,
            json,
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
struct Measured {
    deviation: Deviation,
    floor: Woken,
    /// What the output itself says.
    said: serde_json::Value,
    refused: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    rhythm: &'static str,
    counted: Vec<Measured>,
    refused: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let length = SETTLE + Duration::from_secs(options.seconds + 20);
    let stream = Arc::new(Stream::make(folder.path(), options.source_bps, length)?);
    let rhythms = [
        ("evenly", Rhythm::Even),
        ("in bursts of 40 ms", Rhythm::Bursts(BURST)),
    ];
    let mut rows = Vec::new();
    for (name, rhythm) in rhythms {
        let (mut counted, mut refused) = (Vec::new(), None);
        for round in 1..=options.repeat {
            eprint_progress(&format!("pacing, what comes {name} ({round})"));
            let measured = measure(options, &stream, rhythm)?;
            match measured.refused {
                Some(why) => refused = Some(why),
                None => counted.push(measured),
            }
        }
        counted.sort_by_key(|one| one.deviation.p99_us);
        let refused = refused.filter(|_| counted.is_empty());
        rows.push(Row {
            rhythm: name,
            counted,
            refused,
        });
    }
    println!("\n{}", table(&rows, options.source_bps));
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn measure(options: &Options, stream: &Arc<Stream>, rhythm: Rhythm) -> anyhow::Result<Measured> {
    let socket = receive::open()?;
    let config = format!(
        "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: {LATENCY_MS}ms }} }}]\n\
         sources: [{{ name: cam0, srt: {{ listener: ingest, stream_id: live/0 }} }}]\n\
         outputs: [{{ name: out, source: cam0, udp: {{ to: \"{}\" }} }}]\n",
        socket.local_addr()?
    );
    let server = Tidegate::with(&options.tidegate.to_string_lossy(), &config).start();
    let to = ([127, 0, 0, 1], server.port("ingest")).into();
    let publishers = Publishers::start(to, 1, Arc::clone(stream), rhythm);
    server.source_becomes("cam0", "healthy", |source| source["health"] == "ok");
    thread::sleep(SETTLE);
    let stop = AtomicBool::new(false);
    let (came, floor) = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            drain(&socket)?;
            receive::receive(&socket, &stop)
        });
        let sleeper = scope.spawn(|| sleeper::sleep(STEP, &stop));
        thread::sleep(Duration::from_secs(options.seconds));
        stop.store(true, Ordering::Relaxed);
        (receiver.join(), sleeper.join())
    });
    let crashed = |_| anyhow::anyhow!("a thread crashed");
    let (came, floor) = (came.map_err(crashed)??, floor.map_err(crashed)?);
    let said = server.output_status("out")["detail"]["pacing"].clone();
    let health = server.source("cam0")["health"].clone();
    let published = publishers.finish()?;
    let late = published.worst_lateness;
    let refused = if health != "ok" {
        Some(format!("the source's health is {health}"))
    } else {
        (late > LATE_LIMIT).then(|| format!("the publisher was {} ms late", late.as_millis()))
    };
    Ok(Measured {
        deviation: Deviation::of(&came),
        floor,
        said,
        refused,
    })
}

/// Forgets what came before the measurement.
fn drain(socket: &std::net::UdpSocket) -> anyhow::Result<()> {
    socket.set_nonblocking(true)?;
    let mut buffer = [0; 2048];
    while socket.recv(&mut buffer).is_ok() {}
    Ok(socket.set_nonblocking(false)?)
}

fn table(rows: &[Row], bits_per_second: u64) -> String {
    let megabits = bits_per_second as f64 / 1e6;
    let mut lines = vec![
        format!(
            "| UDP output of {megabits} Mbit/s that comes | off the PCRs' schedule p50 | p99 | longest | packets at once | closer than a quarter | a sleeping thread, late p50 | p99 | longest |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    let milliseconds = |micros: u64| format!("{:.2} ms", micros as f64 / 1000.0);
    for row in rows {
        let Some(median) = row.counted.get(row.counted.len() / 2) else {
            let why = row.refused.as_deref().unwrap_or_default();
            lines.push(format!(
                "| {} | no figure: {why} | | | | | | | |",
                row.rhythm
            ));
            continue;
        };
        let (off, floor) = (&median.deviation, &median.floor);
        let p99 = |one: Option<&Measured>| one.map_or(0, |one| one.deviation.p99_us);
        lines.push(format!(
            "| {} | {} | {} ({:.2}–{:.2}) | {} | {} | {} of {} | {} | {} | {} |",
            row.rhythm,
            milliseconds(off.p50_us),
            milliseconds(off.p99_us),
            p99(row.counted.first()) as f64 / 1000.0,
            p99(row.counted.last()) as f64 / 1000.0,
            milliseconds(off.max_us),
            off.packets_max,
            off.close,
            off.datagrams,
            milliseconds(floor.p50_us),
            milliseconds(floor.p99_us),
            milliseconds(floor.max_us),
        ));
    }
    lines.join("\n")
}
