use super::pacer::{DATAGRAM_PACKETS, Pacer};
use super::{instant, nanos};
use crate::packet::{NULL_PID, PACKET_BYTES, Packet, Pcr, SYNC_BYTE};
use bytes::Bytes;
use tidegate_units::{Bitrate, Instant};

/// How far behind its clock a stream may fall before packets are thrown away: the rate is too
/// low for it.
const BEHIND_MAX_NANOS: i64 = 1_000_000_000;

/// How late this machine may be before it begins again instead of catching up.
const SLEPT_NANOS: i64 = 1_000_000_000;

/// A packet that only fills.
const NULL_PACKET: [u8; PACKET_BYTES] = {
    let mut packet = [0xFF; PACKET_BYTES];
    packet[0] = SYNC_BYTE;
    packet[1] = (NULL_PID >> 8) as u8;
    packet[2] = (NULL_PID & 0xFF) as u8;
    packet[3] = 0x10;
    packet
};

/// What is in a datagram of constant rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuffed {
    /// When it was to leave.
    pub at: Instant,
    /// Packets in it that are not stuffing.
    pub media: usize,
    /// Packets thrown away because the rate is too low for the stream.
    pub dropped: u64,
}

/// Makes a stream's rate constant.
///
/// Packets have slots of equal length. A packet leaves in the first slot at or after its own
/// time, and a PCR in it is moved by the difference, so that the clock stays exact; slots
/// without a packet are filled. Null packets of the stream itself are left out.
#[derive(Debug)]
pub struct Stuffing {
    pacer: Pacer,
    rate: Bitrate,
    /// When slot 0 was; once something had a time.
    begin: Option<i64>,
    slot: u64,
    not_before: i64,
}

impl Stuffing {
    /// Stuffing to `rate`, all 188-byte packets counted.
    #[must_use]
    pub fn new(rate: Bitrate) -> Self {
        Self {
            pacer: Pacer::new(),
            rate,
            begin: None,
            slot: 0,
            not_before: 0,
        }
    }

    /// As [`Pacer::push`].
    pub fn push(&mut self, now: Instant, bytes: &Bytes, due: Instant) {
        self.pacer.push(now, bytes, due);
    }

    /// As [`Pacer::restarted`].
    pub fn restarted(&mut self) {
        self.pacer.restarted();
    }

    /// When to call [`Self::pop`]; `None` before the first packet came.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.begin.is_none() {
            return self.pacer.next(now);
        }
        Some(instant(self.slot_time(self.slot)?.max(self.not_before)))
    }

    /// Appends the next datagram to `datagram` if its time has come.
    pub fn pop(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Option<Stuffed> {
        let now = nanos(now);
        if self.begin.is_none() {
            let first = self.pacer.head(now).filter(|first| first.at <= now)?;
            self.begin = Some(first.at);
            self.slot = 0;
        }
        let mut at = self.slot_time(self.slot)?;
        if at.max(self.not_before) > now {
            return None;
        }
        if now - at > SLEPT_NANOS {
            (self.begin, self.slot, at) = (Some(now), 0, now);
        }
        let mut stuffed = Stuffed {
            at: instant(at),
            media: 0,
            dropped: 0,
        };
        for _ in 0..DATAGRAM_PACKETS {
            let time = self.slot_time(self.slot)?;
            self.slot += 1;
            stuffed.dropped += self.drop_what_is_too_late(now, time);
            if self.fill(now, time, datagram) {
                stuffed.media += 1;
            }
        }
        Some(stuffed)
    }

    /// As [`Pacer::left`]: what is late follows at twice the rate.
    pub fn left(&mut self, now: Instant) {
        let datagram = PACKET_BYTES as u64 * 8 * DATAGRAM_PACKETS as u64 * 1_000_000_000;
        let nanos = datagram / self.rate.as_bps().max(1);
        self.not_before = super::nanos(now) + i64::try_from(nanos / 2).unwrap_or(i64::MAX / 2);
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn byte_count(&self) -> usize {
        self.pacer.byte_count()
    }

    /// One slot: true if there was a packet for it.
    fn fill(&mut self, now: i64, time: i64, datagram: &mut Vec<u8>) -> bool {
        while let Some(next) = self.pacer.head(now).filter(|next| next.at <= time) {
            let begin = datagram.len();
            self.pacer.take(|bytes| datagram.extend_from_slice(bytes));
            match datagram[begin..].first_chunk_mut::<PACKET_BYTES>() {
                Some(packet) if !is_null(packet) => {
                    restamp(packet, time - next.at);
                    return true;
                }
                // Stuffing of the stream's own, or no packet at all, has no slot.
                _ => datagram.truncate(begin),
            }
        }
        datagram.extend_from_slice(&NULL_PACKET);
        false
    }

    fn drop_what_is_too_late(&mut self, now: i64, time: i64) -> u64 {
        let mut dropped = 0;
        let limit = time - BEHIND_MAX_NANOS;
        while self.pacer.head(now).is_some_and(|next| next.at < limit) {
            self.pacer.take(|_| ());
            dropped += 1;
        }
        dropped
    }

    fn slot_time(&self, slot: u64) -> Option<i64> {
        let bits = u128::from(slot) * PACKET_BYTES as u128 * 8;
        let nanos = bits * 1_000_000_000 / u128::from(self.rate.as_bps().max(1));
        Some(self.begin? + i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

fn is_null(packet: &[u8; PACKET_BYTES]) -> bool {
    Packet::new(packet).is_some_and(|packet| packet.pid() == NULL_PID)
}

/// Moves a PCR by so many nanoseconds, where there is one.
fn restamp(packet: &mut [u8; PACKET_BYTES], nanos: i64) {
    let adaptation = Packet::new(packet).and_then(Packet::adaptation);
    if let Some(pcr) = adaptation.and_then(|field| field.pcr) {
        let ticks = (nanos.max(0).cast_unsigned() * 27 + 500) / 1000;
        Pcr((pcr.0 + ticks) % Pcr::PERIOD).write(packet);
    }
}
