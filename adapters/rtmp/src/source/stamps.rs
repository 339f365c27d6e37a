use std::collections::BTreeMap;

use crate::limits::JUMP_MS;

/// How a publisher's time stamps behave, per kind of media.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamps {
    last: Option<u32>,
    pub(super) jumps: Jumps,
}

/// What was odd about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Jumps {
    pub(super) forward: u64,
    /// Restarts too.
    pub(super) backward: u64,
}

impl Stamps {
    /// Takes the next one; true if it has little to do with the one before.
    pub(super) fn note(&mut self, timestamp_ms: u32) -> bool {
        let Some(last) = self.last.replace(timestamp_ms) else {
            return false;
        };
        // They wrap.
        let step = i64::from(timestamp_ms.wrapping_sub(last).cast_signed());
        self.jumps.forward += u64::from(step > JUMP_MS);
        self.jumps.backward += u64::from(step < -JUMP_MS);
        step.abs() > JUMP_MS
    }
}

/// Tells frames of one track apart that were stamped with the same millisecond: live encoders
/// do that while they catch up, and no container takes it.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// The time each track was stamped with last, and how many frames were.
    last: BTreeMap<u16, (i64, i64)>,
}

impl Spread {
    /// How many ticks later the next frame belongs; fewer than a millisecond has.
    pub(super) fn ticks(&mut self, track: u16, dts_90khz: i64) -> i64 {
        const MOST: i64 = 89;
        let last = self.last.entry(track).or_insert((dts_90khz, -1));
        let count = if last.0 == dts_90khz { last.1 + 1 } else { 0 };
        *last = (dts_90khz, count.min(MOST));
        last.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_told_from_wraps_and_from_small_steps() {
        let mut stamps = Stamps::default();
        let mut note = |stamp| stamps.note(stamp);
        assert!(!note(5_000_000));
        assert!(!note(5_000_040));
        assert!(!note(5_000_020));
        assert!(note(0), "a restart");
        assert!(note(10_000), "a pause");
        let mut wraps = Stamps::default();
        assert!(!wraps.note(u32::MAX - 10) && !wraps.note(20));
        assert_eq!(wraps.jumps, Jumps::default());
        assert_eq!((stamps.jumps.forward, stamps.jumps.backward), (1, 1));
    }

    #[test]
    fn frames_of_one_millisecond_are_told_apart() {
        let mut spread = Spread::default();
        let ticks = [(1, 0), (1, 0), (2, 0), (1, 0), (1, 90), (1, 0)]
            .map(|(track, dts)| spread.ticks(track, dts));
        assert_eq!(ticks, [0, 1, 0, 2, 0, 0]);
    }
}
