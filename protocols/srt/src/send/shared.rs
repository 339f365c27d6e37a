use super::{Removed, Sender, Slot};
use crate::crypto::KeyGeneration;
use crate::wire::MessageNumber;
use bytes::Bytes;
use tidegate_units::Instant;

/// The sending half of a leg, which shares its sequence with the other legs of its group.
impl Sender {
    /// The same for what was handed over earlier, to somebody else.
    pub(crate) fn push_submitted(
        &mut self,
        now: Instant,
        submitted: Instant,
        payload: Bytes,
        origin: Instant,
        key: Option<KeyGeneration>,
    ) -> Result<(), Bytes> {
        let message = MessageNumber::from_index(self.next_message);
        let payload_bytes = payload.len();
        self.buffer
            .push(Slot::new(payload, origin, submitted, message, key))?;
        self.next_message += 1;
        self.pacer.on_input(now, payload_bytes);
        Ok(())
    }

    /// Counts on from `index`, with this message: what is before it is somebody else's.
    pub(crate) fn jump_to(&mut self, index: u64, message: u64) {
        self.buffer.jump_to(index);
        (self.acknowledged, self.began, self.unheard) = (index, index, index);
        self.next_message = message;
    }

    /// Gives up the oldest packet, so that there is room for another.
    pub(crate) fn give_up_oldest(&mut self) -> Removed {
        let removed = self.buffer.release_before(self.buffer.first() + 1);
        self.window += removed.packets.cast_signed();
        removed
    }

    /// Since what index it has been handed everything, and what the peer has of it.
    pub(crate) const fn acknowledged(&self) -> (u64, u64) {
        (self.began, self.acknowledged)
    }

    /// Whether it was handed nothing since it began to count where it does.
    pub(crate) fn is_untouched(&self) -> bool {
        self.buffer.end() == self.began
    }

    /// The index the next packet handed over gets.
    pub(crate) fn end(&self) -> u64 {
        self.buffer.end()
    }

    /// When the oldest packet that the peer has not acknowledged was handed over.
    pub(crate) fn owes_since(&self) -> Option<Instant> {
        self.buffer.oldest_submitted()
    }
}
