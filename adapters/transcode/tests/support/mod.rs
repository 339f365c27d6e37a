//! A source made out of another, whose feed a test writes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_adapter_transcode::{Adapter, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, Feed, NoSecrets, Reader, ReaderOptions, SourceAdapter,
    SourceDriver, SourceSpec, TsChunk,
};

/// Packets that nobody announced, with numbers in them.
pub(crate) const DATA: u16 = 0x1F0;
/// Long enough for whatever a busy machine makes of it.
const PATIENCE: Duration = Duration::from_secs(60);
const CAMERA: &str = "cam";
const MADE: &str = "cam-other";
const CHUNK: usize = 7 * 188;

/// A stream made by ffmpeg, with beeps and with data that ffmpeg knows nothing of.
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    pub(crate) file: PathBuf,
    seconds: u32,
    _folder: TempDir,
}

impl Stream {
    pub(crate) fn make(settings: &str, seconds: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clip.ts");
        let made = Command::new("ffmpeg")
            .args(
                "-hide_banner -nostdin -v error -y -f lavfi -i testsrc2=s=320x180:r=25".split(' '),
            )
            .args(["-f", "lavfi", "-i"])
            .arg("aevalsrc='if(lt(mod(t,1),0.1),0.5*sin(2*PI*1000*t),0)':s=48000:c=stereo")
            .args(["-t", &seconds.to_string()])
            .args(
                "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 12 -ac 2 -pes_payload_size 0"
                    .split(' '),
            )
            .args("-muxrate 2000k".split(' '))
            .args(settings.split(' '))
            .args(["-f", "mpegts"])
            .arg(&file)
            .status();
        assert!(made.unwrap().success());
        let mut bytes = Vec::new();
        for (number, packet) in std::fs::read(&file).unwrap().chunks(188).enumerate() {
            bytes.extend_from_slice(packet);
            if number % 20 == 19 {
                let counter = (number / 20) as u8;
                let [high, low] = DATA.to_be_bytes();
                let mut data = [counter; 188];
                data[..4].copy_from_slice(&[0x47, high, low, 0x10 | counter & 0x0F]);
                bytes.extend_from_slice(&data);
            }
        }
        Self {
            bytes,
            file,
            seconds,
            _folder: folder,
        }
    }
}

/// Writes a stream into a feed in real time, once; dropped, it stops.
pub(crate) struct Playing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Playing {
    pub(crate) fn begin(feed: Feed, stream: &Stream) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, bytes) = (Arc::clone(&stop), bytes::Bytes::from(stream.bytes.clone()));
        let seconds = f64::from(stream.seconds);
        let thread = thread::spawn(move || {
            let (began, clock) = (Instant::now(), Clock::start());
            let mut writer = feed.ts_writer();
            for at in (0..bytes.len()).step_by(CHUNK) {
                let due = Duration::from_secs_f64(seconds * at as f64 / bytes.len() as f64);
                thread::sleep(due.saturating_sub(began.elapsed()));
                if asked.load(Ordering::Acquire) {
                    return;
                }
                let chunk = bytes.slice(at..bytes.len().min(at + CHUNK));
                writer.push(TsChunk::live(chunk, clock.now()));
                writer.seal();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// What came of a stream.
pub(crate) struct Played {
    pub(crate) bytes: Vec<u8>,
    pub(crate) file: PathBuf,
    pub(crate) status: Value,
    _folder: TempDir,
}

/// An engine with a source that is made out of one that a test plays.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    _data_dir: TempDir,
}

pub(crate) fn driver(source: &str, audio: &str) -> Arc<dyn SourceDriver> {
    let settings = SourceSettings {
        source: source.to_owned(),
        audio: audio.to_owned(),
    };
    Adapter::new().source(MADE, &settings, &NoSecrets).unwrap()
}

impl Bench {
    pub(crate) async fn start(audio: &str) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let engine = Engine::start(EngineConfig {
            clock: Clock::start(),
            data_dir: data_dir.path().to_owned(),
        });
        let spec = SourceSpec {
            driver: driver(CAMERA, audio),
            expect: None,
        };
        engine.set_source(MADE, spec).await.unwrap();
        Self {
            engine,
            _data_dir: data_dir,
        }
    }

    /// The same once it waits for something to come.
    pub(crate) async fn ready(audio: &str) -> Self {
        let bench = Self::start(audio).await;
        bench
            .until("it waits", |status| {
                let reason = status["connection_reason"].as_str()?;
                reason.contains("carries nothing").then_some(())
            })
            .await;
        bench
    }

    pub(crate) fn begin(&self, stream: &Stream) -> Playing {
        Playing::begin(self.engine.feed(CAMERA), stream)
    }

    /// Plays some of the stream until its sound is there, and then all of it, and takes what
    /// comes of that.
    pub(crate) async fn play(&self, stream: &Stream) -> Played {
        let mut playing = self.begin(stream);
        self.until("the sound is there", |status| {
            if playing.is_over() {
                playing = self.begin(stream);
            }
            (status["connection"] == "connected").then_some(())
        })
        .await;
        drop(playing);
        self.until("that is over", |status| {
            (status["connection"] == "disconnected").then_some(())
        })
        .await;
        let options = ReaderOptions {
            max_batches: 1 << 14,
            ..ReaderOptions::default()
        };
        let mut reader = self.engine.feed(MADE).read_ts(options);
        let playing = self.begin(stream);
        let mut bytes = Vec::new();
        let mut over = None;
        // The last of it comes within the time it is held back; nothing tells which that is.
        while over.is_none_or(|over: Instant| over.elapsed() < Duration::from_millis(1500)) {
            if over.is_none() && playing.is_over() {
                over = Some(Instant::now());
            }
            take(&mut reader, &mut bytes);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("came.ts");
        std::fs::write(&file, &bytes).unwrap();
        Played {
            bytes,
            file,
            status: self.status(),
            _folder: folder,
        }
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::to_value(self.engine.source_status(MADE).unwrap()).unwrap()
    }

    pub(crate) fn connection(&self) -> Connection {
        self.engine.source_status(MADE).unwrap().connection
    }

    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        let began = Instant::now();
        loop {
            let status = self.status();
            if let Some(found) = found(&status) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.engine.shutdown().await;
    }
}

fn take(reader: &mut Reader<TsChunk>, bytes: &mut Vec<u8>) {
    while let Some(batch) = reader.try_next() {
        for chunk in batch.iter() {
            bytes.extend_from_slice(&chunk.bytes);
        }
        assert_eq!(reader.gap().lost, 0);
    }
}

pub(crate) fn packets_of(pid: u16, stream: &[u8]) -> Vec<[u8; 188]> {
    let packets = stream.as_chunks::<188>().0.iter();
    packets
        .filter(|packet| (u16::from(packet[1]) & 0x1F) << 8 | u16::from(packet[2]) == pid)
        .copied()
        .collect()
}

/// What ffprobe calls the tracks, by PID: the codec, and of sound rate and channels.
pub(crate) fn codecs(file: &Path) -> String {
    let shown = Command::new("ffprobe")
        .args(
            "-v error -show_entries stream=codec_name,sample_rate,channels -of compact=p=0:nk=1"
                .split(' '),
        )
        .arg(file)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    // Programs are listed, and then all streams again.
    let mut lines: Vec<&str> = shown.lines().filter(|line| !line.is_empty()).collect();
    lines.dedup();
    let half = lines.len() / 2;
    if half > 0 && lines[..half] == lines[half..] {
        lines.truncate(half);
    }
    lines.join(",")
}

/// When each beep begins, in seconds of the stream's clock.
pub(crate) fn beeps(file: &Path) -> Vec<f64> {
    let heard = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -copyts -i".split(' '))
        .arg(file)
        .args("-map 0:a:0 -af silencedetect=noise=-20dB:d=0.3 -f null -".split(' '))
        .output()
        .unwrap();
    let heard = String::from_utf8_lossy(&heard.stderr).into_owned();
    let ends = heard.split("silence_end: ").skip(1);
    let ends = ends.filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
    let mut begin: Vec<f64> = ends.collect();
    // The last is the end of the file.
    begin.pop();
    begin
}
