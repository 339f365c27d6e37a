//! The server with its publishers, until the stage is struck.

use super::account::Used;
use crate::publishers::{Publishers, Rhythm};
use crate::stream::Stream;
use anyhow::{Context as _, bail};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate_testkit::Tidegate;

/// Later than this behind its schedule, a publisher is the bottleneck itself.
const LATE_LIMIT: Duration = Duration::from_millis(50);
/// How long a source may take to be found healthy.
const HEALTHY_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(200);

pub(super) struct Stage {
    server: Tidegate,
    process: u32,
    publishers: Publishers,
    sources: usize,
}

impl Stage {
    /// A server with as many sources, all healthy, and one HLS output each if `hls`.
    pub(super) fn set(
        program: &Path,
        sources: usize,
        stream: &Arc<Stream>,
        hls: bool,
    ) -> anyhow::Result<Self> {
        let mut config = String::from(
            "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\", latency: 120ms } }]\nsources:\n",
        );
        for number in 0..sources {
            writeln!(
                config,
                "  - {{ name: cam{number}, srt: {{ listener: ingest, stream_id: live/{number} }} }}"
            )?;
        }
        if hls {
            config.push_str("outputs:\n");
            for number in 0..sources {
                writeln!(
                    config,
                    "  - {{ name: hls{number}, source: cam{number}, hls: {{}} }}"
                )?;
            }
        }
        let mut server = Tidegate::with(&program.to_string_lossy(), &config).start();
        let process = server.process().id();
        let to: SocketAddr = ([127, 0, 0, 1], server.port("ingest")).into();
        let publishers = Publishers::start(to, sources, Arc::clone(stream), Rhythm::Even);
        let stage = Self {
            server,
            process,
            publishers,
            sources,
        };
        let limit = Instant::now() + HEALTHY_LIMIT;
        while !stage.is_healthy() {
            if Instant::now() > limit {
                // Why the publishers could not publish says more.
                stage.publishers.finish()?;
                bail!("a source was not healthy in time");
            }
            std::thread::sleep(POLL);
        }
        Ok(stage)
    }

    fn is_healthy(&self) -> bool {
        (0..self.sources)
            .all(|number| self.server.source(&format!("cam{number}"))["health"] == "ok")
    }

    pub(super) fn http(&self) -> anyhow::Result<SocketAddr> {
        let base = self.server.http().base();
        let address = base.strip_prefix("http://").unwrap_or(base);
        address.parse().context("the server's address is none")
    }

    pub(super) fn token(&self) -> &'static str {
        self.server.token()
    }

    /// Waits until an output has so many segments to list.
    pub(super) fn wait_for_segments(
        &self,
        output: &str,
        count: usize,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let limit = Instant::now() + limit;
        loop {
            let answer = self.server.http().get(&format!("/hls/{output}/media.m3u8"));
            if answer.status == 200 && answer.text().matches("#EXTINF").count() >= count {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("output {output} had no {count} segments in time");
            }
            std::thread::sleep(POLL);
        }
    }

    pub(super) fn used(&self) -> anyhow::Result<Used> {
        Used::by(self.process)
    }

    /// Ends it; says why what was measured on it does not count, if it does not.
    pub(super) fn strike(self) -> anyhow::Result<Option<String>> {
        let healthy = self.is_healthy();
        let lost: u64 = (0..self.sources)
            .map(|number| {
                let source = self.server.source(&format!("cam{number}"));
                source["srt"]["packets_dropped"]
                    .as_u64()
                    .unwrap_or(u64::MAX)
            })
            .fold(0, u64::saturating_add);
        let published = self.publishers.finish()?;
        let late = published.worst_lateness;
        Ok(if lost > 0 {
            Some(format!("{lost} packets of the publishers were lost"))
        } else if !healthy {
            Some("a source was not healthy".to_owned())
        } else if late > LATE_LIMIT {
            Some(format!("a publisher was {} ms late", late.as_millis()))
        } else {
            None
        })
    }
}
