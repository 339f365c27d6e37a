//! Times that do not go on.
//!
//! Those of the main stream are those of the input: when they leap, it begins anew. When those of
//! another stream do, either it has a wild time, and nobody else is to suffer from that; or the
//! whole input begins anew, and this is the first of it that came.
//!
//! ```text
//! main   ──V────────V────────V──          main   ──V────────V────────[V──   begins anew …
//! sound  ───A──A──?──A──A──A─── dropped   sound  ───A──A──[?──?──?──────    … and so did this
//! ```

use super::{Chunk, Intake};
use crate::packet::PACKET_BYTES;
use bytes::Bytes;
use tidegate_units::Instant;

/// Decoding times that go back by more have begun anew.
const BACK_TICKS: i64 = 45_000;
/// Decoding times that leap by more, while play-out times do not, have begun anew.
pub(super) const LEAP_TICKS: i64 = 90_000;
/// After so many units whose times go on from each other while the main stream goes on as before,
/// these are the times of their stream.
const BELIEVED_AFTER: u32 = 8;

/// What a stream besides the main one says that does not go on with what it said before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Astray {
    last: i64,
    units: u32,
    /// The first of them.
    first: u64,
}

impl Astray {
    /// A unit begins at this packet, whose times go on or not. From `doubted` on the main stream
    /// has not gone on, if it has not.
    pub(super) fn unit(&mut self, index: u64, dts: i64, goes_on: bool, doubted: Option<u64>) {
        let step = dts.saturating_sub(self.last);
        let follows = self.units > 0 && (-BACK_TICKS..=LEAP_TICKS).contains(&step);
        let (units, first) = if follows {
            (self.units.saturating_add(1), self.first)
        } else {
            (1, index)
        };
        // Else the whole input may be beginning anew, with this stream ahead of the main one.
        let main_goes_on = doubted.is_none_or(|from| from > first);
        let is_so = !goes_on && (units < BELIEVED_AFTER || !main_goes_on);
        *self = Self {
            last: dts,
            units: if is_so { units } else { 0 },
            first,
        };
    }

    /// Whether the unit that began last is not to be believed.
    pub(super) const fn is_so(self) -> bool {
        self.units > 0
    }
}

/// Whether a decoding time does not go on with the one before.
pub(super) fn begins_anew(last: Option<i64>, dts: i64, due_ticks: i64, ahead: Option<i64>) -> bool {
    let (Some(last), Some(ahead)) = (last, ahead) else {
        return false;
    };
    let step = dts.saturating_sub(last);
    let off = dts.saturating_sub(due_ticks).saturating_sub(ahead);
    step < -BACK_TICKS || step > LEAP_TICKS && off.saturating_abs() > LEAP_TICKS
}

impl Intake {
    /// The main stream tells its first time: what others told before and has nothing to do with it
    /// is left over from what was there before.
    pub(super) fn main_begins(&mut self, main: usize, dts: i64) {
        let is_far = |told: Option<i64>| {
            told.is_some_and(|told| told.abs_diff(dts) > LEAP_TICKS.unsigned_abs())
        };
        let others = self.streams.iter_mut().enumerate();
        for (_, stream) in others.filter(|(slot, _)| *slot != main) {
            stream.last_dts = stream.last_dts.filter(|last| !is_far(Some(*last)));
            for unit in &mut stream.units {
                unit.astray |= is_far(unit.dts);
            }
        }
    }

    /// What came before that which [`push`](Self::push) gave back, and belongs to it: the input
    /// had begun anew already.
    #[must_use]
    pub fn take_back(&mut self) -> Vec<(Bytes, Instant)> {
        let Some(from) = self.doubted_from.take().filter(|_| self.is_ended) else {
            return Vec::new();
        };
        let mut taken = Vec::new();
        while let Some(mut chunk) = self.chunks.pop_back() {
            if chunk.end() <= from {
                self.chunks.push_back(chunk);
                break;
            }
            let packets = usize::try_from(from.saturating_sub(chunk.first)).unwrap_or(usize::MAX);
            let at = packets.saturating_mul(PACKET_BYTES).min(chunk.bytes.len());
            let bytes = chunk.bytes.split_off(at);
            self.bytes -= bytes.len();
            self.next = self.next.min(chunk.first.max(from));
            taken.push((bytes, chunk.due));
            if !chunk.bytes.is_empty() {
                let Chunk { bytes, first, due } = chunk;
                self.chunks.push_back(Chunk { bytes, first, due });
                break;
            }
        }
        for stream in &mut self.streams {
            while stream.units.back().is_some_and(|unit| unit.first >= from) {
                stream.units.pop_back();
            }
            // What was under way then lacks the packets that were taken.
            for unit in stream.units.iter_mut().rev().take_while(|it| it.end > from) {
                (unit.whole, unit.damaged) = (false, false);
            }
        }
        while self.keys.back().is_some_and(|key| key.first >= from) {
            self.keys.pop_back();
        }
        taken.reverse();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wild_time_is_not_believed_and_those_that_follow_each_other_are_in_the_end() {
        let mut astray = Astray::default();
        let mut said = Vec::new();
        for (dts, goes_on) in [(0, true), (1 << 31, false), (3600, true), (7200, true)] {
            astray.unit(0, dts, goes_on, None);
            said.push(astray.is_so());
        }
        assert_eq!(said, [false, true, false, false]);
        let shifted = (0..12).map(|number| {
            let is_believed = number >= BELIEVED_AFTER;
            astray.unit(0, (1 << 31) + i64::from(number) * 3600, is_believed, None);
            astray.is_so()
        });
        let shifted: Vec<bool> = shifted.collect();
        assert_eq!(shifted, (0..12).map(|it| it < 7).collect::<Vec<_>>());
    }

    #[test]
    fn wild_times_that_have_nothing_to_do_with_each_other_are_never_believed() {
        let mut astray = Astray::default();
        for number in 0..40_u64 {
            astray.unit(number, (number.cast_signed() % 2) << 31, false, None);
            assert!(astray.is_so());
        }
    }

    #[test]
    fn times_that_follow_each_other_are_not_believed_before_the_main_stream_has_gone_on() {
        let mut astray = Astray::default();
        for number in 0..40_u64 {
            let dts = (1 << 31) + number.cast_signed() * 1920;
            astray.unit(100 + number, dts, false, Some(100));
            assert!(astray.is_so(), "{number}");
        }
        astray.unit(141, (1 << 31) + 40 * 1920, false, None);
        assert!(!astray.is_so());
    }
}
