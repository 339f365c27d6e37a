//! The servers that are measured.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tidegate_testkit::{Process, Tidegate, free_udp_port};

/// The stream that is guarded, and what opens it.
pub(crate) const HONEST_ID: &str = "honest";
pub(crate) const HONEST_PASSPHRASE: &str = "an-honest-passphrase";

/// A server under load, and where its clients call.
pub(crate) trait Server {
    fn name(&self) -> &'static str;
    fn processes(&self) -> Vec<u32>;
    fn publish_to(&self) -> Vec<SocketAddr>;
    fn read_from(&self) -> SocketAddr;
}

pub(crate) struct OurServer {
    server: Tidegate,
    process: u32,
    port: u16,
}

impl OurServer {
    pub(crate) fn start(program: &Path, publishers: usize) -> Self {
        Self::relaying(program, publishers, false)
    }

    /// One that passes packets on at once, or when they are due.
    pub(crate) fn relaying(program: &Path, publishers: usize, low_delay: bool) -> Self {
        let output = format!(
            "  - {{ name: out, source: cam0, srt: {{ listener: ingest, stream_id: out, open: true, low_delay: {low_delay} }} }}\n"
        );
        Self::with_output(program, publishers, &output)
    }

    /// One with a stream that is read with a passphrase.
    pub(crate) fn guarded(program: &Path, publishers: usize) -> Self {
        let output = format!(
            "  - {{ name: honest, source: cam0, srt: {{ listener: ingest, stream_id: {HONEST_ID}, passphrase: {HONEST_PASSPHRASE} }} }}\n"
        );
        Self::with_output(program, publishers, &output)
    }

    /// Packets of the publishers that never came.
    pub(crate) fn missing_packets(&self, publishers: usize) -> u64 {
        let missing = |number| {
            let source = self.server.source(&format!("cam{number}"));
            source["srt"]["packets_dropped"]
                .as_u64()
                .unwrap_or(u64::MAX)
        };
        (0..publishers).map(missing).fold(0, u64::saturating_add)
    }

    fn with_output(program: &Path, publishers: usize, output: &str) -> Self {
        let sources: String = (0..publishers)
            .map(|number| format!("  - {{ name: cam{number}, srt: {{ listener: ingest, stream_id: live/{number} }} }}\n"))
            .collect();
        let config = format!(
            "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: 120ms }} }}]\n\
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
        }
    }
}

impl Server for OurServer {
    fn name(&self) -> &'static str {
        let _ = &self.server;
        "tidegate"
    }
    fn processes(&self) -> Vec<u32> {
        vec![self.process]
    }
    fn publish_to(&self) -> Vec<SocketAddr> {
        vec![([127, 0, 0, 1], self.port).into()]
    }
    fn read_from(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }
}

/// srt-live-transmit serves one publisher and one reader a process, so there is one for
/// each publisher.
pub(crate) struct LiveTransmit {
    processes: Vec<Process>,
    publish: Vec<SocketAddr>,
    read: SocketAddr,
    _folder: tempfile::TempDir,
}

impl LiveTransmit {
    pub(crate) fn start(publishers: usize, with_reader: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let read_port = free_udp_port();
        let mut publish = Vec::new();
        let mut processes = Vec::new();
        for number in 0..publishers {
            let port = free_udp_port();
            let from = format!("srt://127.0.0.1:{port}?mode=listener&latency=120");
            let mut command = Command::new("srt-live-transmit");
            command.args(["-q", "-a:no", "-chunk:1316", &from]);
            if with_reader {
                command.arg(format!(
                    "srt://127.0.0.1:{read_port}?mode=listener&latency=120"
                ));
                processes.push(Process::start(
                    &format!("relay{number}"),
                    &mut command,
                    folder.path(),
                ));
            } else {
                command.arg("file://con");
                let null = std::fs::File::create("/dev/null")?;
                processes.push(Process::with_output(
                    &format!("sink{number}"),
                    &mut command,
                    null,
                ));
            }
            publish.push(([127, 0, 0, 1], port).into());
        }
        Ok(Self {
            processes,
            publish,
            read: ([127, 0, 0, 1], read_port).into(),
            _folder: folder,
        })
    }
}

impl Server for LiveTransmit {
    fn name(&self) -> &'static str {
        "srt-live-transmit"
    }
    fn processes(&self) -> Vec<u32> {
        self.processes.iter().map(Process::id).collect()
    }
    fn publish_to(&self) -> Vec<SocketAddr> {
        self.publish.clone()
    }
    fn read_from(&self) -> SocketAddr {
        self.read
    }
}
