use tidegate_units::Instant;

/// The distance of frames until two of them were seen: 25 frames a second.
const USUAL_STEP_TICKS: i64 = 3_600;

/// A distance of frames beyond this is a pause, not a frame rate.
const STEP_MAX_TICKS: i64 = 90_000;

/// Where one track is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Track {
    pub(crate) id: u16,
    /// What is added to its times; `None` until it is found again after a restart.
    pub(crate) offset: Option<i64>,
    /// Decoding time of its last frame, as it came.
    pub(crate) last_in: i64,
    /// The same, as it was placed.
    pub(crate) last_out: i64,
    /// Ticks from frame to frame.
    pub(crate) step: i64,
    /// The last distance, which may be a gap.
    last_step: i64,
    pub(crate) arrived: Instant,
}

impl Track {
    pub(crate) const fn new(id: u16, offset: i64, dts: i64, out: i64, arrived: Instant) -> Self {
        Self {
            id,
            offset: Some(offset),
            last_in: dts,
            last_out: out,
            step: USUAL_STEP_TICKS,
            last_step: STEP_MAX_TICKS,
            arrived,
        }
    }

    /// The time after its last frame.
    pub(crate) const fn next_out(&self) -> i64 {
        self.last_out.saturating_add(self.step)
    }

    /// Takes a frame that belongs behind the last one; `regular` when nothing broke between.
    pub(crate) fn advance(&mut self, dts: i64, out: i64, arrived: Instant, regular: bool) {
        let step = dts.saturating_sub(self.last_in);
        if regular && (1..=STEP_MAX_TICKS).contains(&step) {
            self.step = step.min(self.last_step);
            self.last_step = step;
        }
        self.last_in = dts;
        self.last_out = out;
        self.arrived = arrived;
    }
}
