use super::outbox::Outgoing;
use super::{Connection, SendError, State};
use crate::group::Held;
use tidegate_units::{Duration, Instant};

/// A connection as a leg of a bonding group that is sent over.
impl Connection {
    /// From now on it counts with its group, whose next packet has this index and message.
    pub(crate) fn count_from(&mut self, index: u64, message: u64) {
        self.counts_with_group = true;
        self.sender.jump_to(index, message);
    }

    /// It is about to be handed everything from this packet on. One that has carried nothing yet
    /// may begin before the place at which it joined.
    pub(crate) fn take_over_from(&mut self, index: u64, message: u64) {
        if self.sender.is_untouched() {
            self.count_from(index, message);
        }
    }

    /// Takes the packet of the group that has this index, unless it has had it. What it was not
    /// handed in between is brought by other legs.
    ///
    /// # Errors
    /// If it cannot be sent here.
    pub(crate) fn send_for_group(
        &mut self,
        now: Instant,
        (index, message): (u64, u64),
        packet: &Held,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::NotConnected);
        }
        let (bytes, limit) = (packet.payload.len(), self.payload_limit);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        if index < self.sender.end() {
            return Ok(());
        }
        if index > self.sender.end() {
            self.count_from(index, message);
        }
        if !self.sender.has_room() {
            // A leg that does not keep up gives up its oldest, not the group's newest.
            let removed = self.sender.give_up_oldest();
            self.tally.on_send_dropped(removed);
        }
        let key = match &mut self.crypto {
            Some(crypto) => Some(crypto.next_key().map_err(|_| SendError::TwoWayEncrypted)?),
            None => None,
        };
        self.tally.set_busy(now, true);
        let (payload, origin) = (packet.payload.clone(), packet.origin);
        self.sender
            .push_submitted(now, packet.submitted, payload, origin, key)
            .map_err(|_| SendError::BufferFull)
    }

    /// Tells the peer at once that nothing more comes for now: its next gap here is none.
    pub(crate) fn keep_alive_now(&mut self) {
        self.outbox.push(Outgoing::KeepAlive);
    }

    /// Whether everything it was handed is settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.sender.is_drained()
    }

    /// From what index on it was handed everything, and before which the peer has everything.
    pub(crate) const fn brought(&self) -> (u64, u64) {
        self.sender.acknowledged()
    }

    /// Packets it gave up, because it was too late for them.
    pub(crate) const fn packets_given_up(&self) -> u64 {
        self.tally.total.packets_send_dropped
    }

    /// When the oldest packet that the peer has not acknowledged was handed over.
    pub(crate) fn owes_since(&self) -> Option<Instant> {
        self.sender.owes_since()
    }

    /// The round-trip time, and how far it varies.
    pub(crate) const fn round_trip(&self) -> (Duration, Duration) {
        (self.rtt.smoothed(), self.rtt.variance())
    }

    /// The largest payload it can send.
    pub(crate) const fn payload_limit(&self) -> usize {
        self.payload_limit
    }

    /// What an acknowledgement says. The peer of a leg may know more from other legs than was
    /// ever sent here.
    pub(super) fn acknowledged_index(&self, index: u64) -> u64 {
        if self.counts_with_group {
            index.min(self.sender.next_new())
        } else {
            index
        }
    }
}
