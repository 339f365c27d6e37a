//! What one input has brought of late, found again by fingerprint.

use super::print::Print;
use super::{HISTORY_PACKETS, SEARCH};
use std::collections::VecDeque;
use tidegate_units::Instant;

const TABLE_BITS: u32 = 15;
const SLOTS: usize = 1 << TABLE_BITS;

/// The packets of one input within the search window, each with a number that only rises.
#[derive(Clone, Debug)]
pub(super) struct History<P> {
    entries: VecDeque<Entry<P>>,
    /// The number of the first entry.
    first: u64,
    /// What came before is of another stream, and not looked for any more.
    begins: u64,
    table: Table,
}

#[derive(Clone, Debug)]
pub(super) struct Entry<P> {
    pub(super) print: Print,
    pub(super) arrived: Instant,
    pub(super) due: Instant,
    pub(super) packet: P,
    /// Others within the window look the same: it says nothing about where it belongs.
    repeated: bool,
}

impl<P> History<P> {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            begins: 0,
            table: Table::default(),
        }
    }

    /// Takes the next packet; its number.
    pub(super) fn push(&mut self, print: Print, arrived: Instant, due: Instant, packet: P) -> u64 {
        self.forget(arrived);
        let index = self.end();
        let before = self.table.replace(print.hash, index as u32);
        let same = self.locate(before, print.hash);
        if let Some(same) = same.and_then(|same| self.get_mut(same)) {
            same.repeated = true;
        }
        self.entries.push_back(Entry {
            print,
            arrived,
            due,
            packet,
            repeated: same.is_some(),
        });
        index
    }

    /// Lets go what is older than the search window.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some(entry) = self.entries.front() {
            let old = now > entry.arrived + SEARCH;
            if !old && self.entries.len() < HISTORY_PACKETS {
                break;
            }
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// What comes is another stream.
    pub(super) fn begin_anew(&mut self) {
        self.begins = self.end();
    }

    /// The number of the first packet of this stream that is remembered.
    pub(super) fn first(&self) -> u64 {
        self.first.max(self.begins)
    }

    /// What came in with the first packet that is remembered, of whatever stream.
    pub(super) fn oldest(&self) -> Option<&P> {
        self.entries.front().map(|entry| &entry.packet)
    }

    /// The number behind the newest packet.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(super) fn get(&self, index: u64) -> Option<&Entry<P>> {
        let at = index.checked_sub(self.first)?;
        self.entries.get(usize::try_from(at).ok()?)
    }

    fn get_mut(&mut self, index: u64) -> Option<&mut Entry<P>> {
        let at = index.checked_sub(self.first)?;
        self.entries.get_mut(usize::try_from(at).ok()?)
    }

    /// The newest packet that looks so.
    fn find(&self, hash: u64) -> Option<u64> {
        self.locate(self.table.get(hash), hash)
    }

    /// The packet that a slot of the table names, if it looks so.
    fn locate(&self, slot: u32, hash: u64) -> Option<u64> {
        let ahead = slot.wrapping_sub(self.first as u32);
        let index = self.first + u64::from(ahead);
        let is_it = index >= self.begins && self.get(index)?.print.hash == hash;
        is_it.then_some(index)
    }

    /// The only packet that looks so.
    pub(super) fn find_only(&self, hash: u64) -> Option<u64> {
        let index = self.find(hash)?;
        (!self.get(index)?.repeated).then_some(index)
    }

    /// Whether others look the same.
    pub(super) fn is_repeated(&self, index: u64) -> bool {
        self.get(index).is_none_or(|entry| entry.repeated)
    }
}

/// From fingerprint to the newest that had it. What shares a slot pushes out what was there:
/// looking costs one step whatever comes in, and one that is not found is but one fewer.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Option<Box<[u32; SLOTS]>>);

impl Table {
    pub(super) fn put(&mut self, hash: u64, what: u32) {
        self.replace(hash, what);
    }

    /// Puts it there; whoever had that slot before, to be compared.
    pub(super) fn replace(&mut self, hash: u64, what: u32) -> u32 {
        let slots = self.0.get_or_insert_with(|| Box::new([0; SLOTS]));
        core::mem::replace(&mut slots[slot(hash)], what)
    }

    /// Whoever has that slot; to be compared.
    pub(super) fn get(&self, hash: u64) -> u32 {
        self.0.as_ref().map_or(0, |slots| slots[slot(hash)])
    }
}

const fn slot(hash: u64) -> usize {
    (hash >> (u64::BITS - TABLE_BITS)) as usize
}
