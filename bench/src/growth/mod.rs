//! What the server costs with 1 to 1000 connections: whether the cost of each stays the same.

mod chart;
mod point;
mod table;

pub(crate) use chart::draw;
pub(crate) use point::Point;

use crate::load::{Spacing, Spread};
use crate::measure::observe;
use crate::runner::eprint_progress;
use crate::scenario::Scenario;
use crate::servers::{OurServer, Server};
use anyhow::bail;
use clap::Args;
use point::{Kind, medians};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const CONNECTIONS: [usize; 6] = [1, 10, 100, 300, 700, 1000];
const SECONDS: u64 = 5;
const REPEAT: usize = 3;

#[derive(Args)]
pub(crate) struct Options {
    /// The Tidegate to measure.
    #[arg(long, default_value_os_t = crate::servers::built_tidegate())]
    tidegate: PathBuf,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = CONNECTIONS)]
    connections: Vec<usize>,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// How often each measurement is repeated; the median counts.
    #[arg(long, default_value_t = REPEAT)]
    repeat: usize,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Options {
    /// What is measured where nothing else is asked for.
    pub(crate) fn usual(tidegate: &Path, json: Option<PathBuf>) -> Self {
        Self {
            tidegate: tidegate.to_owned(),
            connections: CONNECTIONS.to_vec(),
            seconds: SECONDS,
            repeat: REPEAT,
            json,
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if !options.tidegate.is_file() {
        let path = options.tidegate.display();
        bail!("{path} is missing: `make build` makes it");
    }
    let mut points = Vec::new();
    for kind in Kind::ALL {
        for connections in &options.connections {
            for round in 1..=options.repeat {
                let (name, of) = (kind.name(), options.repeat);
                eprint_progress(&format!("{connections} {name} ({round} of {of})"));
                points.push(measure(options, kind, *connections));
            }
        }
    }
    let points = medians(&points);
    table::print(&points);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&points)?)?;
    }
    Ok(())
}

/// One measurement. One that fails has no figure, and the others go on.
fn measure(options: &Options, kind: Kind, connections: usize) -> Point {
    let (publishers, readers) = kind.clients(connections);
    let scenario = Scenario {
        name: "growth",
        title: kind.name(),
        publishers,
        readers,
        rate_bps: kind.rate_bps(),
        spacing: Spacing::Evenly,
        low_delay: false,
        is_encrypted: false,
    };
    let server = OurServer::start(&options.tidegate, &scenario);
    let server = Growing { server, kind };
    let nothing = Point {
        server: "tidegate".to_owned(),
        kind,
        connections,
        cpu_percent: 0.0,
        resident_bytes: 0,
        threads: 0,
        lateness_ms: Spread::default(),
        refused: None,
    };
    match observe(&server, &scenario, options.seconds, || Ok(())) {
        Ok(seen) => Point {
            cpu_percent: seen.cpu.as_secs_f64() / seen.time.as_secs_f64() * 100.0,
            resident_bytes: seen.after.resident_bytes,
            threads: seen.after.threads,
            lateness_ms: seen.said.lateness_ms,
            refused: seen.refused,
            ..nothing
        },
        Err(error) => Point {
            refused: Some(format!("{error:#}")),
            ..nothing
        },
    }
}

/// Our server, of which a silent source is expected to be unhealthy.
struct Growing {
    server: OurServer,
    kind: Kind,
}

impl Server for Growing {
    fn processes(&self) -> Vec<u32> {
        self.server.processes()
    }
    fn publish_to(&self) -> Vec<SocketAddr> {
        self.server.publish_to()
    }
    fn read_from(&self) -> SocketAddr {
        self.server.read_from()
    }
    fn complaint(&self) -> Option<String> {
        if self.kind.rate_bps() == 0 {
            return None;
        }
        self.server.complaint()
    }
}
