//! The sending half of a connection: what is buffered, what is lost, what leaves when.

mod budget;
mod buffer;
mod copies;
mod copying;
mod figures;
mod full_lists;
mod heard;
mod last_chance;
mod loss;
mod loss_share;
mod pacer;
mod patience;
mod reordering;
mod reports;
mod settings;
mod shared;
mod unheard;
mod waiting;

pub(crate) use buffer::{Removed, Slot};
pub(crate) use pacer::HEADER_BYTES;
pub use pacer::MaxBandwidth;
pub(crate) use settings::SenderSettings;

use crate::crypto::KeyGeneration;
use crate::recv::Rtt;
use crate::room::Room;
use budget::ResendBudget;
use buffer::SendBuffer;
use bytes::Bytes;
use copies::{Copies, Occasion};
use full_lists::FullLists;
use heard::Heard;
use last_chance::LastChance;
use loss::LossList;
use loss_share::LossShare;
use pacer::Pacer;
use patience::Patience;
use tidegate_units::{Duration, Instant};
use waiting::Waiting;

/// Every sixteenth packet is followed by the next at once, so that the receiver can
/// estimate the link's capacity from the pair's spacing.
const PROBE_INTERVAL: u64 = 16;
/// Added to the blind retransmission timer, as libsrt does.
const BLIND_RESEND_SLACK: Duration = Duration::from_millis(10);
/// The blind timer never counts further than this many unanswered rounds.
const MAX_BLIND_ROUNDS: u32 = 16;
/// Retransmissions that may be owed to a good past: all of a full send buffer at once.
const RESEND_RESERVE_PACKETS: u64 = 8192;
/// The same for copies: after an outage the first repetitions matter more.
const COPY_RESERVE_PACKETS: u64 = 256;

/// What an acknowledgement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckOutcome {
    Advanced,
    Repeated,
    OutOfRange,
}

/// A packet that may leave now, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was never sent.
    New(u64),
    /// The peer misses it.
    Repeat(u64),
    /// It was just repeated, for the last time that can be in time.
    Copy(u64),
}

impl Turn {
    pub(crate) const fn index(self) -> u64 {
        match self {
            Self::New(index) | Self::Repeat(index) | Self::Copy(index) => index,
        }
    }
}

/// Retransmissions that the budget held back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    /// Repetitions that had to wait for it, each counted once.
    pub(crate) repeats: u64,
    /// Copies that were not sent.
    pub(crate) copies: u64,
}

/// The sending half.
#[derive(Debug)]
pub(crate) struct Sender {
    buffer: SendBuffer,
    /// It has been handed everything from here on.
    began: u64,
    /// The peer has everything before this.
    acknowledged: u64,
    losses: LossList,
    copies: Copies,
    full_lists: FullLists,
    last_chance: LastChance,
    pacer: Pacer,
    budget: ResendBudget,
    copy_budget: ResendBudget,
    copies_are_wanted: bool,
    refusals: Refusals,
    /// How many packets may be in flight (libsrt's flow window; it may go below zero).
    window: i64,
    next_message: u64,
    drop_after: Option<Duration>,
    originals_first: bool,
    peer_repeats_naks: bool,
    blind_rounds: u32,
    last_progress: Instant,
    /// What was repeated more recently than this cannot be known to the peer's reports.
    quiet: Duration,
    rtt: Rtt,
    heard: Heard,
    /// Of everything before this something was heard, or it was given up.
    unheard: u64,
    loss_share: LossShare,
    patience: Patience,
    /// The peer rebuilds packets, and they arrive sooner than their repetition for that reason.
    is_filtered: bool,
    waiting: Waiting,
    /// The last new packet was the first of a probing pair.
    probing: bool,
}

impl Sender {
    pub(crate) fn new(now: Instant, settings: &SenderSettings) -> Self {
        let room = if settings.capacity_grows {
            Room::growing(now, settings.capacity_packets, settings.held_for)
        } else {
            Room::fixed(settings.capacity_packets)
        };
        Self {
            buffer: SendBuffer::new(settings.first, room),
            began: settings.first,
            acknowledged: settings.first,
            losses: LossList::default(),
            copies: Copies::default(),
            full_lists: FullLists::default(),
            last_chance: LastChance::new(settings.peer_latency),
            pacer: Pacer::new(settings.max_bandwidth),
            budget: ResendBudget::new(settings.max_resend_percent, RESEND_RESERVE_PACKETS),
            copy_budget: ResendBudget::new(settings.max_duplicate_percent, COPY_RESERVE_PACKETS),
            copies_are_wanted: settings.max_duplicate_percent > 0,
            refusals: Refusals::default(),
            window: i64::from(settings.window_packets),
            next_message: settings.first_message,
            drop_after: settings.drop_after,
            originals_first: settings.originals_first,
            peer_repeats_naks: settings.peer_repeats_naks,
            blind_rounds: 0,
            last_progress: now,
            quiet: Duration::ZERO,
            rtt: Rtt::default(),
            heard: Heard::default(),
            unheard: settings.first,
            loss_share: LossShare::default(),
            patience: Patience::default(),
            is_filtered: false,
            waiting: Waiting::default(),
            probing: false,
        }
    }

    /// Takes a payload for sending; gives it back when the buffer is full.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        payload: Bytes,
        origin: Instant,
        key: Option<KeyGeneration>,
    ) -> Result<(), Bytes> {
        self.push_submitted(now, now, payload, origin, key)
    }

    /// The packet that may leave now, if any.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Turn> {
        if self.pacer.next_slot() > now && !(self.probing && self.may_send_new()) {
            return None;
        }
        self.believe_late_reports(now);
        self.plan_unheard(now);
        let new = self.may_send_new();
        let new = new.then(|| Turn::New(self.buffer.next_new()));
        if self.originals_first && new.is_some() {
            return new;
        }
        // A packet that was never sent cannot be lost: the list holds sent ones only.
        let repeat = self.next_loss().map(Turn::Repeat);
        repeat.or(new).or_else(|| self.next_copy(now))
    }

    /// The packet of this turn left.
    pub(crate) fn on_sent(&mut self, now: Instant, turn: Turn, rtt: &Rtt) {
        self.rtt = *rtt;
        match turn {
            Turn::New(index) => self.on_new(now, index),
            Turn::Repeat(index) => {
                self.losses.pop();
                self.budget.on_resent();
                self.plan_copy(now, index, rtt);
            }
            Turn::Copy(_) => {
                if self.copies.pop() != Some(Occasion::LastRepeat) {
                    self.copy_budget.on_resent();
                }
                self.budget.on_resent();
            }
        }
        if let Some(slot) = self.buffer.slot_mut(turn.index()) {
            slot.transmissions = slot.transmissions.saturating_add(1);
            if slot.transmissions == 2 {
                slot.first_repeat = now;
            }
            slot.last_sent = now;
            slot.lost &= matches!(turn, Turn::Copy(_));
            self.pacer.on_sent(now, slot.payload.len());
        }
    }

    fn on_new(&mut self, now: Instant, index: u64) {
        self.buffer.advance_new();
        self.budget.on_new();
        self.copy_budget.on_new();
        self.patience.on_new();
        self.loss_share.on_new();
        self.probing = index.is_multiple_of(PROBE_INTERVAL);
        if self.peer_repeats_naks || index == self.buffer.first() {
            self.last_progress = now;
            self.blind_rounds = 0;
        }
    }

    /// A packet that is none of the sender's left: it takes its time all the same.
    pub(crate) fn on_extra_sent(&mut self, now: Instant, payload_bytes: usize) {
        self.pacer.on_sent(now, payload_bytes);
        self.is_filtered = true;
    }

    pub(crate) fn slot(&self, index: u64) -> Option<&Slot> {
        self.buffer.slot(index)
    }

    /// Whether `index` was never sent.
    pub(crate) fn is_new(&self, index: u64) -> bool {
        index >= self.buffer.next_new()
    }

    /// The peer has everything before `index`. A full acknowledgement also says how many
    /// packets it has room for.
    pub(crate) fn on_ack(
        &mut self,
        now: Instant,
        index: u64,
        available: Option<u32>,
    ) -> (AckOutcome, Removed) {
        if index > self.buffer.next_new() {
            return (AckOutcome::OutOfRange, Removed::default());
        }
        self.acknowledged = self.acknowledged.max(index);
        self.heard.note(now);
        self.judge_before(now, index);
        let removed = self.buffer.release_before(index);
        match available {
            Some(packets) => self.window = i64::from(packets),
            None => self.window -= removed.packets.cast_signed(),
        }
        if removed.packets == 0 {
            return (AckOutcome::Repeated, removed);
        }
        self.last_progress = now;
        self.blind_rounds = 0;
        (AckOutcome::Advanced, removed)
    }

    /// Gives up what is too late to be of use to the peer.
    pub(crate) fn drop_late(&mut self, now: Instant) -> Removed {
        let Some(age) = self.drop_after else {
            return Removed::default();
        };
        let removed = self.buffer.release_older(now, age);
        self.window += removed.packets.cast_signed();
        removed
    }

    /// Repeats what nobody can report as lost, because nothing was sent behind it: the
    /// newest packet, from whose arrival the peer learns of the others; or everything
    /// unacknowledged, if the peer does not repeat its loss reports.
    pub(crate) fn resend_blindly(&mut self, now: Instant, timeout: Duration) {
        if self
            .blind_deadline(timeout)
            .is_none_or(|deadline| deadline > now)
        {
            return;
        }
        self.blind_rounds = (self.blind_rounds + 1).min(MAX_BLIND_ROUNDS);
        self.last_progress = now;
        self.budget.on_blind_round();
        let end = self.buffer.next_new();
        let from = if self.peer_repeats_naks {
            end - 1
        } else {
            self.buffer.first()
        };
        for index in from..end {
            let Some(slot) = self.buffer.slot_mut(index) else {
                break;
            };
            if !core::mem::replace(&mut slot.lost, true) {
                self.losses.push(index);
            }
        }
    }

    fn blind_deadline(&self, timeout: Duration) -> Option<Instant> {
        let will_send = self.may_send_new() || self.losses.len() > 0 && self.budget.allows();
        if self.in_flight() == 0 || will_send {
            return None;
        }
        Some(self.last_progress + timeout * (self.blind_rounds + 1) + BLIND_RESEND_SLACK)
    }

    /// When [`Self::next`], [`Self::drop_late`] or [`Self::resend_blindly`] has work.
    pub(crate) fn wake_at(&mut self, blind_timeout: Duration) -> Instant {
        let never = Instant::FAR_FUTURE;
        if self.is_drained() {
            return never;
        }
        let copy = self.copies.peek(self.buffer.first());
        let copy = copy.map_or(never, |(at, ..)| at);
        let unheard = self.unheard_at().unwrap_or(never);
        let mut wanted = copy.min(unheard).min(self.waiting.next_at());
        if self.may_send_new() || self.next_loss().is_some() {
            wanted = Instant::ZERO;
        }
        let drop = match (self.drop_after, self.buffer.oldest_submitted()) {
            (Some(age), Some(submitted)) => submitted + age,
            _ => never,
        };
        let blind = self.blind_deadline(blind_timeout).unwrap_or(never);
        wanted.max(self.pacer.next_slot()).min(drop).min(blind)
    }

    /// The oldest loss, if it may be repeated.
    fn next_loss(&mut self) -> Option<u64> {
        let oldest = self.losses.peek(self.buffer.first())?;
        if self.budget.allows() {
            return Some(oldest);
        }
        let slot = self.buffer.slot_mut(oldest)?;
        if !core::mem::replace(&mut slot.held_back, true) {
            self.refusals.repeats += 1;
        }
        None
    }

    pub(crate) const fn refusals(&self) -> Refusals {
        self.refusals
    }

    fn may_send_new(&self) -> bool {
        self.buffer.has_new() && (self.in_flight().cast_signed()) < self.window
    }

    /// Packets sent and not acknowledged.
    pub(crate) fn in_flight(&self) -> u64 {
        self.buffer.next_new() - self.buffer.first()
    }

    /// The first index never sent.
    pub(crate) const fn next_new(&self) -> u64 {
        self.buffer.next_new()
    }

    /// The oldest index that may still be retransmitted.
    pub(crate) const fn first(&self) -> u64 {
        self.buffer.first()
    }

    /// Whether the buffer has room for another packet.
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.has_room()
    }

    /// Whether everything handed over was acknowledged or given up.
    pub(crate) fn is_drained(&self) -> bool {
        self.buffer.packets() == 0
    }
}

#[cfg(test)]
mod tests;
