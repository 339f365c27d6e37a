//! Handing the row on: as soon as nobody can bring anything in front of the next packet, at the
//! latest when that packet has to go.
//!
//! ```text
//!   handed on ─┬─► next ── next ── …       is every leg that is alive here or beyond?
//!              │                             yes: hand on
//!    leg that lags or has others             no:  wait, until `due + hold` is near
//! ```

use super::chain::{Node, NodeId};
use super::history::History;
use super::lane::{Lane, UNKNOWN, entry};
use super::leg::Leg;
use super::print::Print;
use super::weave::Until;
use super::{HISTORY_PACKETS, MARGIN, Merged, PATIENCE, SEARCH, URGENT};
use tidegate_units::{Duration, Instant};

/// Where the row has come to its end although legs are alive: for so long it may be that what
/// goes on from it is only a little late.
const GRACE: Duration = Duration::from_millis(30);

impl<P: Clone> Lane<P> {
    /// The next packet that has not been handed on.
    pub(super) fn next_node(&self) -> Option<NodeId> {
        match self.passed {
            Some(passed) => self.chain.after(passed),
            None => self.chain.first(),
        }
    }

    /// Hands on what can be handed on at `now`.
    pub(super) fn pump(&mut self, now: Instant, inputs: &[History<P>]) {
        self.settle(inputs);
        if self.is_plain() {
            return;
        }
        self.change_clock(now);
        loop {
            let Some(next) = self.next_node() else {
                if self.go_on_with_others(now, inputs) {
                    continue;
                }
                return;
            };
            if self.is_awaited(next, now) && now < self.deadline(next) {
                return;
            }
            self.prefer_others(next, now, inputs);
            let Some(next) = self.next_node() else {
                return;
            };
            self.hand_on(next, inputs);
        }
    }

    /// When something has to be handed on whatever is missing.
    pub(super) fn next_deadline(&self, inputs: &[History<P>]) -> Option<Instant> {
        if self.is_plain() {
            return None;
        }
        if let Some(next) = self.next_node() {
            return Some(self.deadline(next));
        }
        let legs = self.legs.iter().enumerate();
        legs.filter_map(|(input, leg)| {
            let leg = leg.as_ref()?;
            let entry = entry(inputs, input, leg.next)?;
            Some(leg.due(entry.due) + self.hold + GRACE)
        })
        .min()
    }

    /// Whether a leg may still bring something in front of `next`; one that has been silent for
    /// long will not.
    fn is_awaited(&self, next: NodeId, now: Instant) -> bool {
        let may_come = |leg: &Leg| {
            let behind = |cursor| self.chain.is_before(cursor, next);
            leg.cursor.is_none_or(behind) && leg.is_alive(now, SEARCH)
        };
        self.chain.len() < HISTORY_PACKETS && self.legs.iter().flatten().any(may_come)
    }

    /// A packet behind a hole waits as long as it can; others leave time for what follows to
    /// find its whole unit.
    fn deadline(&self, next: NodeId) -> Instant {
        let node = self.chain.get(next);
        let room = if self.is_hole(&node.print) {
            URGENT
        } else {
            MARGIN
        };
        let due = (node.due + self.hold).min(node.came + SEARCH / 2);
        due.offset_micros(-(room.as_micros() as i64))
    }

    fn is_hole(&self, print: &Print) -> bool {
        let last = self.counters.get(usize::from(print.pid));
        let last = last.copied().unwrap_or(UNKNOWN);
        print.counts
            && !print.may_jump
            && last != UNKNOWN
            && last != print.counter
            && !print.continues(last)
    }

    /// Time is up: what other legs have in front of `next`, as far as can be told, comes first.
    fn prefer_others(&mut self, next: NodeId, now: Instant, inputs: &[History<P>]) {
        for input in 0..self.legs.len() {
            let Some(leg) = self.leg(input) else { continue };
            let behind = leg
                .cursor
                .is_some_and(|cursor| self.chain.is_before(cursor, next));
            let end = inputs.get(input).map_or(0, History::end);
            if behind && leg.next < end && leg.is_trusted(now) {
                self.weave(input, end, Until::Preceding(next), inputs);
            }
        }
    }

    /// The row has come to its end; a leg that had lost its way or comes back may have more.
    fn go_on_with_others(&mut self, now: Instant, inputs: &[History<P>]) -> bool {
        let Some(last) = self.chain.last() else {
            return false;
        };
        for input in 0..self.legs.len() {
            let end = inputs.get(input).map_or(0, History::end);
            let others_are_gone = || {
                let mut legs = self.legs.iter().enumerate();
                !legs.any(|(at, leg)| {
                    let leg = leg.as_ref();
                    at != input
                        && leg
                            .is_some_and(|leg| leg.cursor.is_some() && leg.is_alive(now, PATIENCE))
                })
            };
            let Some(leg) = self.leg(input) else { continue };
            let is_time = |index| {
                let entry = entry(inputs, input, index);
                entry.is_some_and(|it| now >= leg.due(it.due) + self.hold + GRACE)
            };
            if leg.cursor.is_some() {
                let may_go_on = leg.is_trusted(now) && is_time(leg.next);
                if leg.next < end && (may_go_on || others_are_gone()) {
                    self.weave(input, end, Until::End, inputs);
                    if self.chain.last() != Some(last) {
                        return true;
                    }
                }
                continue;
            }
            let Some(first) = self.first_later(input, last, inputs) else {
                continue;
            };
            if is_time(first) && others_are_gone() {
                if let Some(leg) = self.leg_mut(input) {
                    leg.cursor = Some(last);
                    leg.next = first;
                }
                self.weave(input, end, Until::End, inputs);
                return self.chain.last() != Some(last);
            }
        }
        false
    }

    /// The first packet of a leg whose time is behind the row's end: what may be told where
    /// both have nothing in common, because one ended before the other came back.
    fn first_later(&self, input: usize, last: NodeId, inputs: &[History<P>]) -> Option<u64> {
        let (history, leg) = (inputs.get(input)?, self.leg(input)?);
        let last = self.chain.get(last);
        let mut first = None;
        let mut index = history.end();
        while index > history.first().max(leg.next) {
            index -= 1;
            let entry = history.get(index)?;
            if leg.offset_known && leg.due(entry.due) <= last.due || entry.arrived < last.came {
                break;
            }
            first = Some(index);
        }
        first
    }

    pub(super) fn hand_on(&mut self, id: NodeId, inputs: &[History<P>]) {
        let node = *self.chain.get(id);
        self.chain.get_mut(id).passed = true;
        self.passed = Some(id);
        let lost = self.is_hole(&node.print);
        self.count(&node.print);
        let input = usize::from(node.leg);
        if self.has_passed_clock(&node) {
            return;
        }
        // Not there only if it waited longer than the search window.
        let Some(entry) = entry(inputs, input, node.index) else {
            return;
        };
        let mut merged = Merged::of(entry, input, node.due);
        merged.fresh = core::mem::take(&mut self.fresh);
        merged.lost_before = u64::from(lost);
        self.ready.push_back(merged);
        for _ in 0..node.fill {
            self.ready.extend(self.fill.clone().map(|packet| Merged {
                packet,
                arrived: node.came,
                due: node.due,
                from: input,
                lost_before: 0,
                fresh: false,
            }));
        }
    }

    /// Whether a packet is but a clock reference that another leg had in another place, before or
    /// behind a packet of another PID.
    fn has_passed_clock(&mut self, node: &Node) -> bool {
        if node.print.counts || node.print.clock.is_none() {
            return false;
        }
        let last = self.clock_passed.as_ref();
        let has_passed =
            last.is_some_and(|(print, leg)| *leg != node.leg && print.is_same(&node.print));
        if !has_passed {
            self.clock_passed = Some((node.print, node.leg));
        }
        has_passed
    }

    pub(super) fn count(&mut self, print: &Print) {
        if let Some(slot) = self.counters.get_mut(usize::from(print.pid))
            && print.counts
        {
            *slot = print.counter;
        }
    }

    /// A packet that only fills: it keeps its place behind what its leg brought, if that leg
    /// brought it first.
    pub(super) fn fill(
        &mut self,
        input: usize,
        packet: &P,
        (arrived, due): (Instant, Instant),
        lost_before: u64,
    ) {
        let merged = |due, lost_before| Merged {
            packet: packet.clone(),
            arrived,
            due,
            from: input,
            lost_before,
            fresh: false,
        };
        let Some(leg) = self.leg(input) else { return };
        if self.is_plain() {
            self.hand_on_own(merged(due, lost_before));
            return;
        }
        let due = leg.due(due);
        let Some(cursor) = leg.cursor else { return };
        let node = self.chain.get_mut(cursor);
        if usize::from(node.leg) != input {
            return;
        }
        if !node.passed {
            node.fill = node.fill.saturating_add(1);
            // Not the first one: it stands for others only as long as they are remembered.
            self.fill = Some(packet.clone());
        } else if self.passed == Some(cursor) {
            self.ready.push_back(merged(due, 0));
        }
    }

    /// The times of a leg that is gone are kept by one that is there.
    fn change_clock(&mut self, now: Instant) {
        let keeps = |input| {
            self.leg(input)
                .is_some_and(|leg| leg.cursor.is_some() && leg.is_alive(now, PATIENCE))
        };
        if keeps(self.clock) {
            return;
        }
        if let Some(other) = (0..self.legs.len()).find(|input| keeps(*input)) {
            self.clock = other;
        }
    }
}
