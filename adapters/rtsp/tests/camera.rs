//! Our source, and cameras: GStreamer's RTSP server, and ones that know no manners.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use support::{
    CameraOptions, PLAIN, REORDERED, camera, compare, film, frames, free_port, have_camera,
};
use tempfile::{TempDir, tempdir};
use tidegate_adapter_rtsp::{Adapter, SourceSettings, Transport};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, NoSecrets, ReaderOptions, Secret, SecretRef,
    SourceAdapter as _, SourceDriver, SourceSpec, SourceStatus,
};
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::{Process, eventually};

fn settings(url: String) -> SourceSettings {
    SourceSettings {
        url,
        transport: Transport::Tcp,
        username: None,
        password: None,
    }
}

fn with_login(url: String, password: &str) -> SourceSettings {
    SourceSettings {
        username: Some("alice".into()),
        password: Some(SecretRef::Literal(Secret::new(password))),
        ..settings(url)
    }
}

fn driver(settings: &SourceSettings) -> Arc<dyn SourceDriver> {
    Adapter::new().source("cam1", settings, &NoSecrets).unwrap()
}

async fn engine_with(settings: &SourceSettings) -> Engine {
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    let driver = driver(settings);
    let spec = SourceSpec {
        driver,
        expect: None,
    };
    engine.set_source("cam1", spec).await.unwrap();
    engine
}

fn status(engine: &Engine) -> SourceStatus {
    engine.source_status("cam1").unwrap()
}

/// Writes the feed's transport stream to a file until it has as many bytes.
async fn record(engine: &Engine, bytes: usize, file: &Path) {
    let mut reader = engine.feed("cam1").read_ts(ReaderOptions::default());
    let mut recorded = Vec::new();
    while recorded.len() < bytes {
        let batch = tokio::time::timeout(Duration::from_secs(30), reader.next());
        for chunk in batch.await.expect("media come").items() {
            recorded.extend_from_slice(&chunk.bytes);
        }
    }
    std::fs::write(file, recorded).unwrap();
}

async fn arrives_whole(video: &str, transport: Transport, login: bool) {
    if !have_camera() {
        return;
    }
    let folder = tempdir().unwrap();
    let film = film(folder.path(), 12, video);
    let port = free_port();
    let options = CameraOptions {
        login: login.then_some(("alice", "wonder-land")),
        port,
    };
    let _camera = camera(&film, options, folder.path());
    let url = format!("rtsp://127.0.0.1:{port}/cam");
    let mut settings = if login {
        with_login(url, "wonder-land")
    } else {
        settings(url)
    };
    settings.transport = transport;
    let engine = engine_with(&settings).await;
    let recorded = folder.path().join("recorded.ts");
    record(&engine, 500_000, &recorded).await;
    let original = frames(&["-i", film.to_str().unwrap()], &[]);
    let arrived = compare(&original, &frames(&["-i", recorded.to_str().unwrap()], &[]));
    arrived.must_be_whole();
    assert!(arrived.pictures > 75, "{arrived:?}");
    let details = serde_json::to_value(status(&engine)).unwrap();
    assert_eq!(details["rtsp"]["lost_packets"], 0, "{details}");
    assert_eq!(
        details["rtsp"]["transport"],
        if transport == Transport::Udp {
            "udp"
        } else {
            "tcp"
        }
    );
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_received_whole_over_tcp() {
    arrives_whole(PLAIN, Transport::Tcp, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_received_whole_over_udp_after_logging_in() {
    arrives_whole(PLAIN, Transport::Udp, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_pictures_are_received_in_order() {
    arrives_whole(REORDERED, Transport::Tcp, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_not_tried_again() {
    if !have_camera() {
        return;
    }
    let folder = tempdir().unwrap();
    let film = film(folder.path(), 2, PLAIN);
    let port = free_port();
    let options = CameraOptions {
        login: Some(("alice", "wonder-land")),
        port,
    };
    let _camera = camera(&film, options, folder.path());
    for (settings, said) in [
        (
            with_login(format!("rtsp://127.0.0.1:{port}/cam"), "wonderland"),
            "refuses the user name or the password",
        ),
        (
            settings(format!("rtsp://127.0.0.1:{port}/cam")),
            "asks for a user name and a password",
        ),
    ] {
        let engine = engine_with(&settings).await;
        let failed = eventually("it has failed for good", || {
            let status = status(&engine);
            (status.connection == Connection::Failed).then_some(status)
        });
        let error = failed.last_error.unwrap();
        assert!(error.contains(said) && !error.contains("wonder"), "{error}");
        engine.shutdown().await;
    }
}

/// A camera of a few lines: what it answers to each request, by method.
struct Rude {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Rude {
    fn start(answer: impl Fn(&str, u16) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                thread::spawn(move || talk(&stream, address.port(), &noted, &*answer));
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("rtsp://{}/cam", self.address)
    }
}

fn talk(
    stream: &TcpStream,
    port: u16,
    asked: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str, u16) -> Option<String>,
) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let cseq = headers
            .iter()
            .find_map(|line| line.strip_prefix("CSeq: "))
            .unwrap_or("1");
        let method = first.split(' ').next().unwrap_or_default();
        asked.lock().unwrap().push(first.clone());
        if let Some(answer) = answer(method, port) {
            let answer = answer.replace("CSEQ", cseq);
            let mut stream = stream;
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn described(sdp: &str) -> String {
    let sdp = sdp.replace('\n', "\r\n");
    format!(
        "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

const SOUND_ONLY: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=cam\nt=0 0\n\
    m=audio 0 RTP/AVP 0\na=control:a\nm=audio 0 RTP/AVP 33\na=rtpmap:33 MP2T/90000\na=control:b\n";

const PICTURE: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=cam\nt=0 0\n\
    m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\na=control:v\n";

/// What is said about a camera that answers so.
async fn error_of(camera: &Rude) -> String {
    let engine = engine_with(&settings(camera.url())).await;
    let error = eventually("it is said what is wrong", || status(&engine).last_error);
    let is_whole = error.contains(". ") && !error.contains('\n');
    assert!(is_whole, "what happened and what to do: {error}");
    engine.shutdown().await;
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_is_nonsense_is_said() {
    for nonsense in [
        "",
        "rhubarb",
        "v=0\nm=video\nm=\n",
        "v=0\r\n\0\u{fffd}",
        PICTURE_OF_NOTHING,
    ] {
        let camera = Rude::start(move |_, _| Some(described(nonsense)));
        let error = error_of(&camera).await;
        assert!(error.contains("127.0.0.1"), "{error}");
    }
    let camera = Rude::start(|_, _| Some("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()));
    let error = error_of(&camera).await;
    assert!(error.contains("not describe its media"), "{error}");
}

const PICTURE_OF_NOTHING: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=cam\nt=0 0\n\
    m=video 0 RTP/AVP 96\na=rtpmap:96 H264/0\na=fmtp:96 sprop-parameter-sets=!!!\n";

/// Found by fuzzing: the parser of descriptions panics at it.
#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_our_library_cannot_stand_is_said() {
    let camera = Rude::start(|_, _| Some(described(TORN)));
    let error = error_of(&camera).await;
    assert!(error.contains("makes no sense"), "{error}");
}

const TORN: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=cam\nt=0 0\na=control:*\n\
    m=video 0 RTP/AV aP\n9=6\nrtpmap:96 H264/90000\na=control:v\nm=audio 0 RTP/AVP 97\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_is_named() {
    let camera = Rude::start(|_, _| Some(described(SOUND_ONLY)));
    let error = error_of(&camera).await;
    assert!(
        error.contains("audio/pcmu") && error.contains("mp2t"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_end_is_not_repeated() {
    let endless = SOUND_ONLY.replace("MP2T", &"X".repeat(5000));
    let camera = Rude::start(move |_, _| Some(described(&endless)));
    let error = error_of(&camera).await;
    assert!(error.contains("audio/xxx") && error.len() < 300, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_sends_us_elsewhere_is_not_followed() {
    let other = Rude::start(|_, _| Some(described(PICTURE)));
    let elsewhere = other.url();
    let camera = Rude::start(move |_, _| {
        Some(format!(
            "RTSP/1.0 302 Moved\r\nCSeq: CSEQ\r\nLocation: {elsewhere}\r\n\r\n"
        ))
    });
    let error = error_of(&camera).await;
    assert!(error.contains("not followed"), "{error}");
    assert_eq!(other.asked.lock().unwrap().len(), 0);
}

/// A server that has just begun refuses everybody; that says nothing about a password that was
/// right before.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_it_has_played_is_tried_again() {
    let has_played = AtomicBool::new(false);
    let camera = Rude::start(move |method, _| {
        Some(match method {
            "DESCRIBE" if has_played.load(Ordering::Relaxed) => {
                "RTSP/1.0 401 Unauthorized\r\nCSeq: CSEQ\r\n\r\n".to_owned()
            }
            "DESCRIBE" => described(PICTURE),
            "SETUP" => "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\
                Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
                .to_owned(),
            _ => {
                has_played.store(true, Ordering::Relaxed);
                "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\r\nit falls\r\n\r\n".to_owned()
            }
        })
    });
    let engine = engine_with(&settings(camera.url())).await;
    eventually("it is called again and again", || {
        let asked = camera.asked.lock().unwrap();
        let calls = asked.iter().filter(|line| line.starts_with("DESCRIBE"));
        (calls.count() >= 3).then_some(())
    });
    let status = status(&engine);
    assert_ne!(status.connection, Connection::Failed);
    let error = status.last_error.unwrap();
    assert!(error.contains("accepted before"), "{error}");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_plays_nothing_is_an_error() {
    let camera = Rude::start(|method, _| {
        Some(match method {
            "DESCRIBE" => described(PICTURE),
            "SETUP" => "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\
                Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
                .to_owned(),
            _ => "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\r\n".to_owned(),
        })
    });
    let error = error_of(&camera).await;
    assert!(error.contains("sends no media"), "{error}");
}

/// A session on a camera ends with its connection: nothing is called that nobody has judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_camera_cannot_have_us_call_others() {
    let trap = Rude::start(|_, _| None);
    let base = trap.address;
    let camera = Rude::start(move |method, _| {
        Some(match method {
            "DESCRIBE" => described(&format!(
                "{PICTURE}a=tool:LIVE555 Streaming Media v2010.01.01\n"
            ))
            .replace(
                "CSeq: CSEQ",
                &format!("CSeq: CSEQ\r\nContent-Base: rtsp://{base}/"),
            ),
            "SETUP" => "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\
                Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
                .to_owned(),
            "PLAY" => "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\r\n".to_owned(),
            _ => return None,
        })
    });
    let error = error_of(&camera).await;
    assert!(error.contains("sends no media"), "{error}");
    let asked = camera.asked.lock().unwrap().clone();
    assert!(
        asked.iter().any(|line| line.starts_with("SETUP")),
        "{asked:?}"
    );
    assert_eq!(trap.asked.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said() {
    let port = free_port();
    let engine = engine_with(&settings(format!("rtsp://127.0.0.1:{port}/cam"))).await;
    let error = eventually("it is said", || status(&engine).last_error);
    assert!(error.contains("127.0.0.1"), "{error}");
    engine.shutdown().await;
}

/// A GStreamer camera that comes and goes.
struct Subject {
    film: PathBuf,
    port: u16,
    camera: Mutex<Option<Process>>,
    folder: TempDir,
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        driver(&settings(format!("rtsp://127.0.0.1:{}/cam", self.port)))
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn start_sender(&self) {
        let options = CameraOptions {
            login: None,
            port: self.port,
        };
        *self.camera.lock().unwrap() = Some(camera(&self.film, options, self.folder.path()));
    }

    fn kill_sender(&self) {
        self.camera.lock().unwrap().take().unwrap().kill();
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        Some(driver(&settings(format!(
            "rtsp://127.0.0.1:{}/other",
            self.port
        ))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_source_must() {
    if !have_camera() {
        return;
    }
    let folder = tempdir().unwrap();
    let subject = Subject {
        film: film(folder.path(), 60, PLAIN),
        port: free_port(),
        camera: Mutex::default(),
        folder,
    };
    check_source(&subject).await;
    check_settings(&with_login("rtsp://cam/stream".into(), "wonder-land"));
}
