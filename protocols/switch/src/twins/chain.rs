//! One row of packets, put together from what several inputs bring of it.

use super::history::Table;
use super::print::Print;
use super::{HISTORY_PACKETS, SEARCH};
use tidegate_units::Instant;

/// How far apart two labels are, so that many find room between them.
const LABEL_STEP: u64 = 1 << 40;
/// Labels begin anew from here.
const LAST_LABEL: u64 = 1 << 63;

/// A place in a [`Chain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// One packet of the row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) print: Print,
    pub(super) due: Instant,
    /// When the first input brought it.
    pub(super) came: Instant,
    /// Which leg that was, and the packet's number there.
    pub(super) leg: u8,
    pub(super) index: u64,
    /// Packets that only fill, which followed it there.
    pub(super) fill: u16,
    /// It has been handed on.
    pub(super) passed: bool,
    repeated: bool,
    /// Rises along the row.
    label: u64,
    before: Option<NodeId>,
    after: Option<NodeId>,
}

impl Node {
    pub(super) const fn new(
        print: Print,
        due: Instant,
        came: Instant,
        leg: u8,
        index: u64,
    ) -> Self {
        Self {
            print,
            due,
            came,
            leg,
            index,
            fill: 0,
            passed: false,
            repeated: false,
            label: 0,
            before: None,
            after: None,
        }
    }
}

/// A linked row in one piece of memory. Names of nodes stay valid until they are forgotten,
/// which happens at the front alone.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    first: Option<NodeId>,
    last: Option<NodeId>,
    table: Table,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: Vec::new(),
            first: None,
            last: None,
            table: Table::default(),
        }
    }

    pub(super) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    pub(super) const fn first(&self) -> Option<NodeId> {
        self.first
    }

    pub(super) const fn last(&self) -> Option<NodeId> {
        self.last
    }

    pub(super) fn after(&self, id: NodeId) -> Option<NodeId> {
        self.get(id).after
    }

    pub(super) fn before(&self, id: NodeId) -> Option<NodeId> {
        self.get(id).before
    }

    /// Whether `a` stands before `b`.
    pub(super) fn is_before(&self, a: NodeId, b: NodeId) -> bool {
        self.get(a).label < self.get(b).label
    }

    /// The only packet of the row that looks so.
    pub(super) fn find_only(&self, hash: u64) -> Option<NodeId> {
        let id = NodeId(self.table.get(hash));
        let node = self.nodes.get(id.0 as usize)?;
        (node.print.hash == hash && !node.repeated).then_some(id)
    }

    pub(super) fn is_repeated(&self, id: NodeId) -> bool {
        self.get(id).repeated
    }

    pub(super) fn append(&mut self, node: Node) -> NodeId {
        let mut label = self.last.map_or(0, |last| self.get(last).label);
        if label >= LAST_LABEL {
            label = self.label_anew();
        }
        self.link(node, label + LABEL_STEP, self.last)
    }

    /// Puts `nodes`, `count` of them, behind `before`; the last of them. None fits where the
    /// labels leave no room, which takes dozens of insertions at the same place.
    pub(super) fn insert(
        &mut self,
        before: NodeId,
        count: u64,
        nodes: impl Iterator<Item = Node>,
    ) -> Option<NodeId> {
        let Some(after) = self.after(before) else {
            return nodes.map(|node| self.append(node)).last();
        };
        let mut label = self.get(before).label;
        let step = (self.get(after).label - label) / (count + 1);
        if step == 0 {
            return None;
        }
        let mut place = before;
        for node in nodes.take(usize::try_from(count).unwrap_or(usize::MAX)) {
            label += step;
            place = self.link(node, label, Some(place));
        }
        Some(place)
    }

    fn link(&mut self, mut node: Node, label: u64, before: Option<NodeId>) -> NodeId {
        let hash = node.print.hash;
        let after = before.map_or(self.first, |before| self.get(before).after);
        node.label = label;
        node.before = before;
        node.after = after;
        let twin = NodeId(self.table.get(hash));
        let twin = self.nodes.get_mut(twin.0 as usize);
        if let Some(twin) = twin.filter(|twin| twin.print.hash == hash) {
            twin.repeated = true;
            node.repeated = true;
        }
        let id = self.free.pop().unwrap_or(NodeId(self.nodes.len() as u32));
        match self.nodes.get_mut(id.0 as usize) {
            Some(place) => *place = node,
            None => self.nodes.push(node),
        }
        self.table.put(hash, id.0);
        match before {
            Some(before) => self.get_mut(before).after = Some(id),
            None => self.first = Some(id),
        }
        match after {
            Some(after) => self.get_mut(after).before = Some(id),
            None => self.last = Some(id),
        }
        id
    }

    /// Takes the first packet off if it has been handed on and is older than the search window
    /// or there is no more room. Never the last.
    pub(super) fn forget(&mut self, now: Instant) -> Option<NodeId> {
        let id = self.first?;
        let node = self.get(id);
        let old = now > node.came + SEARCH || self.len() >= HISTORY_PACKETS;
        let after = node.after.filter(|_| node.passed && old)?;
        if !self.get(after).passed {
            return None;
        }
        self.first = Some(after);
        self.get_mut(after).before = None;
        // Nothing looks like what is forgotten.
        self.get_mut(id).print.hash = !self.get(id).print.hash;
        self.free.push(id);
        Some(id)
    }

    /// Takes the last packet off, unless it is the only one; whether it did.
    pub(super) fn drop_last(&mut self) -> bool {
        let Some((last, before)) = self.last.and_then(|last| Some((last, self.before(last)?)))
        else {
            return false;
        };
        self.last = Some(before);
        self.get_mut(before).after = None;
        self.get_mut(last).print.hash = !self.get(last).print.hash;
        self.free.push(last);
        true
    }

    /// Numbers the row from its beginning, once in ever so many packets.
    fn label_anew(&mut self) -> u64 {
        let (mut label, mut place) = (0, self.first);
        while let Some(id) = place {
            label += LABEL_STEP;
            let node = self.get_mut(id);
            node.label = label;
            place = node.after;
        }
        label
    }
}
