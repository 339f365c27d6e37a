//! libsrt's own tool, of Debian's libsrt 1.5.1.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use tidegate_testkit::Process;

use super::address::{Address, LatencyUnit, Mode};
use super::stage::Peer;

pub(crate) const PEER: Peer = Peer {
    programs: &["srt-live-transmit", "ffmpeg"],
    send,
    receive,
    is_transparent: true,
};

/// ffmpeg paces the clip, srt-live-transmit sends it.
fn send(name: &str, address: &Address, clip: &Path, folder: &Path) -> Process {
    let script = "ffmpeg -v error -nostdin -re -i \"$1\" -c copy -f mpegts - \
                  | srt-live-transmit -q -a:no -chunk:1316 file://con \"$2\"";
    let mut command = Command::new("sh");
    let url = address.url(LatencyUnit::Milliseconds);
    command.args(["-c", script, "sh", clip.to_str().unwrap(), &url]);
    Process::start(name, &mut command, folder)
}

fn receive(name: &str, address: &Address, file: &Path, _folder: &Path) -> Process {
    let mut command = Command::new("srt-live-transmit");
    let url = address.url(LatencyUnit::Milliseconds);
    command.args(["-q", "-a:no", &url, "file://con"]);
    Process::with_output(name, &mut command, File::create(file).unwrap())
}

#[test]
fn srt_live_transmit_calls_and_sends() {
    PEER.sends(Mode::Caller);
}

#[test]
fn srt_live_transmit_listens_and_sends() {
    PEER.sends(Mode::Listener);
}

#[test]
fn srt_live_transmit_calls_and_receives() {
    PEER.receives(Mode::Caller);
}

#[test]
fn srt_live_transmit_listens_and_receives() {
    PEER.receives(Mode::Listener);
}
