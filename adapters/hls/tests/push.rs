//! HLS outputs that push to an origin, which keeps what it gets, or does not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, OutputSettings, PushSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, NoSecrets, OutputAdapter, OutputDriver, OutputSpec, OutputState,
    OutputStatus, Secret, SecretRef, Span,
};
use tidegate_testkit::conformance::{Feeder, OutputSubject, Refusal, check_output, check_settings};
use tidegate_testkit::{Manner, Process, WebOrigin, media, peers};

fn settings(url: String) -> OutputSettings {
    OutputSettings {
        segment: Span::from_secs(1),
        push: Some(PushSettings {
            url: Some(url),
            platform: None,
            backup: false,
            key: None,
            headers: BTreeMap::new(),
            delete: false,
            ca: None,
        }),
        ..OutputSettings::default()
    }
}

fn driver(settings: &OutputSettings) -> Arc<dyn OutputDriver> {
    Adapter::new()
        .output("origin", settings, &NoSecrets)
        .unwrap()
}

/// A clip of ffmpeg's test picture, if there is an ffmpeg.
fn clip(seconds: u32) -> Option<Vec<u8>> {
    if !peers::have(&["ffmpeg"]) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    Some(std::fs::read(media::h264_aac(folder.path(), seconds)).unwrap())
}

struct Bench {
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start(settings: &OutputSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: folder.path().to_owned(),
        });
        let spec = OutputSpec {
            source: "cam1".into(),
            driver: driver(settings),
        };
        engine.set_output("origin", spec).await.unwrap();
        let reading = engine.feed("cam1");
        until("it reads", || (reading.reader_count() > 0).then_some(())).await;
        Self {
            engine,
            _folder: folder,
        }
    }

    fn feed(&self, media: &[u8]) -> Feeder {
        Feeder::start(
            self.engine.feed("cam1"),
            media.to_vec(),
            Duration::from_millis(1),
        )
    }

    fn status(&self) -> OutputStatus {
        self.engine.output_status("origin").unwrap()
    }

    /// A number of the status.
    fn count(&self, name: &str) -> u64 {
        let detail = &self.status().detail;
        detail
            .get("push")
            .map_or(0, |push| push[name].as_u64().unwrap())
    }
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

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "ts"))
        .collect();
    files.sort();
    files
}

/// Frames that ffprobe reads of a stream behind a playlist.
fn frames(playlist: &str, stream: &str) -> String {
    let options = "-v error -live_start_index 0 -count_packets -show_entries \
        stream=nb_read_packets -of csv=p=0 -select_streams";
    let read = Command::new("ffprobe")
        .args(options.split_whitespace())
        .args([stream, playlist])
        .output()
        .unwrap();
    // It says so once for the program and once for the stream.
    let said = String::from_utf8_lossy(&read.stdout);
    said.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_origin_gets_is_the_stream_to_the_bit_and_plays() {
    // Long enough that its end, where the last picture is cut off, is not reached.
    let Some(clip) = clip(30) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let mut wanted = settings(origin.url("up?cid={key}&copy=0&file=out.m3u8"));
    wanted.push.as_mut().unwrap().key = Some(SecretRef::literal(Secret::new("hidden-key")));
    let bench = Bench::start(&wanted).await;
    let feeder = bench.feed(&clip);
    until("six segments", || {
        (bench.count("segments_sent") >= 6).then_some(())
    })
    .await;
    let all: Vec<u8> = segments(folder.path())
        .iter()
        .flat_map(|file| std::fs::read(file).unwrap())
        .collect();
    // What comes before the first tables and key frame is of no use to anybody.
    let begin = (0..clip.len())
        .step_by(188)
        .find(|at| clip[*at..].starts_with(&all[..1316]));
    let rest = &clip[begin.unwrap()..];
    assert!(begin.unwrap() < 10 * 188);
    assert!(rest.starts_with(&all), "nothing is added, nothing left out");
    let asked = origin.asked();
    assert!(
        asked
            .iter()
            .all(|it| it.starts_with("PUT /up?cid=hidden-key&copy=0&file=out"))
    );
    let status = serde_json::to_string(&bench.status()).unwrap();
    assert!(!status.contains("hidden-key"), "{status}");
    drop(feeder);
    drop(bench);
    let playlist = std::fs::read_to_string(folder.path().join("out.m3u8")).unwrap();
    assert!(playlist.contains("#EXT-X-TARGETDURATION:1\n"), "{playlist}");
    let first = playlist.lines().find(|line| line.ends_with(".ts")).unwrap();
    let ended = format!("{playlist}#EXT-X-ENDLIST\n");
    std::fs::write(folder.path().join("ended.m3u8"), ended).unwrap();
    let listed = playlist.matches("#EXTINF").count();
    let pictures = frames(&origin.url("ended.m3u8"), "v:0");
    assert_eq!(pictures, (listed * 25).to_string(), "{first}: {playlist}");
    let errors = peers::decode_errors(&origin.url("ended.m3u8"));
    assert!(errors.trim().is_empty(), "ffmpeg: {errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_refuses_says_so_in_the_status_and_others_are_tried_again() {
    let Some(clip) = clip(3) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    origin.behave(Manner::Refuse(403, "PUT"));
    let bench = Bench::start(&settings(origin.url("live.m3u8"))).await;
    let _feeder = bench.feed(&clip);
    let said = until("it is refused", || {
        let status = bench.status();
        let is_refused = status.state == OutputState::Reconnecting;
        status.last_error.filter(|_| is_refused)
    })
    .await;
    assert!(
        said.contains("403 Forbidden") && said.contains("Check the key"),
        "{said}"
    );
    origin.behave(Manner::Refuse(503, "PUT"));
    until("it tries again within a segment's time", || {
        (bench.count("attempts_repeated") > 0).then_some(())
    })
    .await;
    origin.behave(Manner::Serve);
    until("it delivers", || bench.status().delivering.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_that_no_playlist_lists_have_not_arrived() {
    let Some(clip) = clip(6) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    origin.behave(Manner::Refuse(503, "PUT /live.m3u8"));
    let bench = Bench::start(&settings(origin.url("live.m3u8"))).await;
    let _feeder = bench.feed(&clip);
    let said = until("it gives up", || {
        let status = bench.status();
        let has_given_up = status.state == OutputState::Reconnecting;
        status.last_error.filter(|_| has_given_up)
    })
    .await;
    assert!(said.contains("the playlist with 503"), "{said}");
    assert_eq!(bench.count("segments_sent"), 0);
    assert!(!bench.status().delivering);
    origin.behave(Manner::Serve);
    until("it delivers", || {
        (bench.count("segments_sent") > 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_stalls_costs_segments_of_its_own_and_the_playlist_says_where() {
    let Some(clip) = clip(6) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let mut wanted = settings(origin.url("live.m3u8"));
    wanted.window = 30;
    let bench = Bench::start(&wanted).await;
    let _feeder = bench.feed(&clip);
    until("two segments", || {
        (bench.count("segments_sent") >= 2).then_some(())
    })
    .await;
    origin.behave(Manner::Stall("PUT"));
    let alarm = until("an alarm", || {
        let alarms = bench.engine.alarms().into_iter().map(|it| it.alarm);
        alarms.into_iter().find(|it| it.code == "origin_slow")
    })
    .await;
    assert!(alarm.advice.contains("bitrate"), "{}", alarm.advice);
    until("segments are left out", || {
        (bench.count("segments_left_out") > 0).then_some(())
    })
    .await;
    assert!(bench.count("queued_bytes") <= bench.count("queue_bytes_max"));
    let before = bench.count("segments_sent");
    origin.behave(Manner::Serve);
    until("it goes on", || {
        let playlist = std::fs::read_to_string(folder.path().join("live.m3u8")).unwrap();
        let has_break = playlist.contains("#EXT-X-DISCONTINUITY\n");
        (has_break && bench.count("segments_sent") != before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_cannot_be_reached_is_not_called_slow() {
    let Some(clip) = clip(6) else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let bench = Bench::start(&settings(format!("http://{address}/live.m3u8"))).await;
    let _feeder = bench.feed(&clip);
    let said = until("it gives up", || {
        let status = bench.status();
        let has_given_up = status.state == OutputState::Reconnecting;
        status.last_error.filter(|_| has_given_up)
    })
    .await;
    assert!(said.contains("cannot be reached"), "{said}");
    // The feed here is faster than real time, so that some are left out.
    let mut alarms = bench.engine.alarms().into_iter();
    assert!(!alarms.any(|it| it.alarm.text.contains("longer for a segment")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_segments_are_deleted_where_that_is_asked_for() {
    let Some(clip) = clip(6) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let mut wanted = settings(origin.url("live.m3u8"));
    wanted.window = 3;
    let push = wanted.push.as_mut().unwrap();
    push.delete = true;
    push.headers
        .insert("X-Token".into(), SecretRef::literal(Secret::new("t")));
    let bench = Bench::start(&wanted).await;
    let _feeder = bench.feed(&clip);
    until("twelve segments", || {
        (bench.count("segments_sent") >= 12).then_some(())
    })
    .await;
    assert!(segments(folder.path()).len() <= 3 + 4 + 1);
    assert!(
        origin
            .asked()
            .iter()
            .any(|it| it.starts_with("DELETE /live-"))
    );
}

/// nginx with WebDAV, until it is dropped.
fn nginx(folder: &Path, port: u16) -> Process {
    let config = format!(
        "daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;\n\
         fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
         server {{ listen 127.0.0.1:{port}; root {0}; client_max_body_size 64m;\n\
         location / {{ dav_methods PUT DELETE; create_full_put_path on; }} }} }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-c").arg(folder.join("nginx.conf"));
    Process::start("nginx", &mut command, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_takes_the_stream_and_ffmpeg_plays_it_from_there() {
    let Some(clip) = clip(30) else { return };
    if !peers::have(&["nginx"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let _nginx = nginx(folder.path(), port);
    until("nginx listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
    let url = format!("http://127.0.0.1:{port}/live/cam1.m3u8");
    let bench = Bench::start(&settings(url.clone())).await;
    let feeder = bench.feed(&clip);
    until("five segments", || {
        (bench.count("segments_sent") >= 5).then_some(())
    })
    .await;
    drop(feeder);
    assert_eq!(bench.count("segments_failed"), 0);
    drop(bench);
    let file = folder.path().join("live/cam1.m3u8");
    let playlist = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{playlist}#EXT-X-ENDLIST\n")).unwrap();
    let errors = peers::decode_errors(&url);
    assert!(errors.trim().is_empty(), "ffmpeg: {errors}");
}

struct Subject {
    folder: tempfile::TempDir,
    origin: Mutex<Option<WebOrigin>>,
    refusing: WebOrigin,
    stalling: WebOrigin,
    port: u16,
    earlier: Mutex<u64>,
    clip: Vec<u8>,
}

impl OutputSubject for Subject {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        driver(&settings(format!(
            "http://127.0.0.1:{}/live.m3u8",
            self.port
        )))
    }

    fn received(&self) -> u64 {
        let origin = self.origin.lock().unwrap();
        *self.earlier.lock().unwrap() + origin.as_ref().map_or(0, WebOrigin::received_bytes)
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn media(&self) -> Vec<u8> {
        self.clip.clone()
    }

    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        let refused = driver(&settings(self.refusing.url("live.m3u8")));
        Some((refused, Refusal::Retried))
    }

    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        Some(driver(&settings(self.stalling.url("live.m3u8"))))
    }

    fn restart_peer(&self) -> bool {
        let mut origin = self.origin.lock().unwrap();
        let received = origin.take().map_or(0, |origin| origin.received_bytes());
        *self.earlier.lock().unwrap() += received;
        *origin = Some(again(self.folder.path(), self.port));
        true
    }
}

/// An origin at a port that another one has just left.
fn again(folder: &Path, port: u16) -> WebOrigin {
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "the old one stays"
        );
    }
    WebOrigin::start_at(folder, port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_output_does_what_every_output_must() {
    check_settings(&settings("https://origin.example/live.m3u8".into()));
    let mut secret = settings("https://origin.example/{key}/live.m3u8".into());
    let push = secret.push.as_mut().unwrap();
    push.key = Some(SecretRef::literal(Secret::new("x")));
    push.headers
        .insert("Authorization".into(), SecretRef::literal(Secret::new("y")));
    check_settings(&secret);
    let Some(clip) = clip(12) else { return };
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let (refusing, stalling) = (
        WebOrigin::start(folder.path()),
        WebOrigin::start(folder.path()),
    );
    refusing.behave(Manner::Refuse(403, "PUT"));
    stalling.behave(Manner::Stall("PUT"));
    let subject = Subject {
        port: origin.port(),
        folder,
        origin: Mutex::new(Some(origin)),
        refusing,
        stalling,
        earlier: Mutex::new(0),
        clip,
    };
    check_output(&subject).await;
}
