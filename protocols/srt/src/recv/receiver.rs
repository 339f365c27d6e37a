use super::ack::{AckKind, Acknowledger};
use super::arrived::{Arrived, Fate};
use super::buffer::{Arrival, ReceiveBuffer};
use super::cadence::Cadence;
use super::chunk::PayloadMemory;
use super::holes::Holes;
use super::jitter::Jitter;
use super::playout::PlayoutLevel;
use super::rate::{LinkRate, Rates};
use super::received::Received;
use super::reordering::Reordering;
use super::rtt::Rtt;
use super::settings::{ReceiverSettings, Reporting};
use super::skipped::Skipped;
use super::tolerance::ReorderTolerance;
use super::tsbpd::Tsbpd;
use crate::crypto::{ConnectionCrypto, CryptoError};
use crate::room::Room;
use crate::send::HEADER_BYTES;
use crate::slack::give_back;
use crate::wire::{DataHeader, DataKey, SequenceNumber};
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::Instant;

mod figures;
mod leg;
mod skipping;

/// A sender that pauses may resume this far ahead; anything further is not believed.
pub(crate) const MAX_JUMP_PACKETS: u64 = 1 << 20;
/// The least room ever announced, as libsrt does: zero would stop the sender for good.
const MIN_AVAILABLE_PACKETS: usize = 2;

/// The receiving half.
#[derive(Debug)]
pub(crate) struct Receiver {
    buffer: ReceiveBuffer,
    holes: Holes,
    pub(crate) acks: Acknowledger,
    pub(crate) tsbpd: Tsbpd,
    tolerance: ReorderTolerance,
    reordering: Reordering,
    link: LinkRate,
    memory: PayloadMemory,
    playout: PlayoutLevel,
    jitter: Jitter,
    skipped: Skipped,
    ready: VecDeque<Received>,
    dropped_before: u32,
    room: Room,
    too_late_drop: bool,
    repeat_reports: bool,
    reporting: Reporting,
    announced_full: bool,
    /// Set on a leg of a group: what the group needs next.
    group_next: Option<u64>,
    /// Gaps before this have been compared with what the group has.
    compared: u64,
    /// Every packet of the group is to come over this leg, and not only while another rests.
    carries_all: bool,
    /// Data came over this leg of a group.
    has_carried: bool,
}

impl Receiver {
    pub(crate) fn new(settings: &ReceiverSettings) -> Self {
        let (arrived, timestamp) = settings.handshake;
        let room = if settings.capacity_grows {
            Room::growing(arrived, settings.capacity_packets, settings.latency)
        } else {
            Room::fixed(settings.capacity_packets)
        };
        Self {
            buffer: ReceiveBuffer::new(settings.first),
            holes: Holes::default(),
            acks: Acknowledger::new(settings.first, settings.first_ack_number),
            tsbpd: Tsbpd::new(arrived, timestamp, settings.latency, settings.trace_drift),
            tolerance: ReorderTolerance::new(settings.reorder_tolerance_packets),
            reordering: Reordering::new(settings.several_paths),
            link: LinkRate::default(),
            memory: PayloadMemory::default(),
            playout: PlayoutLevel::default(),
            jitter: Jitter::default(),
            skipped: Skipped::default(),
            ready: VecDeque::new(),
            dropped_before: 0,
            room,
            too_late_drop: settings.too_late_drop,
            repeat_reports: settings.repeat_reports,
            reporting: settings.reporting,
            announced_full: false,
            group_next: None,
            compared: settings.first,
            carries_all: false,
            has_carried: false,
        }
    }

    /// A data packet came; `crypto` decrypts its payload on the way into its place.
    pub(crate) fn on_data(
        &mut self,
        now: Instant,
        header: &DataHeader,
        payload: &[u8],
        rtt: &Rtt,
        crypto: Option<&mut ConnectionCrypto>,
    ) -> Arrived {
        let index = self.index_of(header.sequence);
        if self.room.on_packet(now) {
            self.acks.plan(now);
        }
        let wire_bytes = payload.len() as u64 + HEADER_BYTES;
        self.link
            .on_arrival(now, index, wire_bytes, header.retransmitted);
        if !header.retransmitted {
            self.jitter.add(now, header.timestamp);
        }
        self.take(now, index, header, payload, rtt, crypto)
    }

    /// A data packet that got lost was rebuilt from others.
    pub(crate) fn on_rebuilt(
        &mut self,
        now: Instant,
        header: &DataHeader,
        payload: &[u8],
        rtt: &Rtt,
        crypto: Option<&mut ConnectionCrypto>,
    ) -> Arrived {
        let index = self.index_of(header.sequence);
        let is_news = index >= self.buffer.end();
        let mut arrived = self.take(now, index, header, payload, rtt, crypto);
        if is_news && arrived.fate == Fate::Unique {
            arrived.missing += 1;
        }
        arrived
    }

    /// The index of a packet that comes now.
    pub(crate) fn index_of(&self, sequence: SequenceNumber) -> u64 {
        // A leg may have been idle for long.
        let near = self.buffer.end().max(self.group_next.unwrap_or(0));
        sequence.unwrap_near(near)
    }

    /// Nobody will rebuild `first..=last`: what is missing of it is to be reported.
    pub(crate) fn ask_for(&mut self, now: Instant, first: u64, last: u64, rtt: &Rtt) {
        let learned = self.reordering.wait(rtt, self.tsbpd.latency());
        self.holes.release(first, last, now + learned);
    }

    fn take(
        &mut self,
        now: Instant,
        index: u64,
        header: &DataHeader,
        payload: &[u8],
        rtt: &Rtt,
        crypto: Option<&mut ConnectionCrypto>,
    ) -> Arrived {
        let mut arrived = Arrived {
            fate: Fate::Unique,
            missing: 0,
            reordered_by: 0,
            dropped: 0,
        };
        arrived.missing = self.pass_over_what_the_group_has(index);
        if let Err(fate) = self.admit(now, index, header) {
            arrived.fate = fate;
            if self.is_news_for_the_group(index)
                && let Ok(payload) = self.open(now, header, payload, crypto)
            {
                self.contribute(now, index, header.timestamp, payload);
            }
            return arrived;
        }
        let is_proof = crypto.as_ref().is_some_and(|crypto| crypto.is_proof());
        let payload = self.open(now, header, payload, crypto).ok();
        if payload.is_none() && is_proof {
            // It may be anybody's, whyever it does not open: the true one is still to come.
            arrived.fate = Fate::NotAuthentic;
            return arrived;
        }
        if payload.is_none() {
            arrived.fate = Fate::Undecryptable;
        }
        self.pass_over_a_gap(index, &mut arrived);
        self.note_order(now, index, header, rtt, &mut arrived);
        let mut arrival = Arrival {
            payload,
            arrived: now,
            due: self.tsbpd.due(now, header.timestamp),
        };
        if self.group_next.is_some()
            && let Some(payload) = arrival.payload.take()
        {
            // The group puts it in order; here its place is enough.
            self.contribute(now, index, header.timestamp, payload);
        }
        self.place(now, index, arrival);
        self.acks.on_packet(now, self.buffer.next());
        arrived
    }

    fn open(
        &mut self,
        now: Instant,
        header: &DataHeader,
        payload: &[u8],
        crypto: Option<&mut ConnectionCrypto>,
    ) -> Result<Bytes, CryptoError> {
        if header.key == DataKey::Clear {
            return Ok(self.memory.copy(now, payload));
        }
        let crypto = crypto.ok_or(CryptoError::UnknownKey)?;
        let tag_bytes = crypto.mode().tag_bytes();
        let plain_bytes = payload.len().checked_sub(tag_bytes);
        let plain_bytes = plain_bytes.ok_or(CryptoError::Length)?;
        self.memory
            .open(now, plain_bytes, |out| crypto.open(header, payload, out))
    }

    /// Whether the packet is wanted and has a place.
    fn admit(&self, now: Instant, index: u64, header: &DataHeader) -> Result<(), Fate> {
        let next = self.buffer.next();
        if index < next {
            let belated = self.skipped.contains(index);
            let late = now.saturating_since(self.tsbpd.due(now, header.timestamp));
            return Err(if belated {
                Fate::Belated(late)
            } else {
                Fate::Duplicate
            });
        }
        if self.buffer.get(index).is_some() {
            return Err(Fate::Duplicate);
        }
        if index - next >= MAX_JUMP_PACKETS {
            return Err(Fate::OutOfRange);
        }
        if self.ready.len() + self.buffer.waiting() >= self.room.packets() {
            return Err(Fate::NoRoom);
        }
        if index - next >= self.room.packets() as u64 && self.buffer.waiting() > 0 {
            return Err(Fate::NoRoom);
        }
        Ok(())
    }

    /// Finds the gap before a new packet, or closes the one an old packet fills.
    fn note_order(
        &mut self,
        now: Instant,
        index: u64,
        header: &DataHeader,
        rtt: &Rtt,
        arrived: &mut Arrived,
    ) {
        let end = self.buffer.end();
        if index < end {
            let missing = self.holes.fill(now, index);
            if !header.retransmitted {
                arrived.reordered_by = end - 1 - index;
                self.tolerance.on_reordered(arrived.reordered_by);
                self.reordering.on_reordered(missing.unwrap_or_default());
            }
            return;
        }
        if index > end {
            arrived.missing += index - end;
            let learned = self.reordering.wait(rtt, self.tsbpd.latency());
            let report_at = self.tolerance.on_gap(now, end, index, rtt.smoothed());
            let skipped_at = self.tsbpd.due(now, header.timestamp);
            let last_moment = Cadence::new(rtt, self.tsbpd.latency()).last_moment(skipped_at);
            let report_at = report_at.max(now + learned);
            self.push_gap(now, (end, index - 1), report_at, last_moment);
        } else {
            self.tolerance.on_ordered();
            self.reordering.on_ordered();
        }
        while let Some((first, last)) = self.tolerance.pop_ripe(index) {
            if self.reporting == Reporting::AtOnce {
                self.holes.report_soon(first, last, now);
            }
        }
    }

    /// Packets are missing behind everything known: to be reported then, or when a packet
    /// filter gives them up, at the last moment otherwise, or never.
    fn push_gap(
        &mut self,
        now: Instant,
        (first, last): (u64, u64),
        report_at: Instant,
        last_moment: Instant,
    ) {
        let last_moment = match self.reporting {
            Reporting::AtOnce => return self.holes.push(now, first, last, Some(report_at)),
            Reporting::WhenGivenUp if last_moment > now => last_moment,
            // Where there is no time to ask, the filter is all there is.
            Reporting::WhenGivenUp | Reporting::Never => Instant::FAR_FUTURE,
        };
        self.holes.hold(now, first, last, last_moment);
    }

    fn place(&mut self, now: Instant, index: u64, arrival: Arrival) {
        if index != self.buffer.next() {
            self.buffer.insert(index, arrival);
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
    }

    fn hand_over(&mut self, now: Instant, sequence: u64, arrival: Arrival) {
        let Some(payload) = arrival.payload else {
            self.dropped_before = self.dropped_before.saturating_add(1);
            return;
        };
        let Arrival { arrived, due, .. } = arrival;
        self.playout.add(now, due, payload.len());
        let origin = due - self.tsbpd.latency();
        let dropped_before = core::mem::take(&mut self.dropped_before);
        let received = Received {
            payload,
            arrived,
            due,
            origin,
            sequence,
            dropped_before,
        };
        self.ready.push_back(received);
    }

    /// The next payload in order.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Received> {
        let received = self.ready.pop_front()?;
        give_back(&mut self.ready);
        if self.announced_full && self.ready.len() < self.room.packets() / 2 {
            self.announced_full = false;
            self.acks.plan(now);
        }
        Some(received)
    }

    /// Whether something waits behind a gap.
    pub(crate) const fn has_gap(&self) -> bool {
        self.buffer.waiting() > 0
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// When there is something to report as lost.
    pub(crate) const fn report_at(&self) -> Instant {
        self.holes.next_report()
    }

    /// Hands all runs to be reported now to `write`, until that says that it is full.
    pub(crate) fn report(&mut self, now: Instant, rtt: &Rtt, write: impl FnMut(u64, u64) -> bool) {
        let cadence = if self.repeat_reports {
            Cadence::new(rtt, self.tsbpd.latency())
        } else {
            Cadence::once()
        };
        let behind = |last: u64| self.buffer.get(last + 1).filter(|_| self.too_late_drop);
        let skipped_at = |last: u64| behind(last).map(|arrival| arrival.due);
        self.holes.report(now, cadence, skipped_at, write);
    }

    /// The acknowledgement to be sent now, if any.
    pub(crate) fn ack_due(&self, now: Instant) -> Option<AckKind> {
        self.acks.due(now)
    }

    /// The index behind the newest packet that is here or known to be missing.
    pub(crate) fn end(&self) -> u64 {
        self.buffer.end()
    }

    /// Everything before this index is here or was given up.
    pub(crate) const fn next(&self) -> u64 {
        self.buffer.next()
    }

    /// Room for packets, as acknowledgements announce it.
    pub(crate) fn available_packets(&mut self) -> u32 {
        let available = self.room.packets().saturating_sub(self.ready.len());
        self.announced_full = available <= self.room.packets() / 4;
        u32::try_from(available.max(MIN_AVAILABLE_PACKETS)).unwrap_or(u32::MAX)
    }

    /// Places for waiting packets that memory is taken for.
    #[cfg(test)]
    pub(crate) fn places_in_memory(&self) -> usize {
        self.buffer.places_in_memory()
    }

    pub(crate) fn rates(&mut self) -> Rates {
        self.link.rates()
    }

    /// When [`Self::drop_late`], a report or an acknowledgement has work.
    pub(crate) fn wake_at(&self) -> Instant {
        let skip = self.skip_due_at().unwrap_or(Instant::FAR_FUTURE);
        skip.min(self.report_at()).min(self.acks.due_at())
    }
}
