//! VLC, which reads.

use std::path::Path;

use tidegate_testkit::{Process, vlc};

use super::address::{Address, LatencyUnit, Mode};
use super::stage::Peer;

pub(crate) const PEER: Peer = Peer {
    programs: &["cvlc", "setpriv", "ffmpeg"],
    send: |_, _, _, _| unreachable!("VLC only reads here"),
    receive,
    is_transparent: true,
};

/// VLC writes the stream as it comes.
fn receive(name: &str, address: &Address, file: &Path, folder: &Path) -> Process {
    // What follows a `#` VLC keeps to itself.
    let url = address.url(LatencyUnit::Milliseconds).replace('#', "%23");
    let mut command = vlc::command(name, folder);
    command
        .args(["-I", "dummy", "--quiet", "--demux=dump"])
        .arg(format!("--demuxdump-file={}", file.display()))
        .arg(url)
        .arg("vlc://quit");
    Process::start(name, &mut command, folder)
}

#[test]
fn vlc_calls_and_receives() {
    PEER.receives(Mode::Caller);
}

#[test]
fn vlc_listens_and_receives() {
    PEER.receives(Mode::Listener);
}
