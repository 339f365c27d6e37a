//! Darkness, which viewers do not see: the slate comes and goes, and nobody is sent away.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_testkit::media::encode;
use tidegate_testkit::peers::have;
use tidegate_testkit::{Tidegate, eventually, free_udp_port};

use crate::audience::{Platform, complaints, hls_player, whole};
use crate::measured::Measured;
use crate::publisher::{Clip, Publisher};
use crate::viewer::Viewer;

/// Half a second is what a viewer may see nothing for, on a machine that has much else to do:
/// 150 ms until a silence counts, and the way there.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// A program with a slate, and its inputs' ports.
struct Studio {
    tidegate: Tidegate,
    ports: [u16; 2],
    viewer: Viewer,
    tape: Tape,
    platform: Option<Platform>,
    media: tempfile::TempDir,
}

impl Studio {
    fn start(settings: &str, platform: Option<Platform>, ffmpeg: Option<&str>) -> Self {
        let media = tempfile::tempdir().unwrap();
        let (viewer, tape) = (Viewer::start(), Tape::start());
        let ports = [free_udp_port(), free_udp_port()];
        let picture = media.path().join("soon.png");
        picture_at(&picture);
        let settings = settings.replace("SOON", picture.to_str().unwrap());
        let mut config = format!(
            "sources:\n\
             - {{ name: main, udp: {{ from: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: backup, udp: {{ from: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: program, switch: {{ inputs: [main, backup], ready_after: 1s, {settings} }} }}\n\
             outputs:\n\
             - {{ name: out, source: program, udp: {{ to: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: tape, source: program, udp: {{ to: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: viewers, source: program, hls: {{}} }}\n",
            ports[0],
            ports[1],
            viewer.port(),
            tape.port,
        );
        if let Some(platform) = &platform {
            config.push_str(&format!(
                "- {{ name: live, source: program, rtmp: {{ url: \"rtmp://127.0.0.1:{}/live\", key: it }} }}\n",
                platform.port
            ));
        }
        let mut builder = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config);
        if let Some(program) = ffmpeg {
            builder = builder.env("TIDEGATE_FFMPEG", program);
        }
        Self {
            tidegate: builder.start(),
            ports,
            viewer,
            tape,
            platform,
            media,
        }
    }

    fn publish(&self, clips: &[Clip; 2]) -> [Publisher; 2] {
        let [one, two] = clips;
        [
            Publisher::start(self.ports[0], one),
            Publisher::start(self.ports[1], two),
        ]
    }

    #[track_caller]
    fn becomes(&self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let is_so = |view: &Value| want(&view["switch"]);
        self.tidegate.source_becomes("program", what, is_so)["switch"].take()
    }
}

/// All datagrams of an output.
struct Tape {
    port: u16,
    bytes: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tape {
    fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let glance = Duration::from_millis(100);
        socket.set_read_timeout(Some(glance)).unwrap();
        let (bytes, stop) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::default());
        let (inside, asked): (_, Arc<AtomicBool>) = (Arc::clone(&bytes), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut datagram = [0; 2048];
            while !asked.load(Ordering::Acquire) {
                if let Ok(length) = socket.recv(&mut datagram) {
                    inside
                        .lock()
                        .unwrap()
                        .extend_from_slice(&datagram[..length]);
                }
            }
        });
        Self {
            port,
            bytes,
            stop,
            thread: Some(thread),
        }
    }

    /// What was received, up to the last picture that is whole.
    fn whole(&self) -> Vec<u8> {
        whole(&self.bytes.lock().unwrap())
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(crate) fn picture_at(path: &Path) {
    let clip = path.with_extension("ts");
    encode("testsrc2=s=640x360:r=25", "-t 0.2 -c:v libx264 -an", &clip);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip)
        .args(["-frames:v", "1"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn darkness_brings_the_slate_at_once_and_nobody_who_watches_is_sent_away() {
    if !have(&["ffmpeg", "nginx"]) {
        return;
    }
    let studio = Studio::start(
        "slate: { file: SOON, sound: tone }",
        Some(Platform::start()),
        None,
    );
    let platform = studio.platform.as_ref().unwrap();
    let clips = Clip::two();
    let publishers = studio.publish(&clips);
    studio.becomes("main on air, the slate made", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "ready"
    });
    studio
        .tidegate
        .output_becomes("live", "publishes", |it| it["delivering"] == true);
    let mut player = hls_player(&studio.tidegate, "viewers");
    studio.viewer.sees(200);
    studio.viewer.seen();

    drop(publishers);
    let switch = studio.becomes("the slate on air", |switch| switch["active"] == "slate");
    assert_eq!(switch["last_switch"]["to"], "slate");
    studio.viewer.sees(1000);
    let seen = studio.viewer.seen();
    println!("into the slate: {seen:?}, {}", switch["last_switch"]);
    assert!(seen.longest_silence < SILENCE_MAX, "{seen:?}");
    assert_eq!(seen.counter_errors, 0, "{seen:?}");
    let gap = switch["last_switch"]["gap_ms"].as_u64().unwrap();
    assert!(
        gap < 500,
        "times leap by no more than the silence: {gap} ms"
    );

    let _publishers = studio.publish(&clips);
    let switch = studio.becomes("an input on air again", |switch| {
        switch["active"] != "slate"
    });
    studio.viewer.sees(1000);
    let seen = studio.viewer.seen();
    println!("out of the slate: {seen:?}, {}", switch["last_switch"]);
    assert!(seen.longest_silence < SILENCE_MAX, "{seen:?}");
    assert_eq!(seen.counter_errors, 0, "{seen:?}");

    assert_eq!(platform.recordings().len(), 1, "it was published once");
    assert_eq!(studio.tidegate.output_status("live")["reconnects"], 0);
    assert!(
        player.ended().is_none(),
        "the player stays: {}",
        player.output()
    );
    assert_eq!(player.output(), "");
    let playlist = studio.tidegate.http().get("/hls/viewers/index.m3u8").text();
    assert!(!playlist.contains("DISCONTINUITY"), "{playlist}");
    let tape = studio.tidegate.folder().join("tape.ts");
    std::fs::write(&tape, studio.tape.whole()).unwrap();
    assert_eq!(complaints(&tape), "");
}

#[test]
fn what_is_held_back_covers_the_time_until_the_slate_is_there() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let studio = Studio::start("delay: 600ms, slate: SOON", None, None);
    let publishers = studio.publish(&Clip::two());
    studio.becomes("main on air, the slate made", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "ready"
    });
    studio.viewer.sees(200);
    studio.viewer.seen();
    drop(publishers);
    let switch = studio.becomes("the slate on air", |switch| switch["active"] == "slate");
    studio.viewer.sees(500);
    let seen = studio.viewer.seen();
    println!("without a gap: {seen:?}, {}", switch["last_switch"]);
    assert_eq!(switch["last_switch"]["gap_ms"], 0, "{switch}");
    assert!(seen.longest_silence < SILENCE_MAX, "{seen:?}");
    assert_eq!(seen.counter_errors, 0, "{seen:?}");
    let tape = studio.tidegate.folder().join("tape.ts");
    std::fs::write(&tape, studio.tape.whole()).unwrap();
    assert_eq!(complaints(&tape), "");
}

#[test]
fn another_slate_takes_its_place_on_air_and_the_times_go_on() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let studio = Studio::start("delay: 600ms, slate: SOON", None, None);
    let clips = Clip::two();
    let publishers = studio.publish(&clips);
    studio.becomes("main on air, the slate made", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "ready"
    });
    drop(publishers);
    studio.becomes("the slate on air", |switch| switch["active"] == "slate");
    let since = studio.tidegate.source("program")["connected_at"].clone();
    let set = |slate: Value| {
        let inputs = json!(["main", "backup"]);
        let mut switch = json!({ "inputs": inputs, "ready_after": "1s", "delay": "600ms" });
        if !slate.is_null() {
            switch["slate"] = slate;
        }
        let source = json!({ "name": "program", "switch": switch });
        let http = studio.tidegate.http();
        let answer = http.put("/api/v1/sources/program", &source);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let soon = studio.media.path().join("soon.png");
    let other = json!({ "file": soon, "sound": "tone" });
    set(other.clone());
    studio.becomes("the other one is made", |switch| {
        let slate = &switch["slate"];
        slate["state"] == "ready" && slate["reason"].is_null()
    });
    studio.viewer.sees(500);
    set(Value::Null);
    studio.becomes("no slate is set", |switch| {
        switch["slate"]["state"] == "off"
    });
    studio.viewer.sees(500);
    let switch = studio.becomes("it still covers the darkness", |switch| {
        switch["active"] == "slate"
    });
    assert_eq!(switch["switches"], 1, "{switch}");
    let _publishers = studio.publish(&clips);
    studio.becomes("an input on air again", |switch| {
        switch["active"] == "main" || switch["active"] == "backup"
    });
    studio.viewer.sees(500);
    set(other);
    studio.becomes("there is one again", |switch| {
        switch["slate"]["state"] == "ready"
    });
    let view = studio.tidegate.source("program");
    assert_eq!(view["connected_at"], since, "it was never begun anew");
    let measured = Measured::of(&studio.tape.whole());
    assert_eq!(measured.faults, [""; 0], "{measured:#?}");
    assert_eq!(measured.discontinuities, 0, "{measured:#?}");
    let tape = studio.tidegate.folder().join("tape.ts");
    std::fs::write(&tape, studio.tape.whole()).unwrap();
    assert_eq!(complaints(&tape), "");
}

#[test]
fn a_program_that_is_locked_to_a_dead_input_shows_the_slate_after_a_restart() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut studio = Studio::start("slate: SOON", None, None);
    let [one, two] = Clip::two();
    let main = Publisher::start(studio.ports[0], &one);
    studio.becomes("main on air, the slate made", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "ready"
    });
    let _backup = Publisher::start(studio.ports[1], &two);
    studio.becomes("backup ready", |switch| {
        switch["standby"][0]["ready"] == true
    });
    let path = "/api/v1/sources/program/lock";
    assert_eq!(studio.tidegate.http().post(path, &json!({})).status, 200);
    drop(main);
    studio.becomes("the slate on air", |switch| switch["active"] == "slate");
    assert!(studio.tidegate.process().stop().is_some());
    studio.tidegate.restart();
    let switch = studio.becomes("the slate on air again", |switch| {
        switch["active"] == "slate"
    });
    assert_eq!(switch["locked"], true);
    studio.viewer.sees(100);
    let _main = Publisher::start(studio.ports[0], &one);
    studio.becomes("main on air again", |switch| {
        switch["active"] == "main" && switch["locked"] == true
    });
}

#[test]
fn a_slate_that_cannot_be_made_is_said_and_the_program_goes_on_without() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let studio = Studio::start("slate: SOON", None, Some("/nonexistent/ffmpeg"));
    let clips = Clip::two();
    let publishers = studio.publish(&clips);
    let switch = studio.becomes("main on air, no slate", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "failed"
    });
    let reason = switch["slate"]["reason"].as_str().unwrap();
    assert!(reason.contains("there is no ffmpeg at"), "{reason}");
    assert!(reason.contains("TIDEGATE_FFMPEG"), "{reason}");
    eventually("an alarm says so, too", || {
        let path = "/api/v1/events?kind=alarm_raised";
        let events = studio.tidegate.http().get(path).text();
        events.contains("slate_failed").then_some(())
    });
    let path = "/api/v1/sources/program/take";
    let refused = studio
        .tidegate
        .http()
        .post(path, &json!({ "input": "slate" }));
    assert_eq!(refused.status, 409);
    let [main, _backup] = publishers;
    drop(main);
    studio.becomes("backup on air", |switch| switch["active"] == "backup");
    studio.viewer.sees(100);
}
