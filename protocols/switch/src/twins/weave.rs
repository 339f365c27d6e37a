//! Where row and leg have different packets between two that both have: which comes first?
//!
//! ```text
//!  row   a  b  .  .  e  f        b and e are the same; between them the row has nothing:
//!  leg   a  b  c  d  e  f        c and d are put in
//!
//!  row   a  b  .  d  e           both have something: the continuity counters tell that c
//!  leg   a  b  c  .  e           is first, and where they do not, the times
//! ```

use super::chain::{Node, NodeId};
use super::clock::Clock;
use super::history::{Entry, History};
use super::lane::{Lane, entry};
use super::print::Print;

/// How far back the last counter of a PID is looked for.
const CONTEXT_PACKETS: usize = 256;
/// How far ahead, and back, a packet is looked for that might stand on both sides.
const LOOK_AHEAD: usize = 32;

/// A packet that is so much later than another comes behind it, whatever counters say, which
/// begin anew every sixteen packets.
const SURELY_LATER_MICROS: i64 = 20_000;

/// Clocks that differ by so much more than the times of their packets contradict each other, however
/// uneven those are; what differs by less is only let go if it does again and again.
const CLOCK_OFF_MICROS: i64 = 15_000;

/// How far packets of a leg are put in their places.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// All of them before this packet of the row.
    Before(NodeId),
    /// Those that come before this packet of the row.
    Preceding(NodeId),
    /// All of them.
    End,
}

impl<P: Clone> Lane<P> {
    /// A leg's packets up to `index`, which is `node`, are put in their places.
    pub(super) fn fill_in(
        &mut self,
        input: usize,
        index: u64,
        node: NodeId,
        inputs: &[History<P>],
    ) {
        let Some((cursor, next)) = self.leg(input).and_then(|it| Some((it.cursor?, it.next)))
        else {
            return;
        };
        // From the end, as far as they are the same.
        let (mut until, mut end) = (node, index);
        while let Some(before) = self.chain.before(until).filter(|it| *it != cursor) {
            let Some(entry) = entry(inputs, input, end.wrapping_sub(1)).filter(|_| end > next)
            else {
                break;
            };
            if !self.chain.get(before).print.is_same(&entry.print) {
                break;
            }
            self.agree(input, entry, before, inputs);
            (until, end) = (before, end - 1);
        }
        self.weave(input, end, Until::Before(until), inputs);
    }

    /// Puts a leg's packets before `end` among those of the row behind its cursor.
    pub(super) fn weave(&mut self, input: usize, end: u64, until: Until, inputs: &[History<P>]) {
        let Some((mut place, mut next)) =
            self.leg(input).and_then(|it| Some((it.cursor?, it.next)))
        else {
            return;
        };
        self.context.clear();
        let mut run = next;
        let (mut ours, mut theirs, mut pid) = (0_u32, 0_u32, 0);
        while next < end {
            let Some(entry) = entry(inputs, input, next) else {
                next += 1;
                run = next;
                continue;
            };
            let after = self.chain.after(place);
            let after = after.filter(|after| !matches!(until, Until::Before(it) if it == *after));
            let Some(after) = after else {
                if matches!(until, Until::Preceding(_)) {
                    break;
                }
                next = end;
                break;
            };
            let node = *self.chain.get(after);
            let is_same = match until {
                Until::Before(_) => node.print.is_same(&entry.print),
                _ => self.is_same(input, entry, after),
            };
            if is_same {
                self.put(input, place, run, next, inputs);
                self.agree(input, entry, after, inputs);
                place = self.step(after);
                next += 1;
                run = next;
            } else if self.is_doubtful(input, entry, &node) {
                place = self.put(input, place, run, next, inputs);
                next += 1;
                run = next;
            } else if self.comes_first(input, next, end, place, after, until, inputs) {
                self.pass_context(&entry.print);
                ours += u32::from(entry.print.pid == node.print.pid);
                pid = entry.print.pid;
                next += 1;
            } else {
                place = self.put(input, place, run, next, inputs);
                run = next;
                if matches!(until, Until::Preceding(it) if it == after) {
                    break;
                }
                theirs += u32::from(entry.print.pid == node.print.pid);
                place = self.step(after);
            }
        }
        place = self.put(input, place, run, next, inputs);
        if let Some(leg) = self.leg_mut(input) {
            if matches!(until, Until::Before(_)) {
                leg.dispute(pid, ours.min(theirs));
            }
            leg.cursor = Some(place);
            leg.next = next;
        }
    }

    fn step(&mut self, after: NodeId) -> NodeId {
        let print = self.chain.get(after).print;
        self.pass_context(&print);
        after
    }

    /// Whether row and leg differ in a PID of which they never had anything in common, or in what
    /// the clock says at one moment: then it stays the row's alone.
    fn is_doubtful(&mut self, input: usize, came: &Entry<P>, node: &Node) -> bool {
        let (ours, theirs) = (&came.print, &node.print);
        let Some(leg) = self.leg(input).filter(|_| ours.pid == theirs.pid) else {
            return false;
        };
        if !leg.knows(ours.pid) {
            return true;
        }
        let Some(lag) = ours.lag_of_clock(theirs) else {
            return false;
        };
        let lag_of_time = node.due.micros_from(leg.due(came.due));
        let off = lag - lag_of_time;
        if !Clock::is_near(off) {
            // Else each may have what the other lacks.
            self.compare_clocks(input, node, false);
        }
        off.abs() > CLOCK_OFF_MICROS
    }

    /// Puts packets `from..to` of a leg behind `place`, unless what is behind it has been handed
    /// on; the new place.
    fn put(
        &mut self,
        input: usize,
        place: NodeId,
        from: u64,
        to: u64,
        inputs: &[History<P>],
    ) -> NodeId {
        if from >= to {
            return place;
        }
        let after = self.chain.after(place);
        if after.is_some_and(|after| self.chain.get(after).passed) {
            let entries = (from..to).filter_map(|index| entry(inputs, input, index));
            let is_there = |entry: &&Entry<P>| {
                self.is_elsewhere(input, entry) || self.is_just_before(input, entry, place)
            };
            let late = entries.filter(|entry| !is_there(entry)).count();
            self.too_late += late as u64;
            return place;
        }
        let mut nodes = core::mem::take(&mut self.nodes);
        for index in from..to {
            if let Some(entry) = entry(inputs, input, index)
                && !self.is_elsewhere(input, entry)
                && (has_pid(&nodes, entry.print.pid) || !self.is_just_before(input, entry, place))
            {
                nodes.push(self.node(input, index, entry));
            }
        }
        let count = nodes.len() as u64;
        if count == 0 {
            self.nodes = nodes;
            return place;
        }
        let last = self.chain.insert(place, count, nodes.drain(..));
        self.nodes = nodes;
        let Some(last) = last else {
            self.too_late += count;
            return place;
        };
        let mut id = self.chain.after(place);
        while let Some(new) = id {
            self.look_for_others(new, input, inputs);
            id = self.chain.after(new).filter(|_| new != last);
        }
        last
    }

    /// Whether the row has a leg's packet as the last of its PID up to `place`, where others may look
    /// the same.
    fn is_just_before(&self, input: usize, came: &Entry<P>, place: NodeId) -> bool {
        let places = core::iter::successors(Some(place), |at| self.chain.before(*at));
        let mut near = places.take(LOOK_AHEAD).filter(|at| {
            let print = &self.chain.get(*at).print;
            print.pid == came.print.pid && print.counts
        });
        let last = near.next().filter(|_| came.print.counts);
        last.is_some_and(|last| {
            self.chain.get(last).print.hash == came.print.hash && self.is_near(input, came, last)
        })
    }

    /// Whether a leg's packet `next` comes before `after`, which the row has behind `place`.
    #[expect(
        clippy::too_many_arguments,
        reason = "both sides, each with its bounds"
    )]
    fn comes_first(
        &mut self,
        input: usize,
        next: u64,
        end: u64,
        place: NodeId,
        after: NodeId,
        until: Until,
        inputs: &[History<P>],
    ) -> bool {
        let (Some(entry), Some(leg)) = (entry(inputs, input, next), self.leg(input)) else {
            return false;
        };
        let (ours, theirs) = (entry.print, self.chain.get(after).print);
        let later = leg.due(entry.due).micros_from(self.chain.get(after).due);
        let earlier = later < 0;
        if later.abs() > SURELY_LATER_MICROS {
            return earlier;
        }
        let our_last = self.last_counter(place, ours.pid);
        if let Some(lag) = ours.lag_of_clock(&theirs) {
            return lag > 0;
        }
        if ours.pid == theirs.pid {
            let steps = |print: &Print| our_last.map(|last| print.steps_from(last));
            return match (steps(&ours), steps(&theirs)) {
                (Some(a), Some(b)) if a != b => a < b,
                _ => earlier,
            };
        }
        let their_last = self.last_counter(place, theirs.pid);
        let continues =
            |print: &Print, last: Option<u8>| last.is_none_or(|last| print.continues(last));
        match (continues(&ours, our_last), continues(&theirs, their_last)) {
            (true, false) => true,
            (false, true) => false,
            _ if self.is_ahead(&ours, after, until) => false,
            _ => {
                let ahead = (next + 1..end).take(LOOK_AHEAD);
                let mut ahead = ahead.filter_map(|index| inputs.get(input)?.get(index));
                ahead.any(|entry| entry.print.is_same(&theirs)) || earlier
            }
        }
    }

    fn is_ahead(&self, print: &Print, from: NodeId, until: Until) -> bool {
        let mut place = Some(from);
        for _ in 0..LOOK_AHEAD {
            let Some(id) = place.filter(|id| !matches!(until, Until::Before(it) if it == *id))
            else {
                return false;
            };
            if self.chain.get(id).print.is_same(print) {
                return true;
            }
            place = self.chain.after(id);
        }
        false
    }

    /// The counter of the last packet of a PID up to `place`.
    fn last_counter(&mut self, place: NodeId, pid: u16) -> Option<u8> {
        if let Some((_, counter)) = self.context.iter().find(|(of, _)| *of == pid) {
            return *counter;
        }
        let mut found = None;
        let mut at = Some(place);
        for _ in 0..CONTEXT_PACKETS {
            let Some(id) = at else { break };
            let node = self.chain.get(id);
            if node.print.pid == pid && node.print.counts {
                found = Some(node.print.counter);
                break;
            }
            at = self.chain.before(id);
        }
        self.context.push((pid, found));
        found
    }

    /// The next packet is this one.
    fn pass_context(&mut self, print: &Print) {
        if !print.counts {
            return;
        }
        let counter = Some(print.counter);
        match self.context.iter_mut().find(|(pid, _)| *pid == print.pid) {
            Some(known) => known.1 = counter,
            None => self.context.push((print.pid, counter)),
        }
    }
}

fn has_pid(nodes: &[Node], pid: u16) -> bool {
    let mut nodes = nodes.iter().rev().take(LOOK_AHEAD);
    nodes.any(|node| node.print.pid == pid)
}
