//! The program clock at a cut, up to the first that what comes says of it.
//!
//! Pictures that are shown in another order than they come in are sent ahead of their time. Where
//! they give way to an input whose are not, none is sent for as long as they were ahead, and an
//! input tells its clock when it likes. Two that follow each other are no more than 100 ms apart
//! (ISO/IEC 13818-1, 2.7.2), so others are told in between.

use super::{Playing, Seam, clock};
use crate::packet::Packet;
use crate::seam::intake::Intake;
use crate::timeline::Timeline;
use tidegate_units::{Duration, Instant};

/// Ticks of the program clock in one of 90 kHz …
pub(super) const CLOCK_TICKS: i64 = 300;
/// … and in a microsecond.
const CLOCK_MICROS: i64 = 27;
/// The clock is told when it has gone on by so much …
const STEP: i64 = 20_000 * CLOCK_MICROS;
/// … but a larger step is not of this kind, and is not mended by another clock in between.
const STEP_MAX: i64 = 100_000 * CLOCK_MICROS;
/// Nothing goes out but what comes with packets; so many in front of the key frame are looked at.
const LOOK_BACK: u64 = 4096;
/// How evenly an input comes is seen from so much of it.
const SEEN: Duration = Duration::from_millis(500);

/// So long behind the key frame what comes has told its clock, if it tells one. It may be slower than
/// ours, by which the fill goes on, and would be overtaken for ever.
const FILLED_FOR: Duration = Duration::from_millis(500);

/// Where the clock of what comes stands, at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    ticks: i64,
    due: Instant,
    until: Instant,
}

impl Fill {
    fn at(self, due: Instant) -> i64 {
        self.ticks + due.micros_from(self.due) * CLOCK_MICROS
    }
}

impl Seam {
    /// Something comes on air whose times go on from what was before.
    pub(super) fn begin_fill(&mut self, intake: &Intake, playing: &mut Playing) {
        let Some(lead) = self.lead else {
            return;
        };
        let (key, delay) = (playing.entry, playing.delay_micros);
        let entry_due = key.due.offset_micros(delay);
        let mut fill = Fill {
            ticks: (key.dts + playing.offset - lead) * CLOCK_TICKS,
            due: entry_due,
            until: entry_due.max(self.last_due) + FILLED_FOR,
        };
        let mut is_to_come = false;
        let chunks = intake.chunks_from(key.first.saturating_sub(LOOK_BACK));
        let chunks = chunks.skip_while(|chunk| chunk.due + SEEN < key.due);
        for chunk in chunks.take_while(|chunk| chunk.first < key.first) {
            let due = chunk.due.offset_micros(delay);
            if !is_to_come && due >= self.last_due {
                is_to_come = true;
                playing.next = playing.next.min(chunk.first);
            }
            let packets = (chunk.first..chunk.end()).filter_map(|index| chunk.packet(index));
            for pcr in packets.filter_map(|packet| intake.clock_in(Packet::new(packet)?)) {
                let base = Timeline::nearest(pcr.0 / 300, key.dts);
                let ticks = base * CLOCK_TICKS + (pcr.0 % 300).cast_signed();
                let ticks = ticks + playing.clock_offset;
                // It may have been held up on its way here, but cannot have come early.
                if ticks < fill.at(due) {
                    (fill.ticks, fill.due) = (ticks, due);
                }
            }
        }
        self.fill = Some(fill);
        self.fill_clock(self.last_due);
    }

    /// What follows is due then.
    pub(super) fn fill_clock(&mut self, due: Instant) {
        let (Some(fill), Some(last)) = (self.fill, self.last_clock) else {
            return;
        };
        if due > fill.until {
            self.fill = None;
            return;
        }
        let ticks = fill.at(due);
        if (STEP..=STEP_MAX).contains(&(ticks - last)) {
            self.last_clock = Some(ticks);
            self.clock_packet(clock::wrapped(ticks));
        }
    }
}
