//! What the tests against real peers share: a known film, a way to find its frames again, a
//! camera, and a node.

#![allow(dead_code, reason = "each test program uses its part")]

use core::time::Duration;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;
use tidegate_adapter_rtsp::{Adapter, ListenerSettings, OutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, Feed, ListenerAdapter as _, NoSecrets, OutputAdapter as _,
    OutputSpec, OutputState, TsChunk,
};
use tidegate_testkit::Process;

/// Frames per second and samples per frame of the film.
const FPS: f64 = 25.0;
/// The end of a copy that is not looked at.
const END_SECONDS: f64 = 0.2;
const AUDIO_FRAME_SECONDS: f64 = 1024.0 / 48_000.0;

/// A film whose pictures and sounds never repeat, so that each frame is known by its content.
pub(crate) fn film(folder: &Path, seconds: u32, video: &str) -> PathBuf {
    let file = folder.join("film.ts");
    let arguments = format!(
        "-hide_banner -nostdin -v error -y -f lavfi -i testsrc2=s=320x180:r=25 \
         -f lavfi -i anoisesrc=c=pink:r=48000:seed=7:a=0.3 -t {seconds} {video} \
         -pix_fmt yuv420p -g 25 -c:a aac -aac_pns 0 -ac 2 -b:a 96k -f mpegts"
    );
    let status = Command::new("ffmpeg")
        .args(arguments.split_whitespace())
        .arg(&file)
        .stdin(Stdio::null())
        .status()
        .expect("ffmpeg runs");
    assert!(status.success(), "ffmpeg made no film");
    file
}

/// x264 as cameras have it.
pub(crate) const PLAIN: &str = "-c:v libx264 -preset ultrafast -tune zerolatency -b:v 600k";
/// With B pictures, as encoders of programmes have it.
pub(crate) const REORDERED: &str = "-c:v libx264 -preset ultrafast -bf 2 -b:v 600k";

/// One decoded frame: its stream (0 pictures, 1 sound), its time, and what is in it.
pub(crate) type Seen = (u8, f64, String);

/// The decoded frames of whatever ffmpeg can open; `input` are its arguments up to `-i …`.
pub(crate) fn frames(input: &[&str], output: &[&str]) -> Vec<Seen> {
    let decoded = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error"])
        .args(input)
        .args(["-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough"])
        // Otherwise times are rounded to whole pictures.
        .args(["-enc_time_base:v", "1:90000", "-c:a", "pcm_s16le"])
        .args(output)
        .args(["-f", "framemd5", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    let text = String::from_utf8_lossy(&decoded.stdout);
    let seen = seen(&text);
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(
        !seen.is_empty(),
        "ffmpeg decoded nothing of {input:?}: {said}"
    );
    seen
}

fn seen(text: &str) -> Vec<Seen> {
    let mut rates: HashMap<u8, f64> = HashMap::new();
    let mut frames = Vec::new();
    for line in text.lines() {
        if let Some(rate) = line.strip_prefix("#tb ") {
            let (stream, rate) = rate.split_once(": ").expect("a time base");
            let (one, of) = rate.split_once('/').expect("a fraction");
            let rate = one.parse::<f64>().unwrap() / of.parse::<f64>().unwrap();
            rates.insert(stream.parse().unwrap(), rate);
        } else if !line.starts_with('#') {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let stream: u8 = fields[0].parse().unwrap();
            let pts: f64 = fields[2].parse().unwrap();
            frames.push((stream, pts * rates[&stream], fields[5].to_owned()));
        }
    }
    frames
}

/// What came of the film at the other end.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Pictures and sounds that were found again.
    pub(crate) pictures: usize,
    pub(crate) sounds: usize,
    /// Pictures and sounds of the film between the first and the last that are missing.
    pub(crate) missing: usize,
    /// By how much the sound is later beside the picture than in the film.
    pub(crate) sound_late_seconds: f64,
    /// The most that one frame's time differs from the others' of its stream.
    pub(crate) unsteady_seconds: f64,
}

/// Finds the frames of `original` in `copy`.
pub(crate) fn compare(original: &[Seen], copy: &[Seen]) -> Arrived {
    let mut counts = [0, 0];
    let mut missing = 0;
    let mut offsets = [0.0, 0.0];
    let mut unsteady: f64 = 0.0;
    for stream in [0, 1] {
        let step = if stream == 0 {
            1.0 / FPS
        } else {
            AUDIO_FRAME_SECONDS
        };
        let of_film: HashMap<&str, f64> = original
            .iter()
            .filter(|frame| frame.0 == stream)
            .map(|frame| (frame.2.as_str(), frame.1))
            .collect();
        let mut found: Vec<(f64, f64)> = copy
            .iter()
            .filter(|frame| frame.0 == stream)
            .filter_map(|frame| Some((*of_film.get(frame.2.as_str())?, frame.1)))
            .collect();
        // Where a copy was cut off, pictures may be missing that others overtook.
        let end = found.iter().map(|frame| frame.0).fold(f64::MIN, f64::max) - END_SECONDS;
        found.retain(|frame| frame.0 <= end);
        let times = || found.iter().map(|(in_film, _)| *in_film);
        let first = times().fold(f64::MAX, f64::min);
        let last = times().fold(f64::MIN, f64::max);
        assert!(
            found.len() > 20,
            "stream {stream}: only {} frames were found",
            found.len()
        );
        let expected = ((last - first) / step).round() as usize + 1;
        missing += expected.saturating_sub(found.len());
        // ffmpeg gives the first packet of a stream over RTSP no time of its own.
        let timed = &found[1..];
        let differences = || timed.iter().map(|(in_film, in_copy)| in_copy - in_film);
        let mean = differences().sum::<f64>() / timed.len() as f64;
        unsteady = differences()
            .map(|one| (one - mean).abs())
            .fold(unsteady, f64::max);
        offsets[usize::from(stream)] = mean;
        counts[usize::from(stream)] = found.len();
    }
    Arrived {
        pictures: counts[0],
        sounds: counts[1],
        missing,
        sound_late_seconds: offsets[1] - offsets[0],
        unsteady_seconds: unsteady,
    }
}

impl Arrived {
    /// Nothing is missing, and picture and sound are where they were.
    pub(crate) fn must_be_whole(&self) {
        self.must_be_whole_and_steady_within(0.002);
    }

    /// The same for a player that moves a stream by some milliseconds once it has a report of it.
    pub(crate) fn must_be_whole_and_steady_within(&self, seconds: f64) {
        assert_eq!(self.missing, 0, "{self:?}");
        assert!(self.sound_late_seconds.abs() <= 0.020, "{self:?}");
        assert!(self.unsteady_seconds <= seconds, "{self:?}");
    }
}

/// Plays a film into a feed in real time, by its clock, until dropped; again from the start
/// when it is over.
pub(crate) struct Projector {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Projector {
    pub(crate) fn start(feed: Feed, film: &Path, seconds: u32) -> Self {
        let media = Bytes::from(std::fs::read(film).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let clock = Clock::start();
            let mut writer = feed.ts_writer();
            let began = Instant::now();
            let per_byte = f64::from(seconds) / media.len() as f64;
            for (index, at) in (0..media.len()).step_by(1316).cycle().enumerate() {
                let due = Duration::from_secs_f64((index * 1316) as f64 * per_byte);
                while began.elapsed() < due {
                    if asked.load(Ordering::Acquire) {
                        return;
                    }
                    thread::sleep(Duration::from_millis(2));
                }
                let bytes = media.slice(at..media.len().min(at + 1316));
                writer.push(TsChunk::live(bytes, clock.now()));
                writer.seal();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An engine with an RTSP listener and one output of source `cam1`.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) adapter: Adapter,
    pub(crate) bound: SocketAddr,
}

impl Node {
    pub(crate) async fn start(output: &OutputSettings) -> Self {
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: "/tmp".into(),
        });
        let adapter = Adapter::new();
        let settings = ListenerSettings::at(([127, 0, 0, 1], 0).into());
        let events = engine.events().clone();
        let bound = adapter
            .set_listener("players", &settings, events)
            .await
            .unwrap();
        let spec = OutputSpec {
            source: "cam1".into(),
            driver: adapter.output("monitor", output, &NoSecrets).unwrap(),
        };
        engine.set_output("monitor", spec).await.unwrap();
        tidegate_testkit::eventually("the path is there", || {
            let status = engine.output_status("monitor")?;
            (status.state == OutputState::Waiting).then_some(())
        });
        Self {
            engine,
            adapter,
            bound,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.bound)
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        let status = self.adapter.listener_status("players").unwrap();
        status.counters[name].as_u64().unwrap()
    }
}

/// What a camera does.
#[derive(Clone, Copy, Default)]
pub(crate) struct CameraOptions<'a> {
    /// The user name and the password it asks for.
    pub(crate) login: Option<(&'a str, &'a str)>,
    pub(crate) port: u16,
}

/// GStreamer's RTSP server, playing a film at `/cam` in real time to whoever asks.
pub(crate) fn camera(film: &Path, options: CameraOptions<'_>, folder: &Path) -> Process {
    let script = folder.join("camera.py");
    std::fs::write(&script, CAMERA).unwrap();
    let (user, password) = options.login.unwrap_or_default();
    let mut command = Command::new("/usr/bin/python3");
    command.arg(&script).arg(film);
    command.args([&options.port.to_string(), user, password]);
    let process = Process::start("camera", &mut command, folder);
    tidegate_testkit::eventually("the camera listens", || {
        std::net::TcpStream::connect(("127.0.0.1", options.port)).ok()
    });
    process
}

/// Whether GStreamer's server can be run.
pub(crate) fn have_camera() -> bool {
    tidegate_testkit::peers::have(&["ffmpeg", "gst-launch-1.0", "python3"])
}

const CAMERA: &str = r#"
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
film, port, user, password = sys.argv[1:5]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( filesrc location=" + film + " ! tsdemux name=d "
    "d. ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
    "d. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")
if user:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.set_realm("camera")
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
GLib.MainLoop().run()
"#;

/// A free TCP port for peers that cannot be asked which one they got.
pub(crate) fn free_port() -> u16 {
    tidegate_testkit::free_udp_port()
}
