//! File sources, with files that ffmpeg made.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tidegate_adapter_file::{Adapter, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Frame, NoSecrets, Reader, ReaderOptions,
    SourceAdapter, SourceDriver, SourceSpec, SourceStatus, TsChunk,
};
use tidegate_mpegts::{Inspector, Packet, Pcr};
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::peers::have;
use tidegate_units::Instant;

const PATIENCE: Duration = Duration::from_secs(30);
/// A file that is so late goes on from there.
const LATE_MAX_MICROS: i64 = 90_000;
const SECOND: &str = "-f lavfi -i testsrc2=s=160x90:r=25 -f lavfi -i sine=r=48000 -t 1 -c:v libx264 \
                      -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac -ac 2";

/// A file of a second that ffmpeg makes; `None` without ffmpeg.
fn made(folder: &Path, arguments: &str, name: &str) -> Option<PathBuf> {
    if !have(&["ffmpeg", "ffprobe"]) {
        return None;
    }
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    Some(path)
}

fn settings(path: &Path, repeat: bool) -> SourceSettings {
    let path = path.to_str().unwrap().to_owned();
    SourceSettings {
        path,
        repeat,
        video: None,
        audio: None,
    }
}

fn driver(path: &Path, repeat: bool) -> Arc<dyn SourceDriver> {
    let settings = settings(path, repeat);
    Adapter::new()
        .source("file", &settings, &NoSecrets)
        .unwrap()
}

/// A file that comes and goes.
struct Coming {
    folder: tempfile::TempDir,
    master: PathBuf,
}

impl Coming {
    fn path(&self) -> PathBuf {
        self.folder.path().join("playing.ts")
    }
}

impl SourceSubject for Coming {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        let _ = fs::remove_file(self.path());
        driver(&self.path(), true)
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn start_sender(&self) {
        fs::copy(&self.master, self.folder.path().join("new.ts")).unwrap();
        fs::rename(self.folder.path().join("new.ts"), self.path()).unwrap();
    }

    fn kill_sender(&self) {
        let _ = fs::remove_file(self.path());
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        let text = self.folder.path().join("text.ts");
        fs::write(&text, "This is no transport stream.".repeat(100)).unwrap();
        Some(driver(&text, true))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_source_must() {
    let folder = tempfile::tempdir().unwrap();
    let Some(master) = made(folder.path(), SECOND, "master.ts") else {
        return;
    };
    check_settings(&settings(&master, true));
    check_source(&Coming { folder, master }).await;
}

/// An engine that plays one file.
struct Bench {
    engine: Engine,
}

impl Bench {
    /// An engine whose feed can be read before anything plays: a reader that comes later
    /// misses the beginning.
    fn new(data_dir: &Path) -> Self {
        let data_dir = data_dir.to_owned();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir,
        });
        Self { engine }
    }

    async fn play(&self, driver: Arc<dyn SourceDriver>) {
        let spec = SourceSpec {
            driver,
            expect: None,
        };
        self.engine.set_source("file", spec).await.unwrap();
    }

    fn status(&self) -> SourceStatus {
        self.engine.source_status("file").unwrap()
    }

    async fn status_with(&self, what: &str, fits: impl Fn(&SourceStatus) -> bool) -> SourceStatus {
        let begun = std::time::Instant::now();
        loop {
            let status = self.status();
            if fits(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "never: {what}, but {status:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn next_chunks(reader: &mut Reader<TsChunk>) -> Vec<TsChunk> {
    let batch = tokio::time::timeout(PATIENCE, reader.next()).await.unwrap();
    batch.to_vec()
}

/// Reads until there are so many bytes.
async fn read_ts(reader: &mut Reader<TsChunk>, bytes: usize) -> Vec<TsChunk> {
    let (mut chunks, mut count) = (Vec::new(), 0);
    while count < bytes {
        for chunk in next_chunks(reader).await {
            count += chunk.bytes.len();
            chunks.push(chunk);
        }
    }
    chunks
}

fn continuity_errors(stream: &[u8]) -> u64 {
    let mut inspector = Inspector::new();
    inspector.push(Instant::ZERO, stream);
    inspector.report(Instant::ZERO).continuity_errors
}

/// Each packet with the clock, and when its chunk is due.
fn clocks(chunks: &[TsChunk]) -> Vec<(Pcr, Instant)> {
    let of_chunk = |chunk: &TsChunk| {
        let packets = chunk.bytes.as_chunks::<188>().0.iter();
        let pcr = |packet| Packet::new(packet)?.adaptation()?.pcr;
        packets
            .filter_map(pcr)
            .map(|pcr| (pcr, chunk.due))
            .collect::<Vec<_>>()
    };
    chunks.iter().flat_map(of_chunk).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_stream_goes_round_bit_by_bit_by_its_clock_and_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    let Some(path) = made(folder.path(), SECOND, "media/second.ts") else {
        return;
    };
    let file = fs::read(&path).unwrap();
    let bench = Bench::new(folder.path());
    let mut reader = bench.engine.feed("file").read_ts(ReaderOptions::default());
    bench.play(driver(Path::new("second.ts"), true)).await;
    let chunks = read_ts(&mut reader, 3 * file.len() + file.len() / 2).await;
    let stream: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert_eq!(&stream[..file.len()], file, "the first round, bit by bit");
    assert_eq!(continuity_errors(&stream), 0);
    let clocks = clocks(&chunks);
    let (mut first_pcr, mut first_due) = clocks[0];
    for (pcr, due) in clocks {
        let file_micros = pcr.since(first_pcr) / 27;
        let our_micros = due.micros_from(first_due);
        let apart = our_micros - file_micros.cast_signed();
        if apart >= LATE_MAX_MICROS {
            // The machine hung; what follows goes by its new moment.
            (first_pcr, first_due) = (pcr, due);
            continue;
        }
        assert!(apart.abs() < 10_000, "{apart} us off after {our_micros} us");
    }
    let detail = &bench.status().details["file"];
    assert_eq!(detail["format"], "ts");
    assert!(detail["round"].as_u64().unwrap() >= 3, "{detail}");
    bench.engine.shutdown().await;
    let played = folder.path().join("played.ts");
    fs::write(&played, &stream).unwrap();
    plays_well(&played);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_stream_that_was_cut_off_goes_round_without_its_torn_packet() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = made(folder.path(), SECOND, "cut.ts") else {
        return;
    };
    let whole = fs::read(&path).unwrap();
    let packets = whole.len() / 188 / 2;
    fs::write(&path, &whole[..packets * 188 + 100]).unwrap();
    let bench = Bench::new(folder.path());
    let mut reader = bench.engine.feed("file").read_ts(ReaderOptions::default());
    bench.play(driver(&path, true)).await;
    let chunks = read_ts(&mut reader, 3 * whole.len() / 2).await;
    let stream: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert_eq!(&stream[..packets * 188], &whole[..packets * 188]);
    let (whole_packets, rest) = stream.as_chunks::<188>();
    assert!(rest.is_empty() && whole_packets.iter().all(|packet| packet[0] == 0x47));
    assert_eq!(continuity_errors(&stream), 0);
    assert_eq!(bench.status().last_error, None);
    bench.engine.shutdown().await;
}

/// ffprobe finds rising times on every stream.
#[track_caller]
fn plays_well(file: &Path) {
    for stream in ["v:0", "a:0"] {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", stream, "-of", "csv=p=0"])
            .args(["-show_entries", "packet=dts_time"])
            .arg(file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let times: Vec<f64> = (text.lines())
            .filter_map(|line| line.trim_end_matches(',').parse().ok())
            .collect();
        assert!(times.len() > 60, "{stream}: {}", times.len());
        for pair in times.windows(2) {
            let step = pair[1] - pair[0];
            assert!(
                step > 0.0 && step < 0.1,
                "{stream}: {step} s after {}",
                pair[0]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mp4_file_goes_round_on_one_timeline_and_has_a_ts_lane() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = made(folder.path(), SECOND, "second.mp4") else {
        return;
    };
    let bench = Bench::new(folder.path());
    let feed = bench.engine.feed("file");
    let mut ts = feed.read_ts(ReaderOptions::default());
    let mut reader = feed.read_frames(ReaderOptions::default());
    bench.play(driver(&path, true)).await;
    let mut frames: BTreeMap<u16, Vec<Frame>> = BTreeMap::new();
    while frames.get(&1).is_none_or(|pictures| pictures.len() < 80) {
        let batch = tokio::time::timeout(PATIENCE, reader.next()).await.unwrap();
        for frame in batch.iter() {
            frames.entry(frame.track).or_default().push(frame.clone());
        }
    }
    for (track, frames) in &frames {
        let usual = frames[1].dts_90khz - frames[0].dts_90khz;
        for pair in frames.windows(2) {
            let step = pair[1].dts_90khz - pair[0].dts_90khz;
            assert!(
                step > 0 && step < 2 * usual,
                "track {track}: a step of {step}"
            );
            let waited = pair[1].due.micros_from(pair[0].due);
            let late = waited - step * 1000 / 90;
            assert!(
                late.abs() < 20 || late >= LATE_MAX_MICROS,
                "due by decoding time, unless the machine hung: {late} us"
            );
        }
        assert!(
            frames
                .iter()
                .all(|frame| frame.pts_90khz >= frame.dts_90khz - 1)
        );
    }
    // Each round begins with one; the reader may have come too late for the first.
    let keys = frames[&1].iter().filter(|frame| frame.key).count();
    assert!((3..=4).contains(&keys), "{keys}");
    assert!(
        ts.try_next().is_some(),
        "the transport stream is made from it"
    );
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_played_once_ends_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = made(folder.path(), SECOND, "second.ts") else {
        return;
    };
    let file = fs::read(&path).unwrap();
    let bench = Bench::new(folder.path());
    let mut reader = bench.engine.feed("file").read_ts(ReaderOptions::default());
    bench.play(driver(&path, false)).await;
    let chunks = read_ts(&mut reader, file.len()).await;
    let stream: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert_eq!(stream, file, "all of it, to the last packet");
    let status = bench.status_with("it rests", |status| status.resting).await;
    assert_eq!(status.connection, Connection::Disconnected);
    assert_eq!(status.last_error, None);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_replaced_is_played_from_the_next_round_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = made(folder.path(), SECOND, "playing.ts") else {
        return;
    };
    let Some(other) = made(folder.path(), SECOND, "other.mp4") else {
        return;
    };
    let bench = Bench::new(folder.path());
    bench.play(driver(&path, true)).await;
    let format = |wanted: &'static str| {
        move |status: &SourceStatus| {
            status
                .details
                .get("file")
                .is_some_and(|file| file["format"] == wanted)
        }
    };
    bench
        .status_with("the transport stream plays", format("ts"))
        .await;
    fs::rename(&other, &path).unwrap();
    let status = bench.status_with("the other plays", format("mp4")).await;
    assert_eq!(
        (status.connection, status.reconnects),
        (Connection::Connected, 0)
    );
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_played_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mp4) = made(folder.path(), SECOND, "whole.mp4") else {
        return;
    };
    let whole = fs::read(&mp4).unwrap();
    let cut = folder.path().join("cut.mp4");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let null_packets = folder.path().join("null.ts");
    let mut packet = [0xFF; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
    fs::write(&null_packets, packet.repeat(1000)).unwrap();
    let missing = folder.path().join("missing.ts");
    for (path, reason) in [
        (missing.as_path(), "does not exist. Put it there"),
        (cut.as_path(), "recording was never finished. Copy it again"),
        (null_packets.as_path(), "has no clock (PCR)"),
        (folder.path(), "is not a file. Name a media file"),
    ] {
        let bench = Bench::new(folder.path());
        bench.play(driver(path, true)).await;
        let is_said = |status: &SourceStatus| status.last_error.is_some();
        let status = bench.status_with("the reason", is_said).await;
        let error = status.last_error.unwrap();
        assert!(error.contains(reason), "{}: {error}", path.display());
        assert_ne!(status.connection, Connection::Connected);
        bench.engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_played_as_a_slate_that_never_ends() {
    let folder = tempfile::tempdir().unwrap();
    let picture = "-f lavfi -i testsrc2=s=160x90 -frames:v 1";
    let Some(path) = made(folder.path(), picture, "soon.png") else {
        return;
    };
    let slate = SourceSettings {
        video: Some("h264 320x180 50".into()),
        audio: Some("aac mono 48000".into()),
        ..settings(&path, false)
    };
    let driver = Adapter::new().source("slate", &slate, &NoSecrets).unwrap();
    let bench = Bench::new(folder.path());
    bench.play(driver).await;
    let feed = bench.engine.feed("file");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let mut frames: BTreeMap<u16, Vec<Frame>> = BTreeMap::new();
    while frames.get(&1).is_none_or(|pictures| pictures.len() < 200) {
        let batch = tokio::time::timeout(PATIENCE, reader.next()).await.unwrap();
        for frame in batch.iter() {
            frames.entry(frame.track).or_default().push(frame.clone());
        }
    }
    for (track, cadence) in [(1, 1800), (2, 1920)] {
        for pair in frames[&track].windows(2) {
            let step = pair[1].dts_90khz - pair[0].dts_90khz;
            assert!(
                (step - cadence).abs() <= 1,
                "no seam on track {track}: {step}"
            );
        }
    }
    let tracks = feed.tracks();
    let video = tracks[0]
        .config
        .as_ref()
        .unwrap()
        .video()
        .unwrap()
        .format
        .clone();
    assert_eq!((video.width, video.height), (320, 180));
    bench.engine.shutdown().await;
}
