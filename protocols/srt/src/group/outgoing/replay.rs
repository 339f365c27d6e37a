use crate::room::Room;
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// What a group was given to send and no leg has brought yet, by sequence index.
///
/// A leg that takes over sends all of it. Payloads are shared with the legs' own buffers.
/// It is bounded as those are: by the peer's latency at the rate measured, and by 64 MiB of
/// live payloads; and what is too late for the peer is let go of.
#[derive(Debug)]
pub(crate) struct Replay {
    held: VecDeque<Held>,
    first: u64,
    payload_bytes: u64,
    room: Room,
    /// Let go of what was handed over so long ago; `None`: of nothing.
    keep_for: Option<Duration>,
}

/// One packet.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) payload: Bytes,
    pub(crate) origin: Instant,
    pub(crate) submitted: Instant,
}

/// Packets and payload that left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) packets: u64,
    pub(crate) payload_bytes: u64,
}

impl Replay {
    /// Nothing yet, before the packet with index `first`.
    pub(crate) const fn new(first: u64, room: Room, keep_for: Option<Duration>) -> Self {
        Self {
            held: VecDeque::new(),
            first,
            payload_bytes: 0,
            room,
            keep_for,
        }
    }

    /// The oldest index held, or the next if there is none.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// The index of the next packet.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.held.len() as u64
    }

    pub(crate) fn has_room(&self) -> bool {
        self.held.len() < self.room.packets()
    }

    pub(crate) fn packets(&self) -> u64 {
        self.held.len() as u64
    }

    pub(crate) const fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// Packets it may hold.
    pub(crate) const fn capacity(&self) -> usize {
        self.room.packets()
    }

    /// Takes the next packet; the caller has looked for room.
    pub(crate) fn push(&mut self, held: Held) {
        self.room.on_packet(held.submitted);
        self.payload_bytes += held.payload.len() as u64;
        self.held.push_back(held);
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Held> {
        let offset = index.checked_sub(self.first)?;
        self.held.get(usize::try_from(offset).ok()?)
    }

    /// A leg that carried everything from `from` on brought what is before `to`.
    pub(crate) fn on_acknowledged(&mut self, from: u64, to: u64) -> Gone {
        if from > self.first {
            return Gone::default();
        }
        self.release_before(to)
    }

    /// Lets go of everything before `to`.
    pub(crate) fn release_before(&mut self, to: u64) -> Gone {
        let mut gone = Gone::default();
        while self.first < to
            && let Some(held) = self.held.pop_front()
        {
            self.first += 1;
            gone.add(&held);
        }
        self.payload_bytes -= gone.payload_bytes;
        gone
    }

    /// Lets go of what is too late.
    pub(crate) fn drop_late(&mut self, now: Instant) -> Gone {
        let mut gone = Gone::default();
        let Some(keep_for) = self.keep_for else {
            return gone;
        };
        let late = |held: &mut Held| held.submitted + keep_for <= now;
        while let Some(held) = self.held.pop_front_if(late) {
            self.first += 1;
            gone.add(&held);
        }
        self.payload_bytes -= gone.payload_bytes;
        gone
    }

    /// Whether everything is kept until a leg has brought it.
    pub(crate) const fn keeps_all(&self) -> bool {
        self.keep_for.is_none()
    }

    /// When the oldest packet is too late.
    pub(crate) fn late_at(&self) -> Option<Instant> {
        let oldest = self.held.front()?;
        Some(oldest.submitted + self.keep_for?)
    }

    /// The time between the origins of the oldest and the newest packet.
    pub(crate) fn span(&self) -> Duration {
        match (self.held.front(), self.held.back()) {
            (Some(front), Some(back)) => back.origin.saturating_since(front.origin),
            _ => Duration::ZERO,
        }
    }
}

impl Gone {
    fn add(&mut self, held: &Held) {
        self.packets += 1;
        self.payload_bytes += held.payload.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(packets: u64) -> Replay {
        let keep_for = Some(Duration::from_millis(1000));
        let mut replay = Replay::new(100, Room::fixed(8), keep_for);
        for number in 0..packets {
            let at = Instant::from_millis(number * 10);
            replay.push(Held {
                payload: Bytes::from_static(b"0123456789"),
                origin: at,
                submitted: at,
            });
        }
        replay
    }

    #[test]
    fn what_a_leg_brought_is_gone_if_it_carried_all_of_it() {
        let mut replay = replay(5);
        assert_eq!(replay.on_acknowledged(102, 104), Gone::default());
        let gone = replay.on_acknowledged(100, 103);
        assert_eq!((gone.packets, gone.payload_bytes), (3, 30));
        assert_eq!((replay.first(), replay.next()), (103, 105));
        assert!(replay.get(102).is_none() && replay.get(103).is_some());
        assert_eq!(replay.on_acknowledged(102, 103), Gone::default());
    }

    #[test]
    fn nobody_can_acknowledge_what_was_never_sent() {
        let mut replay = replay(5);
        assert_eq!(replay.on_acknowledged(0, u64::MAX).packets, 5);
        assert_eq!((replay.first(), replay.next()), (105, 105));
    }

    #[test]
    fn what_is_too_late_is_let_go_of() {
        let mut replay = replay(3);
        assert_eq!(replay.late_at(), Some(Instant::from_millis(1000)));
        assert_eq!(replay.drop_late(Instant::from_millis(1010)).packets, 2);
        assert_eq!((replay.first(), replay.packets()), (102, 1));
    }

    #[test]
    fn what_nobody_will_bring_is_let_go_of() {
        let mut replay = replay(5);
        assert_eq!(replay.release_before(100), Gone::default());
        let gone = replay.release_before(103);
        assert_eq!((gone.packets, gone.payload_bytes), (3, 30));
        assert_eq!((replay.first(), replay.payload_bytes()), (103, 20));
        assert_eq!(replay.on_acknowledged(103, 105).packets, 2);
    }

    #[test]
    fn it_is_bounded() {
        let full = replay(8);
        assert!(!full.has_room());
        assert_eq!(full.capacity(), 8);
    }
}
