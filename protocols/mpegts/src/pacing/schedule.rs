//! From clock references to times.
//!
//! ```text
//!            first PCR            second PCR, up to a second on
//!  NO CLOCK ───────────▶ ANCHORED ─────────────────────────────▶ PACED ──┐ next PCR
//!     ▲                     │                                      │  ▲──┘
//!     └── none in time ─────┴──────────────────────────────────────┘
//! ```

use super::needs::Needs;
use crate::packet::Pcr;
use std::collections::VecDeque;

/// The longest distance of two PCRs that is believed. (The standard allows 100 ms.)
const PCR_DISTANCE_MAX_NANOS: i64 = 1_000_000_000;

/// How long before its first packet leaves an interval should be known.
const MARGIN_NANOS: i64 = 20_000_000;

/// Intervals whose packets wait: seconds at any usual distance of PCRs.
const SPANS_MAX: usize = 4096;

/// So far from what is needed the time held back may be before it is changed: arrivals jitter, and
/// what leaves must not jitter with them.
const DEAD_BAND_NANOS: i64 = 5_000_000;

/// How fast the time held back follows what is needed, in millionths: as exactly as clocks
/// run, faster when it is plainly too long, and quickly after the source had stood still.
const SLEW: [(i64, i64); 3] = [(50_000_000, 100), (500_000_000, 1000), (i64::MAX, 50_000)];

/// A PCR, where it is and when it leaves.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    number: u64,
    pcr: Pcr,
    /// Its place on a time line that goes on whatever the PCRs do.
    media: i64,
    due: i64,
    /// Known once the next one has come.
    at: Option<i64>,
}

/// Packets from one PCR to the next.
#[derive(Clone, Copy, Debug)]
struct Span {
    to: u64,
    from: u64,
    at: i64,
    per_packet: i64,
}

/// What is known about a packet with a PCR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    pub(super) number: u64,
    pub(super) pid: u16,
    pub(super) pcr: Pcr,
    /// The stream itself says that its clock jumps here.
    pub(super) jumps: bool,
    pub(super) arrived: i64,
    pub(super) due: i64,
}

/// The times of the packets that wait.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pid: Option<u16>,
    last: Option<Anchor>,
    spans: VecDeque<Span>,
    needs: Needs,
    /// The clock that comes next need not continue this one.
    is_broken: bool,
    /// Of the newest interval.
    per_packet: Option<i64>,
}

impl Schedule {
    /// A packet with a clock came; `head` is the oldest packet that still waits.
    pub(super) fn on_reference(&mut self, new: &Reference, head: u64) {
        if *self.pid.get_or_insert(new.pid) != new.pid {
            return;
        }
        let Some(last) = self.last else {
            self.last = Some(Anchor::first(new));
            return;
        };
        let packets = i64::try_from(new.number.saturating_sub(last.number)).unwrap_or(i64::MAX);
        if packets == 0 {
            return;
        }
        let lasted = self.lasted(&last, new, packets);
        let begins = self.begins(&last, new, head, lasted / packets);
        let adjusted = lasted + self.slewed(begins - last.media, lasted);
        let per_packet = adjusted / packets;
        if last.at.is_none() && head < last.number {
            let before = i64::try_from(last.number - head).unwrap_or(i64::MAX);
            self.keep(Span {
                from: head,
                to: last.number,
                at: begins - per_packet.saturating_mul(before),
                per_packet,
            });
        }
        self.keep(Span {
            from: last.number,
            to: new.number,
            at: begins,
            per_packet,
        });
        self.per_packet = Some(per_packet);
        self.last = Some(Anchor {
            number: new.number,
            pcr: new.pcr,
            media: last.media + lasted,
            due: new.due,
            at: Some(begins + adjusted),
        });
    }

    /// The time of a packet; of one after the other.
    pub(super) fn time(&mut self, number: u64) -> Option<i64> {
        while self.spans.front().is_some_and(|span| span.to <= number) {
            self.spans.pop_front();
        }
        let span = self.spans.front().filter(|span| span.from <= number)?;
        let after = i64::try_from(number - span.from).unwrap_or(i64::MAX);
        Some(span.at + after * span.per_packet)
    }

    /// From one packet to the next, now.
    pub(super) fn per_packet(&self) -> Option<i64> {
        self.spans.front().map(|span| span.per_packet)
    }

    /// The clock did not come in time: another one may be taken. What has come meanwhile, up to
    /// number `end`, leaves at the pace there was.
    pub(super) fn lose(&mut self, now: i64, head: u64, end: u64) {
        let pace = self.last.and(self.per_packet);
        *self = Self::default();
        if let Some(per_packet) = pace {
            self.keep(Span {
                from: head,
                to: end,
                at: now,
                per_packet,
            });
        }
    }

    /// What comes next is from elsewhere.
    pub(super) fn break_off(&mut self) {
        self.is_broken = true;
    }

    /// How long it is from the last PCR to this one.
    fn lasted(&mut self, last: &Anchor, new: &Reference, packets: i64) -> i64 {
        let ticks = i64::try_from(new.pcr.since(last.pcr)).unwrap_or(i64::MAX);
        let by_clock = ticks.saturating_mul(1000) / 27;
        let is_broken = core::mem::take(&mut self.is_broken) || new.jumps;
        if !is_broken && (1..=PCR_DISTANCE_MAX_NANOS).contains(&by_clock) {
            return by_clock;
        }
        // Another clock from here on: the packets between keep the pace they had.
        self.needs.clear();
        let by_pace = self.per_packet.map(|pace| pace.saturating_mul(packets));
        let lasted = by_pace.unwrap_or(new.due - last.due);
        lasted.clamp(1, PCR_DISTANCE_MAX_NANOS)
    }

    /// When the interval that ends with `new` begins to leave.
    fn begins(&mut self, last: &Anchor, new: &Reference, head: u64, per_packet: i64) -> i64 {
        let ready = (new.arrived + MARGIN_NANOS).max(last.due);
        self.needs.add(last.media, ready - last.media);
        match last.at {
            Some(at) if at >= new.arrived => at,
            Some(_) => ready,
            None => {
                // What came before the first PCR leaves before it, as evenly.
                let before = i64::try_from(last.number.saturating_sub(head)).unwrap_or(i64::MAX);
                ready + per_packet.saturating_mul(before)
            }
        }
    }

    /// By how much an interval is stretched so that less, or more, is held back.
    fn slewed(&self, held: i64, lasted: i64) -> i64 {
        let too_long = held - self.needs.largest().unwrap_or(held);
        if too_long.abs() <= DEAD_BAND_NANOS {
            return 0;
        }
        let tier = SLEW.iter().find(|(up_to, _)| too_long.abs() <= *up_to);
        let millionths = tier.map_or(0, |(_, millionths)| *millionths);
        let most = lasted / 1000 * millionths / 1000;
        (-too_long).clamp(-most, most)
    }

    fn keep(&mut self, span: Span) {
        if self.spans.len() >= SPANS_MAX {
            // Its packets leave by their due times.
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }
}

impl Anchor {
    const fn first(new: &Reference) -> Self {
        Self {
            number: new.number,
            pcr: new.pcr,
            media: 0,
            due: new.due,
            at: None,
        }
    }
}
