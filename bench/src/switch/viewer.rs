//! Who watches the program by SRT, and writes down when what came.

use crate::caller::Caller;
use crate::port::Scratch;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_srt::CallerConfig;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

/// The longest pause between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// A viewer on a thread of its own.
pub(super) struct Viewer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Watched>>,
}

/// All that came.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// When each payload came, and where it ends in the bytes.
    pub(super) payloads: Vec<(Instant, usize)>,
    pub(super) bytes: Vec<u8>,
}

impl Viewer {
    pub(super) fn start(to: SocketAddr, stream_id: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, stream_id) = (Arc::clone(&stop), stream_id.to_owned());
        let thread = std::thread::spawn(move || watch(to, stream_id, &asked));
        Self { stop, thread }
    }

    pub(super) fn finish(self) -> anyhow::Result<Watched> {
        self.stop.store(true, Ordering::Relaxed);
        let joined = self.thread.join();
        let watched = joined.map_err(|_| anyhow::anyhow!("the viewer crashed"))??;
        (!watched.payloads.is_empty())
            .then_some(watched)
            .context("nothing came to the viewer")
    }
}

fn watch(to: SocketAddr, stream_id: String, stop: &AtomicBool) -> anyhow::Result<Watched> {
    let config = CallerConfig {
        stream_id: stream_id.into_bytes().into(),
        ..CallerConfig::default()
    };
    let mut caller = Caller::call(Clock.now(), to, config)?;
    let mut poller = Poller::new()?;
    poller.add(caller.descriptor(), 0, Interest::Read)?;
    let (mut scratch, mut watched) = (Scratch::new(), Watched::default());
    while !stop.load(Ordering::Relaxed) {
        let now = Clock.now();
        let wake = caller.wakes_at().min(now + LOOK);
        poller.wait(Some(wake.saturating_since(now)))?;
        let mut take = |at: Instant, payload: &[u8]| {
            watched.bytes.extend_from_slice(payload);
            watched.payloads.push((at, watched.bytes.len()));
        };
        if poller.ready().count() > 0 {
            caller.receive(&mut scratch, &mut take)?;
        }
        let now = Clock.now();
        if caller.wakes_at() <= now {
            caller.tick(now, &mut scratch, &mut take)?;
        }
    }
    Ok(watched)
}
