use std::sync::Arc;

use super::CryptoError;
use super::refresh::KeyRefresh;
use super::stream_key::{Slot, SlotPair, StreamKey};
use crate::wire::{DataHeader, DataKey};

/// Which of a sender's keys a packet was encrypted with. Kept with the packet, because a
/// retransmission must carry the same ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyGeneration(u32);

impl KeyGeneration {
    /// The KK bits of the packet's header.
    #[must_use]
    pub const fn data_key(self) -> DataKey {
        self.slot().data_key()
    }

    const fn slot(self) -> Slot {
        if self.0 & 1 == 0 {
            Slot::Even
        } else {
            Slot::Odd
        }
    }

    const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The keys of the sending direction and their change.
///
/// ```text
///            rate − preannounce packets          confirmed, and rate packets
///  Steady ──────────────────────────▶ Announced ──────────────────────────▶ Steady
///  one key in use                     next key in the other slot            with the next key
///    ▲
///    └────── confirmed ── Offered ◀── first key made ── Wanted ◀── never the initial key
/// ```
/// A key nobody confirmed is not used: changing to it would silence the stream. The old
/// key stays in its slot for retransmissions until the slot is needed.
#[derive(Debug)]
pub(super) struct SendKeys {
    slots: SlotPair,
    generations: [Option<KeyGeneration>; 2],
    first: KeyGeneration,
    current: KeyGeneration,
    sent_with_current: u64,
    phase: Phase,
    refresh: KeyRefresh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Steady,
    Announced {
        confirmed: bool,
    },
    /// Packets wait for a key that is still to be made,
    Wanted,
    /// or to be confirmed.
    Offered,
}

/// From here on the next key is used even if nobody confirmed it: using one key for more
/// than 2³¹ packets would repeat its key stream.
const FORCED_CHANGE_PACKETS: u64 = (1 << 30) + (1 << 29);

impl SendKeys {
    pub(super) fn new(slots: SlotPair, refresh: KeyRefresh) -> Self {
        let start = slots.first_filled().unwrap_or(Slot::Even);
        let current = KeyGeneration(start.index() as u32);
        let mut generations = [None; 2];
        generations[start.index()] = Some(current);
        Self {
            slots,
            generations,
            first: current,
            current,
            sent_with_current: 0,
            phase: Phase::Steady,
            refresh,
        }
    }

    /// From now on every packet has a key of this side's own, made and confirmed before the
    /// first one can be sealed.
    pub(super) const fn leave_initial(&mut self) {
        self.current = self.current.next();
        self.phase = Phase::Wanted;
    }

    /// Whether the key in use is not yet with the peer.
    pub(super) const fn waits(&self) -> bool {
        matches!(self.phase, Phase::Wanted | Phase::Offered)
    }

    /// The key for one more new packet.
    pub(super) fn take(&mut self) -> KeyGeneration {
        if self.change_is_due() {
            self.current = self.current.next();
            self.sent_with_current = 0;
            self.phase = Phase::Steady;
        }
        self.sent_with_current += 1;
        self.current
    }

    fn change_is_due(&self) -> bool {
        match self.phase {
            Phase::Steady | Phase::Wanted | Phase::Offered => false,
            Phase::Announced { confirmed: true } => {
                self.sent_with_current >= self.refresh.rate_packets()
            }
            Phase::Announced { confirmed: false } => {
                self.sent_with_current >= FORCED_CHANGE_PACKETS
            }
        }
    }

    pub(super) fn seal(
        &self,
        generation: KeyGeneration,
        header: &DataHeader,
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let slot = generation.slot();
        if self.generations[slot.index()] != Some(generation) {
            return Err(CryptoError::RetiredKey);
        }
        let key = self.slots.get(slot).ok_or(CryptoError::RetiredKey)?;
        key.cipher.seal(header, plain, out)
    }

    /// Whether it is time to make and announce the next key.
    pub(super) fn next_key_is_due(&self) -> bool {
        match self.phase {
            Phase::Steady => self.sent_with_current >= self.refresh.announce_at_packets(),
            Phase::Wanted => true,
            Phase::Announced { .. } | Phase::Offered => false,
        }
    }

    /// Puts the next key into the other slot; it is used once confirmed.
    pub(super) fn announce(&mut self, key: Arc<StreamKey>) {
        let (next, phase) = match self.phase {
            Phase::Wanted => (self.current, Phase::Offered),
            _ => (self.current.next(), Phase::Announced { confirmed: false }),
        };
        self.slots.put(next.slot(), key);
        self.generations[next.slot().index()] = Some(next);
        self.phase = phase;
    }

    pub(super) fn confirm(&mut self) {
        match &mut self.phase {
            Phase::Announced { confirmed } => *confirmed = true,
            Phase::Offered => self.phase = Phase::Steady,
            Phase::Steady | Phase::Wanted => {}
        }
    }

    pub(super) const fn slots(&self) -> &SlotPair {
        &self.slots
    }

    /// Whether the key in use is the one both directions start with.
    pub(super) const fn is_initial(&self) -> bool {
        self.current.0 == self.first.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Suite;
    use crate::wire::SALT_BYTES;

    #[test]
    fn before_a_key_stream_could_repeat_the_key_changes_even_unconfirmed() {
        let salt = [0; SALT_BYTES];
        let key = |byte| StreamKey::new(&[byte; 16], Suite::default(), &salt).unwrap();
        let mut slots = SlotPair::default();
        slots.put(Slot::Even, key(1));
        let mut keys = SendKeys::new(slots, KeyRefresh::DEFAULT);
        keys.sent_with_current = KeyRefresh::DEFAULT.announce_at_packets();
        assert!(keys.next_key_is_due());
        keys.announce(key(2));
        keys.sent_with_current = FORCED_CHANGE_PACKETS - 1;
        assert_eq!(keys.take().data_key(), DataKey::Even);
        assert_eq!(keys.take().data_key(), DataKey::Odd);
        assert!(!keys.is_initial());
    }
}
