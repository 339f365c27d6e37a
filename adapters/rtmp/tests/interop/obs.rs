//! OBS Studio under a virtual screen.

use tidegate_testkit::obs::{Obs, PROGRAMS, file_input};
use tidegate_testkit::{media, peers};

use super::common::{Bed, KEY};
use super::stage::becomes_healthy;

#[test]
fn obs_publishes() {
    if !peers::have(&PROGRAMS) {
        return;
    }
    let bed = Bed::new();
    bed.studio();
    let clip = media::h264_aac(bed.folder(), 10);
    let server = format!("rtmp://127.0.0.1:{}/live", bed.port);
    let obs = Obs::start("obs", &[file_input(&clip)], &server, KEY, bed.folder());
    let status = becomes_healthy(&bed, obs.process());
    let encoder = status["rtmp"]["encoder"].as_str().unwrap();
    assert!(encoder.contains("obs"), "{encoder}");
}
