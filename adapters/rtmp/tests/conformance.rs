//! RTMP sources under the suite that every adapter passes.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{Bed, KEY, Publisher};
use tidegate_engine::{NoSecrets, SourceAdapter, SourceDriver};
use tidegate_testkit::conformance::{SourceSubject, check_source};

/// A source on a listener, and an encoder that publishes to it.
struct Published {
    bed: Bed,
    sender: Mutex<Option<(JoinHandle<()>, Arc<AtomicBool>)>>,
}

impl SourceSubject for Published {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        let settings = format!(r#"{{ "listener": "ingest", "key": "{KEY}" }}"#);
        let settings = serde_json::from_str(&settings).unwrap();
        self.bed
            .adapter
            .source("under-test", &settings, &NoSecrets)
            .unwrap()
    }

    fn data_dir(&self) -> &Path {
        self.bed.folder()
    }

    fn start_sender(&self) {
        let stop = Arc::new(AtomicBool::new(false));
        let (port, stopped) = (self.bed.port, Arc::clone(&stop));
        let sending = std::thread::spawn(move || {
            // The source may not be ready; an encoder tries again.
            let mut publisher = loop {
                match Publisher::connect(port, "live", KEY) {
                    Ok(publisher) => break publisher,
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            };
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                publisher.sound(number * 20, number);
                number += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        *self.sender.lock().unwrap() = Some((sending, stop));
    }

    fn kill_sender(&self) {
        if let Some((sending, stop)) = self.sender.lock().unwrap().take() {
            stop.store(true, Ordering::Relaxed);
            sending.join().unwrap();
        }
    }
}

#[test]
fn a_source_conforms() {
    let published = Published {
        bed: Bed::new(),
        sender: Mutex::default(),
    };
    published.bed.runtime.block_on(check_source(&published));
}
