//! Publishers of made-up programmes, over plain UDP.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate_testkit::media::encode;

pub(crate) const CHUNK_BYTES: usize = 7 * 188;
/// Longer than any test.
pub(crate) const SECONDS: u32 = 90;

/// A programme made by ffmpeg, with a key frame every half second.
#[derive(Clone)]
pub(crate) struct Clip {
    bytes: Arc<Vec<u8>>,
}

impl Clip {
    /// Of that picture, whose times begin at that second.
    pub(crate) fn make(picture: &str, begins_at: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clip.ts");
        let settings = format!(
            "-t {SECONDS} -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 12 -b:v 500k \
             -c:a aac -ac 2 -muxrate 900k -output_ts_offset {begins_at}"
        );
        encode(picture, &settings, &file);
        let bytes = Arc::new(std::fs::read(file).unwrap());
        Self { bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Two that have nothing in common but their format.
    pub(crate) fn two() -> [Self; 2] {
        [
            Self::make("testsrc2=s=320x180:r=25", 0),
            Self::make("smptebars=s=320x180:r=25", 7000),
        ]
    }
}

/// Sends a programme in real time until it is dropped.
pub(crate) struct Publisher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    pub(crate) fn start(port: u16, clip: &Clip) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, clip) = (Arc::clone(&stop), clip.clone());
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
            let (began, all) = (Instant::now(), clip.bytes.len() as f64);
            for (index, chunk) in clip.bytes.chunks(CHUNK_BYTES).enumerate() {
                let at = (index * CHUNK_BYTES) as f64 / all * f64::from(SECONDS);
                thread::sleep(Duration::from_secs_f64(at).saturating_sub(began.elapsed()));
                if asked.load(Ordering::Acquire) {
                    return;
                }
                // Nobody may listen yet.
                let _ = socket.send_to(chunk, ("127.0.0.1", port));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
