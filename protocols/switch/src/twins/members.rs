//! Who is a leg of a lane, from when, and until when.
//!
//! ```text
//!   row         a  b  c  d         c and d are of a leg that was ahead, and is let go:
//!   own input   a  b               it settles until its own input has brought them too,
//!                                  and goes on alone behind them
//! ```

use super::chain::Chain;
use super::history::History;
use super::lane::{Lane, UNKNOWN, entry};
use super::leg::Leg;
use super::{Merged, PATIENCE, STRANGE_AFTER};
use tidegate_units::Instant;

const PIDS: usize = 0x2000;

impl<P: Clone> Lane<P> {
    /// Whether a leg is no part of this stream any more.
    pub(super) fn is_estranged(&self, now: Instant, input: usize) -> bool {
        let Some(leg) = self.leg(input).filter(|_| !self.is_plain()) else {
            return false;
        };
        let long = |since| now.saturating_since(since) > STRANGE_AFTER;
        leg.is_stranger() || leg.strange_since.is_some_and(long)
    }

    /// Takes an input in whose packet `index` is packet `same` of the primary.
    pub(super) fn add(&mut self, input: usize, index: u64, same: u64, inputs: &[History<P>]) {
        if self.is_plain() {
            self.begin_chain(same, inputs);
        }
        self.is_settling = false;
        let Some(hash) = entry(inputs, input, index).map(|entry| entry.print.hash) else {
            return;
        };
        if let Some(slot) = self.legs.get_mut(input) {
            self.others += usize::from(slot.is_none());
            let mut leg = Leg::new();
            leg.next = self.had[input];
            *slot = Some(leg);
        }
        if let Some(node) = self.chain.find_only(hash) {
            self.anchors.push_back((input, index, node));
        }
        while let Some((leg, index, node)) = self.anchors.pop_front() {
            self.join(leg, index, node, inputs);
        }
    }

    /// What the primary brought from `first` on has been handed on, and is the row so far.
    fn begin_chain(&mut self, first: u64, inputs: &[History<P>]) {
        let primary = self.primary;
        self.chain = Chain::new();
        self.had.fill(0);
        self.counters = vec![UNKNOWN; PIDS].into();
        self.clock = primary;
        self.passed = None;
        let end = inputs.get(primary).map_or(0, History::end);
        let mut leg = Leg::new();
        leg.offset = self.leg(primary).map_or(0, |leg| leg.offset);
        leg.offset_known = true;
        leg.is_known = true;
        leg.next = end;
        self.legs[primary] = Some(leg);
        for index in first..end {
            let Some(entry) = entry(inputs, primary, index) else {
                continue;
            };
            let mut node = self.node(primary, index, entry);
            node.passed = true;
            self.count(&node.print);
            self.passed = Some(self.chain.append(node));
        }
        let passed = self.passed;
        if let Some(leg) = self.leg_mut(primary) {
            leg.cursor = passed;
        }
    }

    /// Lets an input go. Where only the primary is left it goes on with its own packets.
    pub(super) fn remove(&mut self, input: usize, inputs: &[History<P>]) {
        if input == self.primary || !self.has(input) {
            return;
        }
        let leg = self.legs[input].take();
        self.had[input] = leg.map_or(0, |leg| leg.next);
        self.others -= 1;
        if self.clock == input {
            self.clock = self.primary;
        }
        if self.others > 0 {
            return;
        }
        self.is_settling = self.is_behind();
        if !self.is_settling {
            self.go_alone(inputs);
        }
    }

    /// Whether the primary will come to where the row is already: another that has been let go
    /// was ahead of it, and what that brought must neither come twice nor be forgotten.
    fn is_behind(&self) -> bool {
        let leg = self.leg(self.primary);
        let leg = leg.filter(|leg| leg.strange_since.is_none());
        leg.is_some_and(|leg| leg.cursor.is_some() && leg.cursor != self.chain.last())
    }

    /// Goes on alone once the primary has come to where the row was without it.
    pub(super) fn settle(&mut self, inputs: &[History<P>]) {
        let is_there = || self.leg(self.primary).and_then(|leg| leg.cursor) == self.chain.last();
        if self.is_settling && is_there() {
            self.is_settling = false;
            self.go_alone(inputs);
        }
    }

    /// Only the primary is left.
    fn go_alone(&mut self, inputs: &[History<P>]) {
        let primary = self.primary;
        let Some(leg) = self.leg(primary) else {
            return;
        };
        let (cursor, mut next) = (leg.cursor, leg.next);
        let end = inputs.get(primary).map_or(0, History::end);
        if let Some(cursor) = cursor.filter(|_| !self.has_strange_end()) {
            while let Some(id) = self.next_node() {
                if self.chain.is_before(cursor, id) {
                    break;
                }
                self.hand_on(id, inputs);
            }
        } else {
            self.fresh = true;
            if let Some(leg) = self.leg_mut(primary) {
                leg.offset = 0;
            }
            if cursor.is_none() {
                // All that it brought but the last is of old.
                next = next.max(end.saturating_sub(1));
            }
        }
        self.pass_from(next, inputs);
        self.chain = Chain::new();
        self.anchors.clear();
        self.counters = Box::default();
        self.passed = None;
        self.clock_passed = None;
        if let Some(leg) = self.leg_mut(primary) {
            leg.cursor = None;
        }
    }

    fn pass_from(&mut self, first: u64, inputs: &[History<P>]) {
        let end = inputs.get(self.primary).map_or(0, History::end);
        for index in first..end {
            if let Some(entry) = entry(inputs, self.primary, index) {
                self.hand_on_own(Merged::of(entry, self.primary, entry.due));
            }
        }
    }

    /// The input begins anew, alone. What there was before is handed on first.
    pub(super) fn begin_anew(&mut self, inputs: &[History<P>]) {
        while let Some(id) = self.next_node() {
            self.hand_on(id, inputs);
        }
        let own = self.leg(self.primary).filter(|_| !self.is_plain());
        if let Some(own) = own.filter(|leg| leg.strange_since.is_none()) {
            self.pass_from(own.next, inputs);
        }
        let (ready, hold) = (core::mem::take(&mut self.ready), self.hold);
        *self = Self::new(self.primary, self.legs.len());
        (self.ready, self.hold) = (ready, hold);
    }

    /// Whether a leg is where the row ends, and brings more.
    pub(super) fn is_carried_by(&self, input: usize, now: Instant, inputs: &[History<P>]) -> bool {
        let Some(leg) = self.leg(input) else {
            return false;
        };
        let end = inputs.get(input).map_or(0, History::end);
        leg.cursor.is_some() && leg.next == end && leg.is_alive(now, PATIENCE)
    }

    /// Whether what was handed on goes beyond what the primary had.
    fn has_strange_end(&self) -> bool {
        let cursor = self.leg(self.primary).and_then(|leg| leg.cursor);
        match (cursor, self.passed) {
            (Some(cursor), Some(passed)) => self.chain.is_before(cursor, passed),
            _ => true,
        }
    }
}
