use super::news::News;
use crate::recv::{Arrival, MAX_JUMP_PACKETS, PlayoutLevel, ReceiveBuffer, Received, Skipped};
use crate::room::Room;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// One stream out of several legs: every packet once, in order, as soon as any leg has
/// brought it and everything before it.
#[derive(Debug)]
pub(crate) struct Merge {
    buffer: ReceiveBuffer,
    ready: VecDeque<Received>,
    /// The first packet that waits behind a gap.
    first_waiting: Option<u64>,
    playout: PlayoutLevel,
    skipped: Skipped,
    dropped_before: u32,
    room: Room,
    latency: Duration,
    too_late_drop: bool,
    news: News,
}

/// What became of a packet from a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merged {
    /// It is the first of its number.
    Fresh {
        /// Packets found missing on every leg so far.
        missing: u64,
        /// Packets given up because it came from beyond the buffer.
        dropped: u64,
    },
    /// Another leg was faster.
    Duplicate,
    /// It had been given up.
    Belated,
    /// The buffer has no room.
    NoRoom,
    /// No pause of the sender explains such a number, or other legs know better.
    OutOfRange,
}

impl Merge {
    pub(crate) fn new(first: u64, room: Room, latency: Duration, too_late_drop: bool) -> Self {
        Self {
            buffer: ReceiveBuffer::new(first),
            ready: VecDeque::new(),
            first_waiting: None,
            playout: PlayoutLevel::default(),
            skipped: Skipped::default(),
            dropped_before: 0,
            room,
            latency,
            too_late_drop,
            news: News::default(),
        }
    }

    /// What waits behind a gap; its beginning is what is needed next.
    pub(crate) const fn buffer(&self) -> &ReceiveBuffer {
        &self.buffer
    }

    pub(crate) const fn latency(&self) -> Duration {
        self.latency
    }

    /// Whether a packet is further ahead than there is room: then the sender has moved on.
    pub(crate) fn is_beyond(&self, index: u64) -> bool {
        index.saturating_sub(self.buffer.next()) >= self.room.packets() as u64
    }

    /// Takes what a leg received.
    pub(crate) fn take(&mut self, now: Instant, packet: Received) -> Merged {
        let (index, next) = (packet.sequence, self.buffer.next());
        if index < next {
            return if self.skipped.contains(index) {
                Merged::Belated
            } else {
                Merged::Duplicate
            };
        }
        if self.buffer.get(index).is_some() {
            return Merged::Duplicate;
        }
        if index - next >= MAX_JUMP_PACKETS {
            return Merged::OutOfRange;
        }
        self.room.on_packet(now);
        let is_beyond = self.is_beyond(index);
        let held = self.ready.len() + self.buffer.waiting();
        if held >= self.room.packets() || is_beyond && self.buffer.waiting() > 0 {
            return Merged::NoRoom;
        }
        self.news.came.push(index);
        let missing = index.saturating_sub(self.buffer.end());
        let dropped = if is_beyond { self.skip_to(index) } else { 0 };
        let arrival = Arrival {
            payload: Some(packet.payload),
            arrived: packet.arrived,
            due: packet.origin + self.latency,
        };
        self.place(now, index, arrival);
        Merged::Fresh { missing, dropped }
    }

    fn place(&mut self, now: Instant, index: u64, arrival: Arrival) {
        if index != self.buffer.next() {
            self.buffer.insert(index, arrival);
            self.first_waiting = self.first_waiting.into_iter().chain([index]).min();
            return;
        }
        self.buffer.pass();
        self.hand_over(now, index, arrival);
        self.hand_over_waiting(now);
    }

    fn hand_over_waiting(&mut self, now: Instant) {
        while let Some((index, arrival)) = self.buffer.pop() {
            self.hand_over(now, index, arrival);
        }
        let next = self.buffer.next();
        if self.first_waiting.is_some_and(|first| first < next) {
            let is_here = |index: &u64| self.buffer.get(*index).is_some();
            self.first_waiting = (next..self.buffer.end()).find(is_here);
        }
    }

    fn hand_over(&mut self, now: Instant, sequence: u64, arrival: Arrival) {
        let Arrival {
            payload,
            arrived,
            due,
        } = arrival;
        let payload = payload.unwrap_or_default();
        self.playout.add(now, due, payload.len());
        self.ready.push_back(Received {
            payload,
            arrived,
            due,
            origin: due - self.latency,
            sequence,
            dropped_before: core::mem::take(&mut self.dropped_before),
        });
    }

    /// Gives up everything before `index`, which no leg has brought; how many packets.
    fn skip_to(&mut self, index: u64) -> u64 {
        let first = self.buffer.next();
        self.skipped.add(first, index - 1);
        self.news.given_up.push((first, index - 1));
        self.buffer.skip_to(index);
        let lost = index - first;
        let count = u32::try_from(lost).unwrap_or(u32::MAX);
        self.dropped_before = self.dropped_before.saturating_add(count);
        lost
    }

    /// Skips gaps whose first packet behind them is due; how many packets that lost.
    pub(crate) fn drop_late(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while self.skip_due_at().is_some_and(|due| due <= now) {
            lost += self.skip_first_gap(now);
        }
        lost
    }

    /// No leg is left that could bring anything: hands over all there is.
    pub(crate) fn flush(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while self.first_waiting.is_some() {
            lost += self.skip_first_gap(now);
        }
        lost
    }

    fn skip_first_gap(&mut self, now: Instant) -> u64 {
        let Some(first) = self.first_waiting else {
            return 0;
        };
        let lost = self.skip_to(first);
        self.hand_over_waiting(now);
        lost
    }

    /// When the first gap is skipped unless a leg fills it.
    pub(crate) fn skip_due_at(&self) -> Option<Instant> {
        let first = self.first_waiting.filter(|_| self.too_late_drop)?;
        Some(self.buffer.get(first)?.due)
    }

    /// What changed since this was last asked for, in lists to be given back.
    pub(crate) fn take_news(&mut self) -> News {
        core::mem::take(&mut self.news)
    }

    /// Gives the lists back, so that they need not be allocated again.
    pub(crate) fn give_back(&mut self, mut lists: News) {
        lists.clear();
        self.news = lists;
    }

    /// The next payload in order.
    pub(crate) fn pop(&mut self) -> Option<Received> {
        self.ready.pop_front()
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Packets, bytes and time between now and the newest packet's play-out, and the room
    /// that is left in packets.
    pub(crate) fn level(&mut self, now: Instant) -> (u64, u64, Duration, u64) {
        let (packets, bytes, span) = self.playout.level(now);
        let room = self.room.packets().saturating_sub(self.ready.len());
        let waiting = self.buffer.waiting() as u64;
        let waiting_bytes = self.buffer.waiting_bytes() as u64;
        (packets + waiting, bytes + waiting_bytes, span, room as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const FIRST: u64 = 1 << 31;
    const LATENCY: Duration = Duration::from_millis(100);

    fn merge() -> Merge {
        Merge::new(FIRST, Room::fixed(64), LATENCY, true)
    }

    fn packet(number: u64) -> Received {
        let origin = Instant::from_millis(1000 + number);
        Received {
            payload: Bytes::copy_from_slice(&number.to_be_bytes()),
            arrived: origin,
            due: origin + LATENCY,
            origin,
            sequence: FIRST + number,
            dropped_before: 0,
        }
    }

    fn give(merge: &mut Merge, number: u64) -> Merged {
        merge.take(Instant::from_millis(1000), packet(number))
    }

    fn taken(merge: &mut Merge) -> Vec<(u64, u32)> {
        core::iter::from_fn(|| merge.pop())
            .map(|it| (it.sequence - FIRST, it.dropped_before))
            .collect()
    }

    #[test]
    fn a_packet_passes_with_the_first_leg_that_has_it() {
        let mut merge = merge();
        let fresh = |missing| Merged::Fresh {
            missing,
            dropped: 0,
        };
        assert_eq!(give(&mut merge, 0), fresh(0));
        assert_eq!(give(&mut merge, 0), Merged::Duplicate);
        assert_eq!(give(&mut merge, 3), fresh(2));
        assert_eq!(give(&mut merge, 3), Merged::Duplicate);
        assert_eq!(taken(&mut merge), [(0, 0)]);
        assert_eq!(give(&mut merge, 1), fresh(0));
        assert_eq!(taken(&mut merge), [(1, 0)]);
        assert_eq!(give(&mut merge, 2), fresh(0));
        assert_eq!(taken(&mut merge), [(2, 0), (3, 0)]);
    }

    #[test]
    fn a_gap_is_skipped_when_what_is_behind_it_is_due_and_not_before() {
        let mut merge = merge();
        for number in [0, 5, 9] {
            give(&mut merge, number);
        }
        assert_eq!(merge.skip_due_at(), Some(packet(5).due));
        assert_eq!(merge.drop_late(packet(5).due - Duration::from_micros(1)), 0);
        assert_eq!(merge.drop_late(packet(5).due), 4);
        assert_eq!(taken(&mut merge), [(0, 0), (5, 4)]);
        assert_eq!(give(&mut merge, 2), Merged::Belated);
        assert_eq!(merge.flush(packet(5).due), 3);
        assert_eq!(taken(&mut merge), [(9, 3)]);
        assert_eq!(merge.skip_due_at(), None);
    }

    #[test]
    fn what_comes_from_beyond_the_buffer_is_taken_only_when_nothing_waits() {
        let mut merge = merge();
        give(&mut merge, 1);
        assert_eq!(give(&mut merge, 200), Merged::NoRoom);
        give(&mut merge, 0);
        taken(&mut merge);
        let fresh = Merged::Fresh {
            missing: 198,
            dropped: 198,
        };
        assert_eq!(give(&mut merge, 200), fresh);
        assert_eq!(taken(&mut merge), [(200, 198)]);
    }

    #[test]
    fn a_leg_with_numbers_from_elsewhere_does_not_carry_the_stream_away() {
        let mut merge = merge();
        give(&mut merge, 0);
        assert_eq!(give(&mut merge, 1 + MAX_JUMP_PACKETS), Merged::OutOfRange);
        let fresh = Merged::Fresh {
            missing: 0,
            dropped: 0,
        };
        assert_eq!(give(&mut merge, 1), fresh);
    }

    #[test]
    fn the_legs_are_told_what_came_and_what_was_given_up() {
        let mut merge = merge();
        for number in [0, 3, 0] {
            give(&mut merge, number);
        }
        merge.drop_late(packet(3).due);
        let news = merge.take_news();
        assert_eq!(news.came, [FIRST, FIRST + 3]);
        assert_eq!(news.given_up, [(FIRST + 1, FIRST + 2)]);
        merge.give_back(news);
        assert!(merge.take_news().came.is_empty());
    }

    #[test]
    fn nobody_taking_anything_does_not_make_it_grow() {
        let mut merge = merge();
        let fates: Vec<_> = (0..100).map(|number| give(&mut merge, number)).collect();
        assert_eq!(fates[63..65], [fates[0], Merged::NoRoom]);
        assert_eq!(taken(&mut merge).len(), 64);
    }
}
