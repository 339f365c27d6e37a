use crate::timeline::Timeline;
use tidegate_units::Instant;

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
    /// The stream's headers stand in it.
    pub headers: bool,
    /// Nothing more belongs to it.
    pub whole: bool,
    /// Packets of it were lost.
    pub damaged: bool,
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
            headers: false,
            whole: false,
            damaged: false,
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
        Some(Self { pts, dts })
    }
}
