use super::buffer::Slot;
use super::copies::Occasion;
use super::{Sender, Turn};
use crate::recv::Rtt;
use tidegate_units::{Duration, Instant};

/// A packet that was sent more often than this is one in some thousand.
const OFTEN: u32 = 4;

/// Which packets are sent once more without being asked for, and when.
impl Sender {
    /// A copy follows if the peer has no time to ask for this repetition again.
    pub(super) fn plan_copy(&mut self, now: Instant, index: u64, rtt: &Rtt) {
        if !self.copies_are_wanted {
            return;
        }
        let Some(slot) = self.buffer.slot(index) else {
            return;
        };
        let Some(after) = self.last_chance.copy_after(now, slot.origin, rtt) else {
            let is_first = slot.transmissions == 1 && self.full_lists.are_trusted();
            let at = self.last_chance.last_moment(now, slot.origin, rtt);
            if let Some(at) = at.filter(|_| is_first) {
                self.copies.push(at, index, Occasion::LastMoment);
            }
            return;
        };
        if self.copy_budget.allows() && self.copies.push(now + after, index, Occasion::LastRepeat) {
            self.copy_budget.on_resent();
        } else {
            self.refusals.copies += 1;
        }
    }

    /// The copy whose time has come. What cannot be sent in time any more is forgotten.
    pub(super) fn next_copy(&mut self, now: Instant) -> Option<Turn> {
        while let Some((at, index, why)) = self.copies.peek(self.buffer.first()) {
            if at > now {
                return None;
            }
            let slot = self.buffer.slot(index);
            if slot.is_none_or(|slot| !self.is_wanted(now, slot, why)) {
                self.copies.pop();
            } else if self.budget.allows()
                && (why == Occasion::LastRepeat || self.copy_budget.allows())
            {
                return Some(Turn::Copy(index));
            } else {
                self.copies.pop();
                self.refusals.copies += 1;
            }
        }
        None
    }

    fn is_wanted(&self, now: Instant, slot: &Slot, why: Occasion) -> bool {
        let is_open = match why {
            Occasion::LastRepeat => true,
            Occasion::LastMoment => {
                let (sent, quiet) = (slot.last_sent, self.quiet);
                let is_rested = sent + self.rest(slot) <= now;
                is_rested && !self.full_lists.confirm(sent, slot.named_at, quiet)
            }
            Occasion::Unheard => slot.transmissions == 1 && self.is_unheard(slot.last_sent),
        };
        is_open && !self.last_chance.is_over(now, slot.origin)
    }

    /// How long a packet is left alone before the last moment. After a last repetition and its
    /// copy a further try pays only where much is lost, or for the few packets that have
    /// failed most often.
    fn rest(&self, slot: &Slot) -> Duration {
        if self.loss_share.is_heavy() || slot.transmissions > OFTEN {
            self.quiet * 5 / 8
        } else {
            self.quiet * 3 / 4
        }
    }
}
