//! VLC at what HLS outputs serve and push.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, OutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, HttpContent, NoSecrets, OutputAdapter, OutputSpec,
};
use tidegate_testkit::conformance::Feeder;
use tidegate_testkit::vlc::{self, Film, Vlc};
use tidegate_testkit::{WebOrigin, peers};

const FILM_SECONDS: u32 = 25;
/// Pictures VLC has to show: three seconds.
const PICTURES: u64 = 75;

/// A source that plays in real time, and an output of it.
struct Stage {
    folder: tempfile::TempDir,
    origin: WebOrigin,
    film: Film,
}

impl Stage {
    fn new() -> Option<Self> {
        if !peers::have(&vlc::PROGRAMS) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        std::fs::create_dir(&site).unwrap();
        let origin = WebOrigin::start(&site);
        let film = Film::make(folder.path(), FILM_SECONDS);
        Some(Self {
            folder,
            origin,
            film,
        })
    }

    async fn begin(&self, settings: serde_json::Value) -> (Engine, Feeder) {
        let film = self.film.bytes();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: self.folder.path().to_owned(),
        });
        let settings: OutputSettings = serde_json::from_value(settings).unwrap();
        let driver = Adapter::new().output("out", &settings, &NoSecrets).unwrap();
        let spec = OutputSpec {
            source: "cam1".into(),
            driver,
        };
        engine.set_output("out", spec).await.unwrap();
        let chunks = u32::try_from(film.len() / Feeder::CHUNK_BYTES).unwrap();
        let interval = Duration::from_secs(FILM_SECONDS.into()) / chunks;
        let feeder = Feeder::start(engine.feed("cam1"), film, interval);
        (engine, feeder)
    }

    /// VLC shows what the playlist leads to, to the bit.
    async fn vlc_plays(&self, playlist: &str) {
        let file = self.folder.path().join("site").join(playlist);
        until("a playlist", || file.is_file().then_some(())).await;
        let vlc = Vlc::play("vlc", &self.origin.url(playlist), self.folder.path());
        vlc.watches(&self.film, PICTURES);
    }
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vlc_plays_what_is_pushed() {
    let Some(stage) = Stage::new() else { return };
    let push = serde_json::json!({ "url": stage.origin.url("live.m3u8") });
    let settings = serde_json::json!({ "segment": "1s", "push": push });
    let (engine, _feeder) = stage.begin(settings).await;
    stage.vlc_plays("live.m3u8").await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vlc_plays_what_is_served() {
    let Some(stage) = Stage::new() else { return };
    let (engine, _feeder) = stage.begin(serde_json::json!({ "segment": "1s" })).await;
    let content = engine.http_content("out").unwrap();
    let site = stage.folder.path().join("site");
    let _mirror = Mirror::start(content, &site);
    stage.vlc_plays("index.m3u8").await;
    engine.shutdown().await;
}

/// Writes what is served to a folder, as a web server in front of Tidegate caches it: VLC cannot
/// name a credential.
struct Mirror(Arc<AtomicBool>);

impl Mirror {
    fn start(content: Arc<dyn HttpContent>, folder: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, folder) = (Arc::clone(&stop), folder.to_owned());
        thread::spawn(move || {
            let mut kept = BTreeSet::new();
            while !asked.load(Ordering::Relaxed) {
                copy(&*content, &folder, &mut kept);
                thread::sleep(Duration::from_millis(50));
            }
        });
        Self(stop)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Segments before the playlist that lists them, each at once.
fn copy(content: &dyn HttpContent, folder: &Path, kept: &mut BTreeSet<String>) {
    let get = |name: &str| content.get(name, "mirror").map(|found| found.bytes);
    let write = |name: &str, bytes: &[u8]| {
        let fresh = folder.join("fresh");
        std::fs::write(&fresh, bytes).unwrap();
        std::fs::rename(fresh, folder.join(name)).unwrap();
    };
    let Some((index, media)) = get("index.m3u8").zip(get("media.m3u8")) else {
        return;
    };
    let text = String::from_utf8(media.to_vec()).unwrap();
    let maps = text
        .split("URI=\"")
        .skip(1)
        .filter_map(|it| it.split('"').next());
    let segments = text.lines().filter(|line| !line.starts_with('#'));
    for name in maps.chain(segments) {
        if let Some(bytes) = get(name).filter(|_| !kept.contains(name)) {
            write(name, &bytes);
            kept.insert(name.to_owned());
        }
    }
    write("media.m3u8", &media);
    write("index.m3u8", &index);
}
