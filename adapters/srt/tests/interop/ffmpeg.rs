//! ffmpeg: Debian's, and a current one.

use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate_testkit::{Process, peers};

use super::address::{Address, LatencyUnit, Mode};
use super::stage::Peer;

pub(crate) const DEBIAN: Peer = Peer {
    programs: &["ffmpeg"],
    send,
    receive,
    is_transparent: false,
};

pub(crate) fn send(name: &str, address: &Address, clip: &Path, folder: &Path) -> Process {
    send_by(Path::new("ffmpeg"), name, address, clip, folder)
}

fn receive(name: &str, address: &Address, file: &Path, folder: &Path) -> Process {
    receive_by(Path::new("ffmpeg"), name, address, file, folder)
}

fn send_by(program: &Path, name: &str, address: &Address, clip: &Path, folder: &Path) -> Process {
    let url = address.url(LatencyUnit::Microseconds) + "&pkt_size=1316";
    let mut command = Command::new(program);
    command
        .args(["-v", "error", "-nostdin", "-re", "-i"])
        .arg(clip)
        .args(["-c", "copy", "-f", "mpegts", &url]);
    Process::start(name, &mut command, folder)
}

fn receive_by(
    program: &Path,
    name: &str,
    address: &Address,
    file: &Path,
    folder: &Path,
) -> Process {
    let url = address.url(LatencyUnit::Microseconds);
    let mut command = Command::new(program);
    command
        .args([
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-analyzeduration",
            "1000000",
            "-i",
            &url,
        ])
        .args(["-c", "copy", "-f", "mpegts", "-flush_packets", "1"])
        .arg(file);
    Process::start(name, &mut command, folder)
}

#[test]
fn ffmpeg_calls_and_sends() {
    DEBIAN.sends(Mode::Caller);
}

#[test]
fn ffmpeg_listens_and_sends() {
    DEBIAN.sends(Mode::Listener);
}

#[test]
fn ffmpeg_calls_and_receives() {
    DEBIAN.receives(Mode::Caller);
}

#[test]
fn ffmpeg_listens_and_receives() {
    DEBIAN.receives(Mode::Listener);
}

/// A static build of a current release with its own libsrt; `scripts/peers.sh` brings it.
pub(crate) fn current() -> Option<PathBuf> {
    peers::from_environment(
        "TIDEGATE_PEER_FFMPEG",
        "a current ffmpeg, which `scripts/peers.sh` brings",
    )
}

pub(crate) const CURRENT: Peer = Peer {
    programs: &["ffmpeg"],
    send: |name, address, clip, folder| send_by(&current().unwrap(), name, address, clip, folder),
    receive: |name, address, file, folder| {
        receive_by(&current().unwrap(), name, address, file, folder)
    },
    is_transparent: false,
};

#[test]
fn a_current_ffmpeg_calls_and_sends() {
    if current().is_some() {
        CURRENT.sends(Mode::Caller);
    }
}

#[test]
fn a_current_ffmpeg_listens_and_sends() {
    if current().is_some() {
        CURRENT.sends(Mode::Listener);
    }
}

#[test]
fn a_current_ffmpeg_calls_and_receives() {
    if current().is_some() {
        CURRENT.receives(Mode::Caller);
    }
}

#[test]
fn a_current_ffmpeg_listens_and_receives() {
    if current().is_some() {
        CURRENT.receives(Mode::Listener);
    }
}
