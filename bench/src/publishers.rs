//! SRT publishers that send the stream, on a thread of their own.

use crate::caller::Caller;
use crate::port::Scratch;
use crate::stream::Stream;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_srt::CallerConfig;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

/// How long every connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// The longest pause between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Publishers under way. Dropping it stops them.
pub(crate) struct Publishers {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<Published>>>,
}

/// How it went.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// The most that a packet was sent after its time.
    pub(crate) worst_lateness: Duration,
    /// When the first publisher sent each packet.
    pub(crate) sent: Vec<Instant>,
}

/// How packets are spread over their time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// Each in its time.
    Even,
    /// All of so much time at its beginning.
    Bursts(Duration),
}

impl Rhythm {
    /// When a packet leaves that an even rhythm sends at `time`.
    fn apply(self, time: Duration) -> Duration {
        match self {
            Self::Even => time,
            Self::Bursts(every) => {
                let micros = time.as_micros() - time.as_micros() % every.as_micros().max(1);
                Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            }
        }
    }
}

impl Publishers {
    /// `count` publishers, each with its number in its stream ID (`live/0` …).
    pub(crate) fn start(to: SocketAddr, count: usize, stream: Arc<Stream>, rhythm: Rhythm) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let sending = Sending::connect(to, count, stream, rhythm)?;
            sending.run(&asked)
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Ends them, and says how it went.
    pub(crate) fn finish(mut self) -> anyhow::Result<Published> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("they were ended already")?;
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("the publishers crashed"))?
    }
}

impl Drop for Publishers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What went wrong was told by `finish`, or is of no interest.
            drop(thread.join());
        }
    }
}

struct Sending {
    callers: Vec<Caller>,
    poller: Poller,
    scratch: Scratch,
    stream: Arc<Stream>,
    rhythm: Rhythm,
    sent: usize,
    sent_at: Vec<Instant>,
    worst_lateness: Duration,
}

impl Sending {
    fn connect(
        to: SocketAddr,
        count: usize,
        stream: Arc<Stream>,
        rhythm: Rhythm,
    ) -> anyhow::Result<Self> {
        let now = Clock.now();
        let poller = Poller::new()?;
        let mut callers = Vec::new();
        for number in 0..count {
            let config = CallerConfig {
                stream_id: format!("live/{number}").into_bytes().into(),
                ..CallerConfig::default()
            };
            let caller = Caller::call(now, to, config)?;
            poller.add(caller.descriptor(), number as u64, Interest::Read)?;
            callers.push(caller);
        }
        let mut sending = Self {
            callers,
            poller,
            scratch: Scratch::new(),
            stream,
            rhythm,
            sent: 0,
            sent_at: Vec::new(),
            worst_lateness: Duration::ZERO,
        };
        let limit = now + CONNECT_LIMIT;
        while sending.callers.iter().any(|caller| !caller.is_connected()) {
            if Clock.now() > limit {
                bail!("not every publisher was let in in time");
            }
            sending.turn(limit)?;
        }
        Ok(sending)
    }

    fn run(mut self, stop: &AtomicBool) -> anyhow::Result<Published> {
        let start = Clock.now();
        let count = self.callers.len();
        while !stop.load(Ordering::Relaxed) {
            let (packet, caller) = (self.sent / count, self.sent % count);
            if packet == self.stream.len() {
                bail!("the stream was too short for the measurement");
            }
            // The publishers take turns within the time of a packet.
            let step = self.stream.send_time(1) * u32::try_from(caller)? / u32::try_from(count)?;
            let due = start + self.rhythm.apply(self.stream.send_time(packet)) + step;
            let now = Clock.now();
            if due > now {
                self.turn(due)?;
                continue;
            }
            self.worst_lateness = self.worst_lateness.max(now.saturating_since(due));
            if caller == 0 {
                self.sent_at.push(now);
            }
            let caller = &mut self.callers[caller];
            caller.send(now, self.stream.packet(packet))?;
            caller.tick(now, &mut self.scratch, &mut |_, _| {})?;
            self.sent += 1;
        }
        let now = Clock.now();
        for caller in &mut self.callers {
            caller.leave(now, &mut self.scratch);
        }
        Ok(Published {
            worst_lateness: self.worst_lateness,
            sent: self.sent_at,
        })
    }

    /// Waits until `until` at most, and does what the connections need.
    fn turn(&mut self, until: Instant) -> anyhow::Result<()> {
        let now = Clock.now();
        let wake = self.callers.iter().map(|caller| caller.wakes_at());
        let wake = wake.fold(until.min(now + LOOK), Instant::min);
        self.poller.wait(Some(wake.saturating_since(now)))?;
        let ready: Vec<u64> = self.poller.ready().collect();
        for token in ready {
            let caller = &mut self.callers[usize::try_from(token)?];
            caller.receive(&mut self.scratch, &mut |_, _| {})?;
        }
        let now = Clock.now();
        for caller in &mut self.callers {
            if caller.wakes_at() <= now {
                caller.tick(now, &mut self.scratch, &mut |_, _| {})?;
            }
        }
        Ok(())
    }
}
