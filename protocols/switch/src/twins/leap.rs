//! An input whose clock leaps has another stream all at once, and nobody said so.

use super::PATIENCE;
use super::chain::NodeId;
use super::lane::Lane;
use super::print::Print;
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};
use tidegate_units::Instant;

/// A clock does not go back so far, though packets change places.
const BACK_TICKS: u64 = Pcr::HERTZ / 2;
/// It is not ahead of the time that has passed by so much, though packets are held up and come
/// all at once.
const AHEAD_TICKS: u64 = Pcr::HERTZ;
/// Where the PID that had the clock is silent for so long, another is looked at.
const SILENT_TICKS: u64 = Pcr::HERTZ;

/// The last clock reference of an input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch(Option<Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    pid: u16,
    clock: Pcr,
    at: Instant,
    /// The number of its packet.
    index: u64,
}

impl Watch {
    /// Looks at packet `index` of an input. If the clock leaps there, the first packet from which
    /// on it may be of another stream.
    pub(super) fn leaps(
        &mut self,
        now: Instant,
        index: u64,
        print: &Print,
        bytes: &[u8; PACKET_BYTES],
    ) -> Option<u64> {
        print.clock?;
        let seen = Seen {
            pid: print.pid,
            clock: Packet::new(bytes)?.adaptation()?.pcr?,
            at: now,
            index,
        };
        let Some(last) = self.0 else {
            self.0 = Some(seen);
            return None;
        };
        let passed = now.saturating_since(last.at).as_micros() as u64 * (Pcr::HERTZ / 1_000_000);
        if last.pid != seen.pid && passed < SILENT_TICKS {
            return None;
        }
        self.0 = Some(seen);
        let ahead = seen.clock.since(last.clock);
        let is_leap = if ahead > Pcr::PERIOD / 2 {
            Pcr::PERIOD - ahead > BACK_TICKS
        } else {
            ahead > passed + AHEAD_TICKS
        };
        (is_leap && last.pid == seen.pid).then_some(last.index + 1)
    }
}

impl<P: Clone> Lane<P> {
    /// A leg may have had another stream from its packet `from` on, and its packet `index` is the
    /// next: unless nobody else is there, the row goes on without it until others bring the same.
    pub(super) fn hold_back(&mut self, now: Instant, input: usize, from: u64, index: u64) {
        let goes_on = |(at, leg): (usize, &Option<_>)| {
            let leg: Option<&super::Leg> = leg.as_ref();
            let leg = leg.filter(|_| at != input);
            leg.is_some_and(|leg| leg.cursor.is_some() && leg.is_alive(now, PATIENCE))
        };
        if !self.has(input) || !self.legs.iter().enumerate().any(goes_on) {
            return;
        }
        while let Some(last) = self
            .chain
            .last()
            .filter(|last| self.is_of(*last, input, from))
        {
            if !self.chain.drop_last() {
                break;
            }
            // Its name may be given to another packet.
            self.anchors.retain(|(.., node)| *node != last);
            if let Some(leg) = self.leg_mut(input) {
                leg.cursor = leg.cursor.filter(|cursor| *cursor != last);
            }
        }
        if let Some(leg) = self.leg_mut(input) {
            leg.cursor = None;
            leg.next = index;
            leg.is_known = false;
            leg.strange_since.get_or_insert(now);
        }
    }

    /// Whether a packet that has not been handed on is only a leg's, and not older.
    fn is_of(&self, id: NodeId, input: usize, from: u64) -> bool {
        let node = self.chain.get(id);
        let is_known = |(at, leg): (usize, &Option<super::Leg>)| {
            at != input && leg.as_ref().is_some_and(|leg| leg.cursor == Some(id))
        };
        !node.passed
            && usize::from(node.leg) == input
            && node.index >= from
            && !self.legs.iter().enumerate().any(is_known)
    }
}
