//! One SRT publisher that can be stopped in the ways that publishers stop.

use crate::caller::Caller;
use crate::port::Scratch;
use crate::stream::Stream;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_srt::CallerConfig;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// The longest pause between two looks at what it is told.
const LOOK: Duration = Duration::from_millis(5);

/// How a publisher stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It says goodbye.
    Leaves,
    /// Nothing is heard of it any more: the cable is out.
    Unplugged,
}

/// A publisher under way, on a thread of its own. Dropping it unplugs it.
pub(super) struct Feeder {
    tell: Sender<Tell>,
    thread: Option<JoinHandle<anyhow::Result<Option<Instant>>>>,
}

enum Tell {
    End(End),
    /// Nothing is sent for so long; then what was held back comes at once.
    Stall(Duration),
}

impl Feeder {
    pub(super) fn start(to: SocketAddr, stream_id: &str, stream: &Arc<Stream>) -> Self {
        let (tell, told) = channel();
        let (stream_id, stream) = (stream_id.to_owned(), Arc::clone(stream));
        let thread = std::thread::spawn(move || {
            let mut sending = Sending::connect(to, stream_id, stream)?;
            sending.run(&told)
        });
        Self {
            tell,
            thread: Some(thread),
        }
    }

    /// The network in front of it stands still for so long, and then makes up for it.
    pub(super) fn stall(&self, time: Duration) {
        // One that has ended is found out when it is ended.
        drop(self.tell.send(Tell::Stall(time)));
    }

    /// Ends it; when its last packet was sent.
    pub(super) fn end(mut self, how: End) -> anyhow::Result<Instant> {
        drop(self.tell.send(Tell::End(how)));
        let thread = self.thread.take().context("it was ended already")?;
        let ended = thread
            .join()
            .map_err(|_| anyhow::anyhow!("a publisher crashed"))?;
        ended?.context("nothing was sent")
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        drop(self.tell.send(Tell::End(End::Unplugged)));
        if let Some(thread) = self.thread.take() {
            // Who wanted to know how it went has called `end`.
            drop(thread.join());
        }
    }
}

struct Sending {
    caller: Caller,
    poller: Poller,
    scratch: Scratch,
    stream: Arc<Stream>,
    sent: usize,
    last: Option<Instant>,
    silent_until: Instant,
}

impl Sending {
    fn connect(to: SocketAddr, stream_id: String, stream: Arc<Stream>) -> anyhow::Result<Self> {
        let now = Clock.now();
        let config = CallerConfig {
            stream_id: stream_id.into_bytes().into(),
            ..CallerConfig::default()
        };
        let caller = Caller::call(now, to, config)?;
        let poller = Poller::new()?;
        poller.add(caller.descriptor(), 0, Interest::Read)?;
        let mut sending = Self {
            caller,
            poller,
            scratch: Scratch::new(),
            stream,
            sent: 0,
            last: None,
            silent_until: now,
        };
        let limit = now + CONNECT_LIMIT;
        while !sending.caller.is_connected() {
            if Clock.now() > limit {
                bail!("a publisher was not let in in time");
            }
            sending.turn(limit)?;
        }
        Ok(sending)
    }

    fn run(&mut self, told: &Receiver<Tell>) -> anyhow::Result<Option<Instant>> {
        let start = Clock.now();
        loop {
            match told.try_recv() {
                Ok(Tell::End(End::Leaves)) => {
                    self.caller.leave(Clock.now(), &mut self.scratch);
                    return Ok(self.last);
                }
                Ok(Tell::End(End::Unplugged)) | Err(TryRecvError::Disconnected) => {
                    return Ok(self.last);
                }
                Ok(Tell::Stall(time)) => self.silent_until = Clock.now() + time,
                Err(TryRecvError::Empty) => {}
            }
            if self.sent == self.stream.len() {
                bail!("the stream was too short for the measurement");
            }
            let now = Clock.now();
            if now < self.silent_until {
                std::thread::sleep(LOOK.min(self.silent_until.saturating_since(now)));
                continue;
            }
            let due = start + self.stream.send_time(self.sent);
            if due > now {
                self.turn(due)?;
                continue;
            }
            // Stamped with the time it should have left at, as it is behind a network that stalls.
            let packet = self.stream.packet(self.sent);
            self.caller.send_late(now, packet, due)?;
            self.caller.tick(now, &mut self.scratch, &mut |_, _| {})?;
            self.sent += 1;
            self.last = Some(now);
        }
    }

    /// Waits until `until` at most, and does what the connection needs.
    fn turn(&mut self, until: Instant) -> anyhow::Result<()> {
        let now = Clock.now();
        let wake = self.caller.wakes_at().min(until).min(now + LOOK);
        self.poller.wait(Some(wake.saturating_since(now)))?;
        if self.poller.ready().count() > 0 {
            self.caller.receive(&mut self.scratch, &mut |_, _| {})?;
        }
        let now = Clock.now();
        if self.caller.wakes_at() <= now {
            self.caller.tick(now, &mut self.scratch, &mut |_, _| {})?;
        }
        Ok(())
    }
}
