//! GStreamer's srtsink and srtsrc.

use std::path::Path;
use std::process::Command;

use tidegate_testkit::Process;

use super::address::{Address, Mode};
use super::common::PASSPHRASE;
use super::stage::Peer;

pub(crate) const PEER: Peer = Peer {
    programs: &["gst-launch-1.0", "ffmpeg"],
    send,
    receive,
    is_transparent: true,
};

/// The properties of both elements.
fn properties(address: &Address) -> Vec<String> {
    let mode = match address.mode {
        Mode::Caller => "caller",
        Mode::Listener => "listener",
    };
    let mut properties = vec![
        format!("uri=srt://127.0.0.1:{}?mode={mode}", address.port),
        format!("latency={}", address.latency_millis),
    ];
    if address.mode == Mode::Caller {
        properties.push(format!("streamid={}", address.stream_id));
    }
    if let Some(bytes) = address.key_bytes {
        properties.push(format!("passphrase=\"{PASSPHRASE}\""));
        properties.push(format!("pbkeylen={bytes}"));
    }
    properties
}

fn send(name: &str, address: &Address, clip: &Path, folder: &Path) -> Process {
    let mut command = Command::new("gst-launch-1.0");
    command
        .args(["-q", "filesrc"])
        .arg(format!("location={}", clip.display()))
        .args([
            "!",
            "tsparse",
            "set-timestamps=true",
            "alignment=7",
            "!",
            "srtsink",
        ])
        .args(properties(address))
        .args(["sync=true", "wait-for-connection=false"]);
    Process::start(name, &mut command, folder)
}

fn receive(name: &str, address: &Address, file: &Path, folder: &Path) -> Process {
    let mut command = Command::new("gst-launch-1.0");
    command
        .args(["-e", "-q", "srtsrc"])
        .args(properties(address))
        .args(["!", "filesink", "buffer-mode=unbuffered"])
        .arg(format!("location={}", file.display()));
    Process::start(name, &mut command, folder)
}

#[test]
fn gstreamer_calls_and_sends() {
    PEER.sends(Mode::Caller);
}

#[test]
fn gstreamer_listens_and_sends() {
    PEER.sends(Mode::Listener);
}

#[test]
fn gstreamer_calls_and_receives() {
    PEER.receives(Mode::Caller);
}

#[test]
fn gstreamer_listens_and_receives() {
    PEER.receives(Mode::Listener);
}
