//! GStreamer's rtmp2sink.

use std::process::Command;

use tidegate_testkit::{Process, peers};

use super::common::Bed;
use super::stage::{becomes_healthy, url};

#[test]
fn gstreamer_publishes() {
    if !peers::have(&["gst-launch-1.0", "ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.studio();
    let mut command = Command::new("gst-launch-1.0");
    command
        .args("-q videotestsrc is-live=true !".split(' '))
        .args("video/x-raw,width=640,height=360,framerate=25/1 ! x264enc".split(' '))
        .args("tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max=25 !".split(' '))
        .args("h264parse ! flvmux streamable=true name=mux ! rtmp2sink".split(' '))
        .arg(format!("location={}", url(&bed, "rtmp")))
        .args("audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 !".split(' '))
        .args("voaacenc ! aacparse ! mux.".split(' '));
    let sender = Process::start("gstreamer", &mut command, bed.folder());
    becomes_healthy(&bed, &sender);
}
