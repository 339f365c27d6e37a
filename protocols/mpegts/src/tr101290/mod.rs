//! The start of ETSI TR 101 290: what a measuring instrument counts in a transport stream.
//!
//! [`Inspector`] looks at every packet once, and these figures fall out of that look; what
//! they cost is paid where tables, clocks and units begin. Ages are of the stream's own time
//! ([`flow::Flow`]): the report speaks of a stream as its receiver is to have it, and a pause
//! of the network that the latency covers does not reach him.
//!
//! | | indicator | is counted when |
//! |---|---|---|
//! | 1.1 | sync loss | the packet grid was lost for more than one packet |
//! | 1.2 | sync byte | one was missing where it was due |
//! | 1.3 | PAT | late (500 ms), scrambled, or another table in its place |
//! | 1.4 | continuity | packets are missing, or one came more than twice |
//! | 1.5 | PMT | late (500 ms), or scrambled |
//! | 1.6 | PID | a picture or sound that the map names stayed away for 5 s |
//! | 2.1 | transport | a packet is marked as damaged |
//! | 2.2 | CRC | a table is damaged |
//! | 2.3a | PCR repetition | more than 100 ms from one to the next |
//! | 2.3b | PCR discontinuity | it jumped, and that was not announced |
//! | 2.5 | PTS | did not move on for 700 ms |
//!
//! [`Inspector`]: crate::Inspector

pub(crate) mod flow;
mod pulse;
pub(crate) mod recurrence;
pub(crate) mod units;

pub use pulse::{MAX_PULSE_STREAMS, Pulse, Recurring, StreamPulse};

use tidegate_units::{Duration, Instant};

/// The longest interval between two PATs, or two PMTs of a program.
pub(crate) const TABLE_LATE: Duration = Duration::from_millis(500);
/// The longest absence of a PID that the map names.
pub(crate) const PID_LATE: Duration = Duration::from_secs(5);
/// The longest interval between two clock values, in ticks of 27 MHz.
pub(crate) const PCR_LATE_TICKS: u64 = 2_700_000;
/// A longer step of the clock is a jump, in ticks of 27 MHz.
pub(crate) const PCR_JUMP_TICKS: u64 = 27_000_000;
/// The longest time without progress of the presentation times.
pub(crate) const PTS_LATE: Duration = Duration::from_millis(700);

/// How often something went wrong, and when it did last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Option<Instant>,
}

impl Tally {
    pub(crate) fn add(&mut self, count: u64, at: Instant) {
        if count > 0 {
            self.count += count;
            self.last = Some(at);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.last = self.last.max(other.last);
    }
}

/// The indicators of one stream since the looking began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tr101290 {
    /// 1.1 The packet grid was lost.
    pub sync_loss: Tally,
    /// 1.2 A sync byte was missing.
    pub sync_byte: Tally,
    /// 1.3 The program association table was late, scrambled or another one.
    pub pat: Tally,
    /// 1.4 The continuity counter of a PID jumped.
    pub continuity: Tally,
    /// 1.5 A program map was late or scrambled.
    pub pmt: Tally,
    /// 1.6 A PID of picture or sound stayed away.
    pub pid: Tally,
    /// 2.1 A packet was marked as damaged.
    pub transport: Tally,
    /// 2.2 A table was damaged.
    pub crc: Tally,
    /// 2.3a A clock value was late.
    pub pcr_repetition: Tally,
    /// 2.3b A clock jumped without saying so.
    pub pcr_discontinuity: Tally,
    /// 2.5 A presentation time did not move on.
    pub pts: Tally,
}

impl Tr101290 {
    /// Each indicator by its number in the report and its name here.
    #[must_use]
    pub const fn indicators(&self) -> [(&'static str, &'static str, Tally); 11] {
        [
            ("1.1", "sync_loss", self.sync_loss),
            ("1.2", "sync_byte", self.sync_byte),
            ("1.3", "pat", self.pat),
            ("1.4", "continuity", self.continuity),
            ("1.5", "pmt", self.pmt),
            ("1.6", "pid", self.pid),
            ("2.1", "transport", self.transport),
            ("2.2", "crc", self.crc),
            ("2.3a", "pcr_repetition", self.pcr_repetition),
            ("2.3b", "pcr_discontinuity", self.pcr_discontinuity),
            ("2.5", "pts", self.pts),
        ]
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.indicators()
            .iter()
            .all(|(_, _, tally)| tally.count == 0)
    }
}
