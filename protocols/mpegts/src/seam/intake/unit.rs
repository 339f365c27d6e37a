use crate::timeline::Timeline;
use tidegate_codecs::h264::Opens;
use tidegate_units::Instant;

/// A picture is shown so much later than it is decoded, at most …
const REORDERED_MAX_TICKS: i64 = 5 * 90_000;
/// … and so much earlier, where multiplexers are careless.
const EARLY_MAX_TICKS: i64 = 90_000;

/// One PES packet or a run of sections, as it lies among the packets of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The index of its first packet.
    pub first: u64,
    /// Behind its last packet, once it is whole.
    pub end: u64,
    /// When its first packet is due.
    pub due: Instant,
    /// Presentation time, 90 kHz, unwrapped.
    pub pts: Option<i64>,
    /// Decoding time, likewise.
    pub dts: Option<i64>,
    /// Decoding can begin here.
    pub key: bool,
    /// How it begins behind another stream, if it is a key frame.
    pub opens: Opens,
    /// The stream's headers stand in it.
    pub headers: bool,
    /// Nothing more belongs to it.
    pub whole: bool,
    /// Packets of it were lost.
    pub damaged: bool,
    /// Its times have nothing to do with those of the others, and are not told.
    pub astray: bool,
    /// Everything before it is presented before everything from it on.
    pub clean: bool,
    /// The highest presentation time before it.
    pub highest_before: Option<i64>,
}

impl Unit {
    pub(super) fn begin(first: u64, due: Instant, times: Option<Times>) -> Self {
        Self {
            first,
            end: first,
            due,
            pts: times.map(|times| times.pts),
            dts: times.map(|times| times.dts),
            key: false,
            opens: Opens::AsItIs,
            headers: false,
            whole: false,
            damaged: false,
            astray: false,
            clean: false,
            highest_before: None,
        }
    }
}

/// The times of a unit, unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) pts: i64,
    pub(super) dts: i64,
}

impl Times {
    /// Those of a PES header, near a time that is known.
    pub(super) fn of(pts: Option<u64>, dts: Option<u64>, near: Option<i64>) -> Option<Self> {
        let wire = dts.or(pts)?;
        let dts = near.map_or(wire.cast_signed(), |near| Timeline::nearest(wire, near));
        let pts = pts.map_or(dts, |pts| Timeline::nearest(pts, dts));
        // One wild time must not decide what is shown before what.
        let is_near = (-EARLY_MAX_TICKS..=REORDERED_MAX_TICKS).contains(&(pts - dts));
        let pts = if is_near { pts } else { dts };
        Some(Self { pts, dts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presentation_time_that_has_nothing_to_do_with_decoding_is_not_believed() {
        let pts = |pts, dts| Times::of(Some(pts), Some(dts), Some(900_000)).map(|it| it.pts);
        assert_eq!(pts(910_800, 900_000), Some(910_800));
        assert_eq!(pts(899_000, 900_000), Some(899_000));
        assert_eq!(pts(1 << 32, 900_000), Some(900_000));
        assert_eq!(pts(90_000, 900_000), Some(900_000));
    }
}
