//! VLC at what HLS outputs serve and push, and nginx with TLS between an output and a source.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, OutputSettings, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, HttpContent, NoSecrets, OutputAdapter, OutputSpec,
    SourceAdapter, SourceSpec,
};
use tidegate_testkit::conformance::Feeder;
use tidegate_testkit::vlc::{self, Film, Vlc};
use tidegate_testkit::{Process, WebOrigin, peers};

const FILM_SECONDS: u32 = 25;
/// Pictures VLC has to show in a row: three seconds.
const PICTURES: usize = 75;

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

/// nginx with WebDAV behind TLS, and a certificate for `localhost` alone.
fn nginx(folder: &Path, port: u16) -> (Process, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = folder.join("certificate.pem");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let config = format!(
        "daemon off; master_process off; pid {0}/pid; error_log stderr error;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;\n\
         fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
         server {{ listen 127.0.0.1:{port} ssl; root {0}/site; client_max_body_size 64m;\n\
         ssl_certificate {0}/certificate.pem; ssl_certificate_key {0}/key.pem;\n\
         location / {{ dav_methods PUT DELETE; }} }} }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command
        .args(["-e", "stderr", "-c"])
        .arg(folder.join("nginx.conf"));
    (Process::start("nginx", &mut command, folder), certificate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_with_tls_is_pushed_to_and_pulled_from_by_its_own_name_alone() {
    if !peers::have(&["nginx"]) {
        return;
    }
    let Some(stage) = Stage::new() else { return };
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (_nginx, ca) = nginx(stage.folder.path(), port);
    until("nginx listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
    let at = |host: &str| format!("https://{host}:{port}/live.m3u8");
    let push_to = |host: &str| {
        let push = serde_json::json!({ "url": at(host), "ca": ca });
        serde_json::json!({ "segment": "1s", "push": push })
    };
    let pull_from = |host: &str| {
        let settings = serde_json::json!({ "url": at(host), "ca": ca });
        let settings: SourceSettings = serde_json::from_value(settings).unwrap();
        let driver = Adapter::new().source("pulled", &settings, &NoSecrets);
        SourceSpec {
            driver: driver.unwrap(),
            expect: None,
        }
    };
    // Another name than the certificate's, first.
    let (engine, _feeder) = stage.begin(push_to("127.0.0.1")).await;
    engine
        .set_source("pulled", pull_from("127.0.0.1"))
        .await
        .unwrap();
    let refused = |said: Option<String>| {
        let said = said?;
        assert!(
            said.contains("not trusted") && said.contains("127.0.0.1"),
            "{said}"
        );
        Some(())
    };
    until("the push is refused", || {
        refused(engine.output_status("out")?.last_error)
    })
    .await;
    until("the pull is refused", || {
        refused(engine.source_status("pulled")?.last_error)
    })
    .await;
    let site = stage.folder.path().join("site");
    assert_eq!(
        std::fs::read_dir(&site).unwrap().count(),
        0,
        "nothing was given away"
    );

    let (engine, _feeder) = stage.begin(push_to("localhost")).await;
    let playlist = site.join("live.m3u8");
    until("a playlist", || playlist.is_file().then_some(())).await;
    engine
        .set_source("pulled", pull_from("localhost"))
        .await
        .unwrap();
    until("it comes back", || {
        let status = engine.source_status("pulled")?;
        (status.connection == Connection::Connected && status.bitrate_bps > 0).then_some(())
    })
    .await;
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
