//! A page that plays the program with hls.js, in Chromium, while its inputs come and go.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tidegate_testkit::media::encode;
use tidegate_testkit::peers::ffmpeg;
use tidegate_testkit::{Process, Tidegate, eventually};

use crate::page::{Page, have_page};

/// Players begin three segments from the end.
const SEGMENTS_BEHIND: usize = 4;

/// `SIGSTOP` and `SIGCONT`: a publisher that says nothing, and one that goes on.
const STOP: i32 = 19;
const CONTINUE: i32 = 18;

/// A silence of a second is what a publisher on a busy machine may be held up for.
const CONFIG: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", latency: 2s } }
sources:
  - { name: main, srt: { listener: ingest, stream_id: in/main } }
  - { name: backup, srt: { listener: ingest, stream_id: in/backup } }
  - { name: program, switch: { inputs: [main, backup], ready_after: 1s, triggers: { no_packets: 1s }, SLATE } }
outputs:
  - { name: viewers, source: program, hls: { window: 60 } }
"#;

/// A picture whose left half has a colour of its own.
struct Look {
    colour: &'static str,
    size: &'static str,
    sample_rate: &'static str,
}

const RED: Look = Look {
    colour: "red",
    size: "320x180",
    sample_rate: "48000",
};
const BLUE: Look = Look {
    colour: "blue",
    ..RED
};

impl Look {
    /// Longer than any test, with B-frames and a key frame each second.
    fn clip(&self, folder: &Path) -> PathBuf {
        let (size, colour) = (self.size, self.colour);
        let picture =
            format!("testsrc2=s={size}:r=25,drawbox=x=0:y=0:w=iw/2:h=ih:color={colour}:t=fill");
        let settings = format!(
            "-t 120 -c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 25 -sc_threshold 0 \
             -b:v 600k -c:a aac -ac 2 -ar {}",
            self.sample_rate
        );
        let file = folder.join(format!("{colour}.ts"));
        encode(&picture, &settings, &file);
        file
    }
}

struct Stage {
    tidegate: Tidegate,
}

impl Stage {
    fn start(slate: &str) -> Self {
        let config = CONFIG.replace("SLATE", slate);
        let tidegate = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config).start();
        Self { tidegate }
    }

    /// Sends it until the process is dropped.
    fn publish(&self, input: &str, clip: &Path) -> Process {
        let port = self.tidegate.port("ingest");
        let url = format!(
            "srt://127.0.0.1:{port}?streamid=in/{input}&latency=2000000&pkt_size=1316&transtype=live"
        );
        let clip = clip.to_str().unwrap();
        let words = ["-re", "-i", clip, "-c", "copy", "-f", "mpegts", &url];
        ffmpeg(input, &words, self.tidegate.folder())
    }

    #[track_caller]
    fn becomes(&self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let is_so = |view: &Value| want(&view["switch"]);
        self.tidegate.source_becomes("program", what, is_so)["switch"].take()
    }

    #[track_caller]
    fn on_air(&self, input: &str) -> Value {
        self.becomes(&format!("{input} on air"), |switch| {
            switch["active"] == input
        })
    }

    #[track_caller]
    fn ready(&self, input: &str) {
        self.becomes(&format!("{input} ready"), |switch| {
            let inputs = switch["inputs"].as_array().into_iter().flatten();
            inputs
                .into_iter()
                .any(|it| it["name"] == input && it["ready"] == true)
        });
    }

    /// Takes it as soon as it may be taken: a busy machine may hold it up again.
    #[track_caller]
    fn take(&self, input: &str) {
        let body = json!({ "input": input });
        eventually(&format!("{input} is taken"), || {
            let http = self.tidegate.http();
            let answer = http.post("/api/v1/sources/program/take", &body);
            (answer.status == 200).then_some(())
        });
        self.on_air(input);
    }

    #[track_caller]
    fn page(&self) -> Page {
        eventually("as many segments as a player stays behind", || {
            (self.playlist().matches("#EXTINF").count() >= SEGMENTS_BEHIND).then_some(())
        });
        Page::open(&self.tidegate, "viewers")
    }

    /// What is on air stays there for a segment, which a page cannot overlook.
    #[track_caller]
    fn shows_it_a_while(&self) {
        let segments = || self.playlist().matches("#EXTINF").count();
        let before = segments();
        eventually("two more segments", || {
            (segments() >= before + 2).then_some(())
        });
    }

    fn playlist(&self) -> String {
        self.tidegate.http().get("/hls/viewers/media.m3u8").text()
    }
}

#[test]
fn hls_js_plays_on_while_what_is_on_air_is_taken_stalled_killed_and_dark() {
    if !have_page() {
        return;
    }
    let media = tempfile::tempdir().unwrap();
    let [red, blue] = [RED, BLUE].map(|look| look.clip(media.path()));
    let slate = media.path().join("soon.png");
    picture_at(&slate, "green");
    let stage = Stage::start(&format!(
        "slate: {{ file: {}, sound: tone }}",
        slate.display()
    ));
    let mut main = stage.publish("main", &red);
    stage.on_air("main");
    let mut backup = stage.publish("backup", &blue);
    stage.ready("backup");
    stage.becomes("the slate made", |switch| {
        switch["slate"]["state"] == "ready"
    });
    let mut page = stage.page();
    page.sees_colours(&["red"]);

    stage.take("backup");
    stage.shows_it_a_while();
    stage.take("main");
    stage.shows_it_a_while();

    main.signal(STOP);
    let switch = stage.on_air("backup");
    assert_eq!(switch["last_switch"]["gap_ms"], 0, "{switch}");
    main.signal(CONTINUE);
    stage.ready("main");
    stage.take("main");
    stage.shows_it_a_while();

    main.kill();
    let switch = stage.on_air("backup");
    assert_eq!(switch["last_switch"]["gap_ms"], 0, "{switch}");
    page.sees_colours(&["red", "blue", "red", "blue", "red", "blue"]);
    page.is_content();
    let playlist = stage.playlist();
    assert!(!playlist.contains("DISCONTINUITY"), "{playlist}");

    backup.kill();
    stage.on_air("slate");
    let colours = ["red", "blue", "red", "blue", "red", "blue", "green"];
    page.sees_colours(&colours);
    let _main = stage.publish("main", &red);
    stage.on_air("main");
    page.sees_colours(&[&colours[..], &["red"]].concat());
    page.close_content();
}

#[test]
fn hls_js_plays_over_a_cut_between_formats_which_is_marked_once() {
    if !have_page() {
        return;
    }
    let media = tempfile::tempdir().unwrap();
    let stage = Stage::start("slate: null");
    let _main = stage.publish("main", &RED.clip(media.path()));
    stage.on_air("main");
    let larger = Look {
        size: "640x360",
        sample_rate: "44100",
        ..BLUE
    };
    let _backup = stage.publish("backup", &larger.clip(media.path()));
    stage.ready("backup");
    let mut page = stage.page();
    page.sees_colours(&["red"]);
    stage.take("backup");
    page.sees_colours(&["red", "blue"]);
    let report = page.close_content();
    assert_eq!(report["sizes"], json!(["320x180", "640x360"]));
    let playlist = stage.playlist();
    let marks = playlist
        .lines()
        .filter(|line| *line == "#EXT-X-DISCONTINUITY");
    assert_eq!(marks.count(), 1, "{playlist}");
}

fn picture_at(path: &Path, colour: &str) {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg(format!("color={colour}:s=320x180"))
        .args(["-frames:v", "1"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}
