//! One input's row of packets, with what its twins have of it.

use super::chain::{Chain, Node, NodeId};
use super::history::{Entry, History};
use super::leg::Leg;
use super::print::Print;
use super::{Merged, PATIENCE};
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

pub(super) const UNKNOWN: u8 = u8::MAX;
/// A packet that fits a leg's times so well needs no other sign that it is the same.
const LIKELY_WITHIN: Duration = Duration::from_millis(150);
/// The same for packets of which there are many, like tables.
const SAME_WITHIN: Duration = Duration::from_millis(20);
/// So many in a row have to be the same of a leg that comes back, which tables are not.
const LIKELY_RUN: usize = 4;
/// So many where what was before speaks against it.
const SURE_RUN: usize = 12;
/// Packets that both have and the other has not, which speak against it.
const LONG_CONFLICT: u64 = 32;

/// A row that several inputs fill. Each input has one; another takes it over where they are
/// twins and change places.
#[derive(Clone, Debug)]
pub(super) struct Lane<P> {
    pub(super) primary: usize,
    /// By number of input.
    pub(super) legs: Vec<Option<Leg>>,
    /// Legs besides the primary's own.
    pub(super) others: usize,
    /// Up to which packet of each input the row had what it brought, when that was let go.
    pub(super) had: Box<[u64]>,
    /// There is no other leg any more, but one was ahead, and the primary is not there yet.
    pub(super) is_settling: bool,
    pub(super) chain: Chain,
    /// The leg whose times the row has.
    pub(super) clock: usize,
    /// The last packet that was handed on.
    pub(super) passed: Option<NodeId>,
    /// The last packet handed on that has nothing but a clock reference, and its leg.
    pub(super) clock_passed: Option<(Print, u8)>,
    /// The last counter of each PID that was handed on.
    pub(super) counters: Box<[u8]>,
    pub(super) hold: Duration,
    pub(super) ready: VecDeque<Merged<P>>,
    pub(super) fresh: bool,
    /// Any packet that only fills.
    pub(super) fill: Option<P>,
    /// Packets that a leg brought when what follows them had been handed on.
    pub(super) too_late: u64,
    /// What was found to be the same while packets were put in their places or handed on: looked
    /// at when the next packet comes.
    pub(super) anchors: VecDeque<(usize, u64, NodeId)>,
    /// Scratch of [`weave`](super::weave).
    pub(super) context: Vec<(u16, Option<u8>)>,
    pub(super) nodes: Vec<Node>,
}

impl<P: Clone> Lane<P> {
    pub(super) fn new(primary: usize, inputs: usize) -> Self {
        let mut legs: Vec<_> = (0..inputs).map(|_| None).collect();
        if let Some(leg) = legs.get_mut(primary) {
            *leg = Some(Leg::new());
        }
        Self {
            primary,
            legs,
            others: 0,
            had: vec![0; inputs].into(),
            is_settling: false,
            chain: Chain::new(),
            clock: primary,
            passed: None,
            clock_passed: None,
            counters: Box::default(),
            hold: Duration::ZERO,
            ready: VecDeque::new(),
            fresh: false,
            fill: None,
            too_late: 0,
            anchors: VecDeque::new(),
            context: Vec::new(),
            nodes: Vec::new(),
        }
    }

    pub(super) fn has(&self, input: usize) -> bool {
        self.leg(input).is_some()
    }

    /// Whether there is nobody but the input itself, and nothing but its own packets.
    pub(super) fn is_plain(&self) -> bool {
        self.others == 0 && !self.is_settling
    }

    pub(super) fn leg(&self, input: usize) -> Option<&Leg> {
        self.legs.get(input)?.as_ref()
    }

    pub(super) fn leg_mut(&mut self, input: usize) -> Option<&mut Leg> {
        self.legs.get_mut(input)?.as_mut()
    }

    /// An input has brought packet `index`.
    pub(super) fn came(
        &mut self,
        now: Instant,
        input: usize,
        index: u64,
        lost_before: u64,
        inputs: &[History<P>],
    ) {
        let Some(entry) = entry(inputs, input, index) else {
            return;
        };
        if self.is_plain() {
            self.hand_on_own(Merged {
                lost_before,
                ..Merged::of(entry, input, entry.due)
            });
            return;
        }
        let Some(leg) = self.leg_mut(input) else {
            return;
        };
        leg.note(now);
        let is_next = leg.cursor.is_some() && leg.next == index;
        if !is_next || !self.follow(input, inputs) {
            self.search(now, input, index, inputs);
        }
        while let Some((leg, index, node)) = self.anchors.pop_front() {
            self.join(leg, index, node, inputs);
        }
        while let Some(gone) = self.chain.forget(now) {
            for leg in self.legs.iter_mut().flatten() {
                leg.cursor = leg.cursor.filter(|cursor| *cursor != gone);
            }
        }
        self.settle(inputs);
    }

    /// Hands a packet of the only input on that there is.
    pub(super) fn hand_on_own(&mut self, mut merged: Merged<P>) {
        (merged.due, merged.fresh) = self.pass(merged.from, merged.arrived, merged.due);
        self.ready.push_back(merged);
    }

    /// A packet of the only input that there is: when it is due, and whether it does not go on
    /// from what was before.
    pub(super) fn pass(&mut self, input: usize, arrived: Instant, due: Instant) -> (Instant, bool) {
        self.keep_up(input, arrived, due);
        let due = self.leg(input).map_or(due, |leg| leg.due(due));
        (due, core::mem::take(&mut self.fresh))
    }

    /// Puts packets of a leg in their places as long as they are what the row has, or go on
    /// where it ends; whether that was all of them.
    fn follow(&mut self, input: usize, inputs: &[History<P>]) -> bool {
        while let Some((cursor, next)) = self.leg(input).and_then(|it| Some((it.cursor?, it.next)))
        {
            let Some(entry) = entry(inputs, input, next) else {
                return true;
            };
            let node = match self.chain.after(cursor) {
                None => {
                    if input == self.clock {
                        self.keep_up(input, entry.arrived, entry.due);
                    }
                    let node = self.node(input, next, entry);
                    let node = self.chain.append(node);
                    self.look_for_others(node, input, inputs);
                    node
                }
                Some(node) if self.is_same(input, entry, node) => {
                    self.agree(input, entry, node, inputs);
                    node
                }
                Some(_) => return false,
            };
            if let Some(leg) = self.leg_mut(input) {
                leg.cursor = Some(node);
                leg.next = next + 1;
                leg.strange_since = None;
            }
        }
        false
    }

    /// A leg that took over the row's times from one that was earlier, and brings packets when
    /// it is too late for those times, falls back towards its own.
    fn keep_up(&mut self, input: usize, arrived: Instant, due: Instant) {
        let hold = self.hold;
        if let Some(leg) = self.leg_mut(input).filter(|leg| leg.offset < 0) {
            let late = arrived.micros_from(leg.due(due) + hold);
            leg.offset = (leg.offset + late.max(0)).min(0);
        }
    }

    /// Looks for a packet whose place is not known in the row.
    fn search(&mut self, now: Instant, input: usize, index: u64, inputs: &[History<P>]) {
        let history = &inputs[input];
        let found = entry(inputs, input, index)
            .filter(|_| !history.is_repeated(index))
            .and_then(|entry| self.chain.find_only(entry.print.hash));
        if let Some(node) = found {
            self.anchors.push_back((input, index, node));
            return;
        }
        let others = |(at, leg): (usize, &Option<Leg>)| {
            at != input && leg.as_ref().is_some_and(|leg| leg.is_alive(now, PATIENCE))
        };
        let alone = !self.legs.iter().enumerate().any(others);
        if let Some(leg) = self.leg_mut(input).filter(|_| !alone) {
            leg.strange_since.get_or_insert(now);
        }
    }

    /// A new packet of the row may be what shows another leg its place.
    pub(super) fn look_for_others(&mut self, id: NodeId, but: usize, inputs: &[History<P>]) {
        let node = *self.chain.get(id);
        if self.chain.is_repeated(id) {
            return;
        }
        for (input, leg) in self.legs.iter().enumerate() {
            let (Some(leg), Some(history)) = (leg, inputs.get(input)) else {
                continue;
            };
            if input == but || leg.cursor.is_some() && leg.next >= history.end() {
                continue;
            }
            if let Some(index) = history.find_only(node.print.hash) {
                self.anchors.push_back((input, index, id));
            }
        }
    }

    /// Packet `index` of a leg is `node` of the row: puts everything before it in its place and
    /// goes on behind it.
    pub(super) fn join(&mut self, input: usize, index: u64, node: NodeId, inputs: &[History<P>]) {
        let Some(leg) = self.leg(input) else {
            return;
        };
        if !self.is_likely(leg, input, index, node, inputs) {
            return;
        }
        if index < leg.next {
            return;
        }
        match leg.cursor {
            Some(cursor) if !self.chain.is_before(cursor, node) => return,
            Some(_) => self.fill_in(input, index, node, inputs),
            None => {}
        }
        if let Some(entry) = entry(inputs, input, index) {
            self.agree(input, entry, node, inputs);
        }
        if let Some(leg) = self.leg_mut(input) {
            leg.cursor = Some(node);
            leg.next = index + 1;
        }
        self.follow(input, inputs);
    }

    /// Whether a leg's packet is that of the row. One of many that look the same must have its
    /// time too.
    pub(super) fn is_same(&self, input: usize, came: &Entry<P>, id: NodeId) -> bool {
        let node = self.chain.get(id);
        if !node.print.is_same(&came.print) {
            return false;
        }
        let Some(leg) = self.leg(input).filter(|leg| leg.offset_known) else {
            return true;
        };
        let late = leg.due(came.due).micros_from(node.due).unsigned_abs();
        !self.chain.is_repeated(id) || late < SAME_WITHIN.as_micros() as u64
    }

    /// Whether the row has a leg's packet already, where another leg had it in another order.
    pub(super) fn is_elsewhere(&self, input: usize, came: &Entry<P>) -> bool {
        let found = self.chain.find_only(came.print.hash);
        found.is_some_and(|id| self.is_near(input, came, id))
    }

    /// Whether a leg's packet is due when that of the row is.
    pub(super) fn is_near(&self, input: usize, came: &Entry<P>, id: NodeId) -> bool {
        let leg = self.leg(input).filter(|leg| leg.offset_known);
        leg.is_some_and(|leg| {
            let late = leg.due(came.due).micros_from(self.chain.get(id).due);
            late.unsigned_abs() < SAME_WITHIN.as_micros() as u64
        })
    }

    /// Whether what looks the same is the same, and not a table that comes again: its time
    /// fits, and so do its neighbours.
    fn is_likely(
        &self,
        leg: &Leg,
        input: usize,
        index: u64,
        node: NodeId,
        inputs: &[History<P>],
    ) -> bool {
        let Some(came) = entry(inputs, input, index) else {
            return false;
        };
        let late = leg.due(came.due).micros_from(self.chain.get(node).due);
        let fits = !leg.offset_known || late.unsigned_abs() < LIKELY_WITHIN.as_micros() as u64;
        if !fits {
            // It comes later or earlier than before: it has to be recognised anew.
            return false;
        }
        let run = if self.is_long_conflict(leg, index, node) {
            SURE_RUN
        } else if leg.is_known {
            1
        } else {
            LIKELY_RUN
        };
        let (mut place, mut index) = (Some(node), Some(index));
        (0..run).all(|_| {
            let same = place.zip(index).is_some_and(|(place, index)| {
                let entry = entry(inputs, input, index);
                entry.is_some_and(|it| it.print.is_same(&self.chain.get(place).print))
            });
            place = place.and_then(|place| self.chain.before(place));
            index = index.and_then(|index| index.checked_sub(1));
            same
        })
    }

    /// Whether both, leg and row, have much that the other has not before it.
    fn is_long_conflict(&self, leg: &Leg, index: u64, node: NodeId) -> bool {
        if leg.cursor.is_none() || index.saturating_sub(leg.next) < LONG_CONFLICT {
            return false;
        }
        let mut place = leg.cursor;
        for _ in 0..LONG_CONFLICT {
            place = place.and_then(|place| self.chain.after(place));
        }
        place.is_some_and(|place| self.chain.is_before(place, node))
    }

    pub(super) fn agree(
        &mut self,
        input: usize,
        came: &Entry<P>,
        id: NodeId,
        inputs: &[History<P>],
    ) {
        let node = *self.chain.get(id);
        let provider = usize::from(node.leg);
        let clock = self.clock;
        let is_repeated = self.chain.is_repeated(id);
        if let (Some(ours), Some(theirs)) = (came.print.clock, node.print.clock) {
            self.compare_clocks(input, &node, ours.is_near_to(theirs));
        }
        let Some(leg) = self.leg_mut(input) else {
            return;
        };
        leg.agree(came.print.pid);
        if provider != input
            && let Some(other) = self.leg_mut(provider)
        {
            other.agree(came.print.pid);
        }
        let Some(leg) = self.leg_mut(input) else {
            return;
        };
        if is_repeated {
            return;
        }
        if input != clock {
            leg.learn_offset(node.due.micros_from(came.due));
        } else if provider != clock
            && let Some(brought) = entry(inputs, provider, node.index)
        {
            let should = leg.due(came.due).micros_from(brought.due);
            if let Some(other) = self.leg_mut(provider) {
                other.learn_offset(should);
            }
        }
    }

    /// A leg and the row both have a clock reference where `node` is. It is never the lane's own
    /// input that is off.
    pub(super) fn compare_clocks(&mut self, input: usize, node: &Node, is_near: bool) {
        let other = if input == self.primary {
            usize::from(node.leg)
        } else {
            input
        };
        if other != self.primary
            && let Some(leg) = self.leg_mut(other)
        {
            leg.compare_clocks(is_near);
        }
    }

    pub(super) fn node(&self, input: usize, index: u64, entry: &Entry<P>) -> Node {
        let due = self.leg(input).map_or(entry.due, |leg| leg.due(entry.due));
        Node::new(entry.print, due, entry.arrived, input as u8, index)
    }
}

pub(super) fn entry<P>(inputs: &[History<P>], input: usize, index: u64) -> Option<&Entry<P>> {
    inputs.get(input)?.get(index)
}
