//! Many viewers on one thread.

use super::viewer::{Figures, Viewer};
use crate::usage;
use anyhow::Context as _;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tidegate_udp::{Interest, Poller};

/// Viewers that share a local address: fewer than the server takes from one.
const VIEWERS_PER_ADDRESS: usize = 250;
/// One buffer for all: bodies are counted, not kept.
const BUFFER_BYTES: usize = 256 << 10;
/// The longest wait for something to happen.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Everybody who watches.
pub(super) struct Crowd {
    viewers: Vec<Viewer>,
    poller: Poller,
    /// Who reloads the playlist when.
    reloads: BinaryHeap<Reverse<(Instant, usize)>>,
    buffer: Vec<u8>,
    figures: Figures,
    worst_lateness: Duration,
}

/// What a measurement of a crowd gave.
pub(super) struct Watched {
    pub(super) figures: Figures,
    /// The most that a viewer reloaded after its time.
    pub(super) worst_lateness: Duration,
    /// How long they were watching.
    pub(super) time: Duration,
    /// The share of a core that this thread used.
    pub(super) busy: f64,
}

impl Crowd {
    /// Lets `count` viewers come, evenly within `time`, so that they do not all ask at once.
    pub(super) fn gather(
        server: SocketAddr,
        token: &str,
        output: &str,
        count: usize,
        time: Duration,
    ) -> anyhow::Result<Self> {
        let mut crowd = Self {
            viewers: Vec::new(),
            poller: Poller::new()?,
            reloads: BinaryHeap::new(),
            buffer: vec![0; BUFFER_BYTES],
            figures: Figures::default(),
            worst_lateness: Duration::ZERO,
        };
        let start = Instant::now();
        for number in 0..count {
            let come = time * u32::try_from(number)? / u32::try_from(count)?;
            crowd.run_until(start + come)?;
            let host = u8::try_from(2 + number / VIEWERS_PER_ADDRESS)?;
            let headers = format!(
                "Host: {server}\r\nAuthorization: Bearer {token}\r\nUser-Agent: viewer/{number}\r\n"
            );
            let folder = format!("/hls/{output}");
            let from = Ipv4Addr::new(127, 0, 0, host);
            let viewer = Viewer::connect(server, from, &folder, headers)?;
            crowd
                .poller
                .add(viewer.descriptor(), number as u64, Interest::Read)?;
            crowd.viewers.push(viewer);
        }
        crowd.run_until(start + time)?;
        Ok(crowd)
    }

    /// Lets them watch for so long, and says what they got in that time.
    pub(super) fn watch(&mut self, time: Duration) -> anyhow::Result<Watched> {
        self.figures = Figures::default();
        self.worst_lateness = Duration::ZERO;
        let (start, before) = (Instant::now(), usage::own_thread_cpu());
        self.run_until(start + time)?;
        let used = usage::own_thread_cpu().saturating_sub(before);
        let time = start.elapsed();
        Ok(Watched {
            figures: std::mem::take(&mut self.figures),
            worst_lateness: self.worst_lateness,
            time,
            busy: used.as_secs_f64() / time.as_secs_f64(),
        })
    }

    pub(super) fn run_until(&mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.reload_due(now)?;
            let next = self.reloads.peek().map_or(end, |Reverse((at, _))| *at);
            let wait = next.min(end).saturating_duration_since(Instant::now());
            self.poller.wait(Some(wait.min(WAIT_MAX)))?;
            let ready: Vec<u64> = self.poller.ready().collect();
            for token in ready {
                self.serve(usize::try_from(token)?)?;
            }
        }
    }

    fn reload_due(&mut self, now: Instant) -> anyhow::Result<()> {
        while let Some(Reverse((at, number))) = self.reloads.peek().copied() {
            if at > now {
                break;
            }
            self.reloads.pop();
            self.worst_lateness = self.worst_lateness.max(now - at);
            self.viewers[number].reload(now)?;
        }
        Ok(())
    }

    fn serve(&mut self, number: usize) -> anyhow::Result<()> {
        let viewer = &mut self.viewers[number];
        let read = viewer.read(&mut self.buffer, &mut self.figures);
        read.with_context(|| format!("viewer {number}"))?;
        if let Some(at) = viewer.take_reload() {
            self.reloads.push(Reverse((at, number)));
        }
        Ok(())
    }
}
