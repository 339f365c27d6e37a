//! ffmpeg as a relay of bytes: its cheapest way, without looking into the stream.

use super::{Running, Started, beyond_a_relay, free_local};
use crate::scenario::{LATENCY_MS, Scenario};
use std::path::Path;
use std::process::Command;
use tidegate_testkit::Process;

pub(super) fn start(program: &Path, scenario: &Scenario) -> anyhow::Result<Started> {
    if let Some(why) = beyond_a_relay(scenario) {
        return Ok(Err(why));
    }
    if scenario.readers == 0 {
        return Ok(Err(
            "it would need a process for each publisher, and discards nothing".to_owned(),
        ));
    }
    let folder = tempfile::tempdir()?;
    let (publish, read) = (free_local(), free_local());
    // Its latency is in microseconds. `payload_size` keeps its output in the packets that came
    // in, so that none is counted as lost that was only cut differently.
    let listen = |at| {
        let micros = LATENCY_MS * 1000;
        format!("srt://{at}?mode=listener&latency={micros}&payload_size=1316&pkt_size=1316")
    };
    let mut command = Command::new(program);
    command
        .args(["-hide_banner", "-nostdin", "-v", "error"])
        .args([
            "-fflags",
            "nobuffer",
            "-probesize",
            "32",
            "-analyzeduration",
            "0",
        ])
        .args(["-f", "data", "-i", &listen(publish)])
        .args([
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "data",
            "-flush_packets",
            "0",
        ])
        .arg(listen(read));
    let process = Process::start("ffmpeg", &mut command, folder.path());
    let relay = Running::relays(vec![process], vec![publish], read, folder);
    Ok(Ok(Box::new(relay)))
}
