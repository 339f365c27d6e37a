//! Where a sample is, before it is read.

/// The clock of everything that comes out.
const TICKS_PER_SECOND: i128 = 90_000;

/// Whether the file says that decoding can begin at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It says so.
    Claimed,
    /// It says that it cannot.
    Denied,
    /// It says nothing; the sample itself has to be looked at.
    Unsaid,
}

/// A sample in the file, with times in its track's own ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SampleRef {
    /// Where it begins in the file.
    pub(crate) at: u64,
    pub(crate) bytes: u32,
    pub(crate) dts: i64,
    pub(crate) pts: i64,
    pub(crate) duration: u32,
    pub(crate) entry: Entry,
    /// Which of the track's descriptions, from zero.
    pub(crate) description: u32,
}

/// A track's ticks on the 90 kHz clock.
pub(crate) fn to_90khz(ticks: i64, timescale: u32) -> i64 {
    let scaled = i128::from(ticks) * TICKS_PER_SECOND;
    let rounded = scaled.div_euclid(i128::from(timescale.max(1)));
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_before_zero_are_rounded_like_those_after_it() {
        assert_eq!(to_90khz(48_000, 48_000), 90_000);
        assert_eq!(to_90khz(-1024, 48_000), -1920);
        assert_eq!(to_90khz(-1, 48_000), -2);
        assert_eq!(to_90khz(1, 48_000), 1);
    }
}
