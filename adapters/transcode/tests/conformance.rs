//! What every source must do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use support::{Playing, Stream, driver};
use tempfile::TempDir;
use tidegate_adapter_transcode::SourceSettings;
use tidegate_engine::{Engine, Feed, SourceDriver};
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::peers::have;

struct Subject {
    folder: TempDir,
    stream: Stream,
    camera: Mutex<Option<Feed>>,
    playing: Mutex<Option<Playing>>,
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        driver("cam", "aac")
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn begins_in(&self, engine: &Engine) {
        *self.camera.lock().unwrap() = Some(engine.feed("cam"));
    }

    fn start_sender(&self) {
        let camera = self.camera.lock().unwrap().clone().unwrap();
        *self.playing.lock().unwrap() = Some(Playing::begin(camera, &self.stream));
    }

    fn kill_sender(&self) {
        *self.playing.lock().unwrap() = None;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_source_like_any_other() {
    if have(&["ffmpeg"]) {
        let subject = Subject {
            folder: tempfile::tempdir().unwrap(),
            stream: Stream::make("-c:a mp2 -b:a 192k", 30),
            camera: Mutex::default(),
            playing: Mutex::default(),
        };
        check_source(&subject).await;
    }
}

#[test]
fn its_settings_are_settings_like_any_others() {
    let settings = SourceSettings {
        source: "cam".into(),
        audio: "aac stereo 128k".into(),
    };
    check_settings(&settings);
}
