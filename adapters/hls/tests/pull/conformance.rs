use super::bench::{driver, live, settings};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tidegate_engine::{Secret, SecretRef, SourceDriver};
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::{Process, WebOrigin, peers};

/// A live origin of ffmpeg and a web server, which go and come together.
struct Subject {
    folder: tempfile::TempDir,
    origin: WebOrigin,
    encoder: Mutex<Option<Process>>,
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        driver(&settings(self.origin.url("index.m3u8")))
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn start_sender(&self) {
        let options = "-g 10 -hls_flags append_list -hls_init_time 0.4 index.m3u8";
        *self.encoder.lock().unwrap() = Some(live(self.folder.path(), options));
    }

    fn kill_sender(&self) {
        *self.encoder.lock().unwrap() = None;
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        Some(driver(&settings(self.origin.url("nowhere.m3u8"))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_does_what_every_source_must() {
    check_settings(&settings("https://live.example/{key}/index.m3u8".into()));
    let mut with_key = settings("https://live.example/{key}/index.m3u8".into());
    with_key.key = Some(SecretRef::literal(Secret::new("x")));
    check_settings(&with_key);
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let subject = Subject {
        folder,
        origin,
        encoder: Mutex::new(None),
    };
    check_source(&subject).await;
}
