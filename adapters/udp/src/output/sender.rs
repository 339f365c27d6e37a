use super::timeliness::Timeliness;
use super::wire::Wire;
use core::time::Duration;
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use tidegate_engine::{
    Clock, OutputContext, OutputReport, Parking, Rate, Reader, ReaderOptions, Severity, TsChunk,
};
use tidegate_mpegts::pacing::{Pacer, Stuffing};
use tidegate_udp::{Run, Sent, Socket};
use tidegate_units::Instant;

/// Bytes waiting until it is their time, in the reader's queue and once more in the pacer:
/// eight seconds of latency at 64 Mbit/s.
const QUEUE_BYTES: usize = 64 << 20;

/// Batches waiting in the reader's queue.
const QUEUE_BATCHES: usize = 16_384;

/// How long the thread sleeps when there is nothing to send.
const IDLE: Duration = Duration::from_secs(1);

/// The pause when the kernel has no room.
const BLOCKED_PAUSE: Duration = Duration::from_micros(500);

/// Pauses before a datagram is given up.
const BLOCKED_PAUSES_MAX: u32 = 100;

/// How long a refusal stands: only every other datagram is answered.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// How often the kernel's counters are read.
const ACCOUNT_EVERY: Duration = Duration::from_millis(50);

/// How often the status is renewed.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// How long a constant rate that was too low stays an alarm.
const OVERRUN_FOR: Duration = Duration::from_secs(10);

const CBR_ALARM: &str = "cbr_too_low";

/// What the output's thread works with. A thread of its own, because a datagram that leaves
/// half a millisecond late already disturbs a decoder's clock.
pub(super) struct Sender {
    reader: Reader<TsChunk>,
    pacing: Pacing,
    wire: Wire,
    clock: Clock,
    socket: Socket,
    to: SocketAddr,
    report: OutputReport,
    lost: u64,
    /// Accepted by the kernel since the last account.
    sent_bytes: u64,
    refused: u64,
    refused_until: Instant,
    next_account: Instant,
    next_show: Instant,
    timeliness: Timeliness,
    overrun_until: Option<Instant>,
}

enum Pacing {
    Even(Box<Pacer>),
    Constant(Box<Stuffing>, Rate),
}

/// A datagram about to leave.
struct Leaving {
    at: Instant,
    by_clock: bool,
    has_media: bool,
    dropped: u64,
}

impl Sender {
    pub(super) fn new(
        context: &OutputContext,
        socket: Socket,
        to: SocketAddr,
        wire: Wire,
        cbr: Option<Rate>,
    ) -> Self {
        let reader = context.route.read_ts(ReaderOptions {
            max_batches: QUEUE_BATCHES,
            max_bytes: QUEUE_BYTES,
            wake: Some(Parking::waker()),
            ..ReaderOptions::default()
        });
        let pacing = match cbr {
            Some(rate) => Pacing::Constant(Box::new(Stuffing::new(rate.0)), rate),
            None => Pacing::Even(Box::default()),
        };
        Self {
            reader,
            pacing,
            wire,
            clock: context.clock,
            socket,
            to,
            report: context.report.clone(),
            lost: 0,
            sent_bytes: 0,
            refused: 0,
            refused_until: Instant::ZERO,
            next_account: Instant::ZERO,
            next_show: Instant::ZERO,
            timeliness: Timeliness::default(),
            overrun_until: None,
        }
    }

    /// Takes what has come, then sends what it is time for, or waits for one of both.
    pub(super) fn turn(&mut self, parking: &Parking) {
        self.take();
        let now = self.clock.now();
        if self.send_next(now, parking) {
            return self.account(now);
        }
        self.account(now);
        let wait = match self.pacing.next(now) {
            Some(next) => next.saturating_since(self.clock.now()).min(IDLE),
            None => IDLE,
        };
        if !wait.is_zero() {
            parking.wait(wait);
        }
    }

    fn take(&mut self) {
        while self.pacing.byte_count() < QUEUE_BYTES
            && let Some(batch) = self.reader.try_next()
        {
            if self.reader.gap().restarted {
                self.pacing.restarted();
            }
            let now = self.clock.now();
            for chunk in batch.items() {
                self.pacing.push(now, chunk);
            }
        }
    }

    /// Whether something left.
    fn send_next(&mut self, now: Instant, parking: &Parking) -> bool {
        let Some(leaving) = self.pacing.pop(now, self.wire.begin()) else {
            return false;
        };
        self.note_dropped(now, leaving.dropped);
        let datagram = self.wire.seal(leaving.at);
        let sent = send(&self.socket, self.to, datagram, parking);
        self.pacing.left(self.clock.now());
        if !sent {
            self.report.lost(1);
        } else if leaving.has_media {
            self.sent_bytes += datagram.len() as u64;
        }
        self.timeliness.left(now, leaving.at, leaving.by_clock);
        while let Some((to, sum)) = self.wire.poll_sum(self.to) {
            // A sum that finds no room is a repair less.
            send(&self.socket, to, &sum, parking);
        }
        true
    }

    /// What the kernel took counts as delivered, unless the far side has just said that
    /// nobody listens there; UDP knows no more. A refusal ends nothing.
    fn account(&mut self, now: Instant) {
        if now < self.next_account {
            return;
        }
        self.next_account = now + ACCOUNT_EVERY;
        let lost = self.reader.lost();
        self.report.lost(lost - self.lost);
        self.lost = lost;
        let refused = self.socket.counters().refused;
        let newly = refused - self.refused;
        self.refused = refused;
        if newly > 0 {
            self.report.lost(newly);
            self.report
                .error(refusal(self.to, self.socket.last_refusal()));
            self.refused_until = now + REFUSED_FOR;
        }
        let bytes = core::mem::take(&mut self.sent_bytes);
        if now >= self.refused_until {
            self.report.delivered(bytes);
        }
        self.show(now);
    }

    fn show(&mut self, now: Instant) {
        if self.overrun_until.is_some_and(|until| now >= until) {
            self.overrun_until = None;
            self.report.clear(CBR_ALARM);
        }
        if now < self.next_show {
            return;
        }
        self.next_show = now + SHOW_EVERY;
        if let Some(timeliness) = self.timeliness.take() {
            self.report.detail("pacing", timeliness);
        }
    }

    /// Packets were thrown away, because the constant rate is too low for the feed.
    fn note_dropped(&mut self, now: Instant, dropped: u64) {
        let Pacing::Constant(_, rate) = &self.pacing else {
            return;
        };
        if dropped == 0 {
            return;
        }
        self.report.lost(dropped);
        if self.overrun_until.is_none() {
            let text = format!("The feed is faster than the constant rate of {rate}");
            let advice = "Raise \"cbr\" above the feed's highest bitrate, or lower the encoder's.";
            self.report.raise(CBR_ALARM, Severity::Error, &text, advice);
            self.report.error(format!("{text}. {advice}"));
            self.report.detail("cbr", json!({ "overrun": true }));
        }
        self.overrun_until = Some(now + OVERRUN_FOR);
    }
}

impl Pacing {
    fn push(&mut self, now: Instant, chunk: &TsChunk) {
        match self {
            Self::Even(pacer) => pacer.push(now, &chunk.bytes, chunk.due),
            Self::Constant(stuffing, _) => stuffing.push(now, &chunk.bytes, chunk.due),
        }
    }

    fn restarted(&mut self) {
        match self {
            Self::Even(pacer) => pacer.restarted(),
            Self::Constant(stuffing, _) => stuffing.restarted(),
        }
    }

    fn next(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Even(pacer) => pacer.next(now),
            Self::Constant(stuffing, _) => stuffing.next(now),
        }
    }

    /// The datagram taken out last is with the kernel.
    fn left(&mut self, now: Instant) {
        match self {
            Self::Even(pacer) => pacer.left(now),
            Self::Constant(stuffing, _) => stuffing.left(now),
        }
    }

    fn byte_count(&self) -> usize {
        match self {
            Self::Even(pacer) => pacer.byte_count(),
            Self::Constant(stuffing, _) => stuffing.byte_count(),
        }
    }

    fn pop(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Option<Leaving> {
        match self {
            Self::Even(pacer) => pacer.pop(now, datagram).map(|departure| Leaving {
                at: departure.at,
                by_clock: departure.by_clock,
                has_media: true,
                dropped: 0,
            }),
            Self::Constant(stuffing, _) => stuffing.pop(now, datagram).map(|stuffed| Leaving {
                at: stuffed.at,
                by_clock: true,
                has_media: stuffed.media > 0,
                dropped: stuffed.dropped,
            }),
        }
    }
}

/// What a refusal says: only one of them comes from the far side.
fn refusal(to: SocketAddr, said: Option<io::Error>) -> String {
    match said {
        Some(error) if error.kind() != io::ErrorKind::ConnectionRefused => format!(
            "this machine cannot send to {to} ({error}). Check its interfaces, routes and \
             firewall."
        ),
        _ => format!("{to} refuses. Start the receiver there."),
    }
}

/// Whether the kernel took it.
fn send(socket: &Socket, to: SocketAddr, datagram: &[u8], parking: &Parking) -> bool {
    let run = Run {
        to,
        from: None,
        bytes: datagram,
        segment_bytes: datagram.len().max(1),
    };
    for _ in 0..BLOCKED_PAUSES_MAX {
        if socket.send(&[run]) == Sent::All {
            return true;
        }
        if parking.must_stop() {
            return false;
        }
        parking.wait(BLOCKED_PAUSE);
    }
    false
}
