//! VLC, which reads.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tidegate_testkit::Process;

use super::address::{Address, LatencyUnit, Mode};
use super::stage::Peer;

pub(crate) const PEER: Peer = Peer {
    programs: &["cvlc", "setpriv", "ffmpeg"],
    send: |_, _, _, _| unreachable!("VLC only reads here"),
    receive,
    is_transparent: true,
};

/// VLC writes the stream as it comes. It refuses to run as root.
fn receive(name: &str, address: &Address, file: &Path, folder: &Path) -> Process {
    let home = folder.join(format!("{name}-home"));
    std::fs::create_dir(&home).unwrap();
    for open in [folder, &home] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    // What follows a `#` VLC keeps to itself.
    let url = address.url(LatencyUnit::Milliseconds).replace('#', "%23");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "cvlc"]);
        command
    } else {
        Command::new("cvlc")
    };
    command
        .env("HOME", &home)
        .args(["-I", "dummy", "--quiet", "--demux=dump"])
        .arg(format!("--demuxdump-file={}", file.display()))
        .arg(url)
        .arg("vlc://quit");
    Process::start(name, &mut command, folder)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
fn vlc_calls_and_receives() {
    PEER.receives(Mode::Caller);
}

#[test]
fn vlc_listens_and_receives() {
    PEER.receives(Mode::Listener);
}
