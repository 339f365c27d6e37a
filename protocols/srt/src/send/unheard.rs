use super::Sender;
use super::buffer::Slot;
use super::copies::Occasion;
use tidegate_units::Instant;

/// A packet is not heard of sooner than a round trip and so many deviations after it was sent.
const ANSWER_VARIANCES: u32 = 2;
/// A gap is reported when the burst that made it is over. When nothing is heard for these
/// percent of a round trip before and after that, the report would have been lost.
const SILENCE_PERCENT: u32 = 26;
/// How long a burst is thought to last, as a part of a round trip.
const BURST_PART: u32 = 12;

/// What happens to packets of which nothing is heard in time, because the reports are lost.
///
/// ```text
///  sent        a full list would tell of it                 last moment
///   ├────────────────┼───────────── none comes ─────────────────┤ sent once more
///   │   round trip   │
/// ```
/// Only peers whose lists are known to be full are expected to tell, and only while they are
/// heard at all: when the way back is dead for longer, nothing can be concluded.
impl Sender {
    /// When the oldest packet that nothing is heard of may be sent once more.
    pub(super) fn unheard_at(&mut self) -> Option<Instant> {
        if !self.copies_are_wanted || !self.full_lists.are_trusted() {
            return None;
        }
        self.skip_heard();
        self.last_moment_of(self.unheard)
    }

    /// Plans the copies whose time has come.
    pub(super) fn plan_unheard(&mut self, now: Instant) {
        while let Some(at) = self.unheard_at().filter(|at| *at <= now) {
            let slot = self.buffer.slot(self.unheard);
            let is_open = slot.is_some_and(|slot| self.may_be_lost_unheard(now, slot));
            if is_open {
                self.copies.push(at, self.unheard, Occasion::Unheard);
            }
            self.unheard += 1;
        }
    }

    /// Whether nothing is known of a packet that was sent then.
    pub(super) fn is_unheard(&self, sent: Instant) -> bool {
        let round = self.rtt.smoothed() + self.rtt.variance() * ANSWER_VARIANCES;
        self.full_lists.last_at().is_none_or(|at| at < sent + round)
    }

    /// A loss would have been reported a round trip after it: was the peer silent just then,
    /// and not before?
    fn may_be_lost_unheard(&self, now: Instant, slot: &Slot) -> bool {
        let round = self.rtt.smoothed();
        let report_due = slot.last_sent + round + round / BURST_PART;
        let was_silent = !self.heard.around(report_due, round * SILENCE_PERCENT / 100);
        let longest = self.last_chance.latency().unwrap_or_default() + round;
        slot.transmissions == 1 && !slot.lost && was_silent && self.heard.since(now - longest)
    }

    fn skip_heard(&mut self) {
        self.unheard = self.unheard.max(self.buffer.first());
        while self.unheard < self.buffer.next_new()
            && let Some(slot) = self.buffer.slot(self.unheard)
            && (slot.transmissions != 1 || !self.is_unheard(slot.last_sent))
        {
            self.unheard += 1;
        }
    }

    fn last_moment_of(&self, index: u64) -> Option<Instant> {
        let slot = self.buffer.slot(index).filter(|_| !self.is_new(index))?;
        let from = slot.last_sent;
        self.last_chance.last_moment(from, slot.origin, &self.rtt)
    }
}
