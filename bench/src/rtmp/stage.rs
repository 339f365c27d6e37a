//! Whoever restreams, with its publisher, until the stage is struck.

use super::sink::Sink;
use crate::publishers::{Published, Publishers, Rhythm};
use crate::scenario::LATENCY_MS;
use crate::stream::Stream;
use anyhow::{Context as _, bail};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidegate_testkit::{Process, Tidegate, free_udp_port};

/// Later than this behind its schedule, the publisher does not send as an encoder does. Delays
/// count from when it did send.
const LATE_LIMIT: Duration = Duration::from_millis(250);
/// Time for every output to be connected.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Where an output goes to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) port: u16,
    pub(super) key: String,
    /// RTMPS, and the file to check its certificate against.
    pub(super) certificate: Option<String>,
}

/// Who restreams.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who<'a> {
    Tidegate(&'a Path),
    Ffmpeg,
}

/// Somebody at work.
pub(super) struct Stage {
    worker: Worker,
    publishers: Publishers,
}

enum Worker {
    Tidegate(Tidegate, u32),
    Ffmpeg(
        Process,
        #[expect(dead_code, reason = "goes with the stage")] TempDir,
    ),
}

impl Who<'_> {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tidegate(_) => "Tidegate",
            Self::Ffmpeg => "ffmpeg -c copy",
        }
    }
}

impl Stage {
    /// Takes the stream by SRT and restreams it to these places; waits until `sink` has so many
    /// guests who publish.
    pub(super) fn set(
        who: Who<'_>,
        stream: &Arc<Stream>,
        places: &[Place],
        sink: &Sink,
    ) -> anyhow::Result<Self> {
        let (worker, port) = match who {
            Who::Tidegate(program) => tidegate(program, places)?,
            Who::Ffmpeg => ffmpeg(places)?,
        };
        let to = ([127, 0, 0, 1], port).into();
        let publishers = Publishers::start(to, 1, Arc::clone(stream), Rhythm::Even);
        let stage = Self { worker, publishers };
        let limit = Instant::now() + CONNECT_LIMIT;
        while sink.publishing() < places.len() as u64 {
            if Instant::now() > limit {
                let (said, came) = (stage.said(), sink.publishing());
                // Why the publisher could not publish says more.
                stage.publishers.finish()?;
                bail!("only {came} outputs were connected in time: {said}");
            }
            std::thread::sleep(POLL);
        }
        Ok(stage)
    }

    pub(super) fn process(&self) -> u32 {
        match &self.worker {
            Worker::Tidegate(_, process) => *process,
            Worker::Ffmpeg(process, _) => process.id(),
        }
    }

    /// What an output's status says about RTMP.
    pub(super) fn output(&self, name: &str) -> serde_json::Value {
        match &self.worker {
            Worker::Tidegate(server, _) => server.output_status(name)["detail"]["rtmp"].clone(),
            Worker::Ffmpeg(..) => serde_json::Value::Null,
        }
    }

    /// Ends it; how the publisher fared, and why what was measured does not count, if it does
    /// not.
    pub(super) fn strike(self) -> anyhow::Result<(Published, Option<String>)> {
        let complaint = match &self.worker {
            Worker::Tidegate(server, _) => complaint(server),
            Worker::Ffmpeg(..) => None,
        };
        let published = self.publishers.finish()?;
        let late = published.worst_lateness;
        let is_late = late > LATE_LIMIT;
        let why = is_late.then(|| format!("the publisher was {} ms late", late.as_millis()));
        Ok((published, complaint.or(why)))
    }

    /// The last it said.
    fn said(&self) -> String {
        let output = match &self.worker {
            Worker::Tidegate(server, _) => server.output(),
            Worker::Ffmpeg(process, _) => process.output(),
        };
        let mut lines = output.lines().map(str::trim);
        let last = lines.rfind(|line| !line.is_empty());
        last.unwrap_or_default().to_owned()
    }
}

fn complaint(server: &Tidegate) -> Option<String> {
    let source = server.source("cam0");
    let dropped = &source["srt"]["packets_dropped"];
    if *dropped != 0 {
        return Some(format!("{dropped} packets of the publisher were lost"));
    }
    let health = &source["health"];
    (health != "ok").then(|| format!("the source's health is {health}"))
}

fn tidegate(program: &Path, places: &[Place]) -> anyhow::Result<(Worker, u16)> {
    let mut config = format!(
        "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: {LATENCY_MS}ms }} }}]\n\
         sources: [{{ name: cam0, srt: {{ listener: ingest, stream_id: live/0 }} }}]\n"
    );
    if !places.is_empty() {
        config.push_str("outputs:\n");
    }
    for (number, place) in places.iter().enumerate() {
        let (url, key) = (place.url(), &place.key);
        let ca = place.certificate.as_ref();
        let ca = ca
            .map(|file| format!(", ca: \"{file}\""))
            .unwrap_or_default();
        writeln!(
            config,
            "  - {{ name: out{number}, source: cam0, rtmp: {{ url: \"{url}\", key: {key}{ca} }} }}"
        )?;
    }
    let mut server = Tidegate::with(&program.to_string_lossy(), &config).start();
    let (port, process) = (server.port("ingest"), server.process().id());
    Ok((Worker::Tidegate(server, process), port))
}

/// One process that copies, as many do it: one `flv` output, or several by `tee`.
fn ffmpeg(places: &[Place]) -> anyhow::Result<(Worker, u16)> {
    let folder = tempfile::tempdir()?;
    let port = free_udp_port();
    let micros = LATENCY_MS * 1000;
    let from = format!("srt://127.0.0.1:{port}?mode=listener&latency={micros}");
    let to = |place: &Place| format!("{}/{}", place.url(), place.key);
    let first = places.first().context("ffmpeg needs an output")?;
    let (format, to) = if places.len() == 1 {
        ("flv", to(first))
    } else {
        let slaves: Vec<String> = places
            .iter()
            .map(|place| format!("[f=flv]{}", to(place)))
            .collect();
        ("tee", slaves.join("|"))
    };
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-v", "error", "-i", &from])
        // Without FLV's own tags `tee` refuses those of a transport stream.
        .args(["-map", "0", "-c", "copy", "-tag:v", "7", "-tag:a", "10"])
        .args(["-f", format, &to]);
    let process = Process::start("ffmpeg", &mut command, folder.path());
    Ok((Worker::Ffmpeg(process, folder), port))
}

impl Place {
    pub(super) fn plain(port: u16, key: &str) -> Self {
        Self {
            port,
            key: key.to_owned(),
            certificate: None,
        }
    }

    fn url(&self) -> String {
        let port = self.port;
        match self.certificate {
            None => format!("rtmp://127.0.0.1:{port}/live"),
            Some(_) => format!("rtmps://localhost:{port}/live"),
        }
    }
}
