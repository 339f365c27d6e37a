//! One connection: requests in, answers and media out, in one task.
//!
//! ```text
//!            ┌─ bytes ─▶ Visitor ─▶ answers ──────────────┐
//!  select! ──┼─ a batch of frames ─▶ player ─▶ packets ───┼─▶ sent
//!            └─ tick: alive? banned? ─────────────────────┘
//! ```
//!
//! While something is being sent nothing is read and no frame is taken: a player that takes
//! its media slowly fills its own queue alone, which then goes on at a key frame.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use socket2::{SockRef, TcpKeepalive};
use tidegate_rtsp::SESSION_TIMEOUT_SECONDS;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use super::Port;
use super::outgoing::Outgoing;
use super::visitor::Visitor;

/// How long somebody may take until it is let in to an output.
const ADMISSION_PATIENCE: Duration = Duration::from_secs(15);
/// Sessions without a sign of life end a little after what they were told.
const SESSION_GRACE: Duration = Duration::from_secs(5);
/// When a player that says nothing is asked by TCP whether it is there: one that vanished
/// while nothing is sent would keep its place.
const TCP_IDLE: Duration = Duration::from_secs(30);
const TCP_PROBE_INTERVAL: Duration = Duration::from_secs(10);
const TCP_PROBES: u32 = 3;
const READ_BYTES: usize = 4096;
const TICK: Duration = Duration::from_millis(500);

/// Why a connection ends; for the journal, where a player was served.
type Why = String;

pub(super) struct Client {
    peer: SocketAddr,
    port: Arc<Port>,
    visitor: Visitor,
    began: Instant,
    last_alive: Instant,
    outgoing: Outgoing,
}

impl Client {
    pub(super) fn new(peer: SocketAddr, port: Arc<Port>) -> Self {
        let now = Instant::now();
        Self {
            visitor: Visitor::new(peer, Arc::clone(&port)),
            peer,
            port,
            began: now,
            last_alive: now,
            outgoing: Outgoing::default(),
        }
    }

    pub(super) async fn run(mut self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new()
            .with_time(TCP_IDLE)
            .with_interval(TCP_PROBE_INTERVAL)
            .with_retries(TCP_PROBES);
        // Without it a place is kept longer, and that is all.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        let local = stream
            .local_addr()
            .map_or(self.peer.ip(), |local| local.ip().to_canonical());
        let (mut read, mut written) = stream.into_split();
        let why = self.serve(&mut read, &mut written, local).await;
        if self.visitor.leave(why, &mut self.outgoing) && !self.outgoing.is_torn() {
            // A farewell that does not go through at once is not worth waiting for.
            let datagrams = &self.port.datagrams;
            let farewell = self.outgoing.send(&[], &mut written, datagrams, self.peer);
            let _ = timeout(TICK, farewell).await;
        }
    }

    async fn serve(
        &mut self,
        read: &mut OwnedReadHalf,
        written: &mut OwnedWriteHalf,
        local: IpAddr,
    ) -> Why {
        let closing = self.port.closing.clone();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let stops = self.visitor.output_stops();
            let happened = tokio::select! {
                () = closing.cancelled() => return "the listener closes".into(),
                () = stops => return "the output stops".into(),
                happened = self.step(read, written, &mut buffer, &mut tick, local) => happened,
            };
            if let Err(why) = happened {
                return why;
            }
        }
    }

    /// Waits for the next thing, and does it.
    async fn step(
        &mut self,
        read: &mut OwnedReadHalf,
        written: &mut OwnedWriteHalf,
        buffer: &mut [u8],
        tick: &mut Interval,
        local: IpAddr,
    ) -> Result<(), Why> {
        tokio::select! {
            count = read.read(buffer) => match count {
                Ok(0) => return Err("it left".into()),
                Ok(count) => self.receive(&buffer[..count], local).await?,
                Err(error) => return Err(format!("its connection broke: {error}")),
            },
            batch = self.visitor.next_batch() => {
                self.visitor.take(&batch, &mut self.outgoing)?;
            }
            _ = tick.tick() => self.look_after()?,
        }
        let answers = self.visitor.connection.take_output();
        let datagrams = &self.port.datagrams;
        let sent = self
            .outgoing
            .send(&answers, written, datagrams, self.peer)
            .await;
        let sent = sent.ok_or_else(|| "it takes nothing any more".to_owned())?;
        self.visitor.count_sent(sent);
        if self.visitor.connection.is_over() {
            return Err("it was turned away".into());
        }
        Ok(())
    }

    async fn receive(&mut self, mut bytes: &[u8], local: IpAddr) -> Result<(), Why> {
        while !bytes.is_empty() && !self.visitor.connection.is_over() {
            let taken = self.visitor.connection.receive(bytes);
            bytes = &bytes[taken..];
            loop {
                match self.visitor.connection.next_ask() {
                    Ok(Some(ask)) => self.visitor.answer(ask, local).await,
                    Ok(None) => break,
                    Err(broken) => {
                        self.port.counters.malformed.fetch_add(1, Ordering::Relaxed);
                        return Err(format!("{broken}"));
                    }
                }
            }
            if self.visitor.connection.take_alive() {
                self.last_alive = Instant::now();
            }
        }
        Ok(())
    }

    /// Ends what nobody is behind any more.
    fn look_after(&mut self) -> Result<(), Why> {
        let counters = &self.port.counters;
        if self.port.house.is_banned(self.peer.ip()) {
            counters.banned.fetch_add(1, Ordering::Relaxed);
            return Err("its address was banned".into());
        }
        if self.visitor.has_reported() {
            self.last_alive = Instant::now();
        }
        let patience = Duration::from_secs(SESSION_TIMEOUT_SECONDS) + SESSION_GRACE;
        let is_late = self.visitor.is_stranger() && self.began.elapsed() > ADMISSION_PATIENCE;
        let is_silent = self.visitor.needs_signs() && self.last_alive.elapsed() > patience;
        if is_late || is_silent {
            counters.timed_out.fetch_add(1, Ordering::Relaxed);
            return Err("it gave no sign of life".into());
        }
        Ok(())
    }
}
