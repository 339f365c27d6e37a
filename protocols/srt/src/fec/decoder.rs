use super::body::FecBody;
use super::geometry::{Geometry, Group, Line};
use super::negotiation::PacketFilter;
use super::seen::Seen;
use super::sums::{Sum, Sums};
use crate::wire::{Boundary, DataHeader, MessageNumber, SequenceNumber, Timestamp};

/// Matrices the decoder reaches back: one that fills, and two that late packets, or those
/// that were asked for again, may still complete.
const WINDOW_MATRICES: u64 = 3;
/// A window of small groups reaches back so far at least.
const MIN_WINDOW_PACKETS: u64 = 128;
/// FEC packets of groups that end further ahead of the newest data packet than a matrix and
/// this are not believed: they would move the window away from the data.
const MAX_AHEAD_PACKETS: u64 = MIN_WINDOW_PACKETS / 2;
/// A gap of more rows than this, and of more than the least window, is given up at once: no
/// column can rebuild more than a row at either edge of it.
const HOPELESS_ROWS: u64 = 3;

/// Rebuilds lost packets from FEC packets.
///
/// ```text
///   packet ─▶ sums of its row and its column
///                 │ one packet missing, FEC packet here
///                 ▼
///             rebuilt ─▶ sum of the other line ─▶ perhaps the next one …
///                 │ refused
///                 ▼
///             missing, as before
/// ```
#[derive(Debug)]
pub struct Decoder {
    geometry: Geometry,
    /// The index of the connection's first packet.
    first: u64,
    /// Longer packets are none of a filter's.
    room_bytes: usize,
    seen: Seen,
    rows: Sums,
    row_places: u64,
    columns: Sums,
    column_places: u64,
    /// Groups a packet was added to since they were last looked at.
    touched: [Option<Group>; 2],
    /// A packet that came, and its message: from it, the messages of others are known.
    neighbour: (u64, DataHeader),
    scratch: Vec<u8>,
    /// What was rebuilt last, until it is known whether it was refused.
    rebuilt: Option<Rebuilt>,
    /// Groups that end before this have been looked at: what they lack is given up, unless
    /// another group of it goes on.
    settled: u64,
    /// All packets before this have been given up already.
    given_up: u64,
}

/// A packet in the scratch buffer.
#[derive(Debug)]
struct Rebuilt {
    offset: u64,
    header: DataHeader,
    /// The group it completed.
    group: Group,
}

/// What became of a FEC packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FecFate {
    /// It was added to its group.
    Taken,
    /// Its group is over, complete, or has it already.
    Needless,
    /// It does not belong to any group of this filter, or is no FEC packet at all.
    Bad,
}

impl Decoder {
    /// For packets from index `first` on, of at most `room_bytes` each.
    #[must_use]
    pub fn new(filter: &PacketFilter, first: u64, room_bytes: usize) -> Self {
        let geometry = Geometry::new(filter);
        let matrix = geometry.matrix_packets();
        let matrices = WINDOW_MATRICES.max(MIN_WINDOW_PACKETS.div_ceil(matrix));
        let window_packets = matrices * matrix;
        // The window need not begin with a group, so it may touch one more.
        let row_places = window_packets / geometry.columns() + 1;
        let column_places = matrices + 1;
        let used = |has: bool, places: u64| if has { places } else { 0 };
        let columns = column_places * geometry.columns();
        Self {
            first,
            room_bytes,
            seen: Seen::new(window_packets),
            rows: Sums::new(used(geometry.has_rows, row_places)),
            row_places,
            columns: Sums::new(used(geometry.has_columns, columns)),
            column_places,
            touched: [None; 2],
            neighbour: (first, nobody()),
            scratch: Vec::with_capacity(room_bytes),
            rebuilt: None,
            settled: 0,
            given_up: 0,
            geometry,
        }
    }

    /// Whether a receive buffer of so many packets has any use for a decoder: what cannot wait
    /// for the end of its groups is not rebuilt in time, and a peer that gets hardly any room
    /// is not to have ours in this way.
    #[must_use]
    pub fn is_of_use(filter: &PacketFilter, receive_capacity_packets: usize) -> bool {
        let matrix = Geometry::new(filter).matrix_packets();
        receive_capacity_packets as u64 >= matrix.max(MIN_WINDOW_PACKETS)
    }

    /// A data packet came, its payload as it was on the wire. What it makes possible is to be
    /// taken from [`Self::rebuild`].
    pub fn on_data(&mut self, index: u64, header: &DataHeader, payload: &[u8]) {
        let Some(offset) = index.checked_sub(self.first) else {
            return;
        };
        if payload.len() > self.room_bytes || self.is_known(offset) {
            return;
        }
        self.neighbour = (index, *header);
        self.seen.insert(offset);
        self.touched = [None; 2];
        let groups = self.geometry.groups_of(offset);
        for (group, place) in groups.zip(0..) {
            self.add(&group, header, payload);
            self.touched[place] = Some(group);
        }
    }

    /// A FEC packet came; `end` is the index behind the newest packet that the receiver knows
    /// of. What it makes possible is to be taken from [`Self::rebuild`].
    pub fn on_fec(&mut self, header: &DataHeader, payload: &[u8], end: u64) -> FecFate {
        let Some((group, body)) = self.read(header, payload, end) else {
            return FecFate::Bad;
        };
        self.seen.extend_to(group.last() + 1);
        let room_bytes = self.room_bytes;
        let Some(sum) = self.sum_mut(&group) else {
            return FecFate::Needless;
        };
        if sum.has_fec || sum.packets == group.length {
            return FecFate::Needless;
        }
        sum.has_fec = true;
        let stamp = header.timestamp.as_micros();
        sum.clip.add_clipped(body.length, body.flags, stamp);
        sum.clip.add_payload(body.payload, room_bytes);
        self.touched = [Some(group), None];
        FecFate::Taken
    }

    /// The next packet that can be rebuilt by now, until there is none. It counts as come,
    /// and helps to rebuild others, unless it is refused before the next is asked for.
    pub fn rebuild(&mut self) -> Option<(DataHeader, &[u8])> {
        self.keep_rebuilt();
        let rebuilt = loop {
            let group = self.touched.iter_mut().find_map(Option::take)?;
            if let Some(rebuilt) = self.rebuild_in(&group) {
                break rebuilt;
            }
        };
        let header = rebuilt.header;
        self.rebuilt = Some(rebuilt);
        Some((header, &self.scratch))
    }

    /// What was rebuilt last is not what was sent: a packet of its group was forged, or
    /// changed on the way. It stays missing.
    pub fn refuse(&mut self) {
        self.rebuilt = None;
    }

    fn keep_rebuilt(&mut self) {
        let Some(rebuilt) = self.rebuilt.take() else {
            return;
        };
        let payload = core::mem::take(&mut self.scratch);
        self.seen.insert(rebuilt.offset);
        for group in self.geometry.groups_of(rebuilt.offset) {
            self.add(&group, &rebuilt.header, &payload);
            if group != rebuilt.group
                && let Some(place) = self.touched.iter_mut().find(|place| place.is_none())
            {
                *place = Some(group);
            }
        }
        self.scratch = payload;
    }

    /// Tells `give_up` about packets that can no longer be rebuilt, in runs: something came
    /// from behind the FEC packets of all their groups. Says how many they are.
    ///
    /// `end` is the index behind the newest packet that the receiver knows of: it cannot ask
    /// for more, so what FEC packets alone tell of is given up when it has found that missing.
    pub fn settle(&mut self, end: u64, mut give_up: impl FnMut(u64, u64)) -> u64 {
        // Nothing is known yet of what comes behind the newest packet itself.
        let newest = self.seen.end().saturating_sub(1);
        let newest = newest.min(end.saturating_sub(self.first)).max(self.settled);
        let hopeless = (HOPELESS_ROWS * self.geometry.columns()).max(MIN_WINDOW_PACKETS);
        if newest.saturating_sub(self.settled) > hopeless || self.settled < self.seen.begin() {
            return self.settle_at_once(newest, &mut give_up);
        }
        let mut lost = 0;
        while self.settled < newest {
            let last = self.settled;
            self.settled += 1;
            let row = Some(self.geometry.row_of(last));
            for group in row.into_iter().chain(self.geometry.column_of(last)) {
                if group.last() == last {
                    lost += self.settle_group(&group, last, &mut give_up);
                }
            }
        }
        lost
    }

    /// A gap too long to be rebuilt: whatever is missing up to its end is given up in one run,
    /// however long that is.
    fn settle_at_once(&mut self, newest: u64, give_up: &mut impl FnMut(u64, u64)) -> u64 {
        let oldest_open = self.settled.saturating_sub(self.geometry.matrix_packets());
        let open = oldest_open.max(self.given_up);
        if newest <= open {
            return 0;
        }
        let is_open = |offset: &u64| {
            !self.is_known(*offset) && self.geometry.settled_after(*offset) >= self.settled
        };
        let before = (open..self.settled).filter(is_open).count() as u64;
        let lost = before + self.seen.missing(self.settled, newest);
        give_up(self.first + open, self.first + newest - 1);
        self.settled = newest;
        self.given_up = newest;
        lost
    }

    /// `group` is over with `now`: what is missing of it is lost unless the other group it is
    /// in goes on.
    fn settle_group(&self, group: &Group, now: u64, give_up: &mut impl FnMut(u64, u64)) -> u64 {
        let mut lost = 0;
        let mut run: Option<(u64, u64)> = None;
        for offset in group
            .packets()
            .filter(|offset| self.is_lost(group, *offset, now))
        {
            lost += 1;
            let index = self.first + offset;
            run = match run {
                Some((first, last)) if last + 1 == index => Some((first, index)),
                Some((first, last)) => {
                    give_up(first, last);
                    Some((index, index))
                }
                None => Some((index, index)),
            };
        }
        if let Some((first, last)) = run {
            give_up(first, last);
        }
        lost
    }

    fn is_lost(&self, group: &Group, offset: u64, now: u64) -> bool {
        // Where a row and a column end with the same packet, it is the row that tells.
        let is_told = group.line != Line::Row && self.geometry.row_of(offset).last() == now;
        let is_open = offset >= self.given_up && !self.is_known(offset);
        is_open && !is_told && self.geometry.settled_after(offset) == now
    }

    /// Seen, rebuilt, or so old that it does not matter.
    fn is_known(&self, offset: u64) -> bool {
        offset < self.seen.begin() || self.seen.contains(offset)
    }

    fn read<'a>(
        &self,
        header: &DataHeader,
        payload: &'a [u8],
        end: u64,
    ) -> Option<(Group, FecBody<'a>)> {
        let body = FecBody::parse(payload)?;
        let index = header.sequence.unwrap_near(end);
        let offset = index.checked_sub(self.first)?;
        let is_absurd = index >= end + self.geometry.matrix_packets() + MAX_AHEAD_PACKETS;
        if is_absurd || body.payload.len() > self.room_bytes {
            return None;
        }
        let mut groups = self.geometry.groups_of(offset);
        let group = groups.find(|group| group.line == body.line)?;
        (group.last() == offset).then_some((group, body))
    }

    fn add(&mut self, group: &Group, header: &DataHeader, payload: &[u8]) {
        let room_bytes = self.room_bytes;
        if let Some(sum) = self.sum_mut(group) {
            sum.packets += 1;
            sum.clip.add(header, payload, room_bytes);
        }
    }

    /// Writes the one packet `group` lacks into the scratch buffer.
    fn rebuild_in(&mut self, group: &Group) -> Option<Rebuilt> {
        let place = self.place(group);
        let sum = match group.line {
            Line::Row => self.rows.get(place, group),
            Line::Column(_) => self.columns.get(place, group),
        }?;
        if !sum.has_fec || sum.packets + 1 != group.length || group.first < self.seen.begin() {
            return None;
        }
        let offset = group
            .packets()
            .find(|offset| !self.seen.contains(*offset))?;
        let clip = &sum.clip;
        let length = usize::from(clip.length);
        let (payload, filling) = clip.payload().split_at_checked(length)?;
        // A packet that was changed on the way shows here: what it was filled up with is zero.
        if payload.is_empty() || filling.iter().any(|byte| *byte != 0) {
            return None;
        }
        let (known, neighbour) = self.neighbour;
        let index = self.first + offset;
        let header = DataHeader {
            sequence: SequenceNumber::from_index(index),
            boundary: Boundary::Solo,
            in_order: neighbour.in_order,
            key: clip.key()?,
            retransmitted: true,
            message: neighbour
                .message
                .plus_messages(index.cast_signed() - known.cast_signed()),
            timestamp: Timestamp::new(clip.timestamp),
            destination: neighbour.destination,
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(payload);
        Some(Rebuilt {
            offset,
            header,
            group: *group,
        })
    }

    /// Where a group's sum is; a group that began before the window has none.
    fn sum_mut(&mut self, group: &Group) -> Option<&mut Sum> {
        if group.first < self.seen.begin() {
            return None;
        }
        let place = self.place(group);
        match group.line {
            Line::Row => self.rows.take(place, group),
            Line::Column(_) => self.columns.take(place, group),
        }
    }

    fn place(&self, group: &Group) -> u64 {
        match group.line {
            Line::Row => group.first / self.geometry.columns() % self.row_places,
            Line::Column(column) => {
                let turn = group.first / self.geometry.matrix_packets();
                u64::from(column) * self.column_places + turn % self.column_places
            }
        }
    }
}

/// Before anything came.
const fn nobody() -> DataHeader {
    DataHeader::live(
        SequenceNumber::new(0),
        MessageNumber::FIRST,
        Timestamp::new(0),
        crate::wire::SocketId::LISTENER,
    )
}
