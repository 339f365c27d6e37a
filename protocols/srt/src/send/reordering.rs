use super::buffer::Slot;
use super::{RESEND_RESERVE_PACKETS, Sender};
use tidegate_units::{Duration, Instant};

/// How often a peer acknowledges.
const ACK_INTERVAL: Duration = Duration::from_millis(10);
/// A report overtakes another by less than this part of a round trip.
const OVERTAKING_PART: u32 = 4;
/// A packet that waits is repeated while so much of a round trip is left, so that a copy of
/// the repetition fits as well.
const RESERVED_PART: u32 = 4;
/// When so many round trips have passed over the time in which a packet should have come,
/// nothing is heard of it any more.
const SILENT_ROUNDS: u32 = 2;

/// On a link that reorders: which reports of a loss are not believed yet.
///
/// ```text
///  sent      report      ripe                      a list names it: repeated
///   ├───────────┼──────────┼────────────┬──────────► does not, or it is acknowledged: spared
///   │  round trip  patience             │            neither, and time runs out: repeated
///   │           └── waits ──────────────┘
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// A packet older than this would have come.
    ripe_age: Duration,
    /// How long something should be heard of it after that.
    silence: Duration,
    latency: Duration,
    reserved: Duration,
}

impl Doubt {
    /// Until when a packet that is reported missing now is left alone; `None`: not at all.
    pub(super) fn until(&self, now: Instant, slot: &Slot) -> Option<Instant> {
        let ripe = slot.last_sent + self.ripe_age;
        if slot.transmissions != 1 || ripe <= now {
            return None;
        }
        let last = slot.origin + self.latency.saturating_sub(self.reserved);
        let until = last.min(ripe + self.silence);
        (until > now).then_some(until)
    }
}

impl Sender {
    /// Whether reports may be about packets that are only late. Without copies that make up
    /// for the time lost none is doubted, nor where the peer rebuilds packets by itself.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        let latency = self.last_chance.latency()?;
        let may_doubt = self.copies_are_wanted && !self.is_filtered;
        let patience = self.patience.wait().filter(|_| may_doubt)?;
        let silence = if self.full_lists.are_trusted() {
            self.rtt.smoothed() * SILENT_ROUNDS
        } else {
            ACK_INTERVAL
        };
        Some(Doubt {
            ripe_age: self.rtt.smoothed() + patience,
            silence,
            latency,
            reserved: self.rtt.smoothed() / RESERVED_PART,
        })
    }

    /// A report overtook another that arrives at most so much later.
    pub(super) fn overtaking(&self) -> Duration {
        self.rtt.smoothed() / OVERTAKING_PART
    }

    /// A list of everything that the peer misses came: what it does not name has arrived.
    pub(super) fn on_full_list(&mut self, now: Instant) {
        let overtaking = self.overtaking();
        let Self {
            waiting, buffer, ..
        } = self;
        waiting.retain(|index, _| {
            let Some(slot) = buffer.slot_mut(index).filter(|slot| slot.waits) else {
                return false;
            };
            slot.waits = slot.named_at + overtaking > now;
            slot.waits
        });
        let mut needless = 0;
        for slot in self.buffer.sent_mut() {
            let unnamed = slot.named_at + overtaking <= now;
            if unnamed && is_needless(slot, now, self.quiet) {
                slot.judged = true;
                needless += u32::from(!self.last_chance.is_over(now, slot.origin));
            }
        }
        self.note_needless(needless);
    }

    /// The packets before `index` are about to be acknowledged.
    pub(super) fn judge_before(&mut self, now: Instant, index: u64) {
        let held = self.buffer.first();
        let count = usize::try_from(index.saturating_sub(held)).unwrap_or(usize::MAX);
        let acknowledged = self.buffer.sent().take(count);
        let needless = acknowledged
            .filter(|slot| is_needless(slot, now, self.quiet))
            .filter(|slot| !self.last_chance.is_over(now, slot.origin))
            .count();
        self.note_needless(u32::try_from(needless).unwrap_or(u32::MAX));
    }

    fn note_needless(&mut self, packets: u32) {
        let Some(latency) = self.last_chance.latency() else {
            return;
        };
        for _ in 0..packets.min(RESEND_RESERVE_PACKETS as u32) {
            self.patience.on_needless(self.rtt.smoothed(), latency);
        }
    }

    /// What has waited in vain is lost.
    pub(super) fn believe_late_reports(&mut self, now: Instant) {
        if self.waiting.next_at() > now {
            return;
        }
        let Self {
            waiting,
            buffer,
            losses,
            ..
        } = self;
        waiting.retain(|index, until| {
            let Some(slot) = buffer.slot_mut(index).filter(|slot| slot.waits) else {
                return false;
            };
            if until > now {
                return true;
            }
            slot.waits = false;
            slot.lost = true;
            losses.push(index);
            false
        });
    }
}

/// Whether a packet that is known to have arrived cannot be here by its repetition, which was
/// asked for.
fn is_needless(slot: &Slot, now: Instant, quiet: Duration) -> bool {
    let was_asked_for = slot.transmissions > 1 && slot.named_at > Instant::ZERO;
    was_asked_for && !slot.judged && slot.first_repeat + quiet > now
}
