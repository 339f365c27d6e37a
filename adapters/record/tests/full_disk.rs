//! A recording on a file system that really fills up.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tidegate_adapter_record::{Adapter, Format, OutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, NoSecrets, OutputAdapter, OutputSpec, OutputState, Span,
};
use tidegate_testkit::conformance::Feeder;
use tidegate_testkit::media::numbered_ts;

/// A file system of four megabytes in memory, for as long as it is held.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, loudly, where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("SKIPPED: a small file system cannot be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Left mounted, it only costs memory.
        drop(Command::new("umount").arg(self.path()).status());
    }
}

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let began = Instant::now();
    while !look() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_pauses_when_the_disk_is_full_and_resumes_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let data_dir = disk.path().to_owned();
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir,
    });
    let segment = Span::from_secs(3600);
    let settings = OutputSettings {
        format: Format::Ts,
        segment,
        keep: None,
    };
    let driver = Adapter::new()
        .output("archive", &settings, &NoSecrets)
        .unwrap();
    engine
        .set_output(
            "archive",
            OutputSpec {
                source: "cam1".into(),
                driver,
            },
        )
        .await
        .unwrap();
    let media = numbered_ts(7 * 100);
    let feeder = Feeder::start(engine.feed("cam1"), media, Duration::from_millis(1));
    let status = || engine.output_status("archive").unwrap();
    until("the disk is full", || {
        status().state == OutputState::Reconnecting
    })
    .await;
    assert_eq!(engine.alarms()[0].alarm.text, "Disk full");
    let folder = disk.path().join("recordings/archive");
    for entry in fs::read_dir(&folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    until("it records again", || status().delivering).await;
    assert!(
        feeder.longest() < Duration::from_millis(200),
        "the live path did not notice"
    );
    drop(feeder);
    engine.shutdown().await;
    for entry in fs::read_dir(&folder).unwrap() {
        let bytes = entry.unwrap().metadata().unwrap().len();
        assert_eq!(bytes % 188, 0, "only whole packets are left");
    }
}
