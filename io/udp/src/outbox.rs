use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::send::{Position, Run, Sent};
use crate::socket::Socket;

/// Runs waiting for room in the kernel, bounded.
///
/// A send buffer that is full for a moment must not lose packets: SRT would repair it, but as
/// retransmissions and reports the network never asked for. So the rest waits here and goes
/// out first as soon as the socket is writable; only what exceeds the limit is given up, and
/// counted.
#[derive(Debug)]
pub struct Outbox {
    waiting: VecDeque<OwnedRun>,
    waiting_bytes: usize,
    limit_bytes: usize,
    counters: OutboxCounters,
}

/// What happened to an [`Outbox`] since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounters {
    /// Datagrams given up because the queue was full.
    pub given_up: u64,
    /// The most bytes that ever waited.
    pub peak_bytes: usize,
}

#[derive(Debug)]
struct OwnedRun {
    to: SocketAddr,
    from: Option<IpAddr>,
    bytes: Box<[u8]>,
    offset: usize,
    segment_bytes: usize,
}

impl Outbox {
    /// Waiting bytes by default: a quarter of a second of 64 Mbit/s.
    pub const DEFAULT_LIMIT_BYTES: usize = 2 << 20;

    /// An empty outbox that holds at most `limit_bytes`.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            limit_bytes,
            counters: OutboxCounters::default(),
        }
    }

    /// Sends what waits, then `runs`; keeps what the kernel does not take.
    pub fn send(&mut self, socket: &Socket, runs: &[Run<'_>]) {
        let blocked = if self.flush(socket) {
            match socket.send(runs) {
                Sent::All => return,
                Sent::Blocked(position) => position,
            }
        } else {
            Position::default()
        };
        self.keep(runs, blocked);
    }

    /// Sends what waits; true when nothing waits any more.
    pub fn flush(&mut self, socket: &Socket) -> bool {
        while let Some(run) = self.waiting.front_mut() {
            match socket.send(&[run.as_run()]) {
                Sent::All => {
                    self.waiting_bytes -= run.bytes.len() - run.offset;
                    self.waiting.pop_front();
                }
                Sent::Blocked(position) => {
                    let taken = position.offset.min(run.bytes.len() - run.offset);
                    run.offset += taken;
                    self.waiting_bytes -= taken;
                    return false;
                }
            }
        }
        true
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> OutboxCounters {
        self.counters
    }

    fn keep(&mut self, runs: &[Run<'_>], from: Position) {
        for (index, run) in runs.iter().enumerate().skip(from.run) {
            let offset = if index == from.run { from.offset } else { 0 };
            let bytes = run.bytes.get(offset..).unwrap_or_default();
            if bytes.is_empty() {
                continue;
            }
            if self.waiting_bytes + bytes.len() > self.limit_bytes {
                self.counters.given_up += bytes.len().div_ceil(run.segment_bytes.max(1)) as u64;
                continue;
            }
            self.waiting_bytes += bytes.len();
            self.waiting.push_back(OwnedRun {
                to: run.to,
                from: run.from,
                bytes: bytes.into(),
                offset: 0,
                segment_bytes: run.segment_bytes,
            });
        }
        self.counters.peak_bytes = self.counters.peak_bytes.max(self.waiting_bytes);
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT_BYTES)
    }
}

impl OwnedRun {
    fn as_run(&self) -> Run<'_> {
        Run {
            to: self.to,
            from: self.from,
            bytes: &self.bytes[self.offset..],
            segment_bytes: self.segment_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_is_given_up_and_counted() {
        let mut outbox = Outbox::new(3000);
        let to = SocketAddr::from(([127, 0, 0, 1], 9));
        let bytes = [0; 4000];
        let run = |length: usize| Run {
            to,
            from: None,
            bytes: &bytes[..length],
            segment_bytes: 1000,
        };
        outbox.keep(
            &[run(2500), run(2000), run(500)],
            Position {
                run: 0,
                offset: 1000,
            },
        );
        assert_eq!(outbox.waiting_bytes, 2000);
        assert_eq!(outbox.counters().given_up, 2);
        assert_eq!(outbox.counters().peak_bytes, 2000);
    }
}
