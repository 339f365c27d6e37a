use super::queue::Queue;
use super::schedule::{Reference, Schedule};
use super::{MICRO, instant, nanos};
use crate::packet::{PACKET_BYTES, Packet};
use bytes::Bytes;
use tidegate_units::{Duration, Instant};

/// Packets in a datagram, as everybody expects them.
pub const DATAGRAM_PACKETS: usize = 7;

/// How long a packet waits for the PCR behind it. Then it leaves by its due time.
const HOLD_NANOS: i64 = 250_000_000;

/// Media without a PCR after which none is waited for any more.
const NO_CLOCK_NANOS: i64 = 1_000_000_000;

/// A due time further away than this is a broken clock; the packet is due at once.
const AHEAD_MAX: Duration = Duration::from_secs(10);

/// The longest that a packet leaves before its time because it is in one datagram with earlier
/// ones. At low rates datagrams are smaller.
const SHARED_NANOS: i64 = 40_000_000;

/// The distance of datagrams that only due times tell about: 105 Mbit/s.
const GAP_NANOS: i64 = 100_000;

/// The same when far behind: 420 Mbit/s.
const GAP_BEHIND_NANOS: i64 = 25_000;

/// How far is far behind.
const FAR_BEHIND_NANOS: i64 = 50_000_000;

/// The shortest and the longest distance of datagrams while catching up, which is done at twice
/// the stream's rate.
const GAP_MIN_NANOS: i64 = 15_000;
const GAP_MAX_NANOS: i64 = 1_000_000;

/// One datagram's departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// When it was to leave. It is never taken out earlier.
    pub at: Instant,
    /// The stream's clock told, and not just due times.
    pub by_clock: bool,
}

/// Decides when the packets of a stream leave, and in which datagrams.
#[derive(Debug, Default)]
pub struct Pacer {
    queue: Queue,
    schedule: Schedule,
    /// Due time of the last packet with a PCR, or of the first packet.
    clock_seen: Option<i64>,
    /// From the last datagram to the next, at least.
    gap: i64,
    not_before: i64,
}

/// When the first packet leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) at: i64,
    pub(super) by_clock: bool,
}

impl Pacer {
    /// A pacer with nothing to send.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes packets that have just come. Whole packets make the best times, but anything is
    /// passed on as it is.
    pub fn push(&mut self, now: Instant, bytes: &Bytes, due: Instant) {
        let is_absurd = due.saturating_since(now) > AHEAD_MAX;
        let (arrived, due) = (nanos(now), nanos(if is_absurd { now } else { due }));
        let first = self.queue.end();
        self.queue.push(bytes.clone(), arrived, due);
        self.clock_seen.get_or_insert(due);
        let (packets, _) = bytes.as_chunks::<PACKET_BYTES>();
        for (number, packet) in (first..).zip(packets) {
            let Some(packet) = Packet::new(packet) else {
                continue;
            };
            let Some((adaptation, pcr)) = packet
                .adaptation()
                .and_then(|field| Some((field, field.pcr?)))
            else {
                continue;
            };
            let reference = Reference {
                number,
                pid: packet.pid(),
                pcr,
                jumps: adaptation.discontinuity,
                arrived,
                due,
            };
            self.clock_seen = Some(due);
            let head = self.queue.head_number();
            self.schedule.on_reference(&reference, head);
        }
    }

    /// What is pushed from now on comes from elsewhere; its clock need not go on.
    pub fn restarted(&mut self) {
        self.schedule.break_off();
    }

    /// When to call [`Self::pop`]; `None` while nothing waits.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        let next = self.head(nanos(now))?;
        Some(instant(next.at.max(self.not_before)))
    }

    /// Appends the next datagram to `datagram` if its time has come.
    pub fn pop(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Option<Departure> {
        let now = nanos(now);
        let first = self.head(now)?;
        if first.at.max(self.not_before) > now {
            return None;
        }
        self.gap = self.gap_after(&first, now);
        for _ in 0..DATAGRAM_PACKETS {
            let is_same_chunk = self.take(|bytes| datagram.extend_from_slice(bytes));
            let Some(next) = self.head(now) else {
                break;
            };
            // Without a clock datagrams stay as they came.
            let belongs = if first.by_clock {
                next.by_clock && next.at - first.at <= SHARED_NANOS
            } else {
                !next.by_clock && is_same_chunk
            };
            if !belongs {
                break;
            }
        }
        self.not_before = now + self.gap;
        Some(Departure {
            at: instant(first.at),
            by_clock: first.by_clock,
        })
    }

    /// The datagram taken out last is gone by now; the next one keeps its distance from that.
    pub fn left(&mut self, now: Instant) {
        self.not_before = nanos(now) + self.gap;
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn byte_count(&self) -> usize {
        self.queue.byte_count()
    }

    /// When the first packet leaves.
    pub(super) fn head(&mut self, now: i64) -> Option<Next> {
        let head = self.queue.head()?;
        if let Some(at) = self.schedule.time(head.number) {
            return Some(Next { at, by_clock: true });
        }
        let is_clockless = self
            .clock_seen
            .is_some_and(|seen| head.due - seen > NO_CLOCK_NANOS);
        let hold = if is_clockless { 0 } else { HOLD_NANOS };
        let at = head.due.max(head.arrived) + hold;
        let number = head.number;
        if at <= now {
            self.schedule.lose(now, number, self.queue.end());
        }
        let paced = self.schedule.time(number);
        Some(Next {
            at: paced.unwrap_or(at),
            by_clock: paced.is_some(),
        })
    }

    /// Takes the first packet out; whether the next one came together with it.
    pub(super) fn take(&mut self, use_it: impl FnOnce(&[u8])) -> bool {
        if let Some(head) = self.queue.head() {
            use_it(head.bytes);
        }
        self.queue.advance()
    }

    fn gap_after(&self, first: &Next, now: i64) -> i64 {
        if !first.by_clock {
            let is_far_behind = now - first.at > FAR_BEHIND_NANOS;
            return if is_far_behind {
                GAP_BEHIND_NANOS
            } else {
                GAP_NANOS
            };
        }
        let per_packet = self.schedule.per_packet().unwrap_or(MICRO);
        let packets = DATAGRAM_PACKETS as i64;
        (per_packet.saturating_mul(packets) / 2).clamp(GAP_MIN_NANOS, GAP_MAX_NANOS)
    }
}
