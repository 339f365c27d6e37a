//! Packets in the order in which they are due.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tidegate_mpegts::{NULL_PID, PACKET_BYTES, Packet};

/// Packets that travel together, as many as fit into a datagram …
const CHUNK_PACKETS: usize = 7;
/// … and are due within a millisecond, in ticks of 27 MHz.
const CHUNK_TICKS: i64 = 27_000;
const COUNTER: u8 = 0x0F;

/// Packets that wait, ordered by when they are due, and their counters.
///
/// The packets of a picture are spread over its time, those of sound go in between: who comes
/// after whom is known only here, and so is the counter of each.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(i64, [u8; PACKET_BYTES])>,
    counters: Vec<(u16, u8)>,
}

impl Queue {
    /// Adds the packets of a unit, and what was put in front of it: that and the first of them
    /// at `at`, the others evenly until `end`.
    pub(super) fn push(&mut self, packets: &[u8], at: i64, end: i64) {
        let pid = |packet: &[u8; PACKET_BYTES]| Packet::new(packet).map(Packet::pid);
        let (all, _) = packets.as_chunks::<PACKET_BYTES>();
        let last = all.last().and_then(pid);
        let count = all.iter().rev().take_while(|it| pid(it) == last).count();
        let front = all.len() - count;
        for (index, packet) in all.iter().enumerate() {
            let step = index.saturating_sub(front) as i64;
            let due = at + (end - at) * step / count.max(1) as i64;
            self.insert(due, *packet);
        }
    }

    /// The next packets that are due before `until`, and when.
    pub(super) fn pop(&mut self, until: i64) -> Option<(i64, Bytes)> {
        let mut chunk = BytesMut::new();
        let mut begin = None;
        while let Some(&(due, _)) = self.waiting.front() {
            let first = *begin.get_or_insert(due);
            let is_full = chunk.len() == CHUNK_PACKETS * PACKET_BYTES;
            if due >= until || is_full || due - first > CHUNK_TICKS {
                break;
            }
            // The time is exact for the first packet only, and that of clocks and units counts.
            if due != first && self.waiting.front().is_some_and(|(_, it)| has_time(it)) {
                break;
            }
            let Some((_, mut packet)) = self.waiting.pop_front() else {
                break;
            };
            self.count(&mut packet);
            chunk.extend_from_slice(&packet);
        }
        let begin = begin.filter(|_| !chunk.is_empty())?;
        Some((begin, chunk.freeze()))
    }

    /// Drops what waits; counters go on.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    fn insert(&mut self, due: i64, packet: [u8; PACKET_BYTES]) {
        let mut place = self.waiting.len();
        while place > 0 && self.waiting[place - 1].0 > due {
            place -= 1;
        }
        self.waiting.insert(place, (due, packet));
    }

    fn count(&mut self, packet: &mut [u8; PACKET_BYTES]) {
        let Some(view) = Packet::new(packet).filter(|view| view.pid() != NULL_PID) else {
            return;
        };
        let (pid, has_payload) = (view.pid(), view.has_payload());
        let known = self.counters.iter().position(|(known, _)| *known == pid);
        let place = known.unwrap_or_else(|| {
            self.counters.push((pid, COUNTER));
            self.counters.len() - 1
        });
        let counter = &mut self.counters[place].1;
        // It stands still on packets without payload.
        *counter = counter.wrapping_add(u8::from(has_payload)) & COUNTER;
        packet[3] = packet[3] & !COUNTER | *counter;
    }
}

fn has_time(packet: &[u8; PACKET_BYTES]) -> bool {
    Packet::new(packet).is_some_and(|view| {
        let has_clock = view.adaptation().is_some_and(|field| field.pcr.is_some());
        has_clock || view.unit_start()
    })
}
