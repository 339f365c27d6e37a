use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// Packets remembered behind what was delivered: for sums that come later, and to know what
/// had come already.
pub(super) const HISTORY_PACKETS: usize = 1024;

/// Packets behind a hole before it is given up, whatever the time.
pub(super) const WAITING_PACKETS_MAX: u64 = 16_384;

/// Packets looked at for the one behind a hole, when a hole is filled.
const NEIGHBOURS: usize = 64;

/// What is known of one number.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) datagram: Option<Bytes>,
    /// It has come, or was rebuilt.
    pub(super) is_there: bool,
    /// For comparison with the same number from another leg.
    pub(super) mark: u64,
    /// A bit per leg that brought it.
    pub(super) legs: u8,
    pub(super) arrived: Instant,
    pub(super) due: Instant,
}

/// The numbers around those delivered last.
///
/// ```text
///  begin            floor                     end
///    │  delivered     │  waiting, with holes   │
///    └── history ─────┴────────────────────────┘
/// ```
#[derive(Debug)]
pub(super) struct Window {
    begin: u64,
    floor: u64,
    slots: VecDeque<Slot>,
    /// The first number behind the hole at the floor, if it was looked for.
    hole_end: Option<u64>,
}

impl Window {
    /// Before the packet `first`.
    pub(super) fn new(first: u64) -> Self {
        Self {
            begin: first,
            floor: first,
            slots: VecDeque::new(),
            hole_end: None,
        }
    }

    /// The next number to deliver.
    pub(super) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Behind the highest number that came.
    pub(super) fn end(&self) -> u64 {
        self.begin + self.slots.len() as u64
    }

    pub(super) fn slot(&self, index: u64) -> Option<&Slot> {
        let at = index.checked_sub(self.begin)?;
        self.slots.get(usize::try_from(at).ok()?)
    }

    pub(super) fn slot_mut(&mut self, index: u64) -> Option<&mut Slot> {
        let at = index.checked_sub(self.begin)?;
        self.slots.get_mut(usize::try_from(at).ok()?)
    }

    /// The whole packet of that number, while it is remembered.
    pub(super) fn datagram(&self, index: u64) -> Option<&Bytes> {
        self.slot(index)?.datagram.as_ref()
    }

    /// Puts a packet in its place, which is at the floor or behind it and still empty.
    pub(super) fn put(&mut self, index: u64, now: Instant, hold: Duration, filled: Slot) {
        let mut due = now + hold;
        if index < self.end()
            && let Some(behind) = self.next_due(index + 1)
        {
            // It was wanted when what is behind it is.
            due = due.min(behind);
        }
        while self.end() <= index {
            self.slots.push_back(Slot::default());
        }
        self.hole_end = self.hole_end.map(|end| end.min(index));
        if let Some(slot) = self.slot_mut(index) {
            *slot = Slot {
                arrived: now,
                due,
                is_there: true,
                ..filled
            };
        }
    }

    fn next_due(&self, from: u64) -> Option<Instant> {
        (from..self.end())
            .take(NEIGHBOURS)
            .filter_map(|index| self.slot(index))
            .find(|slot| slot.is_there)
            .map(|slot| slot.due)
    }

    /// Where the hole at the floor ends; `None` if there is no hole, or nothing behind it.
    pub(super) fn hole(&mut self) -> Option<u64> {
        if self.slot(self.floor).is_none_or(|slot| slot.is_there) {
            return None;
        }
        if self.hole_end.is_none() {
            let there = |index: &u64| self.slot(*index).is_some_and(|slot| slot.is_there);
            self.hole_end = (self.floor..self.end()).find(there);
        }
        self.hole_end
    }

    /// Goes on behind the hole that ends there.
    pub(super) fn skip_to(&mut self, index: u64) {
        self.floor = index;
        self.hole_end = None;
    }

    /// Takes the packet at the floor, if it is there. A copy of it stays if `keep`.
    pub(super) fn take(&mut self, keep: bool) -> Option<Slot> {
        let floor = self.floor;
        let slot = self.slot_mut(floor).filter(|slot| slot.is_there)?;
        let taken = slot.clone();
        if !keep {
            slot.datagram = None;
        }
        self.skip_to(floor + 1);
        Some(taken)
    }

    /// Forgets the oldest number if more than the history is behind the floor.
    pub(super) fn trim(&mut self) -> bool {
        if self.floor - self.begin <= HISTORY_PACKETS as u64 {
            return false;
        }
        self.slots.pop_front();
        self.begin += 1;
        true
    }

    pub(super) const fn begin(&self) -> u64 {
        self.begin
    }
}
