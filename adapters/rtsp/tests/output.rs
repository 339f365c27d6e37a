//! What every output must do, and what happens to a player that takes nothing.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/raw.rs"]
mod raw;
mod support;

use core::time::Duration;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use raw::Raw;
use support::{PLAIN, film};
use tempfile::{TempDir, tempdir};
use tidegate_adapter_rtsp::{Adapter, ListenerSettings, OutputSettings};
use tidegate_engine::{
    EventSink, ListenerAdapter as _, NoSecrets, OutputAdapter as _, OutputDriver, Secret, SecretRef,
};
use tidegate_testkit::conformance::{OutputSubject, check_output, check_settings};
use tidegate_testkit::peers;

/// A player that comes back again and again.
struct Player {
    received: Arc<AtomicU64>,
    leave: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Player {
    fn start(to: SocketAddr, path: &'static str, reads: bool) -> Self {
        let player = Self {
            received: Arc::default(),
            leave: Arc::default(),
            stop: Arc::default(),
        };
        let received = Arc::clone(&player.received);
        let (leave, stop) = (Arc::clone(&player.leave), Arc::clone(&player.stop));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let mut connection = Raw::connect(to, path);
                let plays = connection.play();
                while plays
                    && !stop.load(Ordering::Relaxed)
                    && !leave.swap(false, Ordering::Relaxed)
                {
                    let count = if reads { connection.read() } else { 1 };
                    if count == 0 {
                        break;
                    }
                    if reads {
                        received.fetch_add(count as u64, Ordering::Relaxed);
                    } else {
                        thread::sleep(Duration::from_millis(100));
                    }
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        player
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Subject {
    adapter: Adapter,
    player: Player,
    _deaf: Player,
    media: Vec<u8>,
    folder: TempDir,
}

impl OutputSubject for Subject {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        let settings = OutputSettings::at("live/cam1");
        self.adapter.output("out", &settings, &NoSecrets).unwrap()
    }

    fn received(&self) -> u64 {
        self.player.received.load(Ordering::Relaxed)
    }

    fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    fn media(&self) -> Vec<u8> {
        self.media.clone()
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(3)
    }

    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        let settings = OutputSettings::at("live/deaf");
        Some(self.adapter.output("out", &settings, &NoSecrets).unwrap())
    }

    fn restart_peer(&self) -> bool {
        self.player.leave.store(true, Ordering::Relaxed);
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_output_must() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempdir().unwrap();
    let media = std::fs::read(film(folder.path(), 20, PLAIN)).unwrap();
    let adapter = Adapter::new();
    let settings = ListenerSettings::at(([127, 0, 0, 1], 0).into());
    let bound = adapter
        .set_listener("players", &settings, EventSink::new())
        .await
        .unwrap();
    let subject = Subject {
        adapter,
        player: Player::start(bound, "live/cam1", true),
        _deaf: Player::start(bound, "live/deaf", false),
        media,
        folder,
    };
    check_output(&subject).await;
    check_settings(&ListenerSettings::at(([127, 0, 0, 1], 8554).into()));
    check_settings(&OutputSettings {
        username: Some("alice".into()),
        password: Some(SecretRef::Literal(Secret::new("wonder-land"))),
        ..OutputSettings::at("live/cam1")
    });
}
