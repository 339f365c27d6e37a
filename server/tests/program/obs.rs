//! OBS at both inputs, by SRT and by RTMP, and somebody who reads what comes of it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tidegate_testkit::media::encode;
use tidegate_testkit::obs::{Obs, PROGRAMS, file_input};
use tidegate_testkit::peers::{have, srt_to_file};
use tidegate_testkit::{Process, Tidegate, eventually};

use crate::audience::{complaints, whole};

const KEY: &str = "studio-key-0123456789";
/// RTMP has no latency of its own that a silence fits into, so all is held back.
const CONFIG: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", latency: 500ms } }
  - { name: rtmp, rtmp: { bind: "127.0.0.1:0" } }
sources:
  - { name: main, srt: { listener: ingest, stream_id: in/main } }
  - { name: backup, rtmp: { listener: rtmp, key: studio-key-0123456789 } }
  - { name: program, switch: { inputs: [main, backup], ready_after: 1s, delay: 1s } }
outputs:
  - { name: out, source: program, srt: { listener: ingest, stream_id: out/program, open: true } }
"#;

/// A picture at 25 a second, and a frame of AAC at 48 kHz.
const PICTURE_TICKS: i64 = 3600;
const SOUND_TICKS: i64 = 1920;
/// Pictures from key frame to key frame (the testkit's OBS is set so).
const GROUP: usize = 25;

struct Studio {
    tidegate: Tidegate,
}

impl Studio {
    fn start() -> Self {
        let tidegate = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), CONFIG).start();
        Self { tidegate }
    }

    fn by_srt(&self, name: &str, clip: &Path) -> Obs {
        let port = self.tidegate.port("ingest");
        let server =
            format!("srt://127.0.0.1:{port}?streamid=in/main&latency=500000&pkt_size=1316");
        Obs::start(
            name,
            &[file_input(clip)],
            &server,
            "",
            self.tidegate.folder(),
        )
    }

    fn by_rtmp(&self, name: &str, clip: &Path) -> Obs {
        let server = format!("rtmp://127.0.0.1:{}/live", self.tidegate.port("rtmp"));
        Obs::start(
            name,
            &[file_input(clip)],
            &server,
            KEY,
            self.tidegate.folder(),
        )
    }

    /// A reader that is there from the first packet on.
    fn reader(&self, file: &Path) -> Process {
        let port = self.tidegate.port("ingest");
        let url = format!("srt://127.0.0.1:{port}?streamid=out/program&latency=200&mode=caller");
        let reader = srt_to_file("reader", &url, file);
        self.tidegate
            .output_becomes("out", "the reader is there", |view| view["readers"] == 1);
        reader
    }

    #[track_caller]
    fn becomes(&self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let is_so = |view: &Value| want(&view["switch"]);
        self.tidegate.source_becomes("program", what, is_so)["switch"].take()
    }

    #[track_caller]
    fn on_air_and_other_ready(&self, input: &str) -> Value {
        self.becomes(&format!("{input} on air, the other ready"), |switch| {
            switch["active"] == input && switch["standby"][0]["ready"] == true
        })
    }

    /// What is on air goes: the other one follows without a gap.
    #[track_caller]
    fn leaves(&self, obs: Obs, to: &str) {
        drop(obs);
        let switch = self.becomes(&format!("{to} on air"), |switch| switch["active"] == to);
        let last = &switch["last_switch"];
        let told = (&last["automatic"], &last["gap_ms"]);
        assert_eq!(told, (&json!(true), &json!(0)), "{last}");
    }
}

#[test]
fn obs_by_srt_and_obs_by_rtmp_take_over_from_one_another_without_a_step() {
    if !have(&PROGRAMS) || !have(&["srt-live-transmit", "ffprobe"]) {
        return;
    }
    let studio = Studio::start();
    let [one, two] = ["testsrc2=s=640x360:r=25", "smptebars=s=640x360:r=25"].map(|picture| {
        let file = studio
            .tidegate
            .folder()
            .join(format!("{}.ts", &picture[..5]));
        encode(
            picture,
            "-t 10 -c:v libx264 -preset ultrafast -g 25 -c:a aac -ac 2",
            &file,
        );
        file
    });
    let file = studio.tidegate.folder().join("received.ts");
    let mut reader = studio.reader(&file);
    let size = || std::fs::metadata(&file).map_or(0, |data| data.len());
    let grows = |bytes: u64| {
        let wanted = size() + bytes;
        eventually("the reader gets more", || (size() >= wanted).then_some(()));
    };

    let main = studio.by_srt("obs-srt", &one);
    studio.becomes("main on air", |switch| switch["active"] == "main");
    let backup = studio.by_rtmp("obs-rtmp", &two);
    let switch = studio.on_air_and_other_ready("main");
    let formats = [
        &switch["inputs"][0]["format"],
        &switch["inputs"][1]["format"],
    ];
    assert_eq!(formats, ["h264 640x360 25 · aac stereo"; 2]);
    grows(200_000);

    studio.leaves(main, "backup");
    let main = studio.by_srt("obs-srt-again", &one);
    studio.on_air_and_other_ready("backup");
    grows(200_000);
    studio.leaves(backup, "main");
    grows(200_000);
    drop(main);

    assert!(reader.ended().is_none(), "the reader was never sent away");
    reader.kill();
    let program = studio.tidegate.source("program");
    assert_eq!(
        program["media"]["continuity_errors"], 0,
        "{}",
        program["media"]
    );
    let received = std::fs::read(&file).unwrap();
    std::fs::write(&file, whole(&received)).unwrap();
    assert_eq!(complaints(&file), "");
    let (pictures, sounds) = (times(&file, "v"), times(&file, "a"));
    assert!(
        pictures.len() > 250 && sounds.len() > 450,
        "{} {}",
        pictures.len(),
        sounds.len()
    );
    let steps = steps_of(&pictures);
    // On a busy machine OBS leaves pictures out by itself.
    let is_whole = |step: &i64| *step > 0 && step % PICTURE_TICKS == 0;
    assert!(steps.iter().all(is_whole), "{steps:?}");
    let cuts = cuts(&pictures);
    assert!((1..=2).contains(&cuts.len()), "{cuts:?}");
    for cut in cuts {
        let step = steps[cut - 1];
        assert_eq!(step, PICTURE_TICKS, "picture {cut} follows the one before");
    }
    let steps = steps_of(&sounds);
    let (low, high) = (*steps.iter().min().unwrap(), *steps.iter().max().unwrap());
    assert!(
        low > 0 && high < 2 * SOUND_TICKS,
        "{low} … {high}: less than a frame lacks"
    );
}

/// When the packets of a stream are presented, in order (90 kHz), and whether decoding can begin
/// with them, as ffprobe reads them.
fn times(file: &Path, stream: &str) -> Vec<(i64, bool)> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream])
        .args(["-show_entries", "packet=pts,flags", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let packet = |line: &str| {
        let (pts, flags) = line.split_once(',')?;
        Some((pts.parse().ok()?, flags.starts_with('K')))
    };
    let mut times: Vec<(i64, bool)> = text.lines().filter_map(packet).collect();
    times.sort_unstable();
    times
}

/// From each to the one that follows it.
fn steps_of(times: &[(i64, bool)]) -> Vec<i64> {
    times.windows(2).map(|two| two[1].0 - two[0].0).collect()
}

/// The key frames that came before a group had all its pictures: a picture that OBS left out, its
/// encoder did not see, and a cut that falls between two groups cannot be told.
fn cuts(pictures: &[(i64, bool)]) -> Vec<usize> {
    let keys: Vec<usize> = (0..pictures.len()).filter(|&at| pictures[at].1).collect();
    let groups = keys.windows(2).filter(|two| two[1] - two[0] != GROUP);
    groups.map(|two| two[1]).collect()
}
