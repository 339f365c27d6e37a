use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use tidegate_units::Instant;

use super::super::packets;
use super::rtt::Rtt;
use super::{Ends, Model, TakenOver};

/// Full acknowledgements go out every 10 ms (`COMM_SYN_INTERVAL_US`).
const ACK_INTERVAL: Duration = Duration::from_millis(10);
/// Loss reports are repeated after half of SRTT + 4 RTTVar, but not faster than this
/// (`updateNAKInterval` and `minNAKInterval` of the live congestion control).
const MIN_NAK_INTERVAL: Duration = Duration::from_millis(20);
const NAK_ACCELERATION: u32 = 2;
/// Room for packets, always announced: nothing stays in the model.
const AVAILABLE_PACKETS: u32 = 8192;
/// Words of a loss list that fit into one packet.
const MAX_NAK_WORDS: usize = 364;
const RANGE: u32 = 1 << 31;

/// libsrt's receiving half: a gap is reported at once, everything missing again and again
/// (`checkNAKTimer`), and what is not there when the packet behind it is due is dropped
/// (`rcvDropTooLateUpTo`). Sequence numbers must not wrap within a run.
#[derive(Debug)]
pub struct ReceiverModel {
    ends: Ends,
    latency: Duration,
    /// Sender's timestamp zero on our clock, as the first packet shows it: a handshake took
    /// as long.
    base_micros: Option<i64>,
    /// The next packet in order, and the one after the newest.
    next: u32,
    end: u32,
    /// What waits behind a gap, with its play-out time.
    waiting: BTreeMap<u32, Instant>,
    lost: BTreeSet<u32>,
    rtt: Rtt,
    acks: BTreeMap<u32, Instant>,
    ack_number: u32,
    acknowledged: u32,
    next_ack: Instant,
    next_nak: Instant,
    out: Vec<Vec<u8>>,
    pub delivered: u64,
    pub dropped: u64,
    pub belated: u64,
}

impl ReceiverModel {
    pub fn new(taken: TakenOver, latency: Duration) -> Self {
        Self {
            ends: taken.ends,
            latency,
            base_micros: None,
            next: taken.first_sequence,
            end: taken.first_sequence,
            waiting: BTreeMap::new(),
            lost: BTreeSet::new(),
            rtt: Rtt::INITIAL,
            acks: BTreeMap::new(),
            ack_number: 0,
            acknowledged: taken.first_sequence,
            next_ack: Instant::ZERO,
            next_nak: Instant::FAR_FUTURE,
            out: Vec::new(),
            delivered: 0,
            dropped: 0,
            belated: 0,
        }
    }

    fn on_data(&mut self, now: Instant, packet: &[u8]) {
        let words = [0, 2].map(|n| packets::word(packet, n).unwrap_or(0));
        let [sequence, stamp] = words;
        let arrival = now.as_micros() as i64 - i64::from(stamp);
        let base = match self.base_micros {
            Some(base) => base,
            None if packets::is_retransmission(packet) => return,
            None => *self.base_micros.insert(arrival),
        };
        if sequence < self.next {
            self.belated += 1;
            return;
        }
        if sequence >= self.end {
            self.on_newest(now, sequence);
        }
        self.lost.remove(&sequence);
        let origin = Instant::from_micros((base + i64::from(stamp)) as u64);
        self.waiting.insert(sequence, origin + self.latency);
        self.deliver();
    }

    /// A gap before the newest packet is reported at once.
    fn on_newest(&mut self, now: Instant, sequence: u32) {
        if sequence > self.end {
            if self.lost.is_empty() {
                self.next_nak = now + self.nak_interval();
            }
            self.lost.extend(self.end..sequence);
            self.report(now, &ranges(self.end..sequence));
        }
        self.end = sequence + 1;
    }

    fn deliver(&mut self) {
        while self.waiting.remove(&self.next).is_some() {
            self.delivered += 1;
            self.next += 1;
        }
    }

    fn drop_late(&mut self, now: Instant) {
        while let Some((sequence, _)) = self.first_behind_gap().filter(|(_, due)| *due <= now) {
            self.dropped += u64::from(sequence - self.next);
            self.lost = self.lost.split_off(&sequence);
            self.next = sequence;
            self.deliver();
        }
    }

    fn first_behind_gap(&self) -> Option<(u32, Instant)> {
        self.waiting.iter().next().map(|(at, due)| (*at, *due))
    }

    fn nak_interval(&self) -> Duration {
        let timeout = self.rtt.smoothed + self.rtt.variance * 4;
        (timeout / NAK_ACCELERATION).max(MIN_NAK_INTERVAL)
    }

    fn report(&mut self, now: Instant, words: &[u32]) {
        let words = &words[..words.len().min(MAX_NAK_WORDS)];
        self.control(now, packets::NAK, 0, words);
    }

    fn acknowledge(&mut self, now: Instant) {
        self.next_ack = now + ACK_INTERVAL;
        if self.next == self.acknowledged {
            return;
        }
        self.acknowledged = self.next;
        self.ack_number += 1;
        self.acks.insert(self.ack_number, now);
        let micros = |time: Duration| time.as_micros() as u32;
        let (rtt, variance) = (micros(self.rtt.smoothed), micros(self.rtt.variance));
        let body = [self.next, rtt, variance, AVAILABLE_PACKETS, 1000, 10_000, 0];
        self.control(now, packets::ACK, self.ack_number, &body);
    }

    fn on_ackack(&mut self, now: Instant, number: u32) {
        if let Some(sent) = self.acks.remove(&number) {
            self.rtt.measure(now.saturating_since(sent));
            self.acks = self.acks.split_off(&number);
        }
    }

    fn control(&mut self, now: Instant, kind: u16, info: u32, body: &[u32]) {
        let socket = self.ends.peer_socket;
        let packet = packets::control(kind, info, now.as_micros() as u32, socket, body);
        self.out.push(packet);
    }

    /// Packets that were lost for good, those missing at the end of the stream included.
    pub fn unrecovered(&self, sent: u64) -> u64 {
        sent - self.delivered - self.waiting.len() as u64
    }
}

impl Model for ReceiverModel {
    fn ends(&self) -> Ends {
        self.ends
    }

    fn next_wake_up(&self) -> Option<Instant> {
        let skip = self.first_behind_gap().map(|(_, due)| due);
        let nak = (!self.lost.is_empty()).then_some(self.next_nak);
        [Some(self.next_ack), nak, skip].into_iter().flatten().min()
    }

    fn hear(&mut self, now: Instant, datagram: &[u8]) {
        if packets::is_data(datagram) {
            self.on_data(now, datagram);
        } else if packets::is_control(datagram, packets::ACKACK) {
            self.on_ackack(now, packets::word(datagram, 1).unwrap_or(0));
        }
    }

    fn wake(&mut self, now: Instant) {
        self.drop_late(now);
        if now >= self.next_ack {
            self.acknowledge(now);
        }
        if now >= self.next_nak && !self.lost.is_empty() {
            self.next_nak = now + self.nak_interval();
            let words = ranges(self.lost.iter().copied());
            self.report(now, &words);
        }
    }

    fn drain(&mut self) -> Vec<Vec<u8>> {
        core::mem::take(&mut self.out)
    }
}

/// A loss list on the wire: single numbers, and ranges whose first number has its top bit set.
fn ranges(numbers: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let words = runs.into_iter().map(|(first, last)| {
        if first == last {
            vec![first]
        } else {
            vec![first | RANGE, last]
        }
    });
    words.flatten().collect()
}
