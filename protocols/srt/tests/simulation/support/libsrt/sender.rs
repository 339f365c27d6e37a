use core::time::Duration;
use std::collections::VecDeque;

use tidegate_units::Instant;

use super::super::packets;
use super::super::payload::PAYLOAD_BYTES;
use super::{Ends, Model, TakenOver};

/// Acknowledgements are answered no faster than this, repeated ones always (`processCtrlAck`).
const ACKACK_INTERVAL: Duration = Duration::from_millis(10);
/// A packet this old is given up, at latencies up to a second (`sndDropTooLate`).
const GIVE_UP_AFTER: Duration = Duration::from_millis(1020);
const RANGE: u32 = 1 << 31;

/// libsrt's sending half with `RETRANSMITALGO=1`: what a loss report names is repeated unless
/// it was repeated less than SRTT - 4 RTTVar ago (`checkRexmitRightTime`). Sequence numbers
/// must not wrap within a run.
#[derive(Debug)]
pub struct SenderModel {
    ends: Ends,
    zero_micros: i64,
    interval: Duration,
    next_at: Instant,
    until: Instant,
    /// The first packet held, and all from there on.
    first: u32,
    held: VecDeque<Held>,
    message: u32,
    /// What the acknowledgements say of the round-trip time, which a sender copies.
    smoothed_micros: i64,
    variance_micros: i64,
    last_ackack: Option<(u32, Instant)>,
    out: Vec<Vec<u8>>,
    pub sent: u64,
}

#[derive(Debug)]
struct Held {
    sent: Instant,
    message: u32,
    repeated: Option<Instant>,
}

impl SenderModel {
    /// Sends a payload each `interval` from `now` on, for `length`.
    pub fn new(taken: TakenOver, now: Instant, interval: Duration, length: Duration) -> Self {
        Self {
            ends: taken.ends,
            zero_micros: taken.zero_micros,
            interval,
            next_at: now,
            until: now + length,
            first: taken.first_sequence,
            held: VecDeque::new(),
            message: 0,
            smoothed_micros: 100_000,
            variance_micros: 50_000,
            last_ackack: None,
            out: Vec::new(),
            sent: 0,
        }
    }

    fn stamp(&self, at: Instant) -> u32 {
        (at.as_micros() as i64 - self.zero_micros) as u32
    }

    fn send_new(&mut self, now: Instant) {
        self.message += 1;
        let held = Held {
            sent: now,
            message: self.message,
            repeated: None,
        };
        let sequence = self.first + self.held.len() as u32;
        self.transmit(sequence, &held);
        self.held.push_back(held);
        self.sent += 1;
    }

    fn transmit(&mut self, sequence: u32, held: &Held) {
        let flags = held.message | packets::retransmitted(held.repeated.is_some());
        let (stamp, socket) = (self.stamp(held.sent), self.ends.peer_socket);
        let packet = packets::data(sequence, flags, stamp, socket, &[7; PAYLOAD_BYTES]);
        self.out.push(packet);
    }

    fn on_ack(&mut self, now: Instant, datagram: &[u8]) {
        let word = |n| packets::word(datagram, n);
        let next = word(4).unwrap_or(0);
        while self.first < next && self.held.pop_front().is_some() {
            self.first += 1;
        }
        let (Some(rtt), Some(variance)) = (word(5), word(6)) else {
            return;
        };
        let number = word(1).unwrap_or(0);
        let answer = self
            .last_ackack
            .is_none_or(|(last, at)| last == number || at + ACKACK_INTERVAL < now);
        if answer {
            self.last_ackack = Some((number, now));
            let (stamp, socket) = (self.stamp(now), self.ends.peer_socket);
            let packet = packets::control(packets::ACKACK, number, stamp, socket, &[0]);
            self.out.push(packet);
        }
        self.smoothed_micros = i64::from(rtt);
        self.variance_micros = i64::from(variance);
    }

    fn on_nak(&mut self, now: Instant, datagram: &[u8]) {
        let mut words = (4..).map_while(|n| packets::word(datagram, n));
        while let Some(word) = words.next() {
            let first = word & !RANGE;
            let last = if word & RANGE == 0 {
                first
            } else {
                words.next().unwrap_or(first)
            };
            for sequence in first..=last {
                self.repeat(now, sequence);
            }
        }
    }

    fn repeat(&mut self, now: Instant, sequence: u32) {
        let Some(at) = sequence.checked_sub(self.first) else {
            return;
        };
        let quiet = self.smoothed_micros - 4 * self.variance_micros;
        let since = now.as_micros() as i64 - quiet;
        let Some(mut held) = self.held.remove(at as usize) else {
            return;
        };
        let repeated = held.repeated.map(|at| at.as_micros() as i64);
        if repeated.is_none_or(|at| at < since) {
            held.repeated = Some(now);
            self.transmit(sequence, &held);
        }
        self.held.insert(at as usize, held);
    }

    fn give_up(&mut self, now: Instant) {
        while self
            .held
            .pop_front_if(|held| held.sent + GIVE_UP_AFTER <= now)
            .is_some()
        {
            self.first += 1;
        }
    }
}

impl Model for SenderModel {
    fn ends(&self) -> Ends {
        self.ends
    }

    fn next_wake_up(&self) -> Option<Instant> {
        (self.next_at < self.until).then_some(self.next_at)
    }

    fn hear(&mut self, now: Instant, datagram: &[u8]) {
        if packets::is_control(datagram, packets::ACK) {
            self.on_ack(now, datagram);
        } else if packets::is_control(datagram, packets::NAK) {
            self.on_nak(now, datagram);
        }
    }

    fn wake(&mut self, now: Instant) {
        self.give_up(now);
        while self.next_at <= now && self.next_at < self.until {
            self.next_at += self.interval;
            self.send_new(now);
        }
    }

    fn drain(&mut self) -> Vec<Vec<u8>> {
        core::mem::take(&mut self.out)
    }
}
