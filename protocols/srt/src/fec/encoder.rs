use super::body::FecBody;
use super::clip::Clip;
use super::geometry::{Geometry, Group, Line};
use super::negotiation::PacketFilter;
use crate::wire::{DataHeader, DataKey, MessageNumber, SequenceNumber, SocketId, Timestamp};

/// Makes the FEC packets of what is sent.
///
/// Every group is summed up while its packets leave; behind the last one its FEC packet is
/// ready. A group of which a packet never left has none.
#[derive(Debug)]
pub struct Encoder {
    geometry: Geometry,
    /// The index of the connection's first packet.
    first: u64,
    /// The longest payload there can be, its authentication tag included.
    room_bytes: usize,
    row: Sum,
    /// One for each column: its next group begins behind the end of the one before.
    columns: Vec<Sum>,
    ready: [Option<Group>; 2],
    key: DataKey,
}

/// The group that is being summed up.
#[derive(Debug, Default)]
struct Sum {
    /// Its first packet; with `packets` zero it is none yet.
    first: u64,
    packets: u64,
    clip: Clip,
}

impl Encoder {
    /// For packets from index `first` on, of at most `room_bytes` each.
    #[must_use]
    pub fn new(filter: &PacketFilter, first: u64, room_bytes: usize) -> Self {
        let geometry = Geometry::new(filter);
        let columns = if geometry.has_columns {
            geometry.columns()
        } else {
            0
        };
        Self {
            geometry,
            first,
            room_bytes,
            row: Sum::default(),
            columns: (0..columns).map(|_| Sum::default()).collect(),
            ready: [None; 2],
            key: DataKey::Clear,
        }
    }

    /// A packet leaves for the first time, its payload as it is on the wire.
    ///
    /// FEC packets that are ready have to leave before: the sums are used again.
    pub fn on_sent(&mut self, index: u64, header: &DataHeader, payload: &[u8]) {
        let Some(offset) = index.checked_sub(self.first) else {
            return;
        };
        self.key = header.key;
        self.ready = [None; 2];
        for group in self.geometry.groups_of(offset) {
            let room_bytes = self.room_bytes;
            let Some(sum) = self.sum_mut(group.line) else {
                continue;
            };
            sum.add(&group, header, payload, room_bytes);
            if sum.packets == group.length {
                // As libsrt does, a column's leaves before the row's.
                let place = usize::from(group.line == Line::Row);
                self.ready[place] = Some(group);
            }
        }
    }

    /// Whether a FEC packet is ready to be sent.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.iter().any(Option::is_some)
    }

    /// How many bytes the next FEC packet has, without its header.
    #[must_use]
    pub fn ready_bytes(&self) -> Option<usize> {
        self.next_body().map(|(_, body)| body.wire_bytes())
    }

    /// Writes the next FEC packet, header and all, into `out`.
    pub fn emit(&self, destination: SocketId, out: &mut [u8]) {
        let Some((group, body)) = self.next_body() else {
            return;
        };
        let sequence = SequenceNumber::from_index(self.first + group.last());
        let stamp = Timestamp::new(self.timestamp(group.line));
        let mut header = DataHeader::live(sequence, MessageNumber::NONE, stamp, destination);
        header.key = self.key;
        let (head, rest) = out.split_at_mut(DataHeader::BYTES);
        header.emit(head);
        body.emit(rest);
    }

    /// The next FEC packet left.
    pub fn on_emitted(&mut self) {
        if let Some(ready) = self.ready.iter_mut().find(|ready| ready.is_some()) {
            *ready = None;
        }
    }

    fn next_body(&self) -> Option<(Group, FecBody<'_>)> {
        let group = self.ready.iter().flatten().next()?;
        let clip = &self.sum(group.line)?.clip;
        let body = FecBody {
            line: group.line,
            flags: clip.flags,
            length: clip.length,
            payload: clip.payload(),
        };
        Some((*group, body))
    }

    fn timestamp(&self, line: Line) -> u32 {
        self.sum(line).map_or(0, |sum| sum.clip.timestamp)
    }

    fn sum(&self, line: Line) -> Option<&Sum> {
        match line {
            Line::Row => Some(&self.row),
            Line::Column(column) => self.columns.get(usize::from(column)),
        }
    }

    fn sum_mut(&mut self, line: Line) -> Option<&mut Sum> {
        match line {
            Line::Row => Some(&mut self.row),
            Line::Column(column) => self.columns.get_mut(usize::from(column)),
        }
    }
}

impl Sum {
    fn add(&mut self, group: &Group, header: &DataHeader, payload: &[u8], room_bytes: usize) {
        if self.packets == 0 || self.first != group.first || self.packets >= group.length {
            self.first = group.first;
            self.packets = 0;
            self.clip.clear();
        }
        self.packets += 1;
        self.clip.add(header, payload, room_bytes);
    }
}
