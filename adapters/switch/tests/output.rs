//! What a running switch puts out, as a measuring instrument counts it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tidegate_adapter_switch::{Adapter, SourceSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, Feed, Link, NoSecrets, ReaderOptions, SourceAdapter, SourceDriver,
    SourceSpec, SwitchCommand, TsChunk,
};
use tidegate_mpegts::{Demux, Event, Stamp};
use tidegate_testkit::media::encode;
use tidegate_testkit::peers::have;

const CHUNK_BYTES: usize = 7 * 188;
/// Of the multiplex.
const BITS_PER_SECOND: u64 = 3_000_000;
const LATENCY: Duration = Duration::from_millis(800);
/// A camera's thread that a busy machine keeps waiting is no failure.
const SETTINGS: &str = r#"{"inputs":["main","backup"],"dwell":"0s","ready_after":"1s",
                           "triggers":{"no_packets":"500ms","bitrate":"off"}}"#;
/// Generous: nothing here measures time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A camera with a transport of some latency, until it is dropped; then its sender is gone.
struct Camera {
    feed: Feed,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    fn start(feed: Feed, media: Bytes) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, to) = (Arc::clone(&stop), feed.clone());
        feed.set_link(Link::Up);
        let thread = std::thread::spawn(move || {
            let clock = Clock::start();
            let begun = clock.now();
            let mut writer = to.ts_writer();
            for (number, at) in (0..media.len()).step_by(CHUNK_BYTES).enumerate() {
                let sent_bits = (number * CHUNK_BYTES * 8) as u64;
                let now = begun + Duration::from_micros(sent_bits * 1_000_000 / BITS_PER_SECOND);
                let wait = now.saturating_since(clock.now());
                if !wait.is_zero() {
                    writer.seal();
                    std::thread::sleep(wait);
                }
                if asked.load(Ordering::Acquire) {
                    break;
                }
                let bytes = media.slice(at..media.len().min(at + CHUNK_BYTES));
                writer.push(TsChunk {
                    due: now + LATENCY,
                    ..TsChunk::live(bytes, clock.now())
                });
            }
            writer.seal();
        });
        Self {
            feed,
            stop,
            thread: Some(thread),
        }
    }

    /// Nothing comes any more, and nobody says why.
    fn unplug(mut self) {
        self.halt();
    }

    /// The sender hangs up.
    fn hang_up(mut self) {
        self.halt();
        self.feed.set_link(Link::Down);
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.halt();
    }
}

/// All that the program puts out, until it is asked for.
struct Tape {
    bytes: Arc<Mutex<Vec<u8>>>,
    work: tokio::task::JoinHandle<()>,
}

impl Tape {
    fn start(feed: &Feed) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let (mut reader, inside) = (feed.read_ts(ReaderOptions::default()), Arc::clone(&bytes));
        let work = tokio::spawn(async move {
            loop {
                let batch = reader.next().await;
                assert_eq!(reader.lost(), 0, "it keeps up");
                let mut bytes = inside.lock().unwrap();
                batch
                    .iter()
                    .for_each(|chunk| bytes.extend_from_slice(&chunk.bytes));
            }
        });
        Self { bytes, work }
    }

    /// How decoding times step, the least and the most of all streams, in ticks of 90 kHz.
    fn steps(self) -> (i64, i64) {
        assert!(!self.work.is_finished());
        self.work.abort();
        let mut demux = Demux::new();
        demux.push(Stamp::default(), &self.bytes.lock().unwrap());
        let (mut last, mut steps) = (HashMap::new(), Vec::new());
        while let Some(event) = demux.next_event() {
            if let Event::Unit(unit) = event
                && let Some(last) = last.insert(unit.pid, unit.dts)
            {
                steps.push(unit.dts - last);
            }
        }
        let least = steps.iter().min().copied();
        least.zip(steps.iter().max().copied()).unwrap()
    }
}

struct Bench {
    engine: Engine,
    driver: Arc<dyn SourceDriver>,
    media: [Bytes; 2],
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let media = ["testsrc2=s=320x180:r=25", "testsrc=s=320x180:r=25"].map(|picture| {
            let file = folder.path().join("camera.ts");
            let settings = "-t 60 -c:v libx264 -preset ultrafast -tune zerolatency \
                            -pix_fmt yuv420p -g 25 -b:v 1500k -maxrate 1500k -bufsize 500k \
                            -c:a aac -ac 2 -b:a 96k -muxrate 3000000";
            encode(picture, settings, &file);
            Bytes::from(std::fs::read(&file).unwrap())
        });
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: folder.path().into(),
        });
        let settings: SourceSettings = serde_json::from_str(SETTINGS).unwrap();
        let driver = Adapter::new()
            .source("program", &settings, &NoSecrets)
            .unwrap();
        let spec = SourceSpec {
            driver: Arc::clone(&driver),
            expect: None,
        };
        engine.set_source("program", spec).await.unwrap();
        Self {
            engine,
            driver,
            media,
            _folder: folder,
        }
    }

    /// Goes on with these inputs.
    async fn change_inputs(&self, inputs: &str) {
        self.change(&SETTINGS.replace(r#""main","backup""#, inputs))
            .await;
    }

    /// Goes on under these settings.
    async fn change(&self, settings: &str) {
        let settings: SourceSettings = serde_json::from_str(settings).unwrap();
        let driver = Adapter::new()
            .source("program", &settings, &NoSecrets)
            .unwrap();
        let expect = None;
        let spec = SourceSpec { driver, expect };
        self.engine.set_source("program", spec).await.unwrap();
    }

    /// The same as a camera, but nobody has the key to it.
    fn scrambled_camera(&self, which: usize) -> Camera {
        let mut media = self.media[which].to_vec();
        for packet in media.as_chunks_mut::<188>().0 {
            let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
            // Tables are in the clear.
            if ![0, 17, 0x1000, 0x1FFF].contains(&pid) {
                packet[3] |= 0x80;
            }
        }
        let feed = self.engine.feed(["main", "backup"][which]);
        Camera::start(feed, media.into())
    }

    fn camera(&self, which: usize) -> Camera {
        let feed = self.engine.feed(["main", "backup"][which]);
        Camera::start(feed, self.media[which].clone())
    }

    fn status(&self) -> Value {
        let control = self.driver.switch().unwrap();
        control.status().unwrap_or_default()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "not {what}: {status:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn both_ready(&self) {
        let all = |status: &Value| {
            let inputs = status["inputs"].as_array().cloned().unwrap_or_default();
            inputs.len() == 2 && inputs.iter().all(|input| input["ready"] == true)
        };
        self.until("both ready", all).await;
    }

    async fn take(&self, input: &str) {
        let control = self.driver.switch().unwrap();
        let take = SwitchCommand::Take {
            input: Some(input.into()),
            force: false,
        };
        control.command(take, "test").await.unwrap();
        let is_on_air = |status: &Value| status["active"] == input;
        self.until(input, is_on_air).await;
    }

    /// What a measuring instrument has counted in the program.
    fn errors(&self) -> Vec<(&'static str, u64)> {
        let status = self.engine.source_status("program").unwrap();
        let counted = status.tr101290.expect("it was looked at");
        let all = counted.indicators().into_iter();
        all.filter(|(_, _, indicator)| indicator.count > 0)
            .map(|(_, name, indicator)| (name, indicator.count))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measuring_instrument_finds_nothing_wrong_with_a_program_however_it_is_switched() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let bench = Bench::new().await;
    let (main, backup) = (bench.camera(0), bench.camera(1));
    bench
        .until("on air", |status| status["active"] == "main")
        .await;
    bench.both_ready().await;
    for round in 0..4 {
        bench.take(["backup", "main"][round % 2]).await;
    }
    assert_eq!(bench.errors(), []);

    main.unplug();
    let status = bench
        .until("on the backup", |it| it["active"] == "backup")
        .await;
    assert_eq!(status["last_switch"]["why"], "no_packets");
    assert_eq!(status["last_switch"]["automatic"], true);
    let main = bench.camera(0);
    bench.both_ready().await;
    assert_eq!(bench.errors(), []);

    backup.hang_up();
    let status = bench.until("on main", |it| it["active"] == "main").await;
    assert_eq!(status["last_switch"]["why"], "disconnect");
    let backup = bench.camera(1);
    bench.both_ready().await;
    bench.take("backup").await;
    assert_eq!(bench.errors(), []);

    let program = bench.engine.source_status("program").unwrap();
    assert!(program.readiness.ready, "{:?}", program.readiness);
    bench.engine.shutdown().await;
    drop((main, backup));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_is_scrambled_is_not_ready_and_says_so() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let bench = Bench::new().await;
    let cameras = (bench.camera(0), bench.scrambled_camera(1));
    let has_been_clean = |status: &Value| {
        // As long as a camera in the clear takes to be ready, and more.
        let clean_for = &status["inputs"][0]["clean_for_ms"];
        status["active"] == "main" && clean_for.as_u64() > Some(2500)
    };
    let status = bench.until("on air for long", has_been_clean).await;
    let backup = &status["inputs"][1];
    assert_eq!(backup["ready"], false, "{backup:#}");
    assert_eq!(backup["reasons"][0]["code"], "scrambled", "{backup:#}");
    assert!(backup["reasons"][0]["advice"].is_string(), "{backup:#}");
    bench.engine.shutdown().await;
    drop(cameras);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_can_be_taken_out_and_put_in_again_while_the_other_is_on_air() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let bench = Bench::new().await;
    let cameras = (bench.camera(0), bench.camera(1));
    bench.both_ready().await;
    bench.take("backup").await;
    bench.change_inputs(r#""backup""#).await;
    let is_alone = |status: &Value| status["inputs"].as_array().map(Vec::len) == Some(1);
    let status = bench.until("alone", is_alone).await;
    assert_eq!(status["active"], "backup");
    bench.change_inputs(r#""main","backup""#).await;
    bench.both_ready().await;
    bench.take("main").await;
    assert_eq!(bench.errors(), []);
    bench.engine.shutdown().await;
    drop(cameras);
}

/// Of the cameras, and what a cut may add: all times are of a machine that has much else to do.
const STEP_MAX_TICKS: i64 = 3 * 90_000;

#[tokio::test(flavor = "multi_thread")]
async fn times_never_step_back_whatever_setting_is_changed() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let bench = Bench::new().await;
    let cameras = (bench.camera(0), bench.camera(1));
    bench.both_ready().await;
    // Their times are alike; those of the program are others when it was switched some times.
    for input in ["backup", "main", "backup", "main"] {
        bench.take(input).await;
    }
    let tape = Tape::start(&bench.engine.feed("program"));
    let plays_on = async || {
        let is_on_air = |status: &Value| status["active"] == "main";
        bench.until("on air", is_on_air).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
    };
    plays_on().await;
    for more in [
        r#""delay":"600ms","#,
        r#""delay":"100ms","#,
        r#""delay":"100ms","merge":"off","#,
        "",
    ] {
        bench
            .change(&SETTINGS.replacen('{', &format!("{{{more}"), 1))
            .await;
        plays_on().await;
    }
    bench.change_inputs(r#""backup""#).await;
    let is_next = |status: &Value| status["active"] == "backup";
    bench.until("on the other one", is_next).await;
    bench.change_inputs(r#""main""#).await;
    plays_on().await;
    let (least, most) = tape.steps();
    assert!(least > 0, "{least} ticks");
    assert!(most < STEP_MAX_TICKS, "{most} ticks");
    let errors = bench.errors();
    let is_silence = |name: &str| name == "pcr_repetition" || name == "pcr_discontinuity";
    let others: Vec<_> = errors
        .iter()
        .filter(|(name, _)| !is_silence(name))
        .collect();
    assert!(others.is_empty(), "{errors:?}");
    bench.engine.shutdown().await;
    drop(cameras);
}
