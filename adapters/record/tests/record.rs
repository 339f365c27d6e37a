//! Recordings on a real disk.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tidegate_adapter_record::{Adapter, Format, OutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, NoSecrets, OutputAdapter, OutputDriver, OutputSpec, Span, TsChunk,
};
use tidegate_testkit::conformance::{OutputSubject, Refusal, check_output, check_settings};
use tidegate_testkit::media::numbered_ts;

fn settings() -> OutputSettings {
    OutputSettings {
        format: Format::Ts,
        segment: Span::from_secs(3600),
        keep: None,
    }
}

fn driver(name: &str) -> Arc<dyn OutputDriver> {
    Adapter::new()
        .output(name, &settings(), &NoSecrets)
        .unwrap()
}

/// All files of a recording, in order.
fn files(data_dir: &Path, output: &str) -> Vec<PathBuf> {
    let folder = data_dir.join("recordings").join(output);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn recorded(data_dir: &Path, output: &str) -> Vec<u8> {
    files(data_dir, output)
        .iter()
        .flat_map(|file| fs::read(file).unwrap())
        .collect()
}

struct OnDisk {
    data_dir: tempfile::TempDir,
}

impl OutputSubject for OnDisk {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        driver("under-test")
    }

    fn received(&self) -> u64 {
        let files = files(self.data_dir.path(), "under-test");
        files
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .sum()
    }

    fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        // A file where the folder should be.
        let folder = self.data_dir.path().join("recordings");
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, b"in the way").unwrap();
        Some((driver("under-test"), Refusal::Retried))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_output_must() {
    check_output(&OnDisk {
        data_dir: tempfile::tempdir().unwrap(),
    })
    .await;
    check_settings(&settings());
}

async fn recorder(data_dir: &Path) -> Engine {
    let config = EngineConfig {
        clock: Clock::start(),
        data_dir: data_dir.to_owned(),
    };
    let engine = Engine::start(config);
    let spec = OutputSpec {
        source: "cam1".into(),
        driver: driver("archive"),
    };
    engine.set_output("archive", spec).await.unwrap();
    while engine.feed("cam1").reader_count() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    engine
}

fn write(engine: &Engine, stream: &[u8]) {
    let mut writer = engine.feed("cam1").ts_writer();
    for bytes in stream.chunks(1316) {
        let now = Clock::start().now();
        let bytes = bytes.to_vec().into();
        writer.push(TsChunk {
            bytes,
            origin: now,
            arrived: now,
            due: now,
            lost_before: 0,
        });
    }
    writer.seal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_the_stream_bit_by_bit() {
    let data_dir = tempfile::tempdir().unwrap();
    let engine = recorder(data_dir.path()).await;
    let stream = numbered_ts(7 * 3000);
    write(&engine, &stream);
    engine.remove_output("archive").await.unwrap();
    assert!(recorded(data_dir.path(), "archive") == stream);
    assert_eq!(files(data_dir.path(), "archive").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_arrived_is_in_the_file_within_two_seconds() {
    let data_dir = tempfile::tempdir().unwrap();
    let engine = recorder(data_dir.path()).await;
    let stream = numbered_ts(7 * 50);
    write(&engine, &stream);
    let written = Instant::now();
    // Nobody stops the recorder: this is what a kill would leave behind.
    while recorded(data_dir.path(), "archive") != stream {
        assert!(
            written.elapsed() < Duration::from_secs(2),
            "still not in the file"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_connection_begins_another_file_and_no_byte_is_lost() {
    let data_dir = tempfile::tempdir().unwrap();
    let engine = recorder(data_dir.path()).await;
    let (first, second) = (numbered_ts(70), numbered_ts(140));
    write(&engine, &first);
    write(&engine, &second);
    engine.remove_output("archive").await.unwrap();
    assert_eq!(files(data_dir.path(), "archive").len(), 2);
    assert!(recorded(data_dir.path(), "archive") == [first, second].concat());
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let refused = Adapter::new().output("../../etc", &settings(), &NoSecrets);
    let error = refused.err().expect("it is refused");
    assert_eq!(error.field, "name");
}
