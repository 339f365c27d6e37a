//! srt-live-transmit, one process for each publisher.

use super::{Running, Started, beyond_a_relay, free_local};
use crate::scenario::{LATENCY_MS, Scenario};
use std::path::Path;
use std::process::Command;
use tidegate_testkit::Process;

pub(super) fn start(program: &Path, scenario: &Scenario) -> anyhow::Result<Started> {
    if let Some(why) = beyond_a_relay(scenario) {
        return Ok(Err(why));
    }
    let folder = tempfile::tempdir()?;
    let read = free_local();
    let listen = |at| format!("srt://{at}?mode=listener&latency={LATENCY_MS}");
    let (mut publish, mut processes) = (Vec::new(), Vec::new());
    for number in 0..scenario.publishers {
        let at = free_local();
        let mut command = Command::new(program);
        command.args(["-q", "-a:no", "-chunk:1316", &listen(at)]);
        if scenario.readers > 0 {
            command.arg(listen(read));
            let name = format!("relay{number}");
            processes.push(Process::start(&name, &mut command, folder.path()));
        } else {
            command.arg("file://con");
            let null = std::fs::File::create("/dev/null")?;
            let name = format!("sink{number}");
            processes.push(Process::with_output(&name, &mut command, null));
        }
        publish.push(at);
    }
    Ok(Ok(Box::new(Running::relays(
        processes, publish, read, folder,
    ))))
}
