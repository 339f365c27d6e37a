//! HLS sources, fed by playlists that ffmpeg wrote and by origins that misbehave.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Frame, NoSecrets, Rate, Reader, ReaderOptions, Secret,
    SecretRef, SourceAdapter, SourceDriver, SourceSpec, SourceStatus, TsChunk, limits,
};
use tidegate_mpegts::Inspector;
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::{Manner, Process, WebOrigin, peers};
use tidegate_units::Bitrate;

fn settings(url: String) -> SourceSettings {
    SourceSettings {
        url,
        key: None,
        max_bitrate: None,
        allow_private: false,
        ca: None,
    }
}

fn driver(settings: &SourceSettings) -> Arc<dyn SourceDriver> {
    Adapter::new()
        .source("pulled", settings, &NoSecrets)
        .unwrap()
}

const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25 \
    -f lavfi -i sine=frequency=440:sample_rate=48000";
const CODECS: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 800k \
    -c:a aac -ac 2 -b:a 64k -f hls";

fn ffmpeg(name: &str, folder: &Path, before: &str, after: &str) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    command.args(before.split_whitespace());
    command.args(PICTURE.split_whitespace());
    command.args(CODECS.split_whitespace());
    command.args(after.split_whitespace()).current_dir(folder);
    Process::start(name, &mut command, folder)
}

/// A playlist with its segments, made at once.
fn made(folder: &Path, seconds: u32, options: &str) {
    let after = format!("-t {seconds} -hls_time 1 -hls_playlist_type vod {options}");
    let mut process = ffmpeg("made", folder, "", &after);
    let ended = process.finished_within(Duration::from_secs(30));
    assert!(ended.success(), "{}", process.output());
}

/// The same in real time, as a live origin does it.
fn live(folder: &Path, options: &str) -> Process {
    let options = format!("-hls_time 1 -hls_list_size 6 -hls_flags delete_segments {options}");
    ffmpeg("live", folder, "-re", &options)
}

struct Bench {
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: folder.path().to_owned(),
        });
        Self {
            engine,
            _folder: folder,
        }
    }

    async fn pull(&self, settings: &SourceSettings) {
        let spec = SourceSpec {
            driver: driver(settings),
            expect: None,
        };
        self.engine.set_source("pulled", spec).await.unwrap();
    }

    fn status(&self) -> SourceStatus {
        self.engine.source_status("pulled").unwrap()
    }

    /// A number of the status.
    fn count(&self, name: &str) -> u64 {
        let details = serde_json::to_value(self.status()).unwrap();
        details["hls"][name].as_u64().unwrap_or(0)
    }

    /// Waits for its first media.
    async fn connected(&self) {
        until("it is connected", || {
            (self.status().connection == Connection::Connected).then_some(())
        })
        .await;
    }

    async fn error(&self) -> String {
        until("an error", || self.status().last_error).await
    }
}

fn options() -> ReaderOptions {
    ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        max_bytes: limits::READER_BYTES_MAX,
        ..ReaderOptions::default()
    }
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Everything that comes until the source is done.
async fn everything(bench: &Bench, reader: &mut Reader<TsChunk>) -> Vec<TsChunk> {
    let mut chunks = Vec::new();
    bench.connected().await;
    until("the end of the playlist", || {
        while let Some(batch) = reader.try_next() {
            chunks.extend(batch.items().iter().cloned());
        }
        is_done(bench).then_some(())
    })
    .await;
    while let Some(batch) = reader.try_next() {
        chunks.extend(batch.items().iter().cloned());
    }
    chunks
}

fn is_done(bench: &Bench) -> bool {
    bench.status().connection != Connection::Connected
}

fn joined(folder: &Path, extension: &str) -> Vec<u8> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transport_stream_segments_pass_to_the_bit_and_never_in_bursts() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made(
        folder.path(),
        4,
        "-hls_segment_filename seg%03d.ts index.m3u8",
    );
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let chunks = everything(&bench, &mut reader).await;
    let bytes: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert!(
        bytes == joined(folder.path(), "ts"),
        "{} bytes came",
        bytes.len()
    );
    let (first, last) = (chunks[0].due, chunks.last().unwrap().due);
    let lasted = last.saturating_since(first);
    assert!((3500..4500).contains(&lasted.as_millis()), "{lasted:?}");
    for second in 0..3 {
        let begin = first + Duration::from_secs(second);
        let within =
            |chunk: &&TsChunk| chunk.due >= begin && chunk.due < begin + Duration::from_secs(1);
        let bytes_of: usize = chunks
            .iter()
            .filter(within)
            .map(|chunk| chunk.bytes.len())
            .sum();
        assert!(
            bytes_of < bytes.len() / 2,
            "{bytes_of} of {} in a second",
            bytes.len()
        );
    }
    assert!(chunks.windows(2).all(|pair| pair[0].due <= pair[1].due));
    assert_eq!(bench.count("segments"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_stream_with_encryption_comes_without_a_gap() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    std::fs::write(folder.path().join("enc.key"), [7_u8; 16]).unwrap();
    let info = format!("{}\nenc.key\n", origin.url("enc.key"));
    std::fs::write(folder.path().join("info"), info).unwrap();
    let _live = live(folder.path(), "-hls_key_info_file info index.m3u8");
    until("a few segments", || {
        folder.path().join("index4.ts").exists().then_some(())
    })
    .await;
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let (mut inspector, clock) = (Inspector::new(), Clock::start());
    let report = until("six segments", || {
        while let Some(batch) = reader.try_next() {
            for chunk in batch.items() {
                inspector.push(clock.now(), &chunk.bytes);
            }
        }
        (bench.count("segments") >= 6).then(|| inspector.report(clock.now()))
    })
    .await;
    assert!(report.video.is_some() && !report.audio.is_empty());
    assert_eq!((report.continuity_errors, report.sync_losses), (0, 0));
    for counter in ["segments_missed", "segments_failed", "playlists_failed"] {
        assert_eq!(bench.count(counter), 0, "{counter}");
    }
    assert_eq!(bench.status().connection, Connection::Connected);
}

/// Frames of pictures and of sound, and whether their times only grow.
async fn frames(bench: &Bench, reader: &mut Reader<Frame>) -> (usize, usize, Vec<Frame>) {
    let mut frames = Vec::new();
    bench.connected().await;
    until("the end of the playlist", || {
        while let Some(batch) = reader.try_next() {
            frames.extend(batch.items().iter().cloned());
        }
        is_done(bench).then_some(())
    })
    .await;
    while let Some(batch) = reader.try_next() {
        frames.extend(batch.items().iter().cloned());
    }
    let pictures = frames.iter().filter(|frame| frame.video).count();
    (pictures, frames.len() - pictures, frames)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragmented_mp4_with_sound_in_a_playlist_of_its_own_is_merged() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-map 0:v -map 1:a -hls_segment_type fmp4 -master_pl_name master.m3u8 \
        -var_stream_map v:0,agroup:sound,name:video a:0,agroup:sound,default:yes,name:audio \
        -hls_fmp4_init_filename init-%v.mp4 -hls_segment_filename %v-%03d.m4s %v.m3u8";
    // The map is one argument with a space in it.
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    command
        .args(PICTURE.split_whitespace())
        .args(CODECS.split_whitespace());
    command.args("-t 4 -hls_time 1 -hls_playlist_type vod".split(' '));
    let (before, after) = arguments.split_once(" a:0").unwrap();
    let map_at = before.rfind("v:0").unwrap();
    command.args(before[..map_at].split_whitespace());
    let (rest_of_map, after) = after.split_once(' ').unwrap();
    command.arg(format!("{} a:0{rest_of_map}", &before[map_at..]));
    command
        .args(after.split_whitespace())
        .current_dir(folder.path());
    let mut process = Process::start("made", &mut command, folder.path());
    assert!(
        process.finished_within(Duration::from_secs(30)).success(),
        "{}",
        process.output()
    );
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_frames(options());
    bench.pull(&settings(origin.url("master.m3u8"))).await;
    let (pictures, sound, frames) = frames(&bench, &mut reader).await;
    let problem = bench.status().last_error;
    assert_eq!(pictures, 100, "4 s at 25 frames a second; {problem:?}");
    // 4 s of 1024 samples at 48 kHz are 187.5, and the encoder starts with one more.
    assert!((187..=190).contains(&sound), "{sound} frames of sound");
    for video in [true, false] {
        let times: Vec<i64> = frames
            .iter()
            .filter(|it| it.video == video)
            .map(|it| it.dts_90khz)
            .collect();
        assert!(
            times.windows(2).all(|pair| pair[0] < pair[1]),
            "video {video}"
        );
    }
    let first = |video: bool| {
        frames
            .iter()
            .find(|it| it.video == video)
            .unwrap()
            .pts_90khz
    };
    assert!(
        (first(true) - first(false)).abs() < 9000,
        "sound fits the picture"
    );
    let details = serde_json::to_value(bench.status()).unwrap();
    assert_eq!(details["hls"]["container"], "fmp4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_and_entries_that_lead_inside_are_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n";
    std::fs::write(folder.path().join("inside.m3u8"), format!("{list}seg.ts\n")).unwrap();
    let inside = WebOrigin::start(folder.path());
    let origin = WebOrigin::start(folder.path());
    origin.behave(Manner::Redirect(inside.url("inside.m3u8")));
    let bench = Bench::new();
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let said = bench.error().await;
    assert!(
        said.contains("private network") && said.contains("allow_private"),
        "{said}"
    );

    origin.behave(Manner::Serve);
    for (entry, why) in [
        (inside.url("seg.ts"), "private network"),
        ("http://2130706433:1/seg.ts".to_owned(), "private network"),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "metadata",
        ),
        ("file:///etc/passwd".to_owned(), "no web address"),
    ] {
        let text = format!("{list}{entry}\n");
        std::fs::write(folder.path().join("index.m3u8"), text).unwrap();
        let bench = Bench::new();
        bench.pull(&settings(origin.url("index.m3u8"))).await;
        let said = bench.error().await;
        assert!(said.contains(why), "{entry}: {said}");
    }
    assert!(inside.asked().is_empty(), "{:?}", inside.asked());

    let mut allowed = settings(origin.url("index.m3u8"));
    allowed.allow_private = true;
    origin.behave(Manner::Redirect(inside.url("inside.m3u8")));
    let bench = Bench::new();
    bench.pull(&allowed).await;
    until("it asks inside", || {
        inside
            .asked()
            .contains(&"GET /inside.m3u8".into())
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_that_are_broken_endless_or_missing_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let cut = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:";
    let endless = "#EXTM3U\n".to_owned() + &"#\n".repeat(3 << 20);
    let packed = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\naudio.aac\n#EXT-X-ENDLIST\n";
    std::fs::write(folder.path().join("audio.aac"), "ID3 packed audio").unwrap();
    let drm = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n\
        #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\"\n#EXTINF:1,\naudio.aac\n";
    for (text, why) in [
        (Some("<html>"), "does not begin with #EXTM3U"),
        (Some(cut), "line 3 has no usable duration"),
        (Some(&endless), "more than 4194304 bytes"),
        (Some(packed), "cannot be read"),
        (Some(drm), "other than AES-128"),
        (None, "404 Not Found"),
    ] {
        let file = folder.path().join("index.m3u8");
        match text {
            Some(text) => std::fs::write(file, text).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        let bench = Bench::new();
        bench.pull(&settings(origin.url("index.m3u8"))).await;
        let said = bench.error().await;
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_missing_or_giant_is_skipped_counted_and_said() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    made(
        folder.path(),
        4,
        "-hls_segment_filename seg%03d.ts index.m3u8",
    );
    std::fs::remove_file(folder.path().join("seg001.ts")).unwrap();
    // It has a size, but nothing in it.
    let giant = std::fs::File::create(folder.path().join("seg002.ts")).unwrap();
    giant.set_len((64 << 20) + 1).unwrap();
    let origin = WebOrigin::start(folder.path());
    let bench = Bench::new();
    let mut reader = bench.engine.feed("pulled").read_ts(options());
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let alarm = until("an alarm", || {
        let alarms = bench.engine.alarms().into_iter();
        alarms
            .map(|it| it.alarm)
            .find(|it| it.code == "segments_missing")
    })
    .await;
    assert!(alarm.text.contains("did not come"), "{}", alarm.text);
    let chunks = everything(&bench, &mut reader).await;
    assert_eq!(
        (bench.count("segments"), bench.count("segments_failed")),
        (2, 2)
    );
    let lost: Vec<u32> = chunks
        .iter()
        .map(|it| it.lost_before)
        .filter(|it| *it > 0)
        .collect();
    assert_eq!(lost, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_variant_that_fits_is_taken_and_keys_stay_out_of_sight() {
    let folder = tempfile::tempdir().unwrap();
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000\nhigh.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000\nlow.m3u8\n";
    std::fs::write(folder.path().join("index.m3u8"), master).unwrap();
    let origin = WebOrigin::start(folder.path());
    let mut chosen = settings(origin.url("index.m3u8?token={key}"));
    chosen.key = Some(SecretRef::literal(Secret::new("hidden-token")));
    chosen.max_bitrate = Some(Rate(Bitrate::from_bps(1_000_000)));
    let bench = Bench::new();
    bench.pull(&chosen).await;
    let said = bench.error().await;
    let asked = origin.asked();
    assert_eq!(
        asked[..2],
        ["GET /index.m3u8?token=hidden-token", "GET /low.m3u8"]
    );
    let status = serde_json::to_string(&bench.status()).unwrap();
    assert!(
        !status.contains("hidden-token") && !said.contains("hidden-token"),
        "{status}"
    );
}

/// A live origin of ffmpeg and a web server, which go and come together.
struct Subject {
    folder: tempfile::TempDir,
    origin: WebOrigin,
    encoder: Mutex<Option<Process>>,
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        driver(&settings(self.origin.url("index.m3u8")))
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn start_sender(&self) {
        let options = "-g 10 -hls_flags append_list -hls_init_time 0.4 index.m3u8";
        *self.encoder.lock().unwrap() = Some(live(self.folder.path(), options));
    }

    fn kill_sender(&self) {
        *self.encoder.lock().unwrap() = None;
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        Some(driver(&settings(self.origin.url("nowhere.m3u8"))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_does_what_every_source_must() {
    check_settings(&settings("https://live.example/{key}/index.m3u8".into()));
    let mut with_key = settings("https://live.example/{key}/index.m3u8".into());
    with_key.key = Some(SecretRef::literal(Secret::new("x")));
    check_settings(&with_key);
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let subject = Subject {
        folder,
        origin,
        encoder: Mutex::new(None),
    };
    check_source(&subject).await;
}
