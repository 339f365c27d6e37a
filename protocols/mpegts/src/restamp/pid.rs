//! What is remembered of one PID from restart to restart.

use crate::packet::{PACKET_BYTES, Packet, Pcr};
use crate::timeline::Timeline;

use super::tail::Tail;

/// Units further apart than this have no cadence that would have to go on (subtitles, data).
const STEP_MAX_TICKS: i64 = 45_000;
const COUNTER: u8 = 0x0F;

/// Counter and units of one PID.
#[derive(Debug, Default)]
pub(super) struct PidState {
    /// The counter that went out last.
    last_out: Option<u8>,
    /// What is added to counters; `None` until the first packet behind a restart.
    shift: Option<u8>,
    units: Span,
    timeline: Timeline,
    /// Where the units before the restart ended, as they went out.
    end: Option<i64>,
    tail: Tail,
}

impl PidState {
    /// What comes now begins anew, `behind` its times later.
    pub(super) fn restart(&mut self, behind: i64) {
        self.end = self.units.first.map(|first| first + behind);
        self.shift = None;
        self.units = Span::default();
        self.tail = Tail::default();
        self.timeline = Timeline::new();
    }

    /// Counts a packet on.
    pub(super) fn count(&mut self, packet: &mut [u8; PACKET_BYTES]) {
        let Some(view) = Packet::new(packet) else {
            return;
        };
        let (counter, has_payload) = (view.continuity(), view.has_payload());
        self.tail.take(view.unit_start(), view.payload());
        let shift = self.shift.unwrap_or_else(|| {
            // The counter stands still on packets without payload.
            let next = |last: u8| last.wrapping_add(u8::from(has_payload));
            self.last_out
                .map_or(0, |last| next(last).wrapping_sub(counter))
        });
        self.shift = Some(shift);
        let out = counter.wrapping_add(shift) & COUNTER;
        self.last_out = Some(out);
        packet[3] = packet[3] & !COUNTER | out;
    }

    /// Takes over the time of a unit.
    pub(super) fn see(&mut self, wire: u64) {
        let time = self.timeline.unwrap(wire);
        self.units.see(time);
    }

    /// When the first unit since the restart is decoded.
    pub(super) const fn first(&self) -> Option<i64> {
        self.units.first
    }

    /// Where the first unit behind the restart belongs, as it goes out.
    pub(super) const fn end(&self) -> Option<i64> {
        self.end
    }

    /// How long the units last, to the end of the last.
    pub(super) fn period(&self) -> Option<i64> {
        let last = self.tail.duration();
        last.map_or_else(
            || self.units.period(STEP_MAX_TICKS),
            |last| Some(self.units.length()? + last),
        )
    }
}

/// The program clock on one PID, in ticks of 27 MHz.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    times: Span,
    last: Option<(Pcr, i64)>,
    /// How many packets had come with the first time and with the last.
    first_packets: u64,
    last_packets: u64,
}

impl Clock {
    /// The first time, in ticks of 90 kHz.
    pub(super) fn first(&self) -> Option<i64> {
        Some(self.times.first? / 300)
    }

    /// Whether this time cannot follow the last by passing alone.
    pub(super) fn jumps(&self, pcr: Pcr, most: i64) -> bool {
        self.last
            .is_some_and(|(last, _)| pcr.since(last) > most.cast_unsigned())
    }

    /// Takes over a time; the same, unwrapped.
    pub(super) fn see(&mut self, pcr: Pcr, packets: u64) -> i64 {
        let time = match self.last {
            None => pcr.0.cast_signed(),
            Some((last, time)) => time + pcr.since(last).cast_signed(),
        };
        if self.last.is_none() {
            self.first_packets = packets;
        }
        self.last = Some((pcr, time));
        self.last_packets = packets;
        self.times.see(time);
        time
    }

    /// From the first time to one tick of 90 kHz behind the last.
    pub(super) fn period(&self) -> Option<i64> {
        Some(to_90khz(self.times.length()?) + 1)
    }

    /// How long so many packets last, at the rate of those between the first time and the last.
    pub(super) fn extrapolated(&self, packets: u64) -> Option<i64> {
        let between = self.last_packets.checked_sub(self.first_packets)?;
        if between == 0 {
            return None;
        }
        let ticks = i128::from(self.times.length()?) * i128::from(packets) / i128::from(between);
        i64::try_from(ticks).ok().map(to_90khz)
    }
}

/// Rounded up: nothing may come too early.
const fn to_90khz(ticks: i64) -> i64 {
    (ticks + 299) / 300
}

/// From the first time to the last.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    first: Option<i64>,
    last: i64,
    /// From the last but one to the last.
    step: i64,
}

impl Span {
    fn see(&mut self, time: i64) {
        if self.first.is_none() {
            (self.first, self.last) = (Some(time), time);
        } else if time > self.last {
            self.step = time - self.last;
            self.last = time;
        }
    }

    fn length(&self) -> Option<i64> {
        Some(self.last - self.first?)
    }

    /// The length and one more step like the last, if that is a cadence.
    fn period(&self, step_max: i64) -> Option<i64> {
        let step = if self.step > step_max { 0 } else { self.step };
        Some(self.length()? + step)
    }
}
