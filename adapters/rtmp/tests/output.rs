//! RTMP outputs to nginx and to ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use bytes::Bytes;
use core::time::Duration;
use platform::Platform;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tidegate_adapter_rtmp::{Adapter, OutputSettings};
use tidegate_engine::{
    BoxFuture, Clock, Ended, Engine, EngineConfig, NoSecrets, OutputAdapter, OutputDriver,
    OutputSpec, OutputState, OutputStatus, RunError, Secret, SecretRef, SourceContext,
    SourceDriver, SourceSpec, TsChunk,
};
use tidegate_rtmp::{Capabilities, ServerEvent, ServerSession};
use tidegate_testkit::conformance::{Feeder, OutputSubject, Refusal, check_output, check_settings};
use tidegate_testkit::{Process, media, peers};

const OUTPUT: &str = "restream";
const SOURCE: &str = "source";

fn settings(url: &str) -> OutputSettings {
    OutputSettings {
        url: Some(url.into()),
        platform: None,
        region: None,
        backup: false,
        key: SecretRef::literal(Secret::new("the-stream-key")),
        multitrack: false,
        ca: None,
    }
}

fn driver(settings: &OutputSettings) -> Arc<dyn OutputDriver> {
    Adapter::new().output(OUTPUT, settings, &NoSecrets).unwrap()
}

/// A server that says yes to everything and then reads no more.
fn stuck_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut stuck = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let nothing = Capabilities {
                video: &[],
                audio: &[],
                caps_ex: 0,
            };
            let mut session = ServerSession::new(0, nothing);
            let mut buffer = [0; 4096];
            'greeting: while let Ok(count @ 1..) = connection.read(&mut buffer) {
                let mut input = &buffer[..count];
                while let Ok(Some(event)) = session.read(&mut input) {
                    if matches!(event, ServerEvent::Publish(_)) {
                        session.accept_publish();
                        let _ = connection.write_all(&session.take_output());
                        break 'greeting;
                    }
                }
                let _ = connection.write_all(&session.take_output());
            }
            stuck.push(connection);
        }
    });
    port
}

struct Subject {
    platform: Platform,
    media: Vec<u8>,
}

impl OutputSubject for Subject {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        driver(&settings(&format!(
            "rtmp://127.0.0.1:{}/live",
            self.platform.port
        )))
    }

    fn received(&self) -> u64 {
        self.platform.recorded_bytes()
    }

    fn data_dir(&self) -> &Path {
        self.platform.folder()
    }

    fn media(&self) -> Vec<u8> {
        self.media.clone()
    }

    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        let url = format!("rtmp://127.0.0.1:{}/denied", self.platform.port);
        Some((driver(&settings(&url)), Refusal::Retried))
    }

    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        let url = format!("rtmp://127.0.0.1:{}/live", stuck_server());
        Some(driver(&settings(&url)))
    }

    fn restart_peer(&self) -> bool {
        self.platform.down();
        self.platform.up();
        true
    }
}

fn clip(settings: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.ts");
    media::encode("testsrc2=s=640x360:r=25", settings, &file);
    std::fs::read(file).unwrap()
}

const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -bf 2 -b:v 1M -c:a aac";

/// A source whose feed somebody else fills; that there is one has it measured.
struct Filled;

impl SourceDriver for Filled {
    fn kind(&self) -> &'static str {
        "filled"
    }

    fn mode(&self) -> &'static str {
        "filled"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connected(None);
            context.stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    }
}

/// An output under test in an engine of its own.
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
            source: SOURCE.into(),
            driver: driver(settings),
        };
        engine.set_output(OUTPUT, spec).await.unwrap();
        Self {
            engine,
            _folder: folder,
        }
    }

    fn status(&self) -> OutputStatus {
        self.engine.output_status(OUTPUT).unwrap()
    }

    /// Null while the output has not begun to report.
    fn detail(&self, name: &str) -> serde_json::Value {
        let status = serde_json::to_value(self.status()).unwrap();
        let found = status.pointer(&format!("/detail/rtmp/{name}"));
        found.cloned().unwrap_or_default()
    }

    fn frames_sent(&self) -> u64 {
        self.detail("frames_sent").as_u64().unwrap_or(0)
    }

    async fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let waited = began.elapsed();
            assert!(
                waited < Duration::from_secs(30),
                "never: {what}; {:?}",
                self.status()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes a stream into the feed again and again, at some times its speed.
    fn feed(&self, stream: Vec<u8>) -> Feeder {
        Feeder::start(self.engine.feed(SOURCE), stream, Duration::from_millis(2))
    }

    /// Why it reconnects.
    fn trouble(&self) -> Option<String> {
        let status = self.status();
        (status.state == OutputState::Reconnecting).then(|| status.last_error.unwrap())
    }

    /// Writes a stream into the feed once, at about four times its speed.
    async fn play(&self, stream: &[u8], seconds: u32) {
        let feed = self.engine.feed(SOURCE);
        let mut writer = feed.ts_writer();
        let clock = Clock::start();
        let chunks = stream.chunks(1316);
        let pause = Duration::from_secs(1) * seconds / 4 / u32::try_from(chunks.len()).unwrap();
        for chunk in chunks {
            writer.push(TsChunk::live(Bytes::copy_from_slice(chunk), clock.now()));
            writer.seal();
            tokio::time::sleep(pause).await;
        }
    }
}

/// What ffmpeg decodes: picture or sound, its time in milliseconds, its checksum.
type Decoded = (char, f64, String);

fn decoded(file: &Path) -> Vec<Decoded> {
    let listed = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -v error -copyts -i".split(' '))
        .arg(file)
        .args("-map 0:v -map 0:a -vsync passthrough -enc_time_base 1:48000".split(' '))
        .args("-f framehash -hash md5 -".split(' '))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stderr), "");
    let text = String::from_utf8(listed.stdout).unwrap();
    let frame = |line: &str| {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        let kind = if fields[0] == "0" { 'v' } else { 'a' };
        let time: f64 = fields[2].parse().unwrap();
        (kind, time / 48.0, fields[5].to_owned())
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(frame).collect()
}

/// How far the frames of a recording lie from the same ones of the source, from the nearest
/// to the furthest, and how many are the same.
fn shift(source: &[Decoded], recording: &[Decoded], kind: char) -> (f64, f64, usize) {
    let mut shifts: Vec<f64> = Vec::new();
    for (_, time, sum) in recording.iter().filter(|frame| frame.0 == kind) {
        let same = source
            .iter()
            .filter(|frame| frame.0 == kind && frame.2 == *sum);
        let mut same = same.map(|frame| frame.1);
        // Frames that look alike cannot be told apart.
        if let (Some(at), None) = (same.next(), same.next()) {
            shifts.push(time - at);
        }
    }
    shifts.sort_by(f64::total_cmp);
    (shifts[0], shifts[shifts.len() - 1], shifts.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_output_must() {
    check_settings(&settings("rtmp://127.0.0.1/live"));
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let media = clip(&format!("{H264} -t 8"));
    check_output(&Subject { platform, media }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_arrives_over_tls_with_sound_and_picture_together() {
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let stream = clip(&format!("{H264} -t 8"));
    let source = platform.folder().join("source.ts");
    std::fs::write(&source, &stream).unwrap();
    let mut to = settings(&format!("rtmps://localhost:{}/live", platform.tls_port));
    to.ca = Some(platform.ca.clone());
    let bench = Bench::start(&to).await;
    bench.play(&stream, 8).await;
    let sent = settled(&bench).await;
    assert_eq!(bench.detail("frames_dropped"), 0);
    assert!(bench.detail("round_trip_ms").as_f64().is_some());
    bench.engine.remove_output(OUTPUT).await.unwrap();
    let recording = platform.recordings().pop().unwrap();
    // Players add nothing and leave out nothing: all that was sent is there.
    assert_eq!(packets(&recording), sent);
    let (source, recording) = (decoded(&source), decoded(&recording));
    let pictures = recording.iter().filter(|frame| frame.0 == 'v').count();
    let (first, last, same) = shift(&source, &recording, 'v');
    assert_eq!(same, pictures);
    // Those before the connection stood are not there; from then on none is missing, but for
    // the very last, which the demultiplexer holds.
    let video: Vec<f64> = recording
        .iter()
        .filter(|frame| frame.0 == 'v')
        .map(|f| f.1)
        .collect();
    let span = video
        .iter()
        .fold(0.0_f64, |end, time| end.max(time - video[0]));
    assert_eq!((span / 40.0).round() as usize + 1, pictures);
    let ends = |frames: &[Decoded]| frames.iter().rfind(|f| f.0 == 'v').unwrap().1;
    assert!(ends(&source) - (ends(&recording) - first) <= 41.0);
    assert!(last - first <= 1.01, "{first} {last}");
    let (first_sound, last_sound, _) = shift(&source, &recording, 'a');
    assert!(
        last_sound - first <= 20.0 && first - first_sound <= 20.0,
        "{first} {first_sound}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_name_is_refused_and_said() {
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let mut to = settings(&format!("rtmps://127.0.0.1:{}/live", platform.tls_port));
    to.ca = Some(platform.ca.clone());
    let bench = Bench::start(&to).await;
    let _feeder = bench.feed(clip(&format!("{H264} -t 4")));
    let said = bench.until("the refusal", Bench::trouble).await;
    assert!(
        said.contains("certificate") && said.contains("127.0.0.1"),
        "{said}"
    );
    assert_eq!(platform.recorded_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_is_said_and_never_shown() {
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let bench = Bench::start(&settings(&format!(
        "rtmp://127.0.0.1:{}/denied",
        platform.port
    )))
    .await;
    let _feeder = bench.feed(clip(&format!("{H264} -t 4")));
    let said = bench.until("the refusal", Bench::trouble).await;
    assert!(said.contains("key"), "{said}");
    let status = serde_json::to_string(&bench.status()).unwrap();
    assert!(!status.contains("the-stream-key"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_takes_nothing_is_given_up_and_called_again() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bench = Bench::start(&settings(&format!(
        "rtmp://127.0.0.1:{}/live",
        stuck_server()
    )))
    .await;
    // As fast as the feed goes, so that what lies between is soon full.
    let feed = bench.engine.feed(SOURCE);
    let _feeder = Feeder::start(
        feed,
        clip(&format!("{H264} -t 4")),
        Duration::from_micros(100),
    );
    bench
        .until("what its full queue loses is counted meanwhile", |bench| {
            (bench.detail("frames_dropped").as_u64() > Some(0)).then_some(())
        })
        .await;
    let said = bench.until("it is given up", Bench::trouble).await;
    assert!(said.contains("took nothing for 8 s"), "{said}");
    bench
        .until("it is called again", |bench| {
            (bench.detail("connections").as_u64() >= Some(2)).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_cannot_go_stays_behind_and_is_named() {
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let bench = Bench::start(&settings(&format!(
        "rtmp://127.0.0.1:{}/live",
        platform.port
    )))
    .await;
    let clip = clip("-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -c:a mp2 -t 4");
    let _feeder = bench.feed(clip);
    bench
        .until("the picture goes alone", |bench| {
            (bench.frames_sent() > 20).then_some(())
        })
        .await;
    assert_eq!(bench.detail("left_out"), serde_json::json!(["mp2"]));
    let alarms = bench.engine.alarms();
    let alarm = alarms
        .iter()
        .find(|standing| standing.alarm.code == "sound_not_carried");
    assert!(
        alarm.is_some_and(|standing| standing.alarm.text.contains("mp2")),
        "{alarms:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_beyond_the_limits_of_its_platform_is_warned_about() {
    if !peers::have(&["ffmpeg", "nginx"]) {
        return;
    }
    let platform = Platform::start();
    let mut to = settings(&format!("rtmp://127.0.0.1:{}/live", platform.port));
    to.platform = Some("twitch".into());
    let bench = Bench::start(&to).await;
    let source = SourceSpec {
        driver: Arc::new(Filled),
        expect: None,
    };
    bench.engine.set_source(SOURCE, source).await.unwrap();
    let clip = clip("-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 250 -c:a aac -t 12");
    let _feeder = bench.feed(clip);
    let is_about_key_frames =
        |text: &str| text.contains("Twitch takes a key frame at least every 2 s");
    bench
        .until("the warning", |bench| {
            let alarms = bench.engine.alarms().into_iter();
            let mut standing = alarms.map(|standing| standing.alarm);
            let alarm = standing.find(|alarm| alarm.code == "platform_limits")?;
            is_about_key_frames(&alarm.text).then_some(())
        })
        .await;
    assert!(
        bench
            .detail("warnings")
            .to_string()
            .contains("\"keyframes\"")
    );
}

/// Sends a clip to an ffmpeg that listens, and has the packets there counted.
async fn goes_to(ffmpeg: &Path, clip: Vec<u8>, multitrack: bool, tracks: usize) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let port = platform::free_ports::<1>()[0];
    let url = format!("rtmp://127.0.0.1:{port}/live");
    let mut command = Command::new(ffmpeg);
    command
        .args(["-v", "error", "-y", "-listen", "1", "-i"])
        .arg(format!("{url}/the-stream-key"))
        .args(["-map", "0", "-c", "copy", "out.mkv"])
        .current_dir(folder.path());
    let mut listening = Process::start("ffmpeg", &mut command, folder.path());
    let mut to = settings(&url);
    to.multitrack = multitrack;
    let bench = Bench::start(&to).await;
    let feeder = bench.feed(clip);
    bench
        .until("frames go out", |bench| {
            (bench.frames_sent() > 300).then_some(())
        })
        .await;
    assert_eq!(
        bench.detail("tracks").as_array().map(Vec::len),
        Some(tracks)
    );
    let is_enhanced = bench.detail("enhanced") == true;
    drop(feeder);
    let sent = settled(&bench).await;
    bench.engine.remove_output(OUTPUT).await.unwrap();
    listening.finished_within(Duration::from_secs(10));
    let out = folder.path().join("out.mkv");
    assert_eq!(packets(&out), sent);
    assert_eq!(peers::decode_errors(out.to_str().unwrap()), "");
    is_enhanced
}

fn current_ffmpeg() -> Option<PathBuf> {
    peers::from_environment(
        "TIDEGATE_PEER_FFMPEG",
        "a current ffmpeg, with Enhanced RTMP",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h264_goes_to_an_old_ffmpeg_as_legacy_rtmp() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let clip = clip(&format!("{H264} -t 12"));
    assert!(!goes_to(Path::new("ffmpeg"), clip, false, 2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hevc_goes_to_a_current_ffmpeg_by_enhanced_rtmp() {
    let Some(ffmpeg) = current_ffmpeg() else {
        return;
    };
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:bframes=2";
    let clip = clip(&format!("{x265} -c:a aac -t 12"));
    assert!(goes_to(&ffmpeg, clip, false, 2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_sounds_go_to_a_current_ffmpeg_by_enhanced_rtmp() {
    let Some(ffmpeg) = current_ffmpeg() else {
        return;
    };
    let clip = clip(&format!("-map 0 -map 1 -map 1 {H264} -t 12"));
    assert!(goes_to(&ffmpeg, clip, true, 3).await);
}

/// How many packets a file has.
fn packets(file: &Path) -> u64 {
    let listed = Command::new("ffprobe")
        .args("-v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0".split(' '))
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.trim_end_matches(',').parse::<u64>().ok())
        .sum()
}

/// Frames sent, once no more come.
async fn settled(bench: &Bench) -> u64 {
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let now = bench.frames_sent();
        if now == last {
            return now;
        }
        last = now;
    }
}
