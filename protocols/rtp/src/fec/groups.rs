use super::{FecPacket, Sum};
use std::collections::VecDeque;

/// Sums kept because packets in them are missing. A whole matrix of 20 × 5 has 25.
pub(crate) const GROUPS_MAX: usize = 128;

/// A sum, and which packets are in it.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) base: u64,
    pub(crate) step: u8,
    pub(crate) count: u8,
    pub(crate) sum: Sum,
}

impl Group {
    /// The sum in `packet`, whose first packet is number `base`.
    pub(crate) fn new(packet: &FecPacket<'_>, base: u64) -> Self {
        Self {
            base,
            step: packet.step,
            count: packet.count,
            sum: Sum::of(packet),
        }
    }

    /// The numbers of the packets in it.
    pub(crate) fn members(&self) -> impl Iterator<Item = u64> + use<> {
        let (base, step) = (self.base, u64::from(self.step));
        (0..u64::from(self.count)).map(move |at| base + at * step)
    }

    pub(crate) fn last(&self) -> u64 {
        self.base + u64::from(self.step) * (u64::from(self.count) - 1)
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.base, self.step, self.count) == (other.base, other.step, other.count)
    }
}

/// Sums that could not be used yet: more than one of their packets is missing, or one that may
/// only be late.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    open: VecDeque<Group>,
}

impl Groups {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// Keeps a sum for later; the oldest goes when there are too many.
    pub(crate) fn keep(&mut self, group: Group) {
        if self.open.iter().any(|other| other.is_same(&group)) {
            return;
        }
        if self.open.len() >= GROUPS_MAX {
            self.open.pop_front();
        }
        self.open.push_back(group);
    }

    /// Takes out the first sum that satisfies `is_ready`.
    pub(crate) fn take(&mut self, is_ready: impl FnMut(&Group) -> bool) -> Option<Group> {
        let at = self.open.iter().position(is_ready)?;
        self.open.remove(at)
    }

    /// Forgets sums that end before `floor`: nothing in them is wanted any more.
    pub(crate) fn forget_before(&mut self, floor: u64) {
        self.open.retain(|group| group.last() >= floor);
    }
}
