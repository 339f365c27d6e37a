use crate::crypto::KeyGeneration;
use crate::room::Room;
use crate::slack::give_back;
use crate::wire::MessageNumber;
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// What was handed over for sending and is not yet acknowledged, by 64-bit sequence index.
///
/// ```text
///   first ............ next_new ............ end
///   | sent, unacknowledged | waiting to be sent |
/// ```
///
/// Payloads are reference-counted: a packet sent to a hundred viewers is in memory once.
#[derive(Debug)]
pub(crate) struct SendBuffer {
    slots: VecDeque<Slot>,
    first: u64,
    next_new: u64,
    payload_bytes: usize,
    room: Room,
}

/// One packet in the send buffer.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) payload: Bytes,
    /// When the payload originated: the packet's timestamp.
    pub(crate) origin: Instant,
    /// When it was handed over: what too-late dropping counts from.
    pub(crate) submitted: Instant,
    pub(crate) message: MessageNumber,
    /// The key it was first sent with; a retransmission keeps it.
    pub(crate) key: Option<KeyGeneration>,
    /// It waits in the list of losses.
    pub(crate) lost: bool,
    /// The budget had it wait there.
    pub(crate) held_back: bool,
    /// It was reported missing, and may only be late.
    pub(crate) waits: bool,
    pub(crate) transmissions: u32,
    pub(crate) last_sent: Instant,
    pub(crate) first_repeat: Instant,
    /// It is known whether its repetition was needed.
    pub(crate) judged: bool,
    /// When the peer last reported it missing.
    pub(crate) named_at: Instant,
}

impl Slot {
    pub(crate) const fn new(
        payload: Bytes,
        origin: Instant,
        submitted: Instant,
        message: MessageNumber,
        key: Option<KeyGeneration>,
    ) -> Self {
        Self {
            payload,
            origin,
            submitted,
            message,
            key,
            lost: false,
            held_back: false,
            waits: false,
            transmissions: 0,
            last_sent: Instant::ZERO,
            first_repeat: Instant::ZERO,
            judged: false,
            named_at: Instant::ZERO,
        }
    }
}

/// How much left the buffer at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) packets: u64,
    pub(crate) payload_bytes: u64,
    /// How many of the packets had never been sent.
    pub(crate) unsent: u64,
}

impl SendBuffer {
    pub(crate) const fn new(first: u64, room: Room) -> Self {
        Self {
            slots: VecDeque::new(),
            first,
            next_new: first,
            payload_bytes: 0,
            room,
        }
    }

    /// Appends a packet; gives the payload back when the buffer is full.
    pub(crate) fn push(&mut self, slot: Slot) -> Result<(), Bytes> {
        if !self.has_room() {
            return Err(slot.payload);
        }
        self.room.on_packet(slot.submitted);
        self.payload_bytes += slot.payload.len();
        self.slots.push_back(slot);
        Ok(())
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.room.packets()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.room.packets()
    }

    /// The oldest index still held.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// The first index never sent.
    pub(crate) const fn next_new(&self) -> u64 {
        self.next_new
    }

    /// The index the next pushed packet gets.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(crate) fn packets(&self) -> usize {
        self.slots.len()
    }

    pub(crate) const fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    pub(crate) fn has_new(&self) -> bool {
        self.next_new < self.end()
    }

    /// What was sent and is still held, oldest first.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Slot> {
        let sent = usize::try_from(self.next_new - self.first).unwrap_or(usize::MAX);
        self.slots.iter().take(sent)
    }

    /// The same, to be changed.
    pub(crate) fn sent_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let sent = usize::try_from(self.next_new - self.first).unwrap_or(usize::MAX);
        self.slots.iter_mut().take(sent)
    }

    pub(crate) fn slot(&self, index: u64) -> Option<&Slot> {
        let offset = index.checked_sub(self.first)?;
        self.slots.get(usize::try_from(offset).ok()?)
    }

    pub(crate) fn slot_mut(&mut self, index: u64) -> Option<&mut Slot> {
        let offset = index.checked_sub(self.first)?;
        self.slots.get_mut(usize::try_from(offset).ok()?)
    }

    /// The first new packet counts as sent.
    pub(crate) fn advance_new(&mut self) {
        self.next_new = (self.next_new + 1).min(self.end());
    }

    /// Lets go of everything before `index`.
    pub(crate) fn release_before(&mut self, index: u64) -> Removed {
        let mut removed = Removed::default();
        while self.first < index
            && let Some(slot) = self.slots.pop_front()
        {
            self.forget(&slot, &mut removed);
        }
        give_back(&mut self.slots);
        removed
    }

    /// Empties the buffer: the next pushed packet gets `index`.
    pub(crate) fn jump_to(&mut self, index: u64) {
        self.release_before(self.end());
        (self.first, self.next_new) = (index, index);
    }

    /// Lets go of the packets at the front that were handed over `age` or longer ago.
    pub(crate) fn release_older(&mut self, now: Instant, age: Duration) -> Removed {
        let mut removed = Removed::default();
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.submitted + age <= now) {
            self.forget(&slot, &mut removed);
        }
        give_back(&mut self.slots);
        removed
    }

    fn forget(&mut self, slot: &Slot, removed: &mut Removed) {
        removed.packets += 1;
        removed.payload_bytes += slot.payload.len() as u64;
        self.payload_bytes -= slot.payload.len();
        if self.next_new == self.first {
            self.next_new += 1;
            removed.unsent += 1;
        }
        self.first += 1;
    }

    /// When the packet at the front was handed over.
    pub(crate) fn oldest_submitted(&self) -> Option<Instant> {
        self.slots.front().map(|slot| slot.submitted)
    }

    /// The time between the origins of the oldest and the newest packet held.
    pub(crate) fn span(&self) -> Duration {
        match (self.slots.front(), self.slots.back()) {
            (Some(front), Some(back)) => back.origin.saturating_since(front.origin),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(payload: &'static [u8], at: Instant) -> Slot {
        Slot::new(
            Bytes::from_static(payload),
            at,
            at,
            MessageNumber::FIRST,
            None,
        )
    }

    fn filled(first: u64, packets: u64) -> SendBuffer {
        let mut buffer = SendBuffer::new(first, Room::fixed(100));
        for number in 0..packets {
            let at = Instant::from_millis(number);
            buffer.push(slot(b"0123456789", at)).unwrap();
        }
        buffer
    }

    #[test]
    fn acknowledged_packets_leave_from_the_front() {
        let mut buffer = filled(1000, 5);
        buffer.advance_new();
        buffer.advance_new();
        let removed = buffer.release_before(1002);
        assert_eq!(
            removed,
            Removed {
                packets: 2,
                payload_bytes: 20,
                unsent: 0
            }
        );
        assert_eq!(
            (buffer.first(), buffer.next_new(), buffer.end()),
            (1002, 1002, 1005)
        );
        assert!(buffer.slot(1001).is_none());
        assert!(buffer.slot(1002).is_some());
    }

    #[test]
    fn packets_too_old_leave_even_when_never_sent() {
        let mut buffer = filled(7, 5);
        buffer.advance_new();
        let removed = buffer.release_older(Instant::from_millis(1002), Duration::from_millis(1000));
        assert_eq!(
            removed,
            Removed {
                packets: 3,
                payload_bytes: 30,
                unsent: 2
            }
        );
        assert_eq!((buffer.first(), buffer.next_new()), (10, 10));
    }

    #[test]
    fn a_full_buffer_gives_the_payload_back() {
        let mut buffer = filled(0, 100);
        let refused = buffer.push(slot(b"late", Instant::ZERO));
        assert_eq!(refused, Err(Bytes::from_static(b"late")));
        assert_eq!(buffer.packets(), 100);
    }

    #[test]
    fn releasing_beyond_the_end_empties_it_and_no_more() {
        let mut buffer = filled(3, 2);
        buffer.release_before(u64::MAX);
        assert_eq!((buffer.first(), buffer.next_new(), buffer.end()), (5, 5, 5));
        assert_eq!(buffer.payload_bytes(), 0);
    }
}
