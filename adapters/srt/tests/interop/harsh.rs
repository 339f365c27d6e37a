//! Short and long latency, loss both ways, and keys that change.

use super::stage::{Cell, Path, Peer};
use super::{ffmpeg, gstreamer, live_transmit, vlc};

/// One datagram in twenty is lost each way.
const LOSS_PER_MILLE: u64 = 50;

const PATHS: [Path; 3] = [
    Path {
        latency_millis: 20,
        loss_per_mille: 0,
        more: "",
        key_changes: 0,
    },
    Path {
        latency_millis: 120,
        loss_per_mille: LOSS_PER_MILLE,
        more: "",
        key_changes: 0,
    },
    Path {
        latency_millis: 2000,
        loss_per_mille: LOSS_PER_MILLE,
        more: "",
        key_changes: 0,
    },
];

/// Every two seconds or so of the clip libsrt takes another key.
const CHANGING_KEYS: Path = Path {
    latency_millis: 250,
    loss_per_mille: LOSS_PER_MILLE,
    more: "&kmrefreshrate=200&kmpreannounce=50",
    key_changes: 3,
};

fn sends(peer: &Peer) {
    peer.sends_in(|bed| PATHS.map(|path| Cell::over(bed, path, "publish")).into());
}

fn receives(peer: &Peer) {
    peer.receives_in(|bed| PATHS.map(|path| Cell::over(bed, path, "request")).into());
}

#[test]
fn srt_live_transmit_sends_over_lossy_paths_whole() {
    sends(&live_transmit::PEER);
}

#[test]
fn srt_live_transmit_receives_over_lossy_paths_whole() {
    receives(&live_transmit::PEER);
}

#[test]
fn ffmpeg_sends_over_lossy_paths_whole() {
    sends(&ffmpeg::DEBIAN);
}

#[test]
fn ffmpeg_receives_over_lossy_paths_whole() {
    receives(&ffmpeg::DEBIAN);
}

#[test]
fn a_current_ffmpeg_sends_over_lossy_paths_whole() {
    if ffmpeg::current().is_some() {
        sends(&ffmpeg::CURRENT);
    }
}

#[test]
fn a_current_ffmpeg_receives_over_lossy_paths_whole() {
    if ffmpeg::current().is_some() {
        receives(&ffmpeg::CURRENT);
    }
}

#[test]
fn gstreamer_sends_over_lossy_paths_whole() {
    sends(&gstreamer::PEER);
}

#[test]
fn gstreamer_receives_over_lossy_paths_whole() {
    receives(&gstreamer::PEER);
}

#[test]
fn vlc_receives_over_lossy_paths_whole() {
    receives(&vlc::PEER);
}

#[test]
fn libsrts_changing_keys_are_followed() {
    let cell = |bed: &_| vec![Cell::over(bed, CHANGING_KEYS, "publish")];
    live_transmit::PEER.sends_in(cell);
}
