//! A source under test, and origins whose playlists ffmpeg wrote.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use tidegate_adapter_hls::{Adapter, SourceSettings};
use tidegate_engine::{
    Clock, Connection, Engine, EngineConfig, NoSecrets, Reader, ReaderOptions, SourceAdapter,
    SourceDriver, SourceSpec, SourceStatus, TsChunk, limits,
};
use tidegate_testkit::Process;

pub(crate) fn settings(url: String) -> SourceSettings {
    SourceSettings {
        url,
        key: None,
        max_bitrate: None,
        allow_private: false,
        ca: None,
    }
}

pub(crate) fn driver(settings: &SourceSettings) -> Arc<dyn SourceDriver> {
    Adapter::new()
        .source("pulled", settings, &NoSecrets)
        .unwrap()
}

pub(crate) const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25 \
    -f lavfi -i sine=frequency=440:sample_rate=48000";
pub(crate) const CODECS: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 800k \
    -c:a aac -ac 2 -b:a 64k -f hls";

pub(crate) fn ffmpeg(name: &str, folder: &Path, before: &str, after: &str) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    command.args(before.split_whitespace());
    command.args(PICTURE.split_whitespace());
    command.args(CODECS.split_whitespace());
    command.args(after.split_whitespace()).current_dir(folder);
    Process::start(name, &mut command, folder)
}

/// A playlist with its segments, made at once.
pub(crate) fn made(folder: &Path, seconds: u32, options: &str) {
    let after = format!("-t {seconds} -hls_time 1 -hls_playlist_type vod {options}");
    let mut process = ffmpeg("made", folder, "", &after);
    let ended = process.finished_within(Duration::from_secs(30));
    assert!(ended.success(), "{}", process.output());
}

/// The same in real time, as a live origin does it.
pub(crate) fn live(folder: &Path, options: &str) -> Process {
    let options = format!("-hls_time 1 -hls_list_size 6 -hls_flags delete_segments {options}");
    ffmpeg("live", folder, "-re", &options)
}

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
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

    pub(crate) async fn pull(&self, settings: &SourceSettings) {
        let spec = SourceSpec {
            driver: driver(settings),
            expect: None,
        };
        self.engine.set_source("pulled", spec).await.unwrap();
    }

    pub(crate) fn status(&self) -> SourceStatus {
        self.engine.source_status("pulled").unwrap()
    }

    /// A number of the status.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let details = serde_json::to_value(self.status()).unwrap();
        details["hls"][name].as_u64().unwrap_or(0)
    }

    /// Waits for its first media.
    pub(crate) async fn connected(&self) {
        until("it is connected", || {
            (self.status().connection == Connection::Connected).then_some(())
        })
        .await;
    }

    pub(crate) async fn error(&self) -> String {
        until("an error", || self.status().last_error).await
    }
}

pub(crate) fn options() -> ReaderOptions {
    ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        max_bytes: limits::READER_BYTES_MAX,
        ..ReaderOptions::default()
    }
}

pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
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
pub(crate) async fn everything(bench: &Bench, reader: &mut Reader<TsChunk>) -> Vec<TsChunk> {
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

pub(crate) fn is_done(bench: &Bench) -> bool {
    bench.status().connection != Connection::Connected
}

pub(crate) fn joined(folder: &Path, extension: &str) -> Vec<u8> {
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
