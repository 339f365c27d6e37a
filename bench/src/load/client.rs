//! What publishes and reads: the generator knows its clients by this alone.

use super::arrivals::Arrivals;
use crate::caller::Caller;
use crate::floor::PlainClient;
use crate::payload;
use crate::port::Scratch;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use tidegate_units::Instant;

/// One publisher or reader, of whichever protocol.
pub(crate) struct Client {
    wire: Wire,
    pub(crate) arrivals: Arrivals,
}

/// How a client speaks.
pub(crate) enum Wire {
    Srt(Box<Caller>),
    /// Plain UDP, for the floor.
    Plain(Box<PlainClient>),
}

/// What a client's protocol did beyond carrying the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WireFigures {
    /// Packets this client sent again.
    pub(crate) sent_again: u64,
    /// Packets that reached this client more than once.
    pub(crate) received_again: u64,
    /// Packets this client gave up sending.
    pub(crate) given_up: u64,
    /// Packets of this client that did not come, where no protocol sends them again.
    pub(crate) lost: u64,
    /// Datagrams that the generator's own side lost.
    pub(crate) lost_here: u64,
}

impl Client {
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            arrivals: Arrivals::new(),
        }
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.wire {
            Wire::Srt(caller) => caller.descriptor(),
            Wire::Plain(client) => client.descriptor(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        match &self.wire {
            Wire::Srt(caller) => caller.is_connected(),
            Wire::Plain(client) => client.is_connected(),
        }
    }

    /// When [`Self::tick`] is due.
    pub(crate) fn wakes_at(&self) -> Instant {
        match &self.wire {
            Wire::Srt(caller) => caller.wakes_at(),
            Wire::Plain(client) => client.wakes_at(),
        }
    }

    /// Sends the packets with these numbers at once.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        numbers: Range<u64>,
        scratch: &mut Scratch,
    ) -> anyhow::Result<()> {
        match &mut self.wire {
            Wire::Srt(caller) => {
                for number in numbers {
                    caller.send(now, payload::packet(number, now))?;
                }
                caller.tick(now, scratch, &mut |_, _| {})
            }
            Wire::Plain(client) => client.send(now, numbers),
        }
    }

    /// Reads what has come, and answers it.
    pub(crate) fn receive(&mut self, scratch: &mut Scratch) -> anyhow::Result<()> {
        let arrivals = &mut self.arrivals;
        match &mut self.wire {
            Wire::Srt(caller) => caller.receive(scratch, &mut |now, bytes| {
                arrivals.count(now, bytes);
            }),
            Wire::Plain(client) => client.receive(scratch, &mut |now, bytes| {
                arrivals.count(now, bytes);
            }),
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        let arrivals = &mut self.arrivals;
        match &mut self.wire {
            Wire::Srt(caller) => caller.tick(now, scratch, &mut |now, bytes| {
                arrivals.count(now, bytes);
            }),
            Wire::Plain(client) => client.tick(now),
        }
    }

    /// What its protocol has done so far.
    pub(crate) fn figures(&mut self, now: Instant) -> WireFigures {
        match &mut self.wire {
            Wire::Srt(caller) => {
                let counters = caller.counters(now);
                WireFigures {
                    sent_again: counters.packets_retransmitted,
                    received_again: counters.packets_duplicate,
                    given_up: counters.packets_send_dropped,
                    lost_here: caller.lost_here(),
                    ..WireFigures::default()
                }
            }
            Wire::Plain(client) => WireFigures {
                lost: client.lost(),
                lost_here: client.lost_here(),
                ..WireFigures::default()
            },
        }
    }
}

impl WireFigures {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            sent_again: self.sent_again + other.sent_again,
            received_again: self.received_again + other.received_again,
            given_up: self.given_up + other.given_up,
            lost: self.lost + other.lost,
            lost_here: self.lost_here + other.lost_here,
        }
    }
}
