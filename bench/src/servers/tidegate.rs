//! Tidegate itself.

use super::{Server, local};
use crate::scenario::{LATENCY_MS, READ_PASSPHRASE, Scenario};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tidegate_testkit::Tidegate;

/// The stream that is guarded, and what opens it.
pub(crate) const HONEST_ID: &str = "honest";
pub(crate) const HONEST_PASSPHRASE: &str = READ_PASSPHRASE;

/// All clients call from one address.
const CONNECTIONS_MAX: usize = 2000;

/// The release build in the folder that this program was built into as well, wherever that is.
pub(crate) fn built_tidegate() -> PathBuf {
    // TARGET/PROFILE/tidegate-bench
    let ours = std::env::current_exe().unwrap_or_default();
    let target = ours.parent().and_then(Path::parent);
    let target = target.unwrap_or_else(|| Path::new("target"));
    target.join("release/tidegate")
}

pub(crate) struct OurServer {
    server: Tidegate,
    process: u32,
    port: u16,
    publishers: usize,
}

impl OurServer {
    /// One with what this scenario needs.
    pub(crate) fn start(program: &Path, scenario: &Scenario) -> Self {
        let access = if scenario.is_encrypted {
            format!("passphrase: {READ_PASSPHRASE}")
        } else {
            "open: true".to_owned()
        };
        let low_delay = scenario.low_delay;
        let output = format!(
            "  - {{ name: out, source: cam0, srt: {{ listener: ingest, stream_id: out, {access}, low_delay: {low_delay} }} }}\n"
        );
        Self::with_output(program, scenario.publishers, &output)
    }

    /// One with a stream that is read with a passphrase.
    pub(crate) fn guarded(program: &Path, publishers: usize) -> Self {
        let output = format!(
            "  - {{ name: honest, source: cam0, srt: {{ listener: ingest, stream_id: {HONEST_ID}, passphrase: {HONEST_PASSPHRASE} }} }}\n"
        );
        Self::with_output(program, publishers, &output)
    }

    /// Packets of the publishers that never came.
    pub(crate) fn missing_packets(&self) -> u64 {
        let missing = |number| {
            let source = self.server.source(&format!("cam{number}"));
            source["srt"]["packets_dropped"]
                .as_u64()
                .unwrap_or(u64::MAX)
        };
        (0..self.publishers)
            .map(missing)
            .fold(0, u64::saturating_add)
    }

    fn with_output(program: &Path, publishers: usize, output: &str) -> Self {
        let sources: String = (0..publishers)
            .map(|number| format!("  - {{ name: cam{number}, srt: {{ listener: ingest, stream_id: live/{number} }} }}\n"))
            .collect();
        let config = format!(
            "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: {LATENCY_MS}ms, max_connections_per_address: {CONNECTIONS_MAX} }} }}]\n\
             sources:\n{sources}\
             outputs:\n{output}"
        );
        let mut server = Tidegate::with(&program.to_string_lossy(), &config).start();
        let port = server.port("ingest");
        let process = server.process().id();
        Self {
            server,
            process,
            port,
            publishers,
        }
    }
}

impl Server for OurServer {
    fn processes(&self) -> Vec<u32> {
        vec![self.process]
    }
    fn publish_to(&self) -> Vec<SocketAddr> {
        vec![local(self.port)]
    }
    fn read_from(&self) -> SocketAddr {
        local(self.port)
    }
    /// Nothing may be lost, and a source is to be watched like any other: one that is not
    /// healthy costs less.
    fn complaint(&self) -> Option<String> {
        let health = self.server.source("cam0")["health"].clone();
        if health != "ok" {
            return Some(format!("the first source's health is {health}"));
        }
        let missing = self.missing_packets();
        (missing > 0).then(|| format!("the server missed {missing} packets"))
    }
}
