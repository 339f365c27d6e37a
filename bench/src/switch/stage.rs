//! The server with a switch, its publishers and its viewer.

use super::case::{Act, Case, Streams};
use super::feeder::Feeder;
use super::viewer::{Viewer, Watched};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tidegate_testkit::{Tidegate, eventually};

/// What the viewer watches before anything happens.
const BEFORE: Duration = Duration::from_secs(5);
/// Every round happens at another place between two key frames.
const PHASE: Duration = Duration::from_millis(170);
/// What the viewer watches behind it.
const BEHIND: Duration = Duration::from_secs(6);
/// A stall, and what the network needs to have made up for it.
const STALL_EVERY: Duration = Duration::from_millis(1100);

pub(super) struct Stage {
    server: Tidegate,
    main: Feeder,
    backup: Feeder,
    address: SocketAddr,
}

impl Stage {
    pub(super) fn set(program: &Path, case: &Case, streams: &Streams) -> anyhow::Result<Self> {
        let latency = case.latency_ms;
        let config = format!(
            "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: {latency}ms }} }}]\n\
             sources:\n\
             - {{ name: main, srt: {{ listener: ingest, stream_id: live/main }} }}\n\
             - {{ name: backup, srt: {{ listener: ingest, stream_id: live/backup }} }}\n\
             - {{ name: program, switch: {{ inputs: [main, backup] }} }}\n\
             outputs: [{{ name: out, source: program, srt: {{ listener: ingest, stream_id: out, open: true }} }}]\n",
        );
        let server = Tidegate::with(&program.to_string_lossy(), &config).start();
        let address: SocketAddr = ([127, 0, 0, 1], server.port("ingest")).into();
        let main = Feeder::start(address, "live/main", &streams.main);
        let backup = Feeder::start(address, "live/backup", &streams.backup);
        server.source_becomes("program", "on air with a backup that is ready", |source| {
            let switch = &source["switch"];
            switch["active"] == "main" && switch["standby"][0]["ready"] == true
        });
        Ok(Self {
            server,
            main,
            backup,
            address,
        })
    }

    /// What the viewer saw, and what the switch said in the end.
    pub(super) fn play(self, case: &Case, round: usize) -> anyhow::Result<(Watched, Value)> {
        let viewer = Viewer::start(self.address, "out");
        std::thread::sleep(BEFORE + PHASE * u32::try_from(round)?);
        match case.act {
            Act::End(how) => {
                self.main.end(how)?;
                std::thread::sleep(BEHIND);
            }
            Act::Take(times) => {
                for number in 0..times {
                    let input = if number % 2 == 0 { "backup" } else { "main" };
                    take(&self.server, input);
                    std::thread::sleep(PHASE);
                }
                std::thread::sleep(BEHIND);
            }
            Act::Stall(time, times) => {
                for _ in 0..times {
                    self.main.stall(time);
                    std::thread::sleep(STALL_EVERY);
                }
            }
        }
        let said = self.server.source("program")["switch"].clone();
        let watched = viewer.finish()?;
        // What publishers say when they are ended is of no interest any more.
        drop(self.backup);
        Ok((watched, said))
    }
}

fn take(server: &Tidegate, input: &str) {
    let answer = server
        .http()
        .post("/api/v1/sources/program/take", &json!({ "input": input }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("the input taken is on air", || {
        (server.source("program")["switch"]["active"] == input).then_some(())
    });
}
