use crate::pace::Pacer;
use crate::settings::OutputSettings;
use crate::target;
use core::time::Duration;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate_engine::{
    BoxFuture, Clock, Delivery, Ended, OutputContext, OutputDriver, OutputReport, Parking, Reader,
    ReaderOptions, RunError, TsChunk, run_on_thread,
};
use tidegate_udp::{Run, Sent, Socket};
use tidegate_units::Instant;

/// The largest datagram: seven packets, as everybody expects them.
const DATAGRAM_BYTES: usize = 7 * 188;

/// Bytes waiting until they are due: eight seconds of latency at 64 Mbit/s.
const QUEUE_BYTES: usize = 64 << 20;

/// Batches waiting until they are due.
const QUEUE_BATCHES: usize = 16_384;

/// How long the thread sleeps when there is nothing to send.
const IDLE: Duration = Duration::from_secs(1);

/// The pause when the kernel has no room.
const BLOCKED_PAUSE: Duration = Duration::from_micros(500);

/// Pauses before a datagram is given up.
const BLOCKED_PAUSES_MAX: u32 = 100;

/// How long a refusal stands: only every other datagram is answered.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// One UDP output.
#[derive(Debug)]
pub(crate) struct UdpOutput {
    settings: OutputSettings,
}

impl UdpOutput {
    pub(crate) const fn new(settings: OutputSettings) -> Self {
        Self { settings }
    }
}

impl OutputDriver for UdpOutput {
    fn kind(&self) -> &'static str {
        "udp"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let to = tokio::select! {
                to = target::resolve(&self.settings) => to?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let socket = target::open(&self.settings, to)?;
            context.report.detail("to", json!(to.to_string()));
            let name = format!("udp-{}", context.name);
            let stop = context.stop.clone();
            run_on_thread(&name, stop, move |parking| {
                let mut sender = Sender::new(&context, socket, to);
                context.report.up();
                while !parking.must_stop() {
                    sender.turn(parking);
                }
                Ok(Ended::Stopped)
            })
            .await
        })
    }
}

/// What the output's thread works with. A thread of its own, because a datagram that leaves
/// half a millisecond late already disturbs a decoder's clock.
struct Sender {
    reader: Reader<TsChunk>,
    pacer: Pacer,
    clock: Clock,
    socket: Socket,
    to: SocketAddr,
    report: OutputReport,
    lost: u64,
    refused: u64,
    refused_until: Instant,
}

impl Sender {
    fn new(context: &OutputContext, socket: Socket, to: SocketAddr) -> Self {
        let reader = context.route.read_ts(ReaderOptions {
            max_batches: QUEUE_BATCHES,
            max_bytes: QUEUE_BYTES,
            wake: Some(Parking::waker()),
            ..ReaderOptions::default()
        });
        Self {
            reader,
            pacer: Pacer::default(),
            clock: context.clock,
            socket,
            to,
            report: context.report.clone(),
            lost: 0,
            refused: 0,
            refused_until: Instant::ZERO,
        }
    }

    /// Sends one batch, each datagram in its time, or waits for one.
    fn turn(&mut self, parking: &Parking) {
        let Some(batch) = self.reader.try_next() else {
            return parking.wait(IDLE);
        };
        let lost = self.reader.lost();
        self.report.lost(lost - self.lost);
        self.lost = lost;
        let mut bytes = 0;
        'batch: for chunk in batch.items() {
            for datagram in chunk.bytes.chunks(DATAGRAM_BYTES) {
                if !self.wait_for(chunk, parking) {
                    break 'batch;
                }
                bytes += self.send(datagram, parking);
                self.pacer.sent(self.clock.now(), chunk.arrived, chunk.due);
            }
        }
        self.account(bytes);
    }

    /// False if it must stop instead.
    fn wait_for(&self, chunk: &TsChunk, parking: &Parking) -> bool {
        loop {
            if parking.must_stop() {
                return false;
            }
            let wait = self.pacer.wait(self.clock.now(), chunk.arrived, chunk.due);
            if wait.is_zero() {
                return true;
            }
            parking.wait(wait);
        }
    }

    /// How many bytes the kernel took.
    fn send(&self, datagram: &[u8], parking: &Parking) -> u64 {
        let run = Run {
            to: self.to,
            from: None,
            bytes: datagram,
            segment_bytes: datagram.len().max(1),
        };
        for _ in 0..BLOCKED_PAUSES_MAX {
            if self.socket.send(&[run]) == Sent::All {
                return datagram.len() as u64;
            }
            if parking.must_stop() {
                return 0;
            }
            parking.wait(BLOCKED_PAUSE);
        }
        self.report.lost(1);
        0
    }

    /// What the kernel took counts as delivered, unless the far side has just said that
    /// nobody listens there; UDP knows no more. A refusal ends nothing.
    fn account(&mut self, bytes: u64) {
        let now = self.clock.now();
        let refused = self.socket.counters().refused;
        let newly = refused - self.refused;
        self.refused = refused;
        if newly > 0 {
            self.report.lost(newly);
            self.report
                .error(format!("{} refuses. Start the receiver there.", self.to));
            self.refused_until = now + REFUSED_FOR;
        }
        if now >= self.refused_until {
            self.report.delivered(bytes);
        }
    }
}
