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
}
