use super::Sender;
use tidegate_units::{Duration, Instant};

/// What a loss report did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NakOutcome {
    /// It names packets that were never sent and was ignored.
    pub(crate) out_of_range: bool,
    /// Packets taken into the list of losses.
    pub(crate) marked: u64,
    /// Packets that are gone: the peer is told not to wait for them.
    pub(crate) gone: Option<(u64, u64)>,
}

/// The peer's reports of what it misses.
impl Sender {
    /// The peer misses `first..=last`. A packet that was re-sent so recently that the
    /// report cannot know of it is left alone.
    pub(crate) fn on_nak(
        &mut self,
        now: Instant,
        first: u64,
        last: u64,
        quiet_after_resend: Duration,
    ) -> NakOutcome {
        let mut outcome = NakOutcome::default();
        if last < first || last >= self.buffer.next_new() {
            outcome.out_of_range = true;
            return outcome;
        }
        let held = self.buffer.first();
        if first < held {
            outcome.gone = Some((first, last.min(held - 1)));
        }
        self.full_lists.on_range(first, last);
        let (doubt, overtaking) = (self.doubt(), self.overtaking());
        // The peer does without what is missing when the packet behind it is due.
        let behind = self
            .buffer
            .slot(last + 1)
            .filter(|_| !self.is_new(last + 1));
        let is_pointless = behind.is_some_and(|slot| {
            let chance = &self.last_chance;
            chance.is_pointless(now, slot.submitted, &self.rtt)
        });
        for index in first.max(held)..=last {
            let Some(slot) = self.buffer.slot_mut(index) else {
                break;
            };
            self.full_lists.on_named_again(slot.named_at, overtaking);
            slot.named_at = now;
            self.last_chance.on_named(now, slot.origin, &self.rtt);
            if is_pointless {
                continue;
            }
            let recent = slot.transmissions > 1 && slot.last_sent + quiet_after_resend > now;
            if slot.lost || recent {
                continue;
            }
            if let Some(until) = doubt.and_then(|doubt| doubt.until(now, slot)) {
                slot.waits = slot.waits || self.waiting.push(index, until);
                if slot.waits {
                    continue;
                }
            }
            slot.waits = false;
            slot.lost = true;
            if slot.transmissions == 1 {
                self.loss_share.on_lost();
            }
            self.losses.push(index);
            outcome.marked += 1;
        }
        outcome
    }

    /// A loss list of so many ranges was read to its end. Whether it was full only copies
    /// ask, and to know it costs a look at every packet in flight.
    pub(crate) fn on_list(&mut self, now: Instant, ranges: usize, quiet_after_resend: Duration) {
        if !self.copies_are_wanted {
            return;
        }
        self.quiet = quiet_after_resend;
        self.heard.note(now);
        self.full_lists.set_reorders(self.doubt().is_some());
        self.full_lists.on_list(
            now,
            ranges,
            quiet_after_resend,
            &self.buffer,
            &self.last_chance,
        );
        if self.full_lists.is_full(now) {
            self.on_full_list(now);
        }
    }
}
