//! What every source must do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tidegate_adapter_switch::{Adapter, SourceSettings};
use tidegate_engine::{Engine, Feed, NoSecrets, SourceAdapter, SourceDriver};
use tidegate_testkit::conformance::{Feeder, SourceSubject, check_settings, check_source};
use tidegate_testkit::media::h264_aac;
use tidegate_testkit::peers::have;

fn settings() -> SourceSettings {
    serde_json::from_str(r#"{"inputs":["main","backup"],"dwell":"2s"}"#).unwrap()
}

struct Subject {
    folder: TempDir,
    media: Vec<u8>,
    main: Mutex<Option<Feed>>,
    playing: Mutex<Option<Feeder>>,
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        Adapter::new()
            .source("program", &settings(), &NoSecrets)
            .unwrap()
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn begins_in(&self, engine: &Engine) {
        *self.main.lock().unwrap() = Some(engine.feed("main"));
    }

    fn start_sender(&self) {
        let main = self.main.lock().unwrap().clone().unwrap();
        // Two megabits in a second.
        let interval = Duration::from_millis(5);
        *self.playing.lock().unwrap() = Some(Feeder::start(main, self.media.clone(), interval));
    }

    fn kill_sender(&self) {
        *self.playing.lock().unwrap() = None;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_source_like_any_other() {
    if have(&["ffmpeg"]) {
        let folder = tempfile::tempdir().unwrap();
        let media = std::fs::read(h264_aac(folder.path(), 30)).unwrap();
        let subject = Subject {
            folder,
            media,
            main: Mutex::default(),
            playing: Mutex::default(),
        };
        check_source(&subject).await;
    }
}

#[test]
fn its_settings_are_settings_like_any_others() {
    check_settings(&settings());
}
