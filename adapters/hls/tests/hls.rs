//! HLS outputs, watched by viewers of our own and by ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, OutputSettings};
use tidegate_engine::{
    CacheFor, Clock, Engine, EngineConfig, HttpContent, NoSecrets, OutputAdapter, OutputDriver,
    OutputSpec, Span,
};
use tidegate_testkit::conformance::{Feeder, OutputSubject, check_output, check_settings};
use tidegate_testkit::{media, peers};

fn settings() -> OutputSettings {
    OutputSettings {
        segment: Span::from_secs(1),
        ..OutputSettings::default()
    }
}

fn driver() -> Arc<dyn OutputDriver> {
    Adapter::new()
        .output("viewers", &settings(), &NoSecrets)
        .unwrap()
}

/// Names in a playlist, besides its tags.
fn listed(playlist: &str) -> Vec<String> {
    let lines = playlist
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

fn text(content: &dyn HttpContent, path: &str, client: &str) -> Option<String> {
    let found = content.get(path, client)?;
    Some(String::from_utf8(found.bytes.to_vec()).expect("a playlist is text"))
}

/// Somebody who fetches every segment there is.
struct Watcher {
    content: Arc<Mutex<Option<Arc<dyn HttpContent>>>>,
    received: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    folder: tempfile::TempDir,
    media: Vec<u8>,
}

impl Watcher {
    fn start(media: Vec<u8>) -> Self {
        let content = Arc::new(Mutex::new(None::<Arc<dyn HttpContent>>));
        let received = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (watched, counted) = (Arc::clone(&content), Arc::clone(&received));
        let asked = Arc::clone(&stop);
        thread::spawn(move || {
            let mut last = String::new();
            while !asked.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(50));
                let Some(content) = watched.lock().unwrap().clone() else {
                    continue;
                };
                let Some(playlist) = text(&*content, "media.m3u8", "watcher") else {
                    continue;
                };
                let Some(newest) = listed(&playlist).pop().filter(|name| *name != last) else {
                    continue;
                };
                let segment = content
                    .get(&newest, "watcher")
                    .expect("what is listed is there");
                counted.fetch_add(segment.bytes.len() as u64, Ordering::Relaxed);
                last = newest;
            }
        });
        let folder = tempfile::tempdir().unwrap();
        Self {
            content,
            received,
            stop,
            folder,
            media,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl OutputSubject for Watcher {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        let driver = driver();
        *self.content.lock().unwrap() = driver.http();
        driver
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn media(&self) -> Vec<u8> {
        self.media.clone()
    }

    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        // Nobody watches.
        Some(driver())
    }
}

fn clip(seconds: u32) -> Option<Vec<u8>> {
    if !peers::have(&["ffmpeg"]) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    Some(std::fs::read(media::h264_aac(folder.path(), seconds)).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_output_must() {
    check_settings(&settings());
    let Some(clip) = clip(30) else { return };
    check_output(&Watcher::start(clip)).await;
}

async fn output() -> (Engine, Arc<dyn HttpContent>) {
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    let spec = OutputSpec {
        source: "cam1".into(),
        driver: driver(),
    };
    engine.set_output("viewers", spec).await.unwrap();
    let content = engine.http_content("viewers").expect("it serves something");
    (engine, content)
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_get_playlists_and_segments_that_decode() {
    let Some(clip) = clip(20) else { return };
    let (engine, content) = output().await;
    assert!(
        content.get("index.m3u8", "alice").is_none(),
        "nothing to play yet"
    );
    let feeder = Feeder::start(engine.feed("cam1"), clip, Duration::from_millis(1));
    let playlist = until("four segments", || {
        text(&*content, "media.m3u8", "alice").filter(|playlist| listed(playlist).len() >= 4)
    })
    .await;
    let index = text(&*content, "index.m3u8", "bob").unwrap();
    assert!(
        index.contains("avc1.") && index.contains("mp4a.40.2"),
        "{index}"
    );
    assert!(index.contains("RESOLUTION=640x360"), "{index}");
    assert_eq!(listed(&index), ["media.m3u8"]);
    let folder = tempfile::tempdir().unwrap();
    let init = playlist
        .split("URI=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let mut movie = content.get(init, "alice").unwrap().bytes.to_vec();
    for name in listed(&playlist) {
        let segment = content.get(&name, "alice").unwrap();
        assert_eq!(segment.cache, CacheFor::Immutable);
        let same = content.get(&name, "bob").unwrap();
        assert_eq!(segment.bytes.as_ptr(), same.bytes.as_ptr(), "shared");
        movie.extend_from_slice(&segment.bytes);
    }
    let file = folder.path().join("movie.mp4");
    std::fs::write(&file, movie).unwrap();
    let errors = peers::decode_errors(file.to_str().unwrap());
    assert!(errors.trim().is_empty(), "ffmpeg: {errors}");
    until("two viewers", || {
        (engine.output_status("viewers").unwrap().readers == 2).then_some(())
    })
    .await;
    drop(feeder);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_comes_back_continues_the_same_playlist() {
    let Some(clip) = clip(6) else { return };
    let (engine, content) = output().await;
    let first = Feeder::start(engine.feed("cam1"), clip.clone(), Duration::from_millis(1));
    until("a segment", || text(&*content, "media.m3u8", "alice")).await;
    drop(first);
    let second = Feeder::start(engine.feed("cam1"), clip, Duration::from_millis(1));
    let playlist = until("a discontinuity", || {
        let playlist = text(&*content, "media.m3u8", "alice")?;
        let (_, after) = playlist.split_once("#EXT-X-DISCONTINUITY\n")?;
        (!listed(after).is_empty()).then_some(playlist)
    })
    .await;
    assert!(!playlist.contains("ENDLIST"), "{playlist}");
    drop(second);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_made_only_while_the_output_is_there() {
    let (engine, _content) = output().await;
    let feed = engine.feed("cam1");
    until("the demultiplexer", || {
        feed.is_demultiplexing().then_some(())
    })
    .await;
    engine.remove_output("viewers").await.unwrap();
    until("it stops", || (!feed.is_demultiplexing()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_no_browser_can_play_is_said() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mp2.ts");
    let made = Command::new("ffmpeg")
        .args([
            "-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine", "-t", "5",
        ])
        .args(["-c:a", "mp2", "-f", "mpegts"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let (engine, _content) = output().await;
    let clip = std::fs::read(&file).unwrap();
    let _feeder = Feeder::start(engine.feed("cam1"), clip, Duration::from_millis(5));
    let alarm = until("an alarm", || engine.alarms().pop()).await.alarm;
    assert_eq!(alarm.text, "Browsers cannot play mpeg-audio");
    assert!(alarm.advice.contains("H.264"));
    engine.shutdown().await;
}

#[test]
fn only_names_from_the_playlist_lead_anywhere() {
    let content = driver().http().unwrap();
    for path in [
        "",
        "../secret",
        "seg-1.m4s",
        "index.html",
        "seg-.m4s",
        "init-99999999.mp4",
    ] {
        assert!(content.get(path, "mallory").is_none(), "{path}");
    }
}
