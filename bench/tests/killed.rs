//! What is left of a bench that is killed in the middle.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_testkit::{Process, eventually};

/// A server that says which process it is, and never more.
fn silent_server(folder: &Path) -> (PathBuf, PathBuf) {
    let (program, id) = (folder.join("server"), folder.join("id"));
    let script = format!(
        "#!/bin/sh\necho $$ > {0}.new\nmv {0}.new {0}\nexec sleep 600\n",
        id.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    (program, id)
}

#[test]
fn a_killed_bench_leaves_no_server_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (program, id) = silent_server(folder.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-bench"));
    command.args(["run", "--only", "relay", "--servers", "tidegate"]);
    command.arg("--tidegate").arg(&program);
    let mut bench = Process::start("bench", &mut command, folder.path());
    let server = eventually("the server runs", || {
        let id = std::fs::read_to_string(&id).ok()?;
        Some(PathBuf::from(format!("/proc/{}/cmdline", id.trim())))
    });
    // Empty as well for a process that has ended and that nobody has waited for.
    let runs = || std::fs::read(&server).is_ok_and(|line| !line.is_empty());
    assert!(runs(), "{}", bench.output());
    bench.kill();
    eventually("the server is gone", || (!runs()).then_some(()));
}
