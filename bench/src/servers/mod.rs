//! The servers that are measured, each started for one scenario.

mod ffmpeg;
mod live_transmit;
mod named;
mod tidegate;

pub(crate) use tidegate::{HONEST_ID, HONEST_PASSPHRASE, OurServer, built_tidegate};

use crate::floor;
use crate::scenario::Scenario;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tidegate_testkit::{Process, free_udp_port, peers};

/// A server under load, and where its clients call.
pub(crate) trait Server {
    /// The processes it was started as; their children count as well.
    fn processes(&self) -> Vec<u32>;
    /// One address for each publisher, or one for all.
    fn publish_to(&self) -> Vec<SocketAddr>;
    fn read_from(&self) -> SocketAddr;
    /// What the generator has to be told beyond addresses, rates and numbers.
    fn generator_arguments(&self) -> Vec<String> {
        Vec::new()
    }
    /// Why what it does does not count, as far as the server itself knows.
    fn complaint(&self) -> Option<String> {
        None
    }
}

/// Who is measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Contestant {
    Tidegate(PathBuf),
    LiveTransmit {
        name: String,
        program: PathBuf,
    },
    Ffmpeg {
        name: String,
        program: PathBuf,
    },
    Named(named::Recipe),
    /// Plain UDP, for comparison.
    Floor(floor::Setup),
}

/// A server that has been started, or why this one is left out.
pub(crate) type Started = Result<Box<dyn Server>, String>;

impl Contestant {
    /// Tidegate, every peer that is installed, and every server that the environment names.
    pub(crate) fn all(tidegate: &Path) -> anyhow::Result<Vec<Self>> {
        let mut all = vec![Self::Tidegate(tidegate.to_owned())];
        if peers::have(&["srt-live-transmit"]) {
            all.push(Self::LiveTransmit {
                name: "srt-live-transmit".to_owned(),
                program: "srt-live-transmit".into(),
            });
        }
        if let Some(program) = newer("TIDEGATE_PEER_SRT_LIVE_TRANSMIT") {
            let name = "srt-live-transmit (newer)".to_owned();
            all.push(Self::LiveTransmit { name, program });
        }
        if peers::have(&["ffmpeg"]) {
            all.push(Self::Ffmpeg {
                name: "ffmpeg".to_owned(),
                program: "ffmpeg".into(),
            });
        }
        if let Some(program) = newer("TIDEGATE_PEER_FFMPEG") {
            let name = "ffmpeg (newer)".to_owned();
            all.push(Self::Ffmpeg { name, program });
        }
        let recipes = named::all(std::env::vars())?;
        all.extend(recipes.into_iter().map(Self::Named));
        Ok(all)
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Tidegate(_) => "tidegate".to_owned(),
            Self::LiveTransmit { name, .. } | Self::Ffmpeg { name, .. } => name.clone(),
            Self::Named(recipe) => recipe.name().to_owned(),
            Self::Floor(setup) => setup.name(),
        }
    }

    /// Which floor it is, if it is one.
    pub(crate) const fn floor(&self) -> Option<floor::Setup> {
        match self {
            Self::Floor(setup) => Some(*setup),
            _ => None,
        }
    }

    /// Starts it so that it can play this scenario.
    pub(crate) fn start(&self, scenario: &Scenario) -> anyhow::Result<Started> {
        match self {
            Self::Tidegate(program) => Ok(Ok(Box::new(OurServer::start(program, scenario)))),
            Self::LiveTransmit { program, .. } => live_transmit::start(program, scenario),
            Self::Ffmpeg { program, .. } => ffmpeg::start(program, scenario),
            Self::Named(recipe) => recipe.start(scenario),
            Self::Floor(setup) => Ok(Ok(Box::new(setup.start()?))),
        }
    }
}

/// A newer build of a known peer, by the path that the environment gives.
fn newer(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)?;
    peers::from_environment(variable, "a newer build of a peer")
}

/// Processes that were started for a scenario, and end with this.
pub(crate) struct Running {
    processes: Vec<Process>,
    publish_to: Vec<SocketAddr>,
    read_from: SocketAddr,
    generator_arguments: Vec<String>,
    /// They may print into it.
    _folder: TempDir,
}

impl Running {
    /// One process with one address for everybody, which takes these arguments of the generator.
    pub(crate) fn one(
        process: Process,
        at: SocketAddr,
        generator_arguments: Vec<String>,
        folder: TempDir,
    ) -> Self {
        Self {
            processes: vec![process],
            publish_to: vec![at],
            read_from: at,
            generator_arguments,
            _folder: folder,
        }
    }

    /// Processes that relay one publisher each to at most one reader.
    fn relays(
        processes: Vec<Process>,
        publish_to: Vec<SocketAddr>,
        read_from: SocketAddr,
        folder: TempDir,
    ) -> Self {
        Self {
            processes,
            publish_to,
            read_from,
            generator_arguments: Vec::new(),
            _folder: folder,
        }
    }
}

impl Server for Running {
    fn processes(&self) -> Vec<u32> {
        self.processes.iter().map(Process::id).collect()
    }
    fn publish_to(&self) -> Vec<SocketAddr> {
        self.publish_to.clone()
    }
    fn read_from(&self) -> SocketAddr {
        self.read_from
    }
    fn generator_arguments(&self) -> Vec<String> {
        self.generator_arguments.clone()
    }
}

/// Why a relay of one reader cannot play this; `None`: it can.
fn beyond_a_relay(scenario: &Scenario) -> Option<String> {
    if scenario.readers > 1 {
        Some("it has one reader a process".to_owned())
    } else if scenario.low_delay {
        Some("it has no low-delay mode".to_owned())
    } else {
        None
    }
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn free_local() -> SocketAddr {
    local(free_udp_port())
}
