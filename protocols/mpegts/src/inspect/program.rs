use tidegate_units::{Duration, Instant};

use crate::packet::Pcr;
use crate::tr101290::{PCR_JUMP_TICKS, PCR_LATE_TICKS, Tally};

/// A longer step is a jump of the clock, not an interval.
const LONGEST_INTERVAL_TICKS: u64 = 10 * Pcr::HERTZ;

/// The clock of one program.
#[derive(Clone, Debug)]
pub(super) struct ProgramClock {
    pub(super) program: u16,
    pub(super) pid: u16,
    last: Option<Pcr>,
    /// The longest interval in the window that runs, and in the one before.
    longest_ticks: u64,
    previous_ticks: Option<u64>,
    /// Clock values that came late (TR 101 290, 2.3a).
    pub(super) late: Tally,
    /// Jumps that were not announced (2.3b).
    pub(super) jumps: Tally,
}

impl ProgramClock {
    pub(super) const fn new(program: u16, pid: u16) -> Self {
        Self {
            program,
            pid,
            last: None,
            longest_ticks: 0,
            previous_ticks: None,
            late: Tally {
                count: 0,
                last: None,
            },
            jumps: Tally {
                count: 0,
                last: None,
            },
        }
    }

    pub(super) fn tick(&mut self, arrived: Instant, pcr: Pcr, discontinuity: bool) {
        if let Some(last) = self.last.replace(pcr)
            && !discontinuity
        {
            let interval = pcr.since(last);
            if interval <= LONGEST_INTERVAL_TICKS {
                self.longest_ticks = self.longest_ticks.max(interval);
            }
            if interval > PCR_JUMP_TICKS {
                self.jumps.add(1, arrived);
            } else if interval > PCR_LATE_TICKS {
                self.late.add(1, arrived);
            }
        }
    }

    pub(super) fn roll(&mut self) {
        let longest = core::mem::take(&mut self.longest_ticks);
        self.previous_ticks = (longest > 0).then_some(longest);
    }

    /// The longest interval between two clock values lately.
    pub(super) fn interval(&self) -> Option<Duration> {
        let running = (self.longest_ticks > 0).then_some(self.longest_ticks);
        let ticks = self.previous_ticks.or(running)?;
        Some(Duration::from_nanos(ticks * 1000 / 27))
    }

    pub(super) const fn is_present(&self) -> bool {
        self.last.is_some()
    }
}
